"""Codings, and concepts made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Integer, String, case, func, literal

from mappers.spelled import spelling
from mappers.sql import (
    ALWAYS,
    NEVER,
    Alternative,
    Condition,
    any_of,
    exact,
    filled,
    negate,
    one_of,
    trimmed,
    word,
    wrapped_list,
)
from mappers.terms import Term, Text, Token
from mappers.value import (
    Cells,
    Column,
    Columns,
    Question,
    Read,
    Row,
    Value,
    Writing,
    cell,
    folds_of,
    systems_of,
    together,
)
from mappers.values.codes import Memo, codes_of, sources
from mappers.values.fixed import codings, is_asked, says
from mappers.values.text import Str, clean, text_condition, text_reader, whole_number
from terminology.code_map import CodeMap


class Coding(Value):
    """Something that yields codings of a concept; also a Coding element by itself."""

    fhir_type = "Coding"
    takes: tuple[type[Term], ...] = (Token,)


class Coded(Coding):
    """One coding from a code column under a fixed system; `display` from another column."""

    folds: frozenset[str] | None = frozenset()

    def __init__(self, system: str, code: Column, display: Column | None = None) -> None:
        self.system, self.code, self.display = system, code, display
        self.of_systems = frozenset({system})

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
        if isinstance(self.code.type, Integer):
            return [q.near(self.code == q.bind(term, lambda t: whole_number(t.code)))]
        return [q.near(trimmed(self.code) == exact(q.bind(term, lambda t: t.code)))]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        return [] if self.display is None else [q.near(text_condition(self.display, term, q))]

    def present(self) -> Condition:
        return filled(self.code)

    def sort_key(self) -> Column:
        return self.code

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return {self.code: None}
        fits = isinstance(said, dict) and said.get("system") == self.system and said.get("code")
        return cell(self.code, said["code"]) if fits else None


class MappedCoding(Coding):
    """One coding from a column of local words, by a code map. Only rows of the map that were verified against
    a packaged code system are sent; the local word has its own `Coded` beside it.
    """

    def __init__(self, column: Column, code_map: CodeMap, *, otherwise: Any = None) -> None:
        self.column, self.map, self.otherwise = column, code_map, otherwise
        self.folds = codes_of(code_map) | {code for _, code in codings(otherwise)}
        self.of_systems = frozenset(e.system for e in code_map.entries if e.coding())
        self.of_systems |= {system or "" for system, _ in codings(otherwise)}

    def reader(self, columns: Columns) -> Read:
        return spelling(f"value = $known[row[{columns.at(self.column)}]]", known=Memo(self._translate))

    def _translate(self, stored: Any) -> Any:
        entry = self.map.to_fhir(str(stored)) if stored is not None else None
        return entry.coding() if entry else self.otherwise

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if term.system == "":
            return [NEVER]
        found = one_of(word(self.column), sources(self.map, term.system, term.code))
        fallback = any(is_asked(term, *c) for c in codings(self.otherwise)) if self.otherwise else False
        return [q.near(any_of(found, negate(self._mapped()))) if fallback else q.near(found)]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        sent = [e for e in self.map.entries if e.coding()]
        if term.folded:
            return [q.near(one_of(word(self.column), [e.source for e in sent if says(e.display, term)]))]
        shown = case(*((_plain(self.column) == e.source.lower(), literal(e.display, String())) for e in sent))
        return [q.near(text_condition(shown, term, q))]

    def _mapped(self) -> Condition:
        return one_of(word(self.column), sources(self.map))

    def present(self) -> Condition:
        return ALWAYS if self.otherwise else self._mapped()

    def sort_key(self) -> Column:
        return self.column

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return {self.column: None}
        named = isinstance(said, dict) and said.get("system") and said.get("code")
        found = self.map.sources_of(said["system"], said["code"]) if named else ()
        return {self.column: found[0]} if found else None


def _plain(column: Column) -> Column:
    """A column's words without case, and without a collation that would rule what is made of them."""
    return func.lower(func.trim(column))


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
        return lambda row: self._parse(told) if (told := clean(row[place])) else None

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

    def kinds(self, system: str | None) -> list[str]:
        """The words that stand for a system (for any of them if None); '' where none has to."""
        kinds = [e.source for e in self.systems.entries if system in (None, e.system)]
        return [*kinds, ""] if self.default and system in (None, self.default) else kinds

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        kinds = self.kinds(term.system) if term.system != "" else []
        return [q.near(self.holds(q.bind(term, _listed(kinds))))] if kinds else [NEVER]

    def holds(self, pattern: Any) -> Condition:
        """An item of the list fits a pattern."""
        return wrapped_list(self.column, ";").regexp_match(pattern)

    def present(self) -> Condition:
        return self.holds(_item(self.kinds(None), ANY_CODE))

    def sort_key(self) -> Column:
        return self.column


ANY_CODE = "[^;: ]*[^;:. ]"
NO_CODE = "(?!)"


def _listed(kinds: Sequence[str]) -> Callable[[Token], str]:
    """The pattern that finds a token's code, under one of the prefixes, in a wrapped list."""

    def pattern(term: Token) -> str:
        if term.code is None:
            return _item(kinds, ANY_CODE)
        whole = re.fullmatch(ANY_CODE, term.code) is not None
        return _item(kinds, f"(?-i:{re.escape(term.code)})" if whole else NO_CODE)

    return pattern


def begun(kinds: Sequence[str], term: Text) -> str:
    """The pattern that finds a code that begins with the text, whatever its case."""
    text = term.nfc.rstrip(".")
    dots = "[.]" * (len(term.nfc) - len(text))
    whole = text and re.fullmatch(ANY_CODE, text)
    more = f"(?:{ANY_CODE})" if dots else f"(?:{ANY_CODE})?"
    return _item(kinds, f"(?i:{re.escape(text)}){dots}{more}" if whole else NO_CODE)


def _item(kinds: Sequence[str], code: str) -> str:
    """The pattern of an item of a wrapped list: a prefix in any case, blanks, a code, stray dots."""
    fronts = "|".join(rf"{re.escape(kind)}\s*:" if kind else ":?" for kind in kinds)
    return rf";\s*(?i:{fronts})\s*{code}[.]*\s*;"


class Concept(Value):
    """A CodeableConcept of codings (each kind yields one, several or none) and a text.

    Without `text`, the first display is the text; a string is compared with the text alone.
    https://hl7.org/fhir/R4/datatypes.html#CodeableConcept
    """

    takes: tuple[type[Term], ...] = (Token, Text)
    fhir_type = "CodeableConcept"

    def __init__(self, *codings: Value, text: Value | Column | None = None) -> None:
        self.codings = codings
        self.text = text if isinstance(text, Value) or text is None else Str(text)
        self.folds, self.of_systems = folds_of(codings), systems_of(codings)
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
        if not isinstance(term, Text):
            return [a for c in self.codings for a in c.matches(term, q)]
        if self.text is None:
            return [a for c in self.codings for a in c.matches_text(term, q)]
        return self.text.matches(term, q) if Text in self.text.takes else [NEVER]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        found = [a for c in self.codings for a in c.matches_text(term, q)]
        return found + (self.matches(term, q) if self.text else [])

    def present(self) -> Condition:
        kinds: Sequence[Value] = (*self.codings, self.text) if self.text else self.codings
        return any_of(*(k.present() for k in kinds))

    def sort_key(self) -> Column | None:
        return self.codings[0].sort_key() if self.codings else (self.text.sort_key() if self.text else None)

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return together(v.written(None, w) for v in (*self.codings, self.text) if v)
        if not isinstance(said, dict):
            return None
        sent = said.get("coding") or []
        found = [c for v in self.codings for one in sent if (c := v.written(one, w)) is not None]
        text = self.text.written(self._words(said), w) if self.text else None
        blank = self.written(None, w)
        return together((*found, text, blank)) if found or text else None

    @staticmethod
    def _words(said: dict[str, Any]) -> Any:
        """What a person reads of it: its text, or else the first display or code."""
        codings = said.get("coding") or []
        shown = (c.get(key) for key in ("display", "code") for c in codings)
        return said.get("text") or next((s for s in shown if s), None)
