"""The files of an export, and the address that tells of them: from the kick-off until they are gone."""

from __future__ import annotations

import gzip

import pytest

from tests.export.client import ASYNC, exports_of, finished, kicked_off
from tests.facade.facade import Facade


async def test_files_come_packed_for_who_takes_that(embedded_exporting: Facade) -> None:
    manifest = await finished(
        embedded_exporting, await kicked_off(embedded_exporting, "$export?_type=Patient")
    )
    [entry] = manifest["output"]
    plain = await embedded_exporting.get(entry["url"])
    async with embedded_exporting.http.stream(
        "GET", entry["url"], headers={"accept-encoding": "gzip", "accept": "application/fhir+ndjson"}
    ) as packed:
        raw = b"".join([piece async for piece in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 2
    assert plain.headers["content-length"] == str(len(plain.content))
    assert "expires" in plain.headers
    head = await embedded_exporting.request("HEAD", entry["url"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == plain.headers["content-length"]


async def test_files_are_sealed_on_disk(embedded_exporting: Facade) -> None:
    address = await kicked_off(embedded_exporting, "$export?_type=Patient")
    await finished(embedded_exporting, address)
    folder = embedded_exporting.settings.data_path / "export" / address.rpartition("/")[2]
    [file] = folder.glob("Patient.*")
    assert b"Patient" not in file.read_bytes()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


async def test_progress_is_told_until_it_is_done(embedded_exporting: Facade) -> None:
    address = await kicked_off(embedded_exporting, "$export?_type=Patient")
    answer = await embedded_exporting.get(address)
    assert (answer.status_code, answer.content) == (202, b"")
    assert 0 < len(answer.headers["x-progress"]) < 100
    assert int(answer.headers["retry-after"]) >= 1
    manifest = await finished(embedded_exporting, address)
    answer = await embedded_exporting.get(address, accept="application/json")
    assert answer.json() == manifest
    assert "expires" in answer.headers


async def test_who_asks_too_often_is_told_to_wait(embedded_exporting: Facade) -> None:
    address = await kicked_off(embedded_exporting, "$export?_type=Patient")
    statuses = [(await embedded_exporting.get(address)).status_code for _ in range(100)]
    assert set(statuses) == {202, 429}
    answer = await embedded_exporting.get(address)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["issue"][0]["code"] == "throttled"
    await finished(embedded_exporting, address)  # what is done is told at once


async def test_an_export_that_is_dropped_is_gone(exporting: Facade) -> None:
    waiting, done = [await kicked_off(exporting, "$export?_type=Patient") for _ in range(2)]
    assert (await exporting.request("DELETE", waiting)).status_code == 202
    manifest = await finished(exporting, done)
    url = manifest["output"][0]["url"]
    folder = exporting.settings.data_path / "export"
    assert len(list(folder.iterdir())) == 1
    assert (await exporting.request("DELETE", done)).status_code == 202
    assert list(folder.iterdir()) == []
    for address in (waiting, done, url):
        for method in ("GET", "DELETE"):
            answer = await exporting.request(method, address)
            assert answer.status_code == 404
            assert answer.json()["issue"][0]["code"] == "not-found"


async def test_an_export_expires_with_its_files(
    embedded_exporting: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = exports_of(embedded_exporting)
    address = await kicked_off(embedded_exporting, "$export?_type=Patient")
    manifest = await finished(embedded_exporting, address)
    later = exports.jobs.now() + embedded_exporting.settings.export_hours * 3600
    monkeypatch.setattr(exports.jobs, "_clock", lambda: later)
    for url in (address, manifest["output"][0]["url"]):
        assert (await embedded_exporting.get(url)).status_code == 404
    exports.runner.tidy()
    assert list((embedded_exporting.settings.data_path / "export").iterdir()) == []


async def test_files_of_no_job_are_removed(embedded_exporting: Facade) -> None:
    folder = embedded_exporting.settings.data_path / "export" / "0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "Patient.1.1.ndjson").write_text("{}")
    exports_of(embedded_exporting).runner.tidy()
    assert not folder.exists()


async def test_a_client_has_only_so_many_exports_under_way(embedded_exporting: Facade) -> None:
    addresses = [
        await kicked_off(embedded_exporting, "$export?_type=Endpoint")
        for _ in range(embedded_exporting.settings.export_limit)
    ]
    answer = await embedded_exporting.get("$export", **ASYNC)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    await embedded_exporting.request("DELETE", addresses[0])
    await kicked_off(embedded_exporting, "$export?_type=Endpoint")


@pytest.mark.parametrize("path", ["_export", "_export/", "_export/nothing", "_export/a/b/c", "_export/x/y"])
async def test_what_is_no_export_is_not_found(embedded: Facade, path: str) -> None:
    answer = await embedded.get(path)
    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_file_that_was_never_written_is_not_found(embedded_exporting: Facade) -> None:
    address = await kicked_off(embedded_exporting, "$export?_type=Patient")
    assert (await embedded_exporting.get(f"{address}/Patient.ndjson")).status_code == 404
    await finished(embedded_exporting, address)
    for name in ("Observation.ndjson", "Patient", "..%2F..%2Faudit.key", "Patient.1.1.ndjson"):
        assert (await embedded_exporting.get(f"{address}/{name}")).status_code == 404
    assert (await embedded_exporting.request("PUT", address)).status_code == 405
    assert (await embedded_exporting.request("DELETE", f"{address}/Patient.ndjson")).status_code == 405
