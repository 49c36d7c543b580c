"""From a caller to the compiler's access conditions: scopes, bounded by the policy, for every type.

An alternative opens the rows that fulfil all of: the scope's patient and search, the rule's rows and search,
the confidentiality that the role is cleared for. What can't be made a condition opens nothing.
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mappers.mapping import LOGICAL_ID
from mappers.parse import Parser
from mappers.query import Access, AllOf, Condition
from smart_auth.access.caller import Caller
from smart_auth.access.policy import Policy, Rule, groups
from smart_auth.access.rows import NothingOpenError, Rows
from smart_auth.access.scopes import Scope

CARE_TEAM = "care-team"
MODELS = ("all", CARE_TEAM)
_REFERENCE = re.compile(rf"[A-Za-z]+/{LOGICAL_ID.pattern}")
#: what an alternative asks of a row: (kind, text, …); of two alternatives, the one that asks less is kept
Asked = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Opener:
    """Says what a caller may see; `model` is ACCESS_MODEL."""

    parser: Parser
    policy: Policy
    model: str = "all"

    def access(self, caller: Caller, permission: str, consented: tuple[str, ...] = ()) -> Access:
        """The rows of every type that one of SMART's permissions (c r u d s) opens to the caller.

        `consented`: the patients who let this user see their record.
        """
        found: dict[str, tuple[AllOf, ...]] = {}
        for resource_type in self.parser.mappings:
            alternatives = tuple(self._alternatives(caller, resource_type, permission, consented))
            if alternatives:
                found[resource_type] = alternatives
        return Access(found)

    def _alternatives(
        self, caller: Caller, resource_type: str, permission: str, consented: tuple[str, ...]
    ) -> Iterator[AllOf]:
        for asked in _fewest(set(self._asked(caller, resource_type, permission, consented))):
            try:
                yield AllOf(tuple(self._conditions(resource_type, asked)))
            except NothingOpenError:
                continue

    # what is asked of a row, as text

    def _asked(
        self, caller: Caller, resource_type: str, permission: str, consented: tuple[str, ...]
    ) -> Iterator[Asked]:
        for scope in caller.scopes:
            if scope.covers(resource_type, permission):
                for asked in self._by_rules(caller, scope, resource_type, permission, consented):
                    yield asked | _by_scope(caller, scope, asked)

    def _by_rules(
        self,
        caller: Caller,
        scope: Scope,
        resource_type: str,
        permission: str,
        consented: tuple[str, ...],
    ) -> Iterator[Asked]:
        if scope.level == "system":
            if caller.user is None:
                yield frozenset({("released", "")})
            return
        if caller.user is None or (scope.level == "patient" and not caller.patient):
            return
        for rule in self.policy.of(sorted(caller.user.roles), resource_type, permission):
            yield from self._by_rule(caller, rule, consented)

    def _by_rule(self, caller: Caller, rule: Rule, consented: tuple[str, ...]) -> Iterator[Asked]:
        stated = caller.user.fhir_user if caller.user else ""
        user = stated if _REFERENCE.fullmatch(stated) else ""  # in a search, a comma would name two
        base: set[tuple[str, ...]] = {("search", rule.query, user)} if rule.query else set()
        base |= {("released", user)} if rule.rows != "drafts" else set()
        labels = self.policy.withheld(rule.role)
        labelled = {("labels", ",".join(labels), user)} if labels else set()
        match rule.rows:
            case "all" | "drafts":
                yield frozenset(base | labelled)
            case "care":
                care = {("care", user)} if self.model == CARE_TEAM else set()
                yield frozenset(base | labelled | care)
                if caller.emergency and caller.patient:
                    yield frozenset(base | {("patients", caller.patient)})
            case "own" if user.startswith("Patient/"):
                yield frozenset(base | labelled | {("patients", user.removeprefix("Patient/"))})
            case "consented" if consented:
                yield frozenset(base | labelled | {("patients", *consented)})

    # as conditions

    def _conditions(self, resource_type: str, asked: Asked) -> Iterator[Condition]:
        rows = Rows(self.parser)
        for kind, *told in sorted(asked):
            if kind == "patients":
                yield rows.of_patients(resource_type, tuple(told))
            elif kind == "launch":
                yield from self._in_launch(rows, resource_type, told[0])
            elif kind == "care":
                yield rows.in_care(resource_type, told[0])
            elif kind == "search":
                yield rows.searched(resource_type, *told)
            elif kind == "released":
                yield from rows.released_to(resource_type, told[0])
            elif labelled := rows.not_labelled(resource_type, tuple(told[0].split(",")), told[1]):
                yield labelled

    @staticmethod
    def _in_launch(rows: Rows, resource_type: str, patient: str) -> Iterator[Condition]:
        """`patient/` scopes: the patient's own rows, and the directory, which is nobody's."""
        if resource_type not in groups()["directory"]:
            yield rows.of_patients(resource_type, (patient,))


def _by_scope(caller: Caller, scope: Scope, asked: Asked) -> Asked:
    """What the scope asks beyond what its rule does."""
    more: list[tuple[str, ...]] = [("search", scope.query, "")] if scope.query else []
    if scope.level == "patient" and ("patients", caller.patient) not in asked:
        more.append(("launch", caller.patient))
    return frozenset(more)


def _fewest(alternatives: set[Asked]) -> list[Asked]:
    """Without those that ask all that another one asks, and more."""
    return [a for a in sorted(alternatives, key=sorted) if not any(other < a for other in alternatives)]
