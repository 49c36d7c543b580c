"""Values that every row of a part has, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import literal_column

from mappers.shared import shared
from mappers.spelled import spelling
from mappers.sql import ALWAYS, NEVER, Alternative, Condition
from mappers.terms import Mode, Term, Text, Token, Uri
from mappers.value import Columns, Question, Read, Value
from terminology.folding import fold_characters


class Fixed(Value):
    """A value that every row of the part has; conditions on it fold to true or false before any SQL."""

    takes: tuple[type[Term], ...] = (Token, Text, Uri)

    def __init__(self, value: Any, fhir_type: str = "") -> None:
        self.value, self.fhir_type = value, fhir_type
        self.folds = frozenset(code for _, code in codings(value))
        self.of_systems = frozenset(system or "" for system, _ in codings(value))

    def reader(self, columns: Columns) -> Read:
        return spelling("value = $fixed", fixed=shared(self.value))

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, Token):
            return [ALWAYS if any(is_asked(term, *c) for c in codings(self.value)) else NEVER]
        return [self.told(term, q) if isinstance(term, Text) else NEVER]

    def told(self, term: Text, q: Question) -> Condition:
        """Whether the value's text is as asked, decided when the statement runs (none is made for each)."""
        texts = _strings(self.value)
        if not texts:
            return NEVER
        return q.bind(term, lambda t: int(any(says(text, t) for text in texts))) == literal_column("1")

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        return [ALWAYS if any(says(t, term) for t in _texts(self.value)) else NEVER]

    def present(self) -> Condition:
        return ALWAYS

    def is_said_by(self, told: Any) -> bool:
        """Whether what is told says this, in its code, or in its words where it has none."""
        mine = set(codings(self.value))
        if mine:
            return not mine.isdisjoint(codings(told))
        items = told if isinstance(told, list) else [told]
        return any(_strings(item) == _strings(self.value) for item in items)


def concept(system: str, code: str, display: str | None = None, text: str | None = None) -> dict[str, Any]:
    """A CodeableConcept with one coding, to be used in `Fixed`."""
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding], **({"text": text} if text else {})}


def codings(value: Any) -> Iterator[tuple[str | None, str]]:
    """(system, code) of everything in a code, boolean, Coding, CodeableConcept or Identifier."""
    if isinstance(value, bool):
        yield None, "true" if value else "false"
    elif isinstance(value, str):
        yield None, value
    elif isinstance(value, list):
        for item in value:
            yield from codings(item)
    elif isinstance(value, dict) and "coding" in value:
        yield from codings(value["coding"])
    elif isinstance(value, dict) and ("code" in value or "value" in value):
        yield value.get("system"), str(value.get("code") or value.get("value"))


def _strings(value: Any) -> tuple[str, ...]:
    """What a string parameter looks at: a text itself, or the text of a concept."""
    found = value.get("text") if isinstance(value, dict) else value
    return (found,) if isinstance(found, str) else ()


def says(text: str, term: Text) -> bool:
    """Whether a text is as a string search asks: without case and accents, unless exactly."""
    if term.mode is Mode.EXACT:
        return text in (term.nfc, term.nfd)
    plain, wanted = fold_characters(text), fold_characters(term.nfc)
    return wanted in plain if term.mode is Mode.CONTAINS else plain.startswith(wanted)


def _texts(value: Any) -> Iterator[str]:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, dict):
            yield from (item[k] for k in ("text", "display") if k in item)
            yield from _texts(item.get("coding", []))


def is_asked(term: Token, system: str | None, code: str) -> bool:
    """Whether one system|code is what the token asks for (the parser takes away a bare code's own system)."""
    if term.system is not None and term.system != (system or ""):
        return False
    return term.code is None or term.code == code
