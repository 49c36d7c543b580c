"""What a role may mean: a readable table, which bounds whatever scopes were granted.

`policy.csv` has one row for each role and type (or `@group` of `groups.csv`, or `*`): the permissions
(SMART's letters), the rows, and a search that they must match too (`{user}` is the caller's own resource).

Rows: `all`; `care`, all or by `care_relations.csv`, as ACCESS_MODEL says; `own`, the patient's own;
`consented`, of patients who have consented; `drafts`, all, and those too that are their author's alone.
What the table doesn't name isn't open.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

from terminology import definitions

ROWS = ("all", "care", "own", "consented", "drafts")
COLUMNS = ["role", "resource_type", "permissions", "rows", "query"]
#: labels that a role must be cleared for: https://terminology.hl7.org/CodeSystem/v3-Confidentiality
RESTRICTED = ("R", "V")


class PolicyFault(ValueError):
    """A policy table that can't be used; the text names the row."""


@dataclass(frozen=True)
class Rule:
    """One row, for one type (`*`: every type)."""

    role: str
    resource_type: str
    permissions: frozenset[str]
    rows: str
    query: str = ""


@dataclass(frozen=True)
class Policy:
    """All rules, and the confidentiality labels that roles are cleared for."""

    rules: tuple[Rule, ...]
    clearances: frozenset[tuple[str, str]]

    @property
    def roles(self) -> list[str]:
        """Every role that the table names."""
        return list(dict.fromkeys(r.role for r in self.rules))

    def of(self, roles: Iterable[str], resource_type: str, permission: str) -> Iterator[Rule]:
        """The rules that open a type to someone with these roles."""
        held, kinds = frozenset(roles), ("*", resource_type)
        for rule in self.rules:
            if rule.role in held and rule.resource_type in kinds and permission in rule.permissions:
                yield rule

    def needs_consent(self, roles: Iterable[str]) -> bool:
        """Whether what the roles open hangs on patients' consent."""
        return not self._consented.isdisjoint(roles)

    @cached_property
    def _consented(self) -> frozenset[str]:
        return frozenset(r.role for r in self.rules if r.rows == "consented")

    def withheld(self, role: str) -> tuple[str, ...]:
        """The confidentiality labels whose rows a role does not see."""
        return tuple(label for label in RESTRICTED if (role, label) not in self.clearances)

    def permissions(self, roles: Iterable[str], resource_type: str) -> frozenset[str]:
        """All that the roles may do with a type (`*`: with any type)."""
        held = frozenset(roles)
        kinds = ("*", resource_type)
        found = (r for r in self.rules if r.role in held)
        return frozenset().union(
            *(r.permissions for r in found if resource_type == "*" or r.resource_type in kinds)
        )


@cache
def policy(path: Path | None = None) -> Policy:
    """The hospital's table if a path is given, else ours; raises PolicyFault."""
    text = path.read_text(encoding="utf-8") if path else _own("policy.csv")
    reader = csv.DictReader(text.splitlines())
    if reader.fieldnames != COLUMNS:
        raise PolicyFault(f"the policy's columns are {','.join(COLUMNS)}")
    rules = tuple(rule for number, row in enumerate(reader, 2) for rule in _rules(number, row))
    cleared = csv.DictReader(_own("clearances.csv").splitlines())
    return Policy(rules, frozenset((r["role"], r["confidentiality"]) for r in cleared))


def _own(name: str) -> str:
    return files("smart_auth.access").joinpath(name).read_text(encoding="utf-8")


def _rules(number: int, row: dict[str, str]) -> Iterator[Rule]:
    stated = row["resource_type"]
    types = groups().get(stated[1:], ()) if stated.startswith("@") else (stated,)
    known = all(t == "*" or t in definitions.resource_types() for t in types) and bool(types)
    if not known or row["rows"] not in ROWS or not set(row["permissions"]) <= set("cruds"):
        raise PolicyFault(f"line {number} of the policy: {','.join(str(v) for v in row.values())}")
    for name in types:
        yield Rule(row["role"], name, frozenset(row["permissions"]), row["rows"], row["query"] or "")


@cache
def groups() -> dict[str, tuple[str, ...]]:
    """The types of each group."""
    found: dict[str, list[str]] = {}
    for row in csv.DictReader(_own("groups.csv").splitlines()):
        found.setdefault(row["group"], []).append(row["resource_type"])
    return {name: tuple(types) for name, types in found.items()}


@cache
def care_relations() -> tuple[tuple[str, str], ...]:
    """What makes a patient somebody's: searches of Patient, any of which suffices."""
    return tuple((r["name"], r["value"]) for r in csv.DictReader(_own("care_relations.csv").splitlines()))
