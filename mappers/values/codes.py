"""Kinds of codes: fixed values, enumerated words, codings, concepts, booleans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mappers.sql import (
    ALWAYS,
    NEVER,
    Alternative,
    Condition,
    all_of,
    any_of,
    exact,
    filled,
    negate,
    one_of,
    plain,
    word,
    wrapped_list,
)
from mappers.terms import Mode, Term, Text, Token, Uri
from mappers.value import Column, Columns, Question, Read, Row, Value, folds_of
from mappers.values.text import clean, text_condition, text_reader
from terminology.code_map import CodeMap
from terminology.folding import fold_characters


class Fixed(Value):
    """A value that every row of the part has; conditions on it fold to true or false before any SQL."""

    takes: tuple[type[Term], ...] = (Token, Text, Uri)

    def __init__(self, value: Any, fhir_type: str = "") -> None:
        self.value, self.fhir_type = value, fhir_type
        self.folds = frozenset(code for _, code in codings(value))

    def reader(self, columns: Columns) -> Read:
        value = self.value
        return lambda row: value

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, Token):
            return [ALWAYS if any(_is(term, *c) for c in codings(self.value)) else NEVER]
        return [NEVER]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        wanted = fold_characters(term.nfc)
        found = any(fold_characters(t).startswith(wanted) for t in _texts(self.value))
        return [ALWAYS if found else NEVER]

    def present(self) -> Condition:
        return ALWAYS


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


def _texts(value: Any) -> Iterator[str]:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, dict):
            yield from (item[k] for k in ("text", "display") if k in item)
            yield from _texts(item.get("coding", []))


def _is(term: Token, system: str | None, code: str) -> bool:
    """Whether one system|code is what the token asks for (the parser takes away a bare code's own system)."""
    if term.system is not None and term.system != (system or ""):
        return False
    return term.code is None or term.code == code


class Code(Value):
    """A FHIR code from a column of words, by a code map; words it doesn't know are `otherwise`, or nothing.

    A code is never invented: `otherwise` is a code that says "unknown" in its own system.
    """

    takes: tuple[type[Term], ...] = (Token,)
    fhir_type = "Code"

    def __init__(self, column: Column, code_map: CodeMap, otherwise: str | None = None) -> None:
        self.column, self.map, self.otherwise = column, code_map, otherwise
        self.folds = _codes(code_map) | ({otherwise} if otherwise else set())

    def reader(self, columns: Columns) -> Read:
        place, translate = columns.at(self.column), _memo(self._translate)
        return lambda row: translate(row[place])

    def _translate(self, stored: Any) -> str | None:
        entry = self.map.to_fhir(str(stored)) if stored is not None else None
        return entry.code if entry else self.otherwise

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        system = term.system or None
        known = one_of(word(self.column), sources(self.map))
        if not sources(self.map, system):
            return [NEVER]
        if term.code is None:
            return [q.near(self.present())]
        found = one_of(word(self.column), self.map.sources_of(system, term.code))
        if term.code == self.otherwise:
            return [any_of(q.near(found), negate(q.near(known)))]
        return [q.near(found)]

    def present(self) -> Condition:
        return ALWAYS if self.otherwise else one_of(word(self.column), sources(self.map))

    def sort_key(self) -> Column:
        return self.column


def sources(code_map: CodeMap, system: str | None = None, code: str | None = None) -> list[str]:
    """The source words of a map that are sent, of one system or code if given."""
    return [
        e.source
        for e in code_map.entries
        if e.coding() and system in (None, e.system) and code in (None, e.code)
    ]


def _codes(code_map: CodeMap) -> frozenset[str]:
    return frozenset(e.code for e in code_map.entries if e.coding())


def _memo(translate: Callable[[Any], Any], limit: int = 4096) -> Callable[[Any], Any]:
    """`translate`, remembered for as many stored words as a code column honestly has."""
    known: dict[Any, Any] = {}

    def remembered(stored: Any) -> Any:
        try:
            return known[stored]
        except KeyError:
            found = translate(stored)
            if len(known) < limit:
                known[stored] = found
            return found

    return remembered


class Bool(Value):
    """A boolean from a flag column; NULL is absent unless `null` says what it counts as."""

    takes: tuple[type[Term], ...] = (Token,)
    fhir_type = "Boolean"

    folds: frozenset[str] | None = frozenset(("true", "false"))

    def __init__(self, column: Column, *, inverted: bool = False, null: bool | None = None) -> None:
        self.column, self.inverted, self.null = column, inverted, null

    def reader(self, columns: Columns) -> Read:
        place, inverted, null = columns.at(self.column), self.inverted, self.null

        def read(row: Row) -> Any:
            flag = row[place]
            if flag is None:
                return null
            return (str(flag) not in ("0", "")) is not inverted

        return read

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if term.code not in ("true", "false") or term.system:
            return [NEVER]
        wanted = term.code == "true"
        found = self.column != 0 if wanted is not self.inverted else self.column == 0
        return [q.near(any_of(found, self.column.is_(None)) if self.null is wanted else found)]

    def present(self) -> Condition:
        return ALWAYS if self.null is not None else self.column.is_not(None)

    def sort_key(self) -> Column:
        return self.column


class Given(Value):
    """A boolean that says whether a value is there (deceasedBoolean of a date that may be none)."""

    takes: tuple[type[Term], ...] = (Token,)
    fhir_type = "Boolean"

    folds: frozenset[str] | None = frozenset(("true", "false"))

    def __init__(self, condition_of: Value) -> None:
        self.value, self.joins = condition_of, condition_of.joins

    def reader(self, columns: Columns) -> Read:
        read = self.value.reader(columns)
        return lambda row: read(row) is not None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if term.code not in ("true", "false"):
            return [NEVER]
        there = q.near(self.value.present())
        return [there if term.code == "true" else negate(there)]

    def present(self) -> Condition:
        return ALWAYS


class Coding(Value):
    """Something that yields codings of a concept; also a Coding element by itself."""

    fhir_type = "Coding"
    takes: tuple[type[Term], ...] = (Token,)


class Coded(Coding):
    """One coding from a code column under a fixed system; `display` from another column.

    `trimmed`: the column is known to hold outer blanks (then no index serves).
    """

    folds: frozenset[str] | None = frozenset()

    def __init__(self, system: str, code: Column, display: Column | None = None) -> None:
        self.system, self.code, self.display = system, code, display

    def reader(self, columns: Columns) -> Read:
        code, system = text_reader(self.code, columns), self.system
        if self.display is None:
            return lambda row: {"system": system, "code": c} if (c := code(row)) else None
        display = text_reader(self.display, columns)

        def read(row: Row) -> Any:
            found = code(row)
            if not found:
                return None
            shown = display(row)
            if shown:
                return {"system": system, "code": found, "display": shown}
            return {"system": system, "code": found}

        return read

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if term.system not in (None, self.system):
            return [NEVER]
        if term.code is None:
            return [q.near(filled(self.code))]
        return [q.near(self.code == exact(q.bind(term, lambda t: t.code)))]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        return [] if self.display is None else [q.near(text_condition(self.display, term, q))]

    def present(self) -> Condition:
        return filled(self.code)

    def sort_key(self) -> Column:
        return self.code


class MappedCoding(Coding):
    """One coding from a column of local words, by a code map. Only rows of the map that were verified against
    a packaged code system are sent; the local word has its own `Coded` beside it.
    """

    def __init__(self, column: Column, code_map: CodeMap, *, otherwise: Any = None) -> None:
        self.column, self.map, self.otherwise = column, code_map, otherwise
        self.folds = _codes(code_map) | {code for _, code in codings(otherwise)}

    def reader(self, columns: Columns) -> Read:
        place, translate = columns.at(self.column), _memo(self._translate)
        return lambda row: translate(row[place])

    def _translate(self, stored: Any) -> Any:
        entry = self.map.to_fhir(str(stored)) if stored is not None else None
        return entry.coding() if entry else self.otherwise

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if term.system == "":
            return [NEVER]
        found = one_of(word(self.column), sources(self.map, term.system, term.code))
        fallback = any(_is(term, *c) for c in codings(self.otherwise)) if self.otherwise else False
        return [q.near(any_of(found, negate(self._mapped()))) if fallback else q.near(found)]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        wanted, inside = fold_characters(term.nfc), term.mode is Mode.CONTAINS
        shown = [(e.source, fold_characters(e.display or "")) for e in self.map.entries if e.coding()]
        found = [s for s, d in shown if (wanted in d if inside else d.startswith(wanted))]
        return [q.near(one_of(word(self.column), found))]

    def _mapped(self) -> Condition:
        return one_of(word(self.column), sources(self.map))

    def present(self) -> Condition:
        return ALWAYS if self.otherwise else self._mapped()

    def sort_key(self) -> Column:
        return self.column


class ListCodings(Value):
    """Codings from a column `TYPE:CODE;TYPE:CODE` (OpenEMR): prefix, blanks and stray dots may be off.

    `systems` translates TYPE; a code without a known TYPE has no coding (its text stays in the concept).
    """

    takes: tuple[type[Term], ...] = (Token,)

    folds: frozenset[str] | None = frozenset()

    def __init__(self, column: Column, systems: CodeMap, default: str | None = None) -> None:
        self.column, self.systems, self.default = column, systems, default

    def reader(self, columns: Columns) -> Read:
        place = columns.at(self.column)
        return lambda row: self._parse(str(row[place])) if row[place] else None

    def _parse(self, stored: str) -> list[dict[str, str]] | None:
        found: dict[tuple[str, str], None] = {}
        for item in stored.split(";"):
            kind, _, code = item.strip().rpartition(":")
            system = self._system(kind.strip())
            code = code.strip().rstrip(".")
            if system and code and " " not in code:
                found[system, code] = None
        return [{"system": s, "code": c} for s, c in found] or None

    def _system(self, kind: str) -> str | None:
        entry = self.systems.entry(kind) if kind else None
        return entry.system if entry else (None if kind else self.default)

    def _kinds(self, system: str | None) -> list[str]:
        kinds = [e.source for e in self.systems.entries if system in (None, e.system)]
        return [*kinds, ""] if self.default and system in (None, self.default) else kinds

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        kinds = self._kinds(term.system) if term.system != "" else []
        if not kinds:
            return [NEVER]
        return [q.near(wrapped_list(self.column, ";").regexp_match(q.bind(term, _listed(kinds))))]

    def present(self) -> Condition:
        return filled(self.column)

    def sort_key(self) -> Column:
        return self.column


def _listed(kinds: Sequence[str]) -> Callable[[Token], str]:
    """The pattern that finds a token's code, under one of the prefixes, in a wrapped list."""
    fronts = "|".join(re.escape(kind) + ":" if kind else "" for kind in kinds)

    def pattern(term: Token) -> str:
        return f"(?i);({fronts}){'[^;:]+' if term.code is None else re.escape(term.code)}[.]?;"

    return pattern


class Concept(Value):
    """A CodeableConcept of codings (each kind yields one, several or none) and a text.

    Without `text`, the first display is the text. https://hl7.org/fhir/R4/datatypes.html#CodeableConcept
    """

    takes: tuple[type[Term], ...] = (Token,)
    fhir_type = "CodeableConcept"

    def __init__(self, *codings: Value, text: Value | Column | None = None) -> None:
        from mappers.values.text import Str

        self.codings = codings
        self.text = text if isinstance(text, Value) or text is None else Str(text)
        self.folds = folds_of(codings)
        self.joins = tuple(j for k in (*codings, self.text) if k is not None for j in k.joins)

    def reader(self, columns: Columns) -> Read:
        return columns.remembering(self._reader)

    def _reader(self, columns: Columns) -> Read:
        reads = [c.reader(columns) for c in self.codings]
        text = self.text.reader(columns) if self.text else None

        def read(row: Row) -> Any:
            found: list[Any] = []
            for each in reads:
                coding = each(row)
                if coding is not None:
                    found.extend(coding) if type(coding) is list else found.append(coding)
            shown = text(row) if text else next((c["display"] for c in found if "display" in c), None)
            if not found:
                return {"text": shown} if shown else None
            return {"coding": found, "text": shown} if shown else {"coding": found}

        return read

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return [a for c in self.codings for a in c.matches(term, q)]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        found = [a for c in self.codings for a in c.matches_text(term, q)]
        return found + (self.text.matches(term, q) if self.text and Text in self.text.takes else [])

    def present(self) -> Condition:
        kinds: Sequence[Value] = (*self.codings, self.text) if self.text else self.codings
        return any_of(*(k.present() for k in kinds))

    def sort_key(self) -> Column | None:
        return self.codings[0].sort_key() if self.codings else (self.text.sort_key() if self.text else None)


class When(Value):
    """A value that is there only for rows that fulfil a condition on their own columns."""

    def __init__(self, condition: Condition, test: Callable[[Columns], Read], value: Value) -> None:
        self.condition, self.test, self.value = condition, test, value
        self.folds = value.folds
        self.takes, self.fhir_type, self.joins = value.takes, value.fhir_type, value.joins

    def reader(self, columns: Columns) -> Read:
        test, read = self.test(columns), self.value.reader(columns)
        return lambda row: read(row) if test(row) else None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return [all_of(q.near(self.condition), plain(a)) for a in self.value.matches(term, q)]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        return [all_of(q.near(self.condition), plain(a)) for a in self.value.matches_text(term, q)]

    def present(self) -> Condition:
        return all_of(self.condition, self.value.present())


def word_is(column: Column, *words: str) -> tuple[Condition, Callable[[Columns], Read]]:
    """The two sides of `When`: the column is one of some words."""
    lowered = frozenset(w.lower() for w in words)

    def test(columns: Columns) -> Read:
        place = columns.at(column)
        return lambda row: (clean(row[place]) or "").lower() in lowered

    return one_of(word(column), words), test


def flag_is(column: Column, wanted: bool) -> tuple[Condition, Callable[[Columns], Read]]:
    """The two sides of `When`: the flag is set (or, if `wanted` is False, isn't)."""

    def test(columns: Columns) -> Read:
        place = columns.at(column)
        return lambda row: (str(row[place] or 0) not in ("0", "")) is wanted

    return (column != 0 if wanted else column == 0), test
