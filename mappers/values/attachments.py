"""Kinds of documents: texts with headings, and attachments that carry their content.

https://hl7.org/fhir/R4/datatypes.html#Attachment
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from mappers.sql import Condition
from mappers.value import Column, Columns, Read, Row, Value
from mappers.values.text import Str


class Headed(Value):
    """A text under a heading; nothing where there is no text."""

    def __init__(self, heading: str, column: Column) -> None:
        self.heading, self.text = heading, Str(column)

    def reader(self, columns: Columns) -> Read:
        heading, text = self.heading, self.text.reader(columns)
        return lambda row: f"{heading}\n{found}" if (found := text(row)) else None

    def present(self) -> Condition:
        return self.text.present()


def encoded(text: str) -> str:
    """A text in UTF-8 as base64Binary."""
    return b64encode(text.encode()).decode()


class Attached(Value):
    """An attachment that carries a text as it is, in UTF-8; nothing where there is no text."""

    def __init__(self, text: Value, content_type: str, title: str | None = None) -> None:
        self.text, self.joins = text, text.joins
        self.fixed = {"contentType": content_type, **({"title": title} if title else {})}

    def reader(self, columns: Columns) -> Read:
        text, fixed = self.text.reader(columns), self.fixed

        def read(row: Row) -> Any:
            found = text(row)
            return {**fixed, "data": encoded(found)} if found else None

        return read

    def present(self) -> Condition:
        return self.text.present()
