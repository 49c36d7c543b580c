"""Writing rows of the hospital's own tables, and what their columns can't hold beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Table, insert, select, update

from mappers.cells import cells_of, told_at
from mappers.engine import Engine
from mappers.facade.tables import fhir_resource
from mappers.from_clause import leads
from mappers.mapping import Element, Part
from mappers.narrative import narrator
from mappers.reader import Resource, source_name
from mappers.stored.content import dumps
from mappers.stored.places import of_rest
from mappers.stored.resident_number import without_resident_number
from mappers.stored.search_values import INDEXED, SearchValues
from mappers.transaction import Transaction
from mappers.upkeep import NOW, Caller, Parent, Upkeep
from mappers.value import Cells
from mappers.values.references import ReferenceTo
from mappers.write.amending import Amending, beside
from mappers.write.belonging import Belonging
from mappers.write.equal_codes import EqualCodes
from mappers.write.faults import WriteFault
from mappers.write.keys import next_key
from mappers.write.refusals import given_by_server, path_of, refuse_blanks, refuse_gaps
from mappers.write.rules import refuse_contradictions, refuse_unruly
from mappers.write.same_patient import refuse_other_patients
from mappers.write.table_rows import TableRows, key_of

R = fhir_resource.c


class HospitalRows:
    """Rows of the parts that have an upkeep, within a transaction; `now` is the site's time."""

    def __init__(
        self, engine: Engine, t: Transaction, values: SearchValues, now: str, who: str | None = None
    ) -> None:
        self.engine, self.t, self.values, self.now = engine, t, values, now
        self.caller = Caller(who, self._leads)
        self.site = engine.site
        self.table_rows = TableRows(t, engine.site.sealed)
        self.equal_codes = EqualCodes(self.table_rows.fetch)
        self.amending = Amending(engine, self.table_rows, values)
        self.belonging = Belonging(self.table_rows, self, now)

    def target(self, reference: ReferenceTo, text: str) -> Cells | None:
        """The cell that makes a reference lead where the text says; None if it can't lead there."""
        resolved = self.values.resolved(text)
        if resolved is None or resolved[0] != reference.resource_type:
            return None
        _, part, key = resolved
        for route in reference.routes:
            if leads(route, part) and route.target in (None, part.id.column.name):
                return {**{r.own: None for r in reference.routes}, route.own: key}
        return None

    # the three ways of writing

    async def create(self, part: Part, resource: Resource) -> Any:
        """The key that the new row got; raises WriteFault 422 for what the table has no place for."""
        upkeep = _upkeep(part)
        refuse_unruly(part, resource, None, self.caller)
        known = await self.equal_codes.beside(resource)
        await self._refuse_other_patients(part, part.elements, resource)
        everything = self._held(part, part.elements, known)
        cells = _own(everything, part.source.table)
        if cells.get(part.id.column) is not None:
            raise given_by_server(part.id.column)
        if upkeep.parent:
            cells[upkeep.parent.link] = await self._parent(part, upkeep.parent, everything, known)
        row = self._new(upkeep, cells, known, _own(self._said(part, resource), part.source.table))
        if upkeep.key:
            row[part.id.column] = await next_key(self.t, part.id.column, upkeep.key, self.now)
        refuse_gaps(part, row, resource["resourceType"], _table(part))
        key = await self.table_rows.insert(_table(part), part.id.column, row)
        await self.belonging.make(part, key, known)
        await self.belonging.follow_in_parent(part, key)
        await self._keep_rest(part, key, resource)
        return key

    def _new(self, upkeep: Upkeep, cells: Cells, resource: Resource, said: Cells) -> Cells:
        """A new row. What is said and can't be held isn't now: it is another time, or a day."""
        named = {c: v for c, v in cells.items() if v is not None}
        follows = upkeep.follows(resource, None, self.now) if upkeep.follows else {}
        new = {c: v for c, v in upkeep.new.items() if v is not NOW or c not in said or not c.nullable}
        return {**self.belonging.stamped(new), **named, **follows, **dict.fromkeys(upkeep.touched, self.now)}

    def _said(self, part: Part, resource: Resource) -> Cells:
        """The columns, without values, of what is said."""
        return cells_of((e for e in part.elements if told_at(resource, e.path) is not None), {}, self)

    async def _parent(self, part: Part, parent: Parent, cells: Cells, resource: Resource) -> Any:
        """The key of the row that the new one belongs to, made for it."""
        table, upkeep = parent.table, parent.upkeep
        row = self._new(upkeep, _above(cells, parent), resource, _above(self._said(part, resource), parent))
        key = key_of(table)
        if row.get(key) is not None:
            raise given_by_server(key, path_of(part, key, resource["resourceType"]))
        row[key] = await next_key(self.t, key, upkeep.key, self.now)
        refuse_gaps(part, row, resource["resourceType"], table)
        return await self.table_rows.insert(table, key, row)

    async def update(self, part: Part, key: Any, resource: Resource, current: Resource) -> None:
        """Writes the columns of those elements that are said otherwise than they are now."""
        upkeep = _upkeep(part)
        refuse_unruly(part, resource, current, self.caller)
        resource = self._without_our_words(part, resource, current)
        changed = [e for e in part.elements if _said(resource, e) != _said(current, e)]
        await self._refuse_other_patients(part, changed, resource)
        known = await self.equal_codes.beside(resource)
        # where others write a column too, it holds what it would in a new row
        whole = cells_of(part.elements, known, self)
        everything = {c: whole.get(c, v) for c, v in self._held(part, changed, known).items()}
        cells = _own(everything, part.source.table)
        if cells.pop(part.id.column, None) not in (None, key):
            raise given_by_server(part.id.column)
        cells = _as_new(upkeep, cells)
        refuse_blanks(part, cells, resource["resourceType"])
        follows = upkeep.follows(resource, current, self.now) if upkeep.follows else {}
        row = {**cells, **follows, **dict.fromkeys(upkeep.touched, self.now)}
        if row:
            await self.table_rows.change(_table(part), part.id.column, key, row)
        if upkeep.lines:
            await self.belonging.follow(part, key, known, await self.equal_codes.beside(current))
        await self._update_parent(part, key, everything, resource, current)
        await self._keep_rest(part, key, resource)

    async def _update_parent(
        self, part: Part, key: Any, cells: Cells, resource: Resource, current: Resource
    ) -> None:
        """Writes what the row says that this one belongs to, and what follows there."""
        parent = _upkeep(part).parent
        if parent is None:
            return
        own = _as_new(parent.upkeep, _above(cells, parent))
        refuse_blanks(part, own, resource["resourceType"])
        await self.belonging.write_parent(part, key, own, resource["resourceType"])
        if resource.get("status") != current.get("status"):
            await self.belonging.follow_in_parent(part, key)

    def _without_our_words(self, part: Part, resource: Resource, current: Resource) -> Resource:
        """Without the narrative that the server has made of what was there before: it makes a new one."""
        mapping = self.amending.mapping(part)
        ours = narrator(mapping.resource_type, mapping.narrative)(without_resident_number(current))
        return {k: v for k, v in resource.items() if k != "text" or v != ours}

    async def delete(self, part: Part, key: Any, current: Resource) -> None:
        """Retires the row, which stays; raises WriteFault 405 where the table knows no way."""
        upkeep = _upkeep(part)
        if upkeep.retired is None:
            raise WriteFault(405, "not-supported", f"rows of {source_name(part)} can't be retired")
        column, retired = upkeep.retired
        row = {column.name: retired, **{c.name: self.now for c in upkeep.touched}}
        await self.t.execute(update(_table(part)).where(part.id.column == key).values(row))
        await self.belonging.follow(part, key, None, current)
        await self.belonging.follow_in_parent(part, key)
        await self._put(part, key, deleted=1, content=None)
        await self.amending.forget(part, key)

    def _leads(self, text: str) -> object:
        """Where a reference leads, however it is written; its text where it leads to no server of ours."""
        resolved = self.values.resolved(text)
        return (resolved[0], resolved[1].name, resolved[2]) if resolved else text

    async def _refuse_other_patients(
        self, part: Part, elements: Iterable[Element], resource: Resource
    ) -> None:
        fetch, resolved = self.table_rows.fetch, self.values.resolved
        await refuse_other_patients(fetch, resolved, part, elements, resource)

    async def lock(self, part: Part, key: Any) -> None:
        """Holds the row, and what belongs to it, until the transaction ends: nobody else changes it."""
        await self.belonging.hold(part, key)

    async def tombstone(self, part: Part, key: Any) -> bool:
        """Whether a client has deleted the row."""
        rows = await self.table_rows.fetch(select(R.deleted).where(*beside(part, key)))
        return bool(rows) and bool(int(rows[0][0]))

    # cells

    def _held(self, part: Part, elements: Iterable[Element], resource: Resource) -> Cells:
        """What columns hold for the elements; a reference must be held, or nobody finds it."""
        found = cells_of(elements, resource, self)
        for element in elements:
            reference = element.writer
            if isinstance(reference, ReferenceTo) and element.writes is not False:
                self._insist(part, element, reference, resource, found)
        return found

    @staticmethod
    def _insist(
        part: Part, element: Element, reference: ReferenceTo, resource: Resource, found: Cells
    ) -> None:
        told = told_at(resource, element.path)
        named = told[0] if isinstance(told, list) and told else told
        if not isinstance(named, dict) or "reference" not in named:
            return
        mine = any(route.own.table in part.tables for route in reference.routes)
        if mine and all(found.get(route.own) is None for route in reference.routes):
            path = f"{resource['resourceType']}.{element.path.replace('[]', '[0]')}"
            other = f"{named['reference'][:80]!r} is no {reference.resource_type} of the CDSS"
            raise WriteFault(422, "not-supported", f"this can't refer to it: {other}", path)

    # the rest

    async def _keep_rest(self, part: Part, key: Any, resource: Resource) -> None:
        """Reads the row back, and keeps what of the resource its columns don't tell as it was sent."""
        found = await self.amending.read_back(part, key)
        assert found is not None
        reader, row = found
        assert reader.rest is not None
        resource = without_resident_number(resource)
        told = self.amending.told(reader, row)
        refuse_contradictions(part, resource, told, self._leads)
        difference = reader.rest.difference(row, resource, told)
        place = of_rest(part.name, key)
        content = self.t.at_rest.kept(dumps(difference), place) if difference else None
        await self._put(part, key, deleted=0, content=content)
        await self.amending.amend(part, key, resource, {**told, "resourceType": resource["resourceType"]})

    async def _put(self, part: Part, key: Any, **columns: Any) -> None:
        written = await self.t.execute(
            update(fhir_resource)
            .where(*beside(part, key))
            .values(version=R.version + 1, last_updated=self.now, indexed=INDEXED, **columns)
        )
        if not written.rows:
            place = {"key_int" if part.id.numeric else "key_text": key}
            row = {
                "resource_type": self.amending.mapping(part).resource_type,
                "part": part.name,
                "version": 1,
                "indexed": INDEXED,
                **place,
            }
            await self.t.execute(insert(fhir_resource).values(last_updated=self.now, **row, **columns))


def _table(part: Part) -> Table:
    table = part.source.table
    assert isinstance(table, Table)
    return table


def _upkeep(part: Part) -> Upkeep:
    assert part.upkeep is not None
    return part.upkeep


def _said(resource: Resource, element: Element) -> str:
    return dumps(told_at(resource, element.path))


def _own(cells: Cells, table: Any) -> Cells:
    return {c: v for c, v in cells.items() if c.table is table}


def _above(cells: Cells, parent: Parent) -> Cells:
    """The cells of the row that this one belongs to."""
    return {parent.table.c[c.name]: v for c, v in _own(cells, parent.joined).items()}


def _as_new(upkeep: Upkeep, cells: Cells) -> Cells:
    """What must be filled and isn't said any more holds what it would in a new row; a moment stays."""
    unsaid = {c for c, v in cells.items() if v is None and c in upkeep.new and not c.nullable}
    held = {c: upkeep.new[c] for c in unsaid if upkeep.new[c] is not NOW}
    return {**{c: v for c, v in cells.items() if c not in unsaid}, **held}
