"""Kinds of texts that must have a form: addresses on the web, MIME types, DICOM UIDs."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement

from mappers.sql import NEVER, Alternative, Condition, all_of, exact
from mappers.terms import OfType, Term, Token, Uri
from mappers.value import Column, Columns, Question, Read, Value
from mappers.values.identifiers import Identifier
from mappers.values.text import Str, text_reader, token_condition, uri_condition

# As MySQL's, MariaDB's and Python's regular expressions all read them
MIME_TYPE = "^[A-Za-z0-9_.+-]+/[A-Za-z0-9_.+-]+$"
WEB_ADDRESS = "^https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+$"
UID = "^[0-2]([.](0|[1-9][0-9]*))+$"
MAX_UID = 64


class Patterned(Value):
    """A text that is there only where it has the form; searched as a code or a uri, exactly."""

    takes = (Token, Uri)

    def __init__(self, column: Column, pattern: str, fhir_type: str = "Code") -> None:
        self.column, self.pattern, self.fhir_type = column, pattern, fhir_type

    def reader(self, columns: Columns) -> Read:
        text, fits = text_reader(self.column, columns), re.compile(self.pattern).match
        return lambda row: found if (found := text(row)) and fits(found) else None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, Uri):
            return [q.near(all_of(self.present(), uri_condition(self.column, term, q)))]
        assert isinstance(term, Token)
        if term.system:
            return [NEVER]
        return [q.near(all_of(self.present(), token_condition(self.column, term, q)))]

    def present(self) -> Condition:
        return self.column.regexp_match(self.pattern)

    def sort_key(self) -> Column:
        return self.column


class UidIdentifier(Identifier):
    """A DICOM UID as `urn:oid:…` (system urn:dicom:uid); what has not a UID's form is none.

    https://hl7.org/fhir/R4/imagingstudy.html#notes; searched with or without `urn:oid:`.
    """

    urn = "urn:oid:"

    def __init__(self, column: ColumnElement[str]) -> None:
        super().__init__("urn:dicom:uid", column, use="official")

    def reader(self, columns: Columns) -> Read:
        text, fixed, fits = text_reader(self.column, columns), self.fixed, re.compile(UID).match

        def value(found: str | None) -> dict[str, object] | None:
            well_formed = found and len(found) <= MAX_UID and fits(found)
            return {**fixed, "value": f"{self.urn}{found}"} if well_formed else None

        return lambda row: value(text(row))

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, OfType):
            return [NEVER]
        return super().matches(term, q)

    def _value(self, term: Token, q: Question) -> Condition:
        if term.code is None:
            return self.present()
        uid = q.bind(term, lambda t: t.code.removeprefix(self.urn))
        return all_of(self.present(), self.column == exact(uid))

    def present(self) -> Condition:
        return self.column.regexp_match(UID)

    def sub(self, name: str) -> Value | None:
        return Str(self.column) if name == "value" else None


class SiteUrl(Value):
    """An absolute address on this server: the site's public base and a fixed path."""

    fhir_type = "Url"

    def __init__(self, path: str) -> None:
        self.path = path

    def reader(self, columns: Columns) -> Read:
        address = columns.site.public_base_url.rstrip("/") + self.path
        return lambda row: address

    def present(self) -> Condition:
        return all_of()
