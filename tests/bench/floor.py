"""The floor: the same bytes, by hand. Raw ASGI, asyncmy, SQL and mapping written out for what is measured.

It knows what the server can't: that laboratory results alone can match, what their rows look like, and which
addresses will be asked. So it is what a server could cost at best. `tests.bench.same` compares each answer.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl

import asyncmy
import orjson
from asyncmy.constants import FIELD_TYPE
from asyncmy.converters import conversions

from terminology import ucum

Row = tuple[Any, ...]
BASE = os.environ.get("PUBLIC_BASE_URL", "") + "/api/fhir"
TEXT = {k: v for k, v in conversions.items() if not isinstance(k, int)}
TEXT |= {getattr(FIELD_TYPE, n): int for n in ("TINY", "SHORT", "LONG", "LONGLONG", "INT24")}
SELECT = """SELECT r.id, CASE WHEN o.order_type != 'MEDICATION' THEN o.order_id END, r.status, t.loinc_code,
 r.test_code, t.test_name, r.patient_id, o.encounter_id, r.resulted_at, r.verified_at,
 p.id, p.first_name, p.last_name, v.id, v.first_name, v.last_name, r.value, r.unit, r.value_numeric,
 r.abnormal_flag, r.comment, r.specimen_id, t.ref_range_min, t.unit, t.ref_range_max, r.updated_at,
 r.order_id, r.performed_by, r.verified_by
 FROM lis_labresult r LEFT JOIN lis_labtestmaster t ON t.test_code = r.test_code
 LEFT JOIN ocs_order o ON o.order_id = r.order_id
 LEFT JOIN accounts_user p ON p.id = r.performed_by AND p.role != 'patient'
 LEFT JOIN accounts_user v ON v.id = r.verified_by AND v.role != 'patient' """
PATIENT = """SELECT c.patient_id, c.is_active, c.name, c.name_en, c.phone, c.email, c.gender, c.birth_date,
 c.is_deceased, c.deceased_at, c.address, c.postal_code, c.emergency_contact_name, c.emergency_contact_phone,
 c.updated_at, u.id, u.first_name, u.last_name, c.primary_doctor_id
 FROM emr_patientcache c LEFT JOIN accounts_user u ON u.id = c.primary_doctor_id AND u.role != 'patient'
 WHERE c.patient_id = CAST(%s AS BINARY)"""
#: places of a result's own columns, in the digest's order
OWN = (0, 1, 26, 2, 4, 6, 8, 9, 27, 28, 16, 17, 18, 19, 20, 21, 25)
CATEGORY = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "laboratory",
            "display": "Laboratory",
        }
    ]
}
FLAGS = {"N": "Normal", "H": "High", "L": "Low", "HH": "Critical high", "LL": "Critical low"}
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
PROFILE = "http://www.hl7korea.or.kr/fhir/krcore/StructureDefinition/krcore-"
LOCAL_TEST = "http://neuronova.example/fhir/CodeSystem/lab-test"
IDENTIFIER = {
    "use": "usual",
    "type": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                "code": "MR",
                "display": "Medical record number",
            }
        ]
    },
    "system": "http://neuronova.example/fhir/identifier/patient-id",
}
MATCH, INCLUDE = {"mode": "match"}, {"mode": "include"}
_units: dict[str, dict[str, str]] = {}


def instant(text: str) -> str:
    """A stored moment as FHIR writes it (the site has one offset)."""
    return f"{text[:10]}T{text[11:19]}+09:00"


def unit(text: str) -> dict[str, str]:
    """The unit's part of a quantity."""
    found = _units.get(text)
    if found is None:
        code = ucum.unit_code(text)
        coded = {"system": "http://unitsofmeasure.org", "code": code} if code else {}
        found = _units[text] = {"unit": text, **coded}
    return found


def limit(stored: str, of: str) -> dict[str, Any]:
    """One end of a reference range."""
    return {"value": orjson.Fragment(stored.rstrip("0").rstrip(".")), **unit(of)}


def name(first: str, last: str) -> str:
    """A Korean name."""
    return f"{last}{first}"


def digest(own: list[Any]) -> str:
    """The versionId."""
    return blake2b(orjson.dumps(own), digest_size=8).hexdigest()


def practitioner(row: Row, at: int) -> dict[str, str]:
    """A reference with its name."""
    return {"reference": f"Practitioner/user-{row[at]}", "display": name(row[at + 1], row[at + 2])}


def observation(row: Row) -> dict[str, Any]:
    """A result as Observation."""
    key, taken, flag, shown = row[0], instant(row[8]), FLAGS[row[19]], row[5]
    told = f"{shown} · {row[16]} {row[17]} · {flag} · {row[8][:16]} · {row[2]}"
    return {
        "resourceType": "Observation",
        "id": f"lab-{key}",
        "meta": {
            "versionId": digest([row[i] for i in OWN]),
            "source": f"urn:neuronova:cdss_db:lis_labresult:{key}",
            "lastUpdated": instant(row[25]),
            "profile": [PROFILE + "observation-laboratory-result"],
        },
        "basedOn": [{"reference": "ServiceRequest/" + row[1]}],
        "status": row[2],
        "category": [CATEGORY],
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": row[3]},
                {"system": LOCAL_TEST, "code": row[4], "display": shown},
            ],
            "text": shown,
        },
        "subject": {"reference": "Patient/" + row[6]},
        "encounter": {"reference": "Encounter/" + row[7]},
        "effectiveDateTime": taken,
        "issued": instant(row[9]),
        "performer": [practitioner(row, 10), practitioner(row, 13)],
        "valueQuantity": {"value": orjson.Fragment(row[16]), **unit(row[17])},
        "interpretation": [
            {"coding": [{"system": INTERPRETATION, "code": row[19], "display": flag}], "text": flag}
        ],
        "specimen": {"reference": "Specimen/" + row[21]},
        "referenceRange": [
            {
                **({"low": limit(row[22], row[23])} if row[22] is not None else {}),
                **({"high": limit(row[24], row[23])} if row[24] is not None else {}),
            }
        ],
        "text": {"status": "generated", "div": _div(told)},
    }


def _div(told: str) -> str:
    escaped = told.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escaped}</p></div>'


def patient(row: Row) -> dict[str, Any]:
    """A bulk patient as Patient."""
    key, gender = row[0], {"M": "male", "F": "female"}[row[6]]
    return {
        "resourceType": "Patient",
        "id": key,
        "meta": {
            "versionId": digest([*row[:14], row[18], row[14], [], []]),
            "source": f"urn:neuronova:cdss_db:emr_patientcache:{key}",
            "lastUpdated": instant(row[14]),
            "profile": [PROFILE + "patient"],
        },
        "identifier": [{**IDENTIFIER, "value": key}],
        "active": row[1] == 1,
        "name": [{"use": "official", "text": row[2]}],
        "telecom": [{"system": "phone", "value": row[4]}],
        "gender": gender,
        "birthDate": row[7],
        "deceasedBoolean": row[8] == 1,
        "generalPractitioner": [practitioner(row, 15)],
        "text": {"status": "generated", "div": _div(f"{row[2]} · {gender} · {row[7]} · {key}")},
    }


# what is asked: WHERE, ORDER and arguments for each set of parameters

COLLATED = "CAST(%s AS BINARY)"
OF_PATIENT = f"WHERE r.patient_id = {COLLATED} "
OF_LOINC = f"r.test_code IN (SELECT test_code FROM lis_labtestmaster WHERE loinc_code = {COLLATED}) "  # noqa: S608
OVER = """WHERE (r.unit = 'mg/dL' AND r.value_numeric > %s OR r.unit = 'g/dL' AND r.value_numeric > %s
 OR r.unit = 'mg/L' AND r.value_numeric > %s) """
BY_ID, NEWEST = "ORDER BY r.id LIMIT 51", "ORDER BY r.resulted_at DESC, r.id DESC LIMIT 51"
#: of a sub-select's codes, the server would sort all results; of these it takes the first in the index
CODES = f"SELECT test_code FROM lis_labtestmaster WHERE loinc_code = {COLLATED}"  # noqa: S608
BY_CODE = "ORDER BY r.test_code, r.resulted_at, r.id LIMIT 51"


def _code(value: str) -> str:
    return value.rpartition("|")[2]


def _mass(value: str) -> tuple[float, float, float]:
    """gt…|UCUM|mg/dL in the units of mass concentration that the rows have."""
    number = float(value.split("|")[0][2:])
    return number, number / 1000, number * 10


def _cursor(value: str) -> tuple[str, str, int]:
    resulted, key = orjson.loads(urlsafe_b64decode(value))
    return resulted, resulted, key


STRETCH = "AND r.resulted_at >= %s AND r.resulted_at < %s "
BEYOND = "WHERE r.resulted_at <= %s AND (r.resulted_at < %s OR r.id < %s) "

#: the names of a search's parameters → its SQL, and what makes the arguments of their values
STATEMENTS: dict[tuple[str, ...], tuple[str, Callable[[list[str]], tuple[Any, ...]]]] = {
    ("patient",): (SELECT + OF_PATIENT + BY_ID, lambda v: (v[0],)),
    ("patient", "_include"): (SELECT + OF_PATIENT + BY_ID, lambda v: (v[0],)),
    ("patient", "code"): (SELECT + OF_PATIENT + "AND " + OF_LOINC + BY_ID, lambda v: (v[0], _code(v[1]))),
    ("code", "date", "date"): (
        SELECT + "WHERE " + OF_LOINC + STRETCH + BY_ID,
        lambda v: (_code(v[0]), v[1][2:], v[2][2:]),
    ),
    ("category", "patient", "_sort"): (SELECT + OF_PATIENT + NEWEST, lambda v: (v[1],)),
    ("value-quantity",): (SELECT + OVER + BY_ID, lambda v: _mass(v[0])),
    ("_lastUpdated",): (SELECT + "WHERE r.updated_at >= %s " + BY_ID, lambda v: (v[0][2:],)),
    ("patient.identifier",): (SELECT + OF_PATIENT + BY_ID, lambda v: (_code(v[0]),)),
    ("category", "_sort"): (SELECT + NEWEST, lambda v: ()),
    ("_cursor",): (SELECT + BEYOND + NEWEST, lambda v: _cursor(v[0])),
}


_idle: list[Any] = []


async def fetch(sql: str, arguments: tuple[Any, ...]) -> list[Row]:
    """All rows; a connection is made when none is idle."""
    connection = _idle.pop() if _idle else await connect()
    cursor = connection.cursor()
    await cursor.execute(sql, arguments)
    rows: list[Row] = await cursor.fetchall()
    await cursor.close()
    _idle.append(connection)
    return rows


async def connect() -> Any:
    """A connection that reads values as text."""
    environment = os.environ
    connection = await asyncmy.connect(
        host=environment["DB_HOST"],
        port=int(environment["DB_PORT"]),
        user=environment["DB_USER"],
        password=environment["DB_PASSWORD"],
        db=environment["DB_NAME"],
        charset="utf8mb4",
        autocommit=True,
        conv=TEXT,
    )
    async with connection.cursor() as cursor:
        await cursor.execute("SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci")
    return connection


# answers


async def searched(query: str) -> bytes:
    """A searchset."""
    pairs = [(n, v) for n, v in parse_qsl(query) if n != "_count"]
    names, values = tuple([n for n, _ in pairs]), [v for _, v in pairs]
    if names == ("code", "date", "date") and os.environ["INDEXED"]:
        rows = await along_index(*values)
    else:
        sql, arguments = STATEMENTS[names]
        rows = await fetch(sql, arguments(values))
    entries = [entry(observation(row), MATCH) for row in rows[:50]]
    if "_include" in names and rows:
        entries += [entry(patient(row), INCLUDE) for row in await fetch(PATIENT, (values[0],))]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    links = [{"relation": "self", "url": f"{BASE}/Observation?{query}"}]
    if len(rows) > 50:
        at = urlsafe_b64encode(orjson.dumps([rows[49][8], rows[49][0]])).decode()
        links.append({"relation": "next", "url": f"{BASE}/Observation?_cursor={at}"})
    else:
        bundle["total"] = len(rows)
    return orjson.dumps({**bundle, "link": links, "entry": entries})


async def along_index(code: str, since: str, before: str) -> list[Row]:
    """The first results of a code in the order of the index that serves it."""
    codes = [code for (code,) in await fetch(CODES, (_code(code),))]
    listed = f"WHERE r.test_code IN ({', '.join(['%s'] * len(codes))}) "
    return await fetch(SELECT + listed + STRETCH + BY_CODE, (*codes, since[2:], before[2:]))


def entry(resource: dict[str, Any], mode: dict[str, str]) -> dict[str, Any]:
    """An entry of a searchset."""
    return {
        "fullUrl": f"{BASE}/{resource['resourceType']}/{resource['id']}",
        "resource": resource,
        "search": mode,
    }


async def read(key: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """A result and its validators."""
    row = (await fetch(SELECT + "WHERE r.id = %s", (int(key),)))[0]
    resource = observation(row)
    changed = datetime.fromisoformat(resource["meta"]["lastUpdated"]).astimezone(UTC)
    headers = [
        (b"etag", f'W/"{resource["meta"]["versionId"]}"'.encode()),
        (b"last-modified", changed.strftime("%a, %d %b %Y %H:%M:%S GMT").encode()),
    ]
    return orjson.dumps(resource), headers


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """`/api/fhir/Observation/lab-N` and `/api/fhir/Observation?…`."""
    if scope["type"] != "http":
        return
    path = scope["path"]
    headers: list[tuple[bytes, bytes]] = []
    if path.endswith("/Observation"):
        body = await searched(scope["query_string"].decode())
    else:
        body, headers = await read(path.rpartition("-")[2])
    headers += [(b"content-type", b"application/fhir+json;charset=utf-8")]
    headers += [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
