"""What became of each instance, and the answer that says so.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.5.3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from dicomweb.archives.archive import Address
from dicomweb.http.native_model import XML, native_model

Json = dict[str, Any]

#: failure reasons: https://dicom.nema.org/medical/dicom/current/output/html/part18.html#table_I.2-2
PROCESSING, DUPLICATE, NOT_AUTHORIZED = 0x0110, 0x0111, 0x0124
NO_RESOURCES, MISMATCH, NOT_UNDERSTOOD = 0xA700, 0xA900, 0xC000


@dataclass(frozen=True)
class Outcome:
    """One instance of a request. `failure` 0: it is stored; `note`: what a person should know."""

    address: Address
    sop_class: str = ""
    failure: int = 0
    note: str = ""


def status_of(outcomes: Sequence[Outcome]) -> int:
    """200 where all is stored, 202 where some is, else what kept all from being stored."""
    failures = {o.failure for o in outcomes}
    if failures == {0}:
        return 200
    if 0 in failures:
        return 202
    return 403 if failures == {NOT_AUTHORIZED} else 503 if failures == {NO_RESOURCES} else 409


def answer_of(outcomes: Sequence[Outcome], base: str, media: str) -> Response:
    """The answer in DICOM JSON or XML, with a Warning for each kind of note."""
    told = _dataset(outcomes, base)
    body = native_model(told) if media == XML else orjson.dumps(told)
    notes = dict.fromkeys(o.note for o in outcomes if o.note)
    headers = {"warning": ", ".join(f'299 {base} "{note}"' for note in notes)} if notes else {}
    status = status_of(outcomes)
    return Response(body, status, headers | ({"retry-after": "1"} if status == 503 else {}), media)


def _dataset(outcomes: Sequence[Outcome], base: str) -> Json:
    stored = [o for o in outcomes if not o.failure]
    failed = [o for o in outcomes if o.failure and o.address.instance]
    others = [o for o in outcomes if o.failure and not o.address.instance]
    studies = {o.address.study for o in stored}
    told: Json = {}
    if failed:
        told["00081198"] = _sequence([_item(o) | _failure(o) for o in failed])
    if stored:
        told["00081199"] = _sequence([_item(o) | _retrieve(f"{base}{_path(o.address)}") for o in stored])
    if others:  # https://dicom.nema.org/medical/dicom/current/output/html/part18.html#table_I.1-1
        told["0008119A"] = _sequence([_failure(o) for o in others])
    if len(studies) == 1:
        told |= _retrieve(f"{base}/studies/{studies.pop()}")
    return dict(sorted(told.items()))


def _path(address: Address) -> str:
    return f"/studies/{address.study}/series/{address.series}/instances/{address.instance}"


def _item(outcome: Outcome) -> Json:
    return {"00081150": _of("UI", outcome.sop_class), "00081155": _of("UI", outcome.address.instance)}


def _failure(outcome: Outcome) -> Json:
    return {"00081197": _of("US", outcome.failure)}


def _retrieve(url: str) -> Json:
    return {"00081190": _of("UR", url)}


def _of(vr: str, value: str | int) -> Json:
    return {"vr": vr, "Value": [value]} if value != "" else {"vr": vr}


def _sequence(items: list[Json]) -> Json:
    return {"vr": "SQ", "Value": items}
