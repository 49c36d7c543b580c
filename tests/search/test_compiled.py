"""What the compiler once got wrong, each in the shortest search that shows it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from fhir_facade.registry import by_type
from mappers.from_clause import Compilation
from mappers.mapping import Element, Part, ResourceMapping
from mappers.query import AllOf, NotAbout
from mappers.scope import PartScope
from mappers.site import Site
from mappers.sql import Condition, is_never, plain
from mappers.statement import Slots
from mappers.value import Value
from mappers.values import Children, FirstOf
from tests.facade.facade import Facade
from tests.search.asking import found


async def test_a_cached_statement_never_answers_for_another_text(embedded: Facade) -> None:
    vital = await found(embedded, "Observation", "category:text", "vital")
    laboratory = await found(embedded, "Observation", "category:text", "lab")
    assert vital
    assert laboratory
    assert not vital & laboratory


async def test_a_bare_code_is_found_under_its_own_system_only(embedded: Facade) -> None:
    final = await found(embedded, "Observation", "status", "final")
    assert final
    own = "http://hl7.org/fhir/observation-status"
    assert await found(embedded, "Observation", "status", f"{own}|final") == final
    assert await found(embedded, "Observation", "status", "http://nowhere.example|final") == set()
    assert await found(embedded, "Observation", "status", "http://nowhere.example|unknown") == set()
    everything = {r["id"] for r in await embedded.all("Observation")}
    assert await found(embedded, "Observation", "status", f"{own}|") == everything


async def test_a_parameter_of_one_type_misses_values_of_another(embedded: Facade) -> None:
    everything = await embedded.all("Observation")
    numbers = {r["id"] for r in everything if "valueQuantity" in r and r["id"].startswith("oe-vit")}
    assert numbers
    assert numbers <= await found(embedded, "Observation", "value-string:missing", "true")
    texts = {r["id"] for r in everything if "valueString" in r}
    assert texts
    assert texts <= await found(embedded, "Observation", "value-quantity:missing", "true")


async def test_an_object_that_is_left_out_is_not_found(embedded: Facade) -> None:
    diastolic = await found(embedded, "Observation", "component-code", "http://loinc.org|8462-4")
    shown = {
        r["id"]
        for r in await embedded.all("Observation")
        if any(c["code"]["coding"][0]["code"] == "8462-4" for c in r.get("component", []))
    }
    assert diastolic == shown


async def test_an_all_zero_uuid_is_no_identifier(embedded: Facade) -> None:
    having = await found(embedded, "Patient", "identifier", "urn:ietf:rfc:3986|")
    assert "oe-pat-900103" not in having
    assert having


@pytest.mark.parametrize("value", ["ne1931", "gt1931", "lt2100", "ge1961", "le1961"])
async def test_a_date_with_a_zero_month_is_none(embedded: Facade, value: str) -> None:
    assert "oe-pat-900011" in await found(embedded, "Patient", "birthdate:missing", "true")
    assert "oe-pat-900011" not in await found(embedded, "Patient", "birthdate", value)


async def test_blanks_in_a_text_are_found_as_they_are(embedded: Facade) -> None:
    assert "oe-pat-900013" in await found(embedded, "Patient", "address", "line one\r\nline two\tand")
    assert "oe-pat-900013" not in await found(embedded, "Patient", "address", "line one line two")


async def test_what_leads_nowhere_is_missing_and_what_only_has_a_name_is_not(embedded: Facade) -> None:
    roles = {r["id"]: r for r in await embedded.all("PractitionerRole")}
    named = {i for i, r in roles.items() if r.get("organization", {}).keys() == {"display"}}
    assert named
    assert named <= await found(embedded, "PractitionerRole", "organization:missing", "false")
    events = {e["id"]: e for e in await embedded.all("AuditEvent")}
    gone = {i for i, e in events.items() if any(x.get("name") == "P-NOBODY" for x in e.get("entity", ()))}
    assert gone
    assert gone <= await found(embedded, "AuditEvent", "entity-name", "P-NOBODY")
    assert gone <= await found(embedded, "AuditEvent", "patient:missing", "true")


async def test_a_code_in_a_list_is_compared_with_its_case_and_blanks(embedded: Facade) -> None:
    assert "oe-cond-4" in await found(embedded, "Condition", "code", "R07.9")
    assert "oe-cond-4" not in await found(embedded, "Condition", "code", "r07.9")
    assert "oe-cond-900402" in await found(embedded, "Condition", "code", "I10")


async def test_a_stored_midnight_is_found_as_the_day_it_is_told_as(embedded: Facade) -> None:
    assert "oe-pat-900003" in await found(embedded, "Patient", "death-date", "2024-05-01")
    assert "oe-pat-900003" not in await found(embedded, "Patient", "death-date", "2024-05-01T00:00:00")
    assert "oe-pat-900003" in await found(embedded, "Patient", "death-date", "gt2024-05-01T12:00")


async def test_outer_blanks_and_control_characters_are_not_searched(facade: Facade) -> None:
    assert "diag-900002" in await found(facade, "Condition", "code", "i10")
    assert "diag-900002" not in await found(facade, "Condition", "code", "i10 ")
    assert "oe-pat-900014" in await found(facade, "Patient", "family", "Pa")
    assert "oe-pat-900014" in await found(facade, "Patient", "family:exact", "Padded")
    assert "oe-user-900005" in await found(facade, "Practitioner", "family:exact", "&lt;Tag&gt;")


@pytest.mark.parametrize(
    "within",
    [
        FirstOf,
        lambda visit: Children(visit.routes[0].own.table, visit.routes[0].own, visit.routes[0].own, visit),
    ],
)
def test_a_visit_that_cannot_be_asked_about_closes_the_row(within: Callable[[Value], Value]) -> None:
    mapping = by_type()["Condition"]
    part = next(p for p in mapping.parts if p.name == "diag-ocs_diagnosis")
    assert not is_never(_of_no_visit(mapping, part))
    elements = [Element(e.path, within(e.value)) if e.path == "encounter" else e for e in part.elements]
    assert is_never(_of_no_visit(mapping, replace(part, elements=tuple(elements))))


def _of_no_visit(mapping: ResourceMapping, part: Part) -> Condition:
    scope = PartScope(Compilation(by_type(), Site(), Slots(())), mapping, part)
    return plain(scope.condition(NotAbout("encounter", "Encounter", AllOf(()))))
