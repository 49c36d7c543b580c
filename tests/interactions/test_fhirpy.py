"""A client that others wrote: fhirpy creates, saves, deletes and sends transactions."""

from pathlib import Path

import pytest
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from tests.facade.facade import embedded_folder
from tests.http.test_clients import served
from tests.interactions.client import basic, entry, goal

A = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"


async def test_fhirpy_writes(tmp_path: Path) -> None:
    with served(embedded_folder(tmp_path)) as base:
        client = AsyncFHIRClient(base)
        made = client.resource("Goal", **{k: v for k, v in goal().items() if k != "resourceType"})
        await made.save()
        assert made["meta"]["versionId"] == "1"
        made["lifecycleStatus"] = "completed"
        await made.save()
        again = await client.reference("Goal", made["id"]).to_resource()
        assert (again["lifecycleStatus"], again["meta"]["versionId"]) == ("completed", "2")
        await made.delete()  # type: ignore[no-untyped-call]
        with pytest.raises(ResourceNotFound):
            await again.refresh()
        with pytest.raises(OperationOutcome):
            await client.resource("Goal", lifecycleStatus="nearly").save()
        second = basic("b", subject={"reference": A})
        sent = [entry("POST", "Basic", basic("a"), A), entry("POST", "Basic", second)]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": sent}
        answer = await client.execute("", method="post", data=bundle)
        assert [e["response"]["status"] for e in answer["entry"]] == ["201 Created", "201 Created"]
        [found] = await client.resources("Basic").search(identifier="b").fetch_all()
        assert found["subject"]["reference"].startswith("Basic/n-")
