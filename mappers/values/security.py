"""Security labels (meta.security) from a column of local words."""

from __future__ import annotations

from mappers.sql import Alternative, Condition, all_of, any_of, filled, negate, one_of, word
from mappers.terms import Term, Token
from mappers.value import Column, Columns, Question, Read, Value
from mappers.values.codes import sources
from mappers.values.concepts import Coding, MappedCoding
from mappers.values.text import clean
from terminology.code_map import CodeMap


class SecurityLabel(Coding):
    """The label of a row, as a list of one; a word that the map lacks counts as `unknown` (fail closed).

    https://hl7.org/fhir/R4/security-labels.html
    """

    def __init__(self, column: Column, code_map: CodeMap, unknown: str) -> None:
        self.column, self.map = column, code_map
        self.known: Value = MappedCoding(column, code_map)
        self.unknown = next(e.coding() for e in code_map.entries if e.code == unknown)

    def reader(self, columns: Columns) -> Read:
        known, place, unknown = self.known.reader(columns), columns.at(self.column), self.unknown
        return lambda row: [known(row) or unknown] if clean(row[place]) else None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        found = self.known.matches(term, q)
        assert self.unknown is not None
        same = term.code in (None, self.unknown["code"]) and term.system in (None, self.unknown["system"])
        return [*found, q.near(self._other())] if same else found

    def _other(self) -> Condition:
        return all_of(filled(self.column), negate(one_of(word(self.column), sources(self.map))))

    def present(self) -> Condition:
        return any_of(filled(self.column))
