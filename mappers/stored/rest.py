"""The rest: what a client has said of a row and its columns can't hold, kept beside it as a difference.

For each top-level element that the columns tell otherwise than it was sent, what was sent is kept with a
digest of the columns that tell it. While these are as they were, it is read as it was sent; once others have
changed them, the columns count: nobody's change is masked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import FromClause, and_, literal, select

from mappers.facade.tables import fhir_resource
from mappers.keyring import UnopenableError
from mappers.mapping import Element, Join, Part, ResourceMapping, SqlSource
from mappers.sql import Condition, all_of, any_of
from mappers.stored.content import SERVERS_OWN, Resource, dumps, loads
from mappers.stored.meta_params import meta_params
from mappers.stored.places import of_rest
from mappers.stored.resident_number import is_resident_number, without_resident_number
from mappers.stored.told import Belonging, Places
from mappers.value import Columns, DirtyRowError, Row

#: name → [digest of the columns that tell it, what was sent (None: nothing)]
Difference = dict[str, list[Any]]


def kept(mapping: ResourceMapping) -> ResourceMapping:
    """The mapping, whose writable rows are read with what is kept beside them."""
    if not any(p.upkeep for p in mapping.parts):
        return mapping
    parts = tuple(_with_rest(p) if p.upkeep else p for p in mapping.parts)
    params = (*mapping.search_params, *meta_params(mapping))
    return replace(mapping, parts=parts, search_params=params, _names={})


def read_only(mapping: ResourceMapping, because: str) -> ResourceMapping:
    """The mapping, of which nothing can be written."""
    parts = (
        replace(p, writable=False, upkeep=None, read_only_because=because) if p.upkeep else p
        for p in mapping.parts
    )
    return replace(mapping, parts=tuple(parts), _names={})


def _with_rest(part: Part) -> Part:
    rest = fhir_resource.alias(f"rest_of_{part.source.table.name}")  # type: ignore[attr-defined]
    own = rest.c.key_int if part.id.numeric else rest.c.key_text
    join = Join(rest, and_(rest.c.part == literal(part.name), own == part.id.column))
    there = _not_deleted(part, rest)
    where = all_of(part.source.where, *(there or ())[:1])
    source = SqlSource(part.source.table, (*part.source.joins, join), where)
    return replace(part, source=source, rest=rest, there=there)


def _not_deleted(part: Part, rest: FromClause) -> tuple[Condition, Condition] | None:
    """A row that a client has deleted is there again as soon as others bring it back."""
    assert part.upkeep is not None
    if part.upkeep.retired is None:
        return None
    column, retired = part.upkeep.retired
    held = fhir_resource.c.key_int if part.id.numeric else fhir_resource.c.key_text
    gone = select(held).where(
        fhir_resource.c.part == part.name, fhir_resource.c.deleted == 1, held.is_not(None)
    )
    joined = any_of(column != retired, rest.c.deleted.is_(None), rest.c.deleted != 1)
    return any_of(column != retired, part.id.column.not_in(gone)), joined


class Rest:
    """What is kept beside the rows of one part."""

    def __init__(self, part: Part, columns: Columns) -> None:
        assert part.rest is not None
        self.name, self.key, self.at_rest = part.name, columns.at(part.id.column), columns.site.at_rest
        self.content, self.version = columns.at(part.rest.c.content), columns.at(part.rest.c.version)
        self._places = _places(part, columns)
        self._stems = [n.removesuffix("[x]") for n in self._places if n.endswith("[x]")]
        self._all = Places.all_of(part, columns)
        self._lists = {-i - 1: Belonging(part, query) for i, query in enumerate(columns.children)}

    def apply(self, row: Row, resource: Resource) -> bool:
        """Puts back what was sent, wherever the columns are as they were then; whether anything is kept."""
        if not row[self.content]:
            return False
        for name, (guard, sent) in self._kept(row).items():
            if guard != self.guard(row, name):
                continue
            if name == "meta":
                resource["meta"] |= sent or {}
            else:
                self._put(resource, name, sent)
        return True

    @staticmethod
    def _put(resource: Resource, name: str, sent: Any) -> None:
        if name == "identifier":  # a resident number is the column's to tell, or not
            sent = [*(sent or ()), *filter(is_resident_number, resource.get(name, ()))] or None
        if sent is None:
            resource.pop(name, None)
        else:
            resource[name] = sent

    def _kept(self, row: Row) -> Difference:
        try:
            kept: Difference = loads(self.at_rest.told(row[self.content], of_rest(self.name, row[self.key])))
        except UnopenableError as fault:
            raise DirtyRowError(f"what is kept beside it can't be opened: {fault}") from None
        except (ValueError, RecursionError):
            raise DirtyRowError("what is kept beside it is no JSON") from None
        return kept

    def difference(self, row: Row, sent: Resource, told: Resource) -> Difference:
        """What must be kept of what was sent, beside what the row's columns tell."""
        sent, told = without_resident_number(sent), without_resident_number(told)
        said = {k: v for k, v in sent.items() if k not in ("resourceType", "id", "meta")}
        names = [n for n in dict.fromkeys((*said, *told)) if _text(said.get(n)) != _text(told.get(n))]
        found = {n: [self.guard(row, n), said.get(n)] for n in names}
        meta = {k: v for k, v in (sent.get("meta") or {}).items() if k not in SERVERS_OWN}
        return {**found, "meta": [self.guard(row, "meta"), meta]} if meta else found

    def guard(self, row: Row, name: str) -> str:
        """A digest of the row's own columns that tell an element; of the narrative's, all of them."""
        places = self._all if name == "text" else self._places.get(self._element(name), Places())
        lists = (self._lists[i].says(row[i]) for i in places.lists)
        return _digest((row[i] for i in places.columns), lists)

    def _element(self, name: str) -> str:
        """The declared name of an element of the JSON: `valueQuantity` is `value[x]`."""
        if name in self._places:
            return name
        bare = name.removeprefix("_")
        stem = next(
            (s for s in self._stems if bare.startswith(s) and bare[len(s) : len(s) + 1].isupper()), ""
        )
        return f"{stem}[x]" if stem else bare


def _places(part: Part, columns: Columns) -> dict[str, Places]:
    """What tells each top-level element."""
    found: dict[str, list[Element]] = {}
    for element in part.elements:
        found.setdefault(element.path.partition(".")[0].removesuffix("[]"), []).append(element)
    return {name: Places.of(part, columns, elements) for name, elements in found.items()}


def _digest(*values: Iterable[Any]) -> str:
    return blake2b(orjson.dumps([list(v) for v in values], default=str), digest_size=8).hexdigest()


def _text(value: Any) -> str:
    return dumps(value)
