"""Which of the scopes that were asked for somebody can get: no more than their role could ever mean.

Narrower than asked is the rule of SMART, not an error:
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mappers.parse import Parser
from smart_auth.access.policy import Policy
from smart_auth.access.rows import NothingOpenError, Rows
from smart_auth.access.scopes import CONTEXT_SCOPES, Scope, scope

_V1 = {frozenset("rs"): "read", frozenset("cud"): "write", frozenset("cruds"): "*"}


@dataclass(frozen=True)
class Grants:
    """Decides by the policy, and by what the mappings can search."""

    parser: Parser
    policy: Policy

    def to_user(self, roles: frozenset[str], texts: Iterable[str]) -> list[str]:
        """The scopes that a user with these roles can get, narrowed; `system/` ones are for services only."""
        found = [self._of_user(roles, text) for text in texts]
        return list(dict.fromkeys(f for f in found if f))

    def _of_user(self, roles: frozenset[str], text: str) -> str:
        if text in CONTEXT_SCOPES:
            return text
        asked = scope(text)
        if asked is None or asked.level == "system" or not self._searchable(asked):
            return ""
        kept = asked.permissions & self.policy.permissions(roles, asked.resource_type)
        return _spelled(asked, kept) if kept else ""

    def _searchable(self, asked: Scope) -> bool:
        """Whether a scope's query, if it has one, can be a condition on a type that it covers."""
        if not asked.query:
            return True
        types = self.parser.mappings if asked.resource_type == "*" else [asked.resource_type]
        return any(self._finds(name, asked.query) for name in types if name in self.parser.mappings)

    def _finds(self, resource_type: str, query: str) -> bool:
        try:
            Rows(self.parser).searched(resource_type, query)
        except NothingOpenError:
            return False
        return True


def _spelled(asked: Scope, kept: frozenset[str]) -> str:
    """The scope with these permissions, in the version that it was asked in where that can say it."""
    if kept == asked.permissions:
        return asked.text
    head = f"{asked.level}/{asked.resource_type}."
    if asked.text.partition("?")[0].rpartition(".")[2] in _V1.values() and kept in _V1:
        return head + _V1[kept]
    return head + "".join(p for p in "cruds" if p in kept) + (f"?{asked.query}" if asked.query else "")
