"""What was sent is searched as long as it is read: until others change what tells it, wherever that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Table, select, text, update

from fhir_facade.inspection import writing_engine
from mappers.cdss.laboratory import LOCAL_TEST
from mappers.mapping import Part
from mappers.parse import declared_type
from mappers.query import Criterion, SearchQuery
from mappers.statement import Slots, compiled
from mappers.stored.guards import Guards
from mappers.stored.search_values import BEGINNING, END, Found
from mappers.terms import Mode, Prefix, Range, Ref, Term, Text, Token
from mappers.transaction import transaction
from mappers.write.table_rows import key_of
from tests.writes.conftest import Written
from tests.writes.samples import sample

OTHERS = {"system": "urn:others", "code": "7"}
GLUCOSE = {"system": LOCAL_TEST, "code": "GLU"}
IMAGING = {"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}, OTHERS]}
#: what the hospital's tables can't hold of what is searched
BEYOND: dict[str, dict[str, Any]] = {
    "ServiceRequest": {
        "category": [IMAGING],
        "code": {"coding": [OTHERS], "text": "뇌 MRI"},
        "bodySite": [{"coding": [OTHERS], "text": "머리"}],
        "occurrenceDateTime": "2025-03-01T00:10:00.5Z",
        "authoredOn": "2025-03",
    },
    "MedicationRequest": {
        "medicationCodeableConcept": {"coding": [OTHERS], "text": "아스피린"},
        "authoredOn": "2025-03",
    },
    "Encounter": {"period": {"start": "2025-03"}, "reasonCode": [{"coding": [OTHERS]}]},
}
TYPES = (
    *("AllergyIntolerance", "Condition", "DiagnosticReport", "Encounter", "MedicationRequest"),
    *("Observation", "Patient", "ServiceRequest", "Specimen"),
)


@pytest.mark.parametrize("resource_type", TYPES)
async def test_a_search_goes_by_what_is_read_whichever_column_others_change(
    written: Written, resource_type: str
) -> None:
    made = await written.made({**sample(resource_type), **BEYOND.get(resource_type, {})})
    asked = Asked(written, made)
    assert await asked.disagreeing() == []
    outdated = 0
    for table, key in await rows_of(written, asked.part, asked.key):
        for name in others_to_change(table):
            before, other = await values_of(written, table, key, name)
            if other is None:
                continue
            await put(written, table, key, name, other)
            assert await asked.disagreeing() == [], f"{table.name}.{name}"
            outdated += await asked.forgotten()
            await put(written, table, key, name, before)
    assert outdated, "no change made it go by the columns again"
    assert not await asked.forgotten()


class Asked:
    """A resource that was made, and what it is found by."""

    def __init__(self, written: Written, made: dict[str, Any]) -> None:
        self.written, self.kind, self.id = written, str(made["resourceType"]), str(made["id"])
        self.mapping = written.engine.mappings[self.kind]
        resolved = self.mapping.resolve(self.id)
        assert resolved is not None
        self.part, self.key = resolved
        self.sent = self._values(made)

    def _values(self, resource: Any) -> dict[str, list[Found]]:
        known = {param for part, param in self.written.engine.plans.amended.known if part == self.part.name}
        told = resource if isinstance(resource, dict) else {"resourceType": self.kind}
        return {p: self._of(p, told) for p in sorted(known)}

    def _of(self, param: str, resource: dict[str, Any]) -> list[Found]:
        """The values of a parameter; of codes without the words beside them."""
        kind = declared_type(self.kind, self.mapping.params[param])
        found = self.written.values.values(self.mapping, param, resource)
        return [{k: v for k, v in each.items() if k != "words" or kind == "string"} for each in found]

    async def now(self) -> dict[str, list[Found]]:
        """What a read's resource is searched by."""
        return self._values(await self.written.engine.read(self.kind, self.id))

    async def forgotten(self) -> int:
        """How many parameters no longer search what was sent."""
        now = await self.now()
        return sum(now[param] != sent for param, sent in self.sent.items())

    async def disagreeing(self) -> list[tuple[str, Found]]:
        """The values that find it and that it doesn't say, or the other way round."""
        now = await self.now()
        assert now
        asked = ((p, v) for p in now for v in (*now[p], *self.sent[p]))
        return [(p, v) for p, v in asked if (v in now[p]) != await self._finds(p, v, v in now[p])]

    async def _finds(self, param: str, value: Found, otherwise: bool) -> bool:
        terms = list(self._terms(declared_type(self.kind, self.mapping.params[param]), value))
        if not terms:
            return otherwise
        me = Criterion("_id", (Ref(self.kind, self.part.name, self.key),))
        found = await self.written.engine.page(
            SearchQuery(self.kind, (me, Criterion(param, tuple(terms)))), 2
        )
        return bool(found.matches)

    def _terms(self, kind: str, value: Found) -> Iterator[Term]:
        if part := value.get("target_part"):
            mappings = self.written.engine.mappings.values()
            target = next(m.resource_type for m in mappings if part in m.by_name)
            yield Ref(target, part, value.get("target_int", value.get("target_text")))
        elif "low" in value and value["low"] > BEGINNING and value["high"] < END:
            tz = self.written.engine.site.tz
            low, high = (datetime.fromisoformat(value[end]).replace(tzinfo=tz) for end in ("low", "high"))
            yield Range(Prefix.EQ, low, high)
        elif kind == "token" and "value" in value:
            yield Token(value.get("system"), value["value"])
        elif kind == "string":
            yield Text(value["words"], value["words"], Mode.EXACT)


async def rows_of(written: Written, part: Part, key: Any) -> list[tuple[Table, Any]]:
    """(table, key) of the row and of a row of each table that belongs to it."""
    upkeep, own = part.upkeep, part.source.table
    assert upkeep is not None
    assert isinstance(own, Table)
    found = [(own, key)]
    if upkeep.parent is not None:
        [(above,)] = await fetch(written, select(upkeep.parent.link).where(part.id.column == key))
        found.append((upkeep.parent.table, above))
    for lines in upkeep.lines:
        line = await fetch(written, select(key_of(lines.table)).where(lines.link == key).limit(1))
        found += [(lines.table, row[0]) for row in line]
    return found


def others_to_change(table: Table) -> list[str]:
    unique = {c.name for index in table.indexes if index.unique for c in index.columns}
    return [c.name for c in table.c if not (c.primary_key or c.unique or c.name in unique)]


async def values_of(written: Written, table: Table, key: Any, name: str) -> tuple[Any, Any]:
    """What the row holds, and what another row does instead."""
    column = table.c[name]
    [(before,)] = await fetch(written, select(column).where(key_of(table) == key))
    differs = column != before if before is not None else column.is_not(None)
    rows = await fetch(written, select(column).where(differs, key_of(table) != key).limit(1))
    return before, rows[0][0] if rows else None


async def put(written: Written, table: Table, key: Any, name: str, value: Any) -> None:
    async with transaction(written.engine.database) as t:
        await t.execute(update(table).where(key_of(table) == key).values({name: value}))


async def fetch(written: Written, statement: Any) -> Sequence[Any]:
    made = compiled(statement, written.engine.database.dialect, Slots(()), {})
    return await written.engine.database.fetch(made.sql, made.parameters((), {}))


async def test_a_test_of_another_name_takes_nothing_of_what_was_ordered_away(written: Written) -> None:
    made = await written.made({**sample("ServiceRequest"), "code": {"coding": [OTHERS, GLUCOSE]}})
    name = await written.column("SELECT test_name FROM lis_labtestmaster WHERE test_code = 'GLU'")
    await written.change("UPDATE lis_labtestmaster SET test_name = '다른 이름' WHERE test_code = 'GLU'")
    try:
        read = await written.engine.read("ServiceRequest", made["id"])
        assert isinstance(read, dict)
        assert read["code"] == made["code"]
        assert made["id"] in await written.all_found("ServiceRequest", "code", "urn:others|7")
    finally:
        await written.change(f"UPDATE lis_labtestmaster SET test_name = '{name}' WHERE test_code = 'GLU'")  # noqa: S608


@pytest.mark.parametrize(
    ("table", "column"),
    [("ocs_orderitem", "instructions"), ("ris_radiologyorder", "procedure_name")],
)
async def test_what_is_sealed_of_an_order_is_searched_by_what_was_sent_of_it(
    written: Written, table: str, column: str
) -> None:
    made = await written.made({**sample("ServiceRequest"), **BEYOND["ServiceRequest"]})
    other = await written.made({**sample("ServiceRequest"), **BEYOND["ServiceRequest"]})
    await written.change(f"UPDATE ocs_orderitem SET item_name = '밖' WHERE order_id = '{other['id']}'")  # noqa: S608
    guards = Guards(written.engine.mappings, table, column)
    engine = writing_engine(written.facade.settings)
    with engine.begin() as connection:
        keys = f"SELECT id FROM {table} WHERE order_id IN ('{made['id']}', '{other['id']}')"  # noqa: S608
        marks = guards.held(connection, [tuple(row) for row in connection.execute(text(keys))])
        connection.execute(text(f"UPDATE {table} SET {column} = 'sealed' WHERE order_id = '{made['id']}'"))  # noqa: S608
        guards.renew(connection, marks)
    engine.dispose()
    assert await written.all_found("ServiceRequest", "code", "urn:others|7") == [made["id"]]
