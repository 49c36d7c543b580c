"""OpenAPI describes what is served, and its pages need no network."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fhir_facade.app import create_app
from fhir_facade.registry import by_type
from fhir_facade.settings import Settings
from tests.docs.test_landing import address, browser, client, dom, secured
from tests.facade.facade import Facade

__all__ = ["address", "browser", "client", "secured"]


@pytest_asyncio.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], bool]:
    """The document, and whether another request was answered while it was made."""
    app = create_app(Settings(data_dir=str(tmp_path_factory.mktemp("openapi")), enable_security=False))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as asking:
        making = asyncio.create_task(asking.get("/api/schema/"))
        await asyncio.sleep(0.01)
        other = await asking.get("/api/health/live")
        meanwhile = other.status_code == 200 and not making.done()
        return (await making).json(), meanwhile


@pytest.fixture(scope="module")
def document(made: tuple[dict[str, Any], bool]) -> dict[str, Any]:
    return made[0]


def test_while_the_document_is_made_others_are_answered(made: tuple[dict[str, Any], bool]) -> None:
    assert made[1]


def test_every_type_has_its_addresses(document: dict[str, Any]) -> None:
    for name in by_type():
        assert "get" in document["paths"][f"/api/fhir/{name}"]
        assert "get" in document["paths"][f"/api/fhir/{name}/{{id}}"]
        assert "post" in document["paths"][f"/api/fhir/{name}/_search"]
        assert name in document["components"]["schemas"]
    assert "get" in document["paths"]["/api/health/ready"]


def test_every_parameter_of_a_mapping_is_described(document: dict[str, Any]) -> None:
    told = {p["name"] for p in document["paths"]["/api/fhir/Observation"]["get"]["parameters"]}
    assert {"code", "date", "patient", "_lastUpdated", "_include", "_sort", "_count"} <= told


def test_every_reference_within_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    for target in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)):
        assert target in document["components"]["schemas"]


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))


def test_path_parameters_are_those_of_the_path(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            told = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert told == set(re.findall(r"{(\w+)}", path)), path


async def test_each_example_is_taken(client: httpx.AsyncClient, document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            for example in parameter.get("examples", {}).values():
                response = await client.get(path, params={parameter["name"]: example["value"], "_count": 1})
                assert response.status_code == 200, f"{path} {parameter['name']}: {response.text[:200]}"


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
async def test_pages_load_nothing_from_elsewhere(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 200
    assert "https:" not in response.headers["content-security-policy"]
    for link in re.findall(r'(?:href|src)="([^"]+)"', response.text):
        assert link.startswith("/")
        assert (await client.get(link)).status_code == 200
    assert (await client.get(f"{path}nothing")).status_code == 404


async def test_without_access_control_nobody_is_asked_to_sign_in(client: httpx.AsyncClient) -> None:
    assert 'id="sign-in"' not in (await client.get("/api/docs/")).text


async def test_the_page_that_tries_requests_is_a_client_of_its_own(secured: Facade) -> None:
    page = await secured.http.get("/api/docs/")
    assert 'data-client="api-docs"' in page.text
    assert "$" not in page.text
    assert secured.app.authorization is not None
    client = secured.app.authorization.clients.get("api-docs")
    assert client is not None
    assert client.redirect_uris == f"{secured.settings.base_url}/api/docs/"
    assert (client.kind, client.scopes.split()[-1]) == ("public", "user/*.cruds")


def test_both_pages_show_the_document(browser: str, address: str, tmp_path: Path) -> None:
    assert "AllergyIntolerance" in dom(browser, f"{address}/api/docs/", tmp_path)
    assert "AllergyIntolerance" in dom(browser, f"{address}/api/redoc/", tmp_path)
