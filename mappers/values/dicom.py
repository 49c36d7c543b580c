"""Kinds of what DICOM attributes say, as the index of the imaging archive holds them.

https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_6.2
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Any

from mappers.sql import ALWAYS, NEVER, Alternative, Condition, exact, filled
from mappers.terms import Ref, Term, Token
from mappers.value import Column, Columns, Question, Read, Row, Value
from mappers.values.names import together
from mappers.values.text import clean, text_reader
from mappers.values.uris import Patterned

RFC_3986 = "urn:ietf:rfc:3986"
OID = "urn:oid:"
MIDNIGHT = "00:00:00"
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")
_TIME = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,6})?)?)?")


class Uid(Patterned):
    """A UID as the index has it: it is one, and is there."""

    def __init__(self, column: Column) -> None:
        super().__init__(column, "^[0-9.]+$", "Id")

    def present(self) -> Condition:
        return ALWAYS


class UidCoding(Value):
    """A UID that stands for a kind of thing, such as a SOP class, as a Coding of a uri.

    https://hl7.org/fhir/R4/imagingstudy-definitions.html#ImagingStudy.series.instance.sopClass
    """

    takes: tuple[type[Term], ...] = (Token,)
    fhir_type = "Coding"
    folds: frozenset[str] | None = frozenset()
    of_systems = frozenset({RFC_3986})

    def __init__(self, column: Column) -> None:
        self.column = column

    def reader(self, columns: Columns) -> Read:
        uid = text_reader(self.column, columns)
        return lambda row: {"system": RFC_3986, "code": OID + found} if (found := uid(row)) else None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if term.system not in (None, RFC_3986):
            return [NEVER]
        if term.code is None:
            return [q.near(self.present())]
        return [q.near(self.column == exact(q.bind(term, _uid)))]

    def present(self) -> Condition:
        return filled(self.column)


def _uid(term: Any) -> str:
    """The UID that a code names; '-', which is none, for a code that isn't an OID."""
    found: str = term.code
    return found.removeprefix(OID) if found.startswith(OID) else "-"


class DicomMoment(Value):
    """A DA and a TM as a dateTime of the site's zone; without (or with a broken) time the day alone."""

    fhir_type = "DateTime"

    def __init__(self, date: Column, time: Column) -> None:
        self.date, self.time = date, time

    def reader(self, columns: Columns) -> Read:
        date, time, site = columns.at(self.date), columns.at(self.time), columns.site

        def read(row: Row) -> Any:
            day = _DATE.fullmatch(clean(row[date]) or "")
            if day is None:
                return None
            told = "-".join(day.groups())
            moment = _TIME.fullmatch(clean(row[time]) or "")
            at = site.instant(f"{told} {_clock(moment)}") if moment else None
            return at or site.date(told)

        return read

    def present(self) -> Condition:
        return filled(self.date)


def local_moment(date: str, time: str) -> str | None:
    """A DA and a TM as a DATETIME column holds them; a time that isn't told, or is none, is midnight."""
    day, moment = _DATE.fullmatch(date), _TIME.fullmatch(time)
    if day is None:
        return None
    for clock in (_clock(moment), MIDNIGHT) if moment else (MIDNIGHT,):
        with suppress(ValueError):
            told = datetime.fromisoformat(f"{'-'.join(day.groups())} {clock}")
            return told.isoformat(" ", "microseconds")
    return None


def _clock(found: re.Match[str]) -> str:
    hour, minute, second, fraction = found.groups()
    return f"{hour}:{minute or '00'}:{second or '00'}{fraction or ''}"


class PersonNamed(Value):
    """A reference to somebody of whom nothing but a PN is known: it names and leads nowhere."""

    takes: tuple[type[Term], ...] = (Ref,)
    fhir_type = "Reference"

    def __init__(self, column: Column) -> None:
        self.column = column

    def reader(self, columns: Columns) -> Read:
        name = text_reader(self.column, columns)
        return lambda row: {"display": shown} if (found := name(row)) and (shown := spoken(found)) else None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return [NEVER]

    def present(self) -> Condition:
        return self.column.regexp_match("[^ ^=]")


def spoken(name: str) -> str | None:
    """A PN as a person says it: `Kim^Chul^^Dr=…` is `Dr Chul Kim`, `김^철수` is `김철수`.

    https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_6.2.1.1
    """
    written = next((group for group in name.split("=") if group.strip(" ^")), "")
    family, given, middle, prefix, suffix = ([p.strip() for p in written.split("^")] + [""] * 5)[:5]
    whole = together(family, [given, middle])
    return " ".join(p for p in (prefix, whole, suffix) if p) or None
