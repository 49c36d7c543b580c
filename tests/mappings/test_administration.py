"""Coverage and Appointment, of OpenEMR."""

from __future__ import annotations

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids, unreadable
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read


@pytest.mark.parametrize(
    "reference",
    [
        "Coverage/oe-cov-1",
        "Coverage/oe-cov-2",
        "Coverage/oe-cov-900002",
        "Coverage/oe-cov-900004",
        "Appointment/oe-appt-1",
        "Appointment/oe-appt-3",
        "Appointment/oe-appt-8",
        "Appointment/oe-appt-10",
    ],
)
async def test_it_is_told_whole(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


@pytest.mark.parametrize("id_text", ["oe-cov-4", "oe-cov-6", "oe-cov-7", "oe-cov-900003"])
async def test_a_placeholder_is_no_policy(engine: Engine, id_text: str) -> None:
    assert await engine.read("Coverage", id_text) is None


@pytest.mark.parametrize(("id_text", "stored"), [("oe-cov-900001", "abc"), ("oe-cov-900002", "999999")])
async def test_an_insurer_that_is_none_is_named_by_its_number(
    engine: Engine, id_text: str, stored: str
) -> None:
    [payor] = (await read(engine, f"Coverage/{id_text}"))["payor"]
    assert payor["identifier"]["value"] == stored
    assert "reference" not in payor


@pytest.mark.parametrize("id_text", ["oe-cov-900004", "oe-cov-900009"])
async def test_blanks_and_zeros_around_an_insurers_number_do_not_matter(engine: Engine, id_text: str) -> None:
    [payor] = (await read(engine, f"Coverage/{id_text}"))["payor"]
    assert payor["reference"] == "Organization/oe-ins-5201"
    assert id_text in await ids(engine, "Coverage", payor="oe-ins-5201")


async def test_an_end_before_the_start_and_a_zero_start_are_none(engine: Engine) -> None:
    assert (await read(engine, "Coverage/oe-cov-900004"))["period"] == {"start": "2024-02-01"}
    assert "period" not in await read(engine, "Coverage/oe-cov-900005")


async def test_the_patient_is_the_subscriber_only_of_an_own_policy(engine: Engine) -> None:
    assert await ids(engine, "Coverage", subscriber="P-2025-000001") == {"oe-cov-1", "oe-cov-3"}
    assert (await read(engine, "Coverage/oe-cov-2"))["subscriber"] == {"display": "Minho Kim"}


async def test_a_policy_of_nobody_is_unreadable(engine: Engine) -> None:
    found = await unreadable(engine, "Coverage")
    assert {"openemr/insurance_data/900007", "openemr/insurance_data/900008"} <= found.keys()


@pytest.mark.parametrize("number", [11, 12, 13, 14, 900001, 900002, 900003])
async def test_an_event_without_a_patient_is_no_appointment(engine: Engine, number: int) -> None:
    assert await engine.read("Appointment", f"oe-appt-{number}") is None


async def test_a_hidden_event_is_none(engine: Engine) -> None:
    assert await engine.read("Appointment", "oe-appt-900007") is None


async def test_a_series_is_its_first_date_and_says_so(engine: Engine) -> None:
    appointment = await read(engine, "Appointment/oe-appt-10")
    assert appointment["start"] == "2025-10-06T11:00:00+09:00"
    assert appointment["comment"] == "First date of a recurring series that ends on 2025-12-29."


async def test_the_calendars_marks_are_no_part_of_a_comment(engine: Engine) -> None:
    assert (await read(engine, "Appointment/oe-appt-3"))["comment"] == "환자 사정으로 취소"


async def test_an_event_for_two_providers_is_two_that_share_an_identifier(engine: Engine) -> None:
    assert await ids(engine, "Appointment", identifier="801") == {"oe-appt-8", "oe-appt-9"}


async def test_an_appointment_that_has_no_day_time_or_end_is_unreadable(engine: Engine) -> None:
    found = await unreadable(engine, "Appointment")
    rows = (900004, 900005, 900006, 900008)
    assert {f"openemr/openemr_postcalendar_events/{key}" for key in rows} <= found.keys()


async def test_a_day_finds_its_appointments(engine: Engine) -> None:
    assert await ids(engine, "Appointment", date="2025-11-20") == {"oe-appt-6"}
    assert "oe-appt-6" in await ids(engine, "Appointment", date="ge2025-11-20T08:40:00+09:00")
    assert "oe-appt-6" in await ids(engine, "Appointment", date="2025-11-19T23:40:00Z")
    assert "oe-appt-6" not in await ids(engine, "Appointment", date="gt2025-11-20T08:40:00+09:00")
    assert "oe-appt-6" not in await ids(engine, "Appointment", date="ne2025-11-20")
    earlier = await ids(engine, "Appointment", date="lt2025-11-20")
    later = await ids(engine, "Appointment", date="gt2025-11-20")
    assert earlier
    assert later
    assert earlier | later == await ids(engine, "Appointment", date="ne2025-11-20")
