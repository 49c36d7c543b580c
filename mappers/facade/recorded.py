"""What stands in an audit record: elements that are read but not searched, and the resource it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mappers.sql import Alternative, Condition, all_of, exact, filled
from mappers.terms import Ref, Term
from mappers.value import Column, Columns, Question, Read, Row, Value
from mappers.values.exclusive import Exclusive
from mappers.values.text import text_reader


@lru_cache(512)
def parsed(record: str) -> dict[str, Any]:
    """The record; an access that showed several patients is read once for all of them."""
    try:
        found = json.loads(record)
    except (ValueError, TypeError, RecursionError):  # no text, or none of ours
        return {}
    return found if isinstance(found, dict) else {}


class Recorded(Value):
    """What `make` makes of a record; nothing where that is empty.

    `member`: the text of the record without which there is nothing; else each record has something.
    """

    def __init__(
        self, record: Column, make: Callable[[dict[str, Any]], Any], fhir_type: str = "", member: str = ""
    ) -> None:
        self.record, self.make, self.fhir_type, self.member = record, make, fhir_type, member

    def reader(self, columns: Columns) -> Read:
        place, make = columns.at(self.record), self.make
        columns.beyond_row()  # records are long and each is another: nothing to remember
        return lambda row: make(parsed(row[place])) or None if row[place] else None

    def present(self) -> Condition:
        if not self.member:
            return self.record.is_not(None)
        return self.record.like(f'%"{self.member}":"%')  # within a text each quote has a backslash before it


class RecordedReference(Value):
    """A reference to whatever was accessed, by its type and id as they were then.

    It may have gone since: a trail says what was, so this one reference may lead nowhere. It is searched by
    the whole reference; chains don't follow it.
    """

    takes: tuple[type[Term], ...] = (Ref,)
    fhir_type = "Reference"
    to_anything = True

    def __init__(self, resource_type: Column, id_: Column) -> None:
        self.resource_type, self.id = resource_type, id_

    def reader(self, columns: Columns) -> Read:
        kind, id_ = text_reader(self.resource_type, columns), text_reader(self.id, columns)

        def read(row: Row) -> Any:
            found, named = kind(row), id_(row)
            return {"reference": f"{found}/{named}"} if found and named else None

        return read

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Ref)
        named = q.named(term)
        if named is None:
            return []
        kind = q.bind(term, lambda t: t.resource_type)
        return [q.near(all_of(self.id == exact(named), self.resource_type == exact(kind)))]

    def present(self) -> Condition:
        return all_of(filled(self.resource_type), filled(self.id))

    def sort_key(self) -> Column:
        return self.id


class Identified(Exclusive):
    """A reference, if any of several leads somewhere, with the identifier that a `Recorded` yields."""

    fhir_type = "Reference"

    def reader(self, columns: Columns) -> Read:
        known = [v.reader(columns) for v in self.values if isinstance(v, Recorded)]
        references = [v.reader(columns) for v in self.values if not isinstance(v, Recorded)]

        def read(row: Row) -> Any:
            found = next((r for each in references if (r := each(row)) is not None), None)
            identifier = next((i for each in known if (i := each(row)) is not None), None)
            return {**(found or {}), "identifier": identifier} if identifier else found

        return read
