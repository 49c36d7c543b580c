"""Kinds of values that OpenEMR stores in ways of its own: times with an offset, pipe records."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from mappers.site import Site
from mappers.sql import Alternative, Condition, all_of, any_of, negate
from mappers.terms import Prefix, Range, Term, Text, Token
from mappers.value import Column, Columns, Question, Read, Row
from mappers.values.codes import sources
from mappers.values.concepts import Coding
from mappers.values.fixed import Fixed
from mappers.values.time import Instant
from terminology.code_map import CodeMap

OFFSET = "[+-](0[0-9]|1[0-4])[0-5][0-9]"
_OFFSET = re.compile(OFFSET)


class in_utc(FunctionElement[Any]):
    """A DATETIME column, given a column of `+hhmm` offsets, as UTC."""

    type = NullType()
    inherit_cache = True


@compiles(in_utc)
def _in_utc(element: in_utc, compiler: SQLCompiler, **kw: Any) -> str:
    time, offset = (compiler.process(c, **kw) for c in element.clauses)
    return f"DATETIME({time} || SUBSTR({offset}, 1, 3) || ':' || SUBSTR({offset}, 4, 2))"


@compiles(in_utc, "mysql")
@compiles(in_utc, "mariadb")
def _in_utc_mysql(element: in_utc, compiler: SQLCompiler, **kw: Any) -> str:
    time, offset = (compiler.process(c, **kw) for c in element.clauses)
    return f"CONVERT_TZ({time}, CONCAT(LEFT({offset}, 3), ':', RIGHT({offset}, 2)), '+00:00')"


class _UtcQuestion:
    """A question whose times are meant in UTC."""

    def __init__(self, q: Question) -> None:
        self.site, self.bind = Site("UTC"), q.bind


class Zoned(Instant):
    """A DATETIME whose offset is in a column beside it (`+0900`); without one it is site-local.

    Ordered by the wall clock as stored, whatever the offset.
    """

    def __init__(self, column: Column, offset: Column) -> None:
        super().__init__(column)
        self.offset, self.utc = offset, Instant(in_utc(column, offset))

    def reader(self, columns: Columns) -> Read:
        local, time, offset = super().reader(columns), columns.at(self.column), columns.at(self.offset)

        def read(row: Row) -> Any:
            found, stated = local(row), str(row[offset] or "").strip()
            if found is None or not _OFFSET.fullmatch(stated):
                return found
            return f"{row[time][:10]}T{row[time][11:19]}{stated[:3]}:{stated[3:]}"

        return read

    def within(self, prefix: Prefix, term: Range, q: Question) -> Condition:
        stated = self.offset.regexp_match(f"^{OFFSET}$")
        there, utc = self.present(), self.utc.within(prefix, term, _UtcQuestion(q))  # type: ignore[arg-type]
        return any_of(all_of(negate(stated), super().within(prefix, term, q)), all_of(there, stated, utc))


class PipeOption(Coding):
    """The option in the last of four fields of a pipe record `note|status|date|option`, as a concept.

    An option without a verified code keeps its words. More fields than four are no such record.
    """

    fhir_type = "CodeableConcept"
    takes = (Token, Text)

    def __init__(self, column: Column, code_map: CodeMap) -> None:
        self.column, self.map = column, code_map

    def reader(self, columns: Columns) -> Read:
        place = columns.at(self.column)
        return lambda row: self._concept(str(row[place] or "").split("|"))

    def _concept(self, fields: list[str]) -> Any:
        entry = self.map.entry(fields[3]) if len(fields) == 4 else None
        if entry is None:
            return None
        coding = entry.coding()
        return {**({"coding": [coding]} if coding else {}), "text": entry.display}

    def _ends(self, options: list[str]) -> Condition:
        """The record's fourth field is one of the options."""
        four = all_of(self.column.like("%|%|%|%"), ~self.column.like("%|%|%|%|%"))
        trimmed = func.trim(self.column)
        return all_of(four, any_of(*(trimmed.like(f"%|{option}") for option in options)))

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, Text):
            return self.matches_text(term, q)
        assert isinstance(term, Token)
        return [q.near(self._ends(sources(self.map, term.system, term.code)))]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        found = [all_of(Fixed(e.display).told(term, q), self._ends([e.source])) for e in self.map.entries]
        return [q.near(any_of(*found))]

    def present(self) -> Condition:
        return self._ends(list(self.map.known_sources))
