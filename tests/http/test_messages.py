"""Methods, headers, media types, addresses. (R4 http)"""

import asyncio
import gzip
from pathlib import Path

import pytest

from tests.facade.facade import Facade, settings_of
from tests.http.outcomes import refused

PATIENT = "Patient/P-2025-000001"


@pytest.mark.parametrize(
    "path", [PATIENT, "Patient?name=%EA%B9%80", "metadata", "Patient/nobody", "Nonsense"]
)
async def test_40_head_is_get_without_a_body(embedded: Facade, path: str) -> None:
    got, head = await embedded.get(path), await embedded.request("HEAD", path)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "application/fhir+json"),
        ("*/*", "application/fhir+json"),
        ("application/json", "application/fhir+json"),
        ("application/fhir+json;fhirVersion=4.0", "application/fhir+json"),
        ("application/fhir+xml", "application/fhir+xml"),
        ("text/xml;q=0.9, application/json;q=0.1", "application/fhir+xml"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/fhir+json"),
        ("image/png, */*;q=0.1", "application/fhir+json"),
        ("application/fhir+xml ; charset=utf-8, */* ; q=0.1", "application/fhir+xml"),
        ("application/fhir+json; Q=0.1, application/fhir+xml", "application/fhir+xml"),
    ],
)
async def test_41_accept(embedded: Facade, accept: str, media: str) -> None:
    response = await embedded.get(PATIENT, accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media};charset=utf-8"


@pytest.mark.parametrize(
    ("asked", "media"),
    [
        ("json", "json"),
        ("application/fhir%2Bjson", "json"),
        ("application/fhir+json", "json"),
        ("text/json", "json"),
        ("xml", "xml"),
        ("application/fhir%2Bxml", "xml"),
    ],
)
async def test_41_format_beats_accept(embedded: Facade, asked: str, media: str) -> None:
    other = "application/fhir+xml" if media == "json" else "application/fhir+json"
    response = await embedded.get(f"{PATIENT}?_format={asked}", accept=other)
    assert response.headers["content-type"] == f"application/fhir+{media};charset=utf-8"


@pytest.mark.parametrize(
    "accept", ["image/png", "application/fhir+json;fhirVersion=5.0", "text/turtle", "*/*;q=0"]
)
async def test_41_what_cannot_be_answered_is_406(embedded: Facade, accept: str) -> None:
    refused(await embedded.get(PATIENT, accept=accept), 406, "not-supported")
    refused(await embedded.get(f"{PATIENT}?_format=turtle"), 406, "not-supported", "_format")


async def test_43_an_unchanged_resource_is_not_sent_again(facade: Facade) -> None:
    response = await facade.get(PATIENT)
    tag, modified = response.headers["etag"], response.headers["last-modified"]
    assert tag == f'W/"{response.json()["meta"]["versionId"]}"'
    for headers in (
        {"if_none_match": tag},
        {"if_none_match": f'"x", {tag}'},
        {"if_none_match": "*"},
        {"if_modified_since": modified},
    ):
        again = await facade.get(PATIENT, **headers)
        assert again.status_code == 304, headers
        assert again.content == b""
        assert again.headers["etag"] == tag
    for headers in (
        {"if_none_match": '"x"'},
        {"if_modified_since": "Mon, 01 Jan 1990 00:00:00 GMT"},
        {"if_modified_since": "nonsense"},
        {"if_none_match": '"x"', "if_modified_since": modified},
    ):
        assert (await facade.get(PATIENT, **headers)).status_code == 200, headers


async def test_45_what_is_not_there(embedded: Facade) -> None:
    refused(await embedded.get("Patient/nobody"), 404, "not-found")
    refused(await embedded.get("Nonsense"), 404, "not-found")
    refused(await embedded.get("Nonsense/1"), 404, "not-found")
    refused(await embedded.get("VisionPrescription"), 404, "not-supported")
    refused(await embedded.get("Patient/P-2025-000001/_history/1/2"), 404)
    for bad in ("a%20b", "a" * 65, "%EA%B9%80", "a_b"):
        refused(await embedded.get(f"Patient/{bad}"), 400, "value")
    for other in ("lab-01", "lab-1.0", "lab-99999999999999999999", "lab-1 ".strip() + ".x", "lab-"):
        refused(await embedded.get(f"Observation/{other}"), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "Patient/oe-pat-1"),
        ("PUT", "Patient/oe-pat-1"),
        ("PATCH", "Patient/oe-pat-1"),
        ("POST", PATIENT),
        ("POST", "Appointment"),
        ("POST", "metadata"),
        ("PUT", "Appointment"),
        ("DELETE", "Appointment?status=booked"),
        ("TRACE", "Patient"),
        ("GET", "Patient/_search"),
        ("NONSENSE", "Patient"),
    ],
)
async def test_45_what_may_not_be_done_says_what_may(embedded: Facade, method: str, path: str) -> None:
    response = await embedded.request(method, path)
    refused(response, 405, "not-supported")
    assert response.headers["allow"]


async def test_46_types_have_their_case(embedded: Facade) -> None:
    for path in ("patient", "PATIENT/P-2025-000001", "patient/_search"):
        assert (await embedded.get(path)).status_code in (404, 405)


@pytest.mark.parametrize(
    "path",
    [
        "Patient/",
        "/Patient",
        "//Patient//P-2025-000001",
        "Patient/?gender=male",
        "Patient//",
        "/",
        "metadata/",
    ],
)
async def test_47_slashes_are_forgiven(embedded: Facade, path: str) -> None:
    assert (
        await embedded.get(path + ("" if "?" in path or path.strip("/") != "" else "?_type=Patient"))
    ).status_code == 200


async def test_48_errors_have_cors_and_a_request_id(embedded: Facade) -> None:
    origin = "http://localhost:3000"
    for path in (PATIENT, "Patient/nobody", "Patient?nonsense=1", "Nonsense", "metadata"):
        response = await embedded.get(path, origin=origin, x_request_id="abc-123")
        assert response.headers["access-control-allow-origin"] == origin
        assert response.headers["x-request-id"] == "abc-123"
    foreign = await embedded.get(PATIENT, origin="https://evil.example")
    assert "access-control-allow-origin" not in foreign.headers
    odd = await embedded.get(PATIENT, x_request_id="a b<script>")
    assert odd.headers["x-request-id"] != "a b<script>"


async def test_55_preflight(embedded: Facade) -> None:
    response = await embedded.request(
        "OPTIONS", PATIENT, {"origin": "http://127.0.0.1:5173", "access-control-request-method": "GET"}
    )
    assert response.status_code == 204
    assert "GET" in response.headers["access-control-allow-methods"]
    assert "authorization" in response.headers["access-control-allow-headers"].lower()


async def test_55_gzip(embedded: Facade) -> None:
    response = await embedded.get("Observation?_count=50", accept_encoding="gzip")
    assert response.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers["vary"]
    for refusing in ("", "gzip;q=0", "br, gzip; q=0.0", "identity"):
        raw = await embedded.get("Observation?_count=50", accept_encoding=refusing)
        assert "content-encoding" not in raw.headers
    assert len(gzip.compress(raw.content)) < len(raw.content)


async def test_54_metadata_is_open_and_cacheable(embedded: Facade) -> None:
    response = await embedded.get("metadata")
    assert response.status_code == 200
    assert "max-age" in response.headers["cache-control"]
    assert response.json()["implementation"]["url"] == embedded.service.base
    refused(await embedded.get("metadata?mode=nonsense"), 400, None, "mode")


async def test_a_read_refuses_parameters_it_has_no_use_for(embedded: Facade) -> None:
    refused(await embedded.get(f"{PATIENT}?name=x"), 400, "not-supported", "name")
    subset = (await embedded.get(f"{PATIENT}?_elements=name")).json()
    assert "birthDate" not in subset
    assert "name" in subset


async def test_many_at_once_get_what_each_asked_for(facade: Facade) -> None:
    paths = [f"Patient/P-2025-{n:06d}" for n in (1, 2, 3)] * 20
    responses = await asyncio.gather(*(facade.get(p) for p in paths))
    assert [r.json()["id"] for r in responses] == [p.partition("/")[2] for p in paths]


async def test_a_cancelled_request_leaks_no_connection(facade: Facade) -> None:
    for _ in range(40):
        task = asyncio.ensure_future(facade.get("Observation?_count=200&_sort=-date"))
        await asyncio.sleep(0.002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (await facade.get(PATIENT)).json()["id"] == "P-2025-000001"


async def test_a_query_that_is_too_long_is_refused(embedded_data: Path) -> None:
    facade = Facade(settings_of(embedded_data, query_length_limit=2000))
    fits = "_count=1&_id=P-2025-000001,".ljust(2000, "x")
    assert (await facade.get(f"Patient?{fits}")).status_code == 200
    for asked in (f"Patient?{fits}x", f"?_type=Patient&{fits}", f"{PATIENT}?{fits}x", f"metadata?{fits}x"):
        refused(await facade.get(asked), 414, "too-long")
    assert (await facade.post("Patient/_search", fits)).status_code == 200
    refused(await facade.post("Patient/_search", f"{fits}x"), 413, "too-long")
    await facade.close()


@pytest.mark.parametrize(
    "spoofed",
    [
        {"x_forwarded_host": "evil.example", "x_forwarded_proto": "https", "x_forwarded_port": "444"},
        {"forwarded": "for=10.0.0.1;host=evil.example;proto=https"},
        {"x_forwarded_prefix": "/evil", "x_original_url": "/evil", "x_forwarded_server": "evil.example"},
        {"host": "localhost:9999"},
    ],
)
async def test_no_header_changes_where_links_lead(embedded: Facade, spoofed: dict[str, str]) -> None:
    for asked in ("Patient?_count=2&_include=Patient:general-practitioner", "metadata", "Patient/none"):
        answered = await embedded.get(asked, **spoofed)
        assert answered.status_code == (404 if "none" in asked else 200)
        assert "evil" not in answered.text + str(answered.headers)
        assert "9999" not in answered.text
    bundle = (await embedded.get("Patient?_count=2", **spoofed)).json()
    addresses = [one["url"] for one in bundle["link"]] + [e["fullUrl"] for e in bundle["entry"]]
    assert all(address.startswith(f"{embedded.service.base}/Patient") for address in addresses)
    metadata = (await embedded.get("metadata", **spoofed)).json()
    assert metadata["implementation"]["url"] == embedded.service.base
