"""The invariants of R4's StructureDefinitions, by FHIRPath: https://hl7.org/fhir/R4/fhirpath.html

A rule is compiled when an element first needs it. Most rules only ask which elements are there: their answer
is kept for each set of elements. Those that fhirpathpy can't evaluate, or gets wrong, are in `by_hand`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from mappers.validation import by_hand
from mappers.validation.fhirpath import compiled, without_siblings
from mappers.validation.issues import Issue, Severity
from terminology import definitions
from terminology.definitions import InvariantDefinition

# A rule may take time that grows with the square of what it looks at, so that is bounded; and so is all.
_LARGEST = 20_000
_EVALUATIONS = 20_000

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'")
_NAME = re.compile(r"[A-Za-z]\w*")
_ABOUT_PRESENCE = re.compile(
    r"(?:\w+\.(?:exists|empty)\(\)(?:\.not\(\))?|\b(?:and|or|xor|implies)\b|!=|[=()\s])+"
)
_FLAT = re.compile(r"\w\.\w+(?!\w*\()|\b(?:all|where|select)\(")
_ALWAYS = re.compile(r"%(?!ucum)|\$this|children\(|descendants\(")
_NO_WORDS = {"and", "or", "xor", "implies", "in", "contains", "is", "as", "true", "false", "div", "mod"}


class Frame(NamedTuple):
    """What an expression calls %resource and %rootResource."""

    resource: dict[str, Any]
    root: dict[str, Any]


class Rule:
    """One invariant, ready to ask."""

    def __init__(self, definition: InvariantDefinition, path: str) -> None:
        self.definition, self._path = definition, path
        plain = _QUOTED.sub("", definition.expression)
        self.names = frozenset(_NAME.findall(plain)) - _NO_WORDS
        self._only_presence = _ABOUT_PRESENCE.fullmatch(plain) is not None
        self._is_flat = _FLAT.search(plain) is None
        self._answers: dict[frozenset[str], bool] = {}
        self._hand = by_hand.RULES.get(f"{path} {definition.key}") or by_hand.RULES.get(definition.key)
        self._compiled = None if self._hand else compiled(definition.expression)
        self._passes_absent = not _ALWAYS.search(plain) and bool(self.names) and self._holds_of_nothing()

    @property
    def is_cheap(self) -> bool:
        """Whether asking costs next to nothing whatever the size of the element."""
        return self._only_presence or self._hand is not None

    @property
    def is_linear(self) -> bool:
        """Whether asking takes no more than a look at each child of the element."""
        return self.is_cheap or self._is_flat

    def _holds_of_nothing(self) -> bool:
        try:
            return self._ask({}, Frame({}, {}))
        except Exception:
            return False

    def needs_asking(self, present: frozenset[str]) -> bool:
        """Whether anything is there that the rule speaks of."""
        return not self._passes_absent or not self.names.isdisjoint(present)

    def holds(self, value: Any, present: frozenset[str], frame: Frame) -> bool:
        """Whether the element keeps to the rule; raises what fhirpathpy raises."""
        if not self._only_presence or self._hand:
            return self._ask(value, frame)
        about = self.names & present
        if about not in self._answers:
            self._answers[about] = self._ask(value, frame)
        return self._answers[about]

    def _ask(self, value: Any, frame: Frame) -> bool:
        if self._hand:
            return self._hand(value, frame.resource, frame.root)
        assert self._compiled is not None
        context = {"resource": frame.resource, "rootResource": frame.root}
        found = self._compiled(value, self._path, context)
        # What says nothing breaks a rule, as in HL7's validator, but earns no warning.
        return found[0] is True if found else self.definition.severity == "warning"


@cache
def rules_of(path: str) -> tuple[Rule, ...]:
    """The rules of a type or an element that are told (see invariants.csv for those left out)."""
    return tuple(
        Rule(one, path)
        for one in definitions.invariants(path)
        if by_hand.reasons().get(one.key, ("by hand",))[0] == "by hand"
    )


class Rules:
    """Asks the rules of one validation, and stops asking when that takes too long."""

    def __init__(self) -> None:
        self._left = _EVALUATIONS
        self._told = False
        self.beside = False

    def broken(
        self, path: str, value: Any, present: Mapping[str, str], frame: Frame, expression: str, faulty: bool,
        size: int,
    ) -> Iterator[Issue]:  # fmt: skip
        """An issue for each rule that the element breaks; `faulty` says that it is reported already."""
        rules = rules_of(path)
        if not rules:
            return
        there = frozenset(present)
        for rule in rules:
            if rule.needs_asking(there):
                issue = self._asked(rule, value, there, frame, expression, faulty, size)
                if issue:
                    yield issue

    def _asked(
        self, rule: Rule, value: Any, present: frozenset[str], frame: Frame, expression: str, faulty: bool,
        size: int,
    ) -> Issue | None:  # fmt: skip
        if not self._affords(rule, size):
            return None if self._told else self._too_costly(rule, expression)
        try:
            plain = without_siblings(value) if self.beside and not rule.is_cheap else value
            if rule.holds(plain, present, frame):
                return None
        except Exception:
            if faulty:
                return None
            words = f"{rule.definition.key} could not be checked"
            return Issue("warning", "not-supported", expression, words)
        severity: Severity = "warning" if rule.definition.severity == "warning" else "error"
        return Issue(severity, "invariant", expression, f"{rule.definition.key}: {rule.definition.human}")

    def _affords(self, rule: Rule, size: int) -> bool:
        if rule.is_cheap:
            return True
        self._left -= 1
        return self._left >= 0 and (rule.is_linear or size <= _LARGEST)

    def _too_costly(self, rule: Rule, expression: str) -> Issue:
        """Said once, as an error: what can't be checked isn't called valid."""
        self._told = True
        words = f"too much to check at once, from {rule.definition.key} on; send it in smaller parts"
        return Issue("error", "too-costly", expression, words)
