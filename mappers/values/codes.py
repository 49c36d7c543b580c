"""Kinds of plain codes: words by a code map, booleans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.spelled import spelling
from mappers.sql import ALWAYS, NEVER, Alternative, Condition, any_of, negate, one_of, plain, word
from mappers.terms import Term, Token
from mappers.value import Cells, Column, Columns, Question, Read, Row, Value, Writing
from terminology.code_map import CodeMap


class Code(Value):
    """A FHIR code from a column of words, by a code map; words it doesn't know are `otherwise`, or nothing.

    A code is never invented: `otherwise` is a code that says "unknown" in its own system.
    """

    takes: tuple[type[Term], ...] = (Token,)
    fhir_type = "Code"

    def __init__(self, column: Column, code_map: CodeMap, otherwise: str | None = None) -> None:
        self.column, self.map, self.otherwise = column, code_map, otherwise
        self.folds = codes_of(code_map) | ({otherwise} if otherwise else set())
        self.of_systems = frozenset(e.system for e in code_map.entries if e.coding())

    def reader(self, columns: Columns) -> Read:
        return spelling(f"value = $known[row[{columns.at(self.column)}]]", known=Memo(self._translate))

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

    def written(self, said: Any, w: Writing) -> Cells | None:
        found = self.map.sources_of(None, said) if isinstance(said, str) else ()
        return {self.column: found[0]} if found else {self.column: None} if said is None else None


def sources(code_map: CodeMap, system: str | None = None, code: str | None = None) -> list[str]:
    """The source words of a map that are sent, of one system or code if given."""
    return [
        e.source
        for e in code_map.entries
        if e.coding() and system in (None, e.system) and code in (None, e.code)
    ]


def codes_of(code_map: CodeMap) -> frozenset[str]:
    return frozenset(e.code for e in code_map.entries if e.coding())


class Memo(dict[Any, Any]):
    """What `translate` says, remembered for as many stored words as a code column honestly has."""

    def __init__(self, translate: Callable[[Any], Any], limit: int = 4096) -> None:
        super().__init__()
        self._translate, self._limit = translate, limit

    def __missing__(self, stored: Any) -> Any:
        found = self._translate(stored)
        if len(self) < self._limit:
            self[stored] = found
        return found


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

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return {self.column: None}
        return {self.column: int(said is not self.inverted)} if isinstance(said, bool) else None


class Given(Value):
    """Whether a value is there and isn't false: what `deceased.exists() and deceased != false` asks.

    Something can always be said of it, and nothing is said of it in the resource.
    """

    takes: tuple[type[Term], ...] = (Token,)
    fhir_type = "Boolean"

    folds: frozenset[str] | None = frozenset(("true", "false"))

    def __init__(self, value: Value) -> None:
        self.value, self.joins = value, value.joins

    def reader(self, columns: Columns) -> Read:
        raise NotImplementedError("it is only searched")

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if term.code not in ("true", "false") or term.system:
            return [NEVER]
        true = [plain(a) for a in self.value.matches(Token(None, "true"), q)]
        return [any_of(*true) if term.code == "true" else negate(any_of(*true))]

    def present(self) -> Condition:
        return ALWAYS
