"""Rows in bulk: N patients with M laboratory results over ten years, for tests of scale.

They refer to the demo's users and test master, so load demo_rows() first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from mappers.cdss.tables import emr_encounter, emr_patientcache, lis_labresult, lis_specimen, ocs_order
from mappers.demo.rows import Row, complete

RESULTS_PER_ORDER = 8
ORDERS_PER_ENCOUNTER = 2
PATIENTS_AT_ONCE = 200
FIRST_ID = 10_000_000
START = dt.datetime(2015, 1, 1)
MINUTES = 10 * 365 * 24 * 60

# Tests by how often they come; the last is rare, so that sparse searches have something to miss.
COMMON = ("GLU", "WBC", "RBC", "HGB", "HCT", "PLT", "K", "NA", "CREA", "CRP", "AST", "ALT")
RARE = "TSH"
RARE_EVERY = 5000
SURNAMES = "김이박최정강조윤장임한오서신권황안송류홍"
GIVEN = ("민준", "서연", "도윤", "하은", "시우", "지우", "예준", "수아", "주원", "지아")
# Typical value, spread and unit, both in thousandths of the unit.
VALUES = {
    "GLU": (80_000, 90_000, "mg/dL"),
    "WBC": (3_500, 8_000, "10^3/uL"),
    "RBC": (3_600, 1_900, "10^6/uL"),
    "HGB": (10_500, 6_000, "g/dL"),
    "HCT": (32_000, 17_000, "%"),
    "PLT": (120_000, 300_000, "10^3/uL"),
    "K": (3_200, 2_200, "mmol/L"),
    "NA": (131_000, 16_000, "mmol/L"),
    "CREA": (500, 1_200, "mg/dL"),
    "CRP": (100, 40_000, "mg/L"),
    "AST": (8_000, 60_000, "U/L"),
    "ALT": (6_000, 70_000, "U/L"),
    "TSH": (200, 6_000, "mIU/L"),
}


def scale_rows(patients: int, observations: int) -> Iterator[Row]:
    """Patients, encounters, orders, specimens and exactly `observations` results, in blocks a table."""
    for first in range(0, patients, PATIENTS_AT_ONCE):
        numbers = range(first, min(first + PATIENTS_AT_ONCE, patients))
        yield from ((emr_patientcache, _patient(number)) for number in numbers)
        orders = [order for number in numbers for order in _orders_of(number, patients, observations)]
        encounters = {order // ORDERS_PER_ENCOUNTER: patient for order, patient in orders}
        yield from ((emr_encounter, _encounter(*item)) for item in encounters.items())
        yield from ((ocs_order, _order(*order)) for order in orders)
        yield from ((lis_specimen, _specimen(*order)) for order in orders)
        for order, patient in orders:
            yield from _results(order, patient, observations)


def scale_patient_id(number: int) -> str:
    """The patient_id of the n-th bulk patient, from 0."""
    return f"P-SCALE-{number:07}"


def _orders_of(number: int, patients: int, observations: int) -> list[tuple[int, int]]:
    """Order numbers of a patient: an even share, and whole encounters of one patient only."""
    orders = -(-observations // RESULTS_PER_ORDER)
    encounters = -(-orders // ORDERS_PER_ENCOUNTER)
    first = encounters * number // patients * ORDERS_PER_ENCOUNTER
    end = encounters * (number + 1) // patients * ORDERS_PER_ENCOUNTER
    return [(order, number) for order in range(first, min(end, orders))]


def _scatter(number: int, salt: int, below: int) -> int:
    """An evenly scattered number that is always the same for the same input."""
    mixed = (number * 2_654_435_761 + salt * 40_503) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 2_246_822_519) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 13)) % below


def _at(order: int, after: int = 0) -> str:
    """A moment of the order, spread over the ten years independent of the patient."""
    at = START + dt.timedelta(minutes=_scatter(order, 1, MINUTES) + after)
    return f"{at:%Y-%m-%d %H:%M:%S}.000000"


def _patient(number: int) -> dict[str, Any]:
    born = dt.date(1930, 1, 1) + dt.timedelta(days=_scatter(number, 2, 34_000))
    name = SURNAMES[_scatter(number, 3, len(SURNAMES))] + GIVEN[_scatter(number, 4, len(GIVEN))]
    return complete(
        emr_patientcache,
        {
            "patient_id": scale_patient_id(number),
            "name": name,
            "birth_date": born.isoformat(),
            "gender": "MF"[_scatter(number, 5, 2)],
            "phone": f"010-{_scatter(number, 6, 10_000):04}-{number % 10_000:04}",
            "primary_doctor_id": 2 + number % 2,
            "created_at": _at(number),
        },
    )


def _encounter(encounter: int, patient: int) -> dict[str, Any]:
    first = encounter * ORDERS_PER_ENCOUNTER
    return {
        "encounter_id": f"E-SCALE-{encounter:08}",
        "patient_id": scale_patient_id(patient),
        "openemr_encounter": None,
        "doctor_id": 2 + encounter % 2,
        "department": "내과",
        "encounter_type": ("OPD", "IPD", "ER")[encounter % 3],
        "status": "completed",
        "chief_complaint": None,
        "started_at": _at(first, -60),
        "ended_at": _at(first, 300),
        "ward": None,
        "bed": None,
        "created_at": _at(first, -60),
        "updated_at": _at(first, 300),
    }


def _order(order: int, patient: int) -> dict[str, Any]:
    return {
        "order_id": f"O-SCALE-{order:08}",
        "patient_id": scale_patient_id(patient),
        "encounter_id": f"E-SCALE-{order // ORDERS_PER_ENCOUNTER:08}",
        "ordered_by": 2 + order % 2,
        "order_type": "LAB",
        "priority": "routine",
        "status": "completed",
        "clinical_info": None,
        "ordered_at": _at(order, -30),
        "updated_at": _at(order, 90),
    }


def _specimen(order: int, patient: int) -> dict[str, Any]:
    return {
        "specimen_id": f"S-SCALE-{order:08}",
        "order_id": f"O-SCALE-{order:08}",
        "patient_id": scale_patient_id(patient),
        "sample_type": "Blood",
        "barcode": f"{order:012}",
        "collected_by": 4,
        "collected_at": _at(order),
        "received_at": _at(order, 20),
        "status": "received",
        "updated_at": _at(order, 20),
    }


def _results(order: int, patient: int, observations: int) -> Iterator[Row]:
    first = order * RESULTS_PER_ORDER
    shared: dict[str, Any] = {
        "order_id": f"O-SCALE-{order:08}",
        "specimen_id": f"S-SCALE-{order:08}",
        "patient_id": scale_patient_id(patient),
        "status": "final",
        "performed_by": 8,
        "resulted_at": _at(order, 60),
        "verified_by": 9,
        "verified_at": _at(order, 80),
        "comment": None,
        "updated_at": _at(order, 80),
    }
    for number in range(first, min(first + RESULTS_PER_ORDER, observations)):
        yield lis_labresult, shared | _measured(number)


def _measured(number: int) -> dict[str, Any]:
    """Number, test and value; the flag is by tenths of the spread, not by anyone's reference range."""
    code = RARE if number % RARE_EVERY == 0 else COMMON[number % len(COMMON)]
    low, spread, unit = VALUES[code]
    tenths = _scatter(number, 7, 1000)
    thousandths = low + spread * tenths // 1000
    return {
        "id": FIRST_ID + number,
        "test_code": code,
        "value": f"{thousandths // 1000}.{thousandths % 1000 // 10:02}",
        "value_numeric": f"{thousandths // 1000}.{thousandths % 1000 // 10:02}0000",
        "unit": unit,
        "abnormal_flag": "L" if tenths < 100 else "H" if tenths >= 900 else "N",
    }
