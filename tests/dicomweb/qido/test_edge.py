"""The gateway's edge: addresses, methods, pages of other origins, names of this server, counting."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import Request

from dicomweb.http.faults import DicomFault
from tests.dicomweb.qido.conftest import ROOT, Images
from tests.dicomweb.qido.indexed import OLD
from tests.facade.facade import Facade, settings_of
from tests.smart_auth.badges import Badges, user

PAGE = {"origin": "http://localhost:3000"}


@pytest.mark.parametrize(
    "uid", ["..%2f..", "%2e%2e", "1..2", "1." * 40 + "1", "1.2%00", "x", "1.2%2f3", "%EF%BC%91.2", "1.2%0A"]
)
async def test_an_address_with_what_is_no_uid_is_refused(images: Images, uid: str) -> None:
    for path in (f"/studies/{uid}/series", f"/studies/1.2/series/{uid}/instances"):
        answer = await images.get(path)
        assert answer.status_code == 400
        assert "InstanceUID in the address is no UID" in answer.json()["message"]


async def test_unknown_addresses_and_methods_are_told(images: Images) -> None:
    assert (await images.get("/nonsense")).status_code == 404
    assert (await images.get("")).status_code == 404
    refused = await images.request("PATCH", "/studies")
    assert refused.status_code == 405
    assert {"GET", "HEAD", "OPTIONS"} <= set(refused.headers["allow"].split(", "))


async def test_the_capability_statement_leads_to_it_and_options_tell_its_methods(images: Images) -> None:
    stated = (await images.facade.get("metadata")).json()["rest"][0]["documentation"]
    assert "DICOMweb (QIDO-RS, WADO-RS, STOW-RS)" in stated
    (named,) = [word for word in stated.split() if word.startswith("Endpoint/")]
    address = (await images.facade.get(named.rstrip(",."))).json()["address"]
    options = await images.facade.http.options(f"{address}/studies")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")
    assert (await images.facade.http.get(f"{address}/studies?limit=1")).status_code == 200


async def test_head_is_answered_as_get_without_a_body(images: Images) -> None:
    answer, full = await images.request("HEAD", "/studies"), await images.get("/studies")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == full.headers["content-length"]


async def test_pages_of_registered_origins_may_call_and_read_refusals_too(images: Images) -> None:
    asked = await images.request("OPTIONS", "/studies", **PAGE, access_control_request_method="GET")
    assert asked.status_code == 204
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    for path in ("/studies", "/nonsense", "/studies?x=1"):
        answer = await images.get(path, **PAGE)
        assert answer.headers["access-control-allow-origin"] == PAGE["origin"]
        assert "Warning" in answer.headers["access-control-expose-headers"]
    stranger = await images.get("/studies", origin="https://stranger.example")
    assert "access-control-allow-origin" not in stranger.headers


async def test_every_answer_has_a_request_id_and_is_stored_by_nobody(images: Images) -> None:
    for path in ("/studies", "/nonsense"):
        answer = await images.get(path, x_request_id="mine-1")
        assert answer.headers["x-request-id"] == "mine-1"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await images.get("/nonsense", x_request_id="mine-1")).json()["requestId"] == "mine-1"


async def test_the_server_answers_under_no_strange_name(images: Images) -> None:
    assert (await images.get("/studies", host="evil.example")).status_code == 421


async def test_a_viewing_of_hundreds_of_slices_is_counted_apart(imaged_data: Path, badges: Badges) -> None:
    settings = settings_of(imaged_data, enable_security=True, rate_limit_caller=60)
    images = Images(Facade(settings, badges))
    token = badges.badge("user/*.rs", user("doctor"))
    gate = images.router.gateway.gate
    for _ in range(600):
        await gate.admitted(request_of(token))
    for _ in range(30):
        assert (await images.get("/studies?limit=1", authorization=token)).status_code == 200
    refused = await images.get("/studies", authorization=token)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    with pytest.raises(DicomFault, match="too many requests"):
        await gate.admitted(request_of(token))
    await images.facade.close()


def request_of(token: str) -> Request:
    """A request for one frame."""
    path = f"{ROOT}/studies/{OLD}/series/1/instances/2/frames/1"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "client": ("10.0.0.7", 1)}
    request = Request({**scope, "headers": [(b"authorization", token.encode())]})
    request.state.request_id = "a-frame"
    return request
