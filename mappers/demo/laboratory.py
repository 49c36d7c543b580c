"""Laboratory series: a line of laboratory_draws.csv becomes an order, its items, a specimen and results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from mappers.cdss.tables import lis_labresult, lis_specimen, ocs_order, ocs_orderitem
from mappers.demo.clock import moment, parse
from mappers.demo.rows import Row, complete, csv_records

ROWS = Path(__file__).parent / "cdss_rows"
CBC = ("WBC", "RBC", "HGB", "HCT", "PLT")
# Below the first or above the second a value is critical; reference ranges are the test master's.
CRITICAL = {"K": ("2.5", "6.0"), "GLU": ("50", "400"), "PLT": ("50", "1000"), "HGB": ("7.0", "20.0")}


@dataclass(frozen=True)
class LabTest:
    """What a result needs of the test master."""

    name: str
    unit: str | None
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True)
class Draw:
    """One taking of blood: what was asked for, when, and the value of each test."""

    number: int
    patient_id: str
    encounter_id: str | None
    ordered_by: int
    at: dt.datetime
    values: dict[str, str]

    @property
    def order_id(self) -> str:
        return f"O-2025-{1000 + self.number:06}"

    @property
    def specimen_id(self) -> str:
        return f"S-2025-{1000 + self.number:06}"

    @property
    def item_codes(self) -> list[str]:
        """What was ordered: the panel for its component tests, the others by themselves."""
        return ["CBC", *(code for code in self.values if code not in CBC)]

    def after(self, minutes: int) -> str:
        return moment(self.at + dt.timedelta(minutes=minutes))


def laboratory_rows() -> Iterator[Row]:
    """Orders, items, specimens and results of all draws; the ids of items and results count on."""
    tests = lab_tests()
    items, results = 1000, 0
    for draw in draws():
        yield ocs_order, _order(draw)
        yield lis_specimen, _specimen(draw)
        for code in draw.item_codes:
            items += 1
            yield ocs_orderitem, _item(items, draw, code, tests[code])
        for code in draw.values:
            results += 1
            yield lis_labresult, _result(results, draw, code, tests[code])


def lab_tests() -> dict[str, LabTest]:
    """The test master by test code."""
    return {
        record["test_code"]: LabTest(
            record["test_name"],
            record.get("unit"),
            _decimal(record.get("ref_range_min")),
            _decimal(record.get("ref_range_max")),
        )
        for record in csv_records(ROWS / "lis_labtestmaster.csv")
    }


def draws() -> Iterator[Draw]:
    """The draws in the file's order."""
    for number, record in enumerate(csv_records(ROWS / "laboratory_draws.csv"), start=1):
        patient_id, at = record.pop("patient_id"), record.pop("at")
        ordered_by = int(record.pop("ordered_by"))
        yield Draw(number, patient_id, record.pop("encounter_id", None), ordered_by, parse(at), record)


def abnormal_flag(code: str, value: str, test: LabTest) -> str | None:
    """N, H, L, HH or LL by the reference range; None where the text is no number."""
    number = _decimal(value)
    if number is None:
        return None
    critical_low, critical_high = (Decimal(limit) for limit in CRITICAL.get(code, ("-Infinity", "Infinity")))
    if test.low is not None and number < test.low:
        return "LL" if number < critical_low else "L"
    if test.high is not None and number > test.high:
        return "HH" if number > critical_high else "H"
    return "N"


def _decimal(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None


def _order(draw: Draw) -> dict[str, Any]:
    return complete(
        ocs_order,
        {
            "order_id": draw.order_id,
            "patient_id": draw.patient_id,
            "encounter_id": draw.encounter_id,
            "ordered_by": draw.ordered_by,
            "order_type": "LAB",
            "priority": "routine",
            "status": "completed",
            "ordered_at": draw.after(-30),
            "updated_at": draw.after(100),
        },
    )


def _specimen(draw: Draw) -> dict[str, Any]:
    return complete(
        lis_specimen,
        {
            "specimen_id": draw.specimen_id,
            "order_id": draw.order_id,
            "patient_id": draw.patient_id,
            "sample_type": "Blood",
            "barcode": f"{draw.at:%y%m%d}{draw.number:04}",
            "collected_by": 4,
            "collected_at": draw.after(0),
            "received_at": draw.after(20),
            "status": "received",
        },
    )


def _item(number: int, draw: Draw, code: str, test: LabTest) -> dict[str, Any]:
    item = {"id": number, "order_id": draw.order_id, "item_code": code, "item_name": test.name}
    return complete(ocs_orderitem, item | {"quantity": "1.000000", "status": "completed"})


def _result(number: int, draw: Draw, code: str, test: LabTest) -> dict[str, Any]:
    value = draw.values[code]
    numeric = _decimal(value)
    return complete(
        lis_labresult,
        {
            "id": number,
            "order_id": draw.order_id,
            "specimen_id": draw.specimen_id,
            "patient_id": draw.patient_id,
            "test_code": code,
            "value": value,
            "value_numeric": None if numeric is None else f"{numeric:.6f}",
            "unit": test.unit,
            "abnormal_flag": abnormal_flag(code, value, test),
            "status": "final",
            "performed_by": 8,
            "resulted_at": draw.after(70),
            "verified_by": 9,
            "verified_at": draw.after(90),
        },
    )
