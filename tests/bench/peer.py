"""The peer: the same results by fhirstarter, as its users would: fhir.resources models over asyncmy.

It takes the floor's SQL and row mapping, so only what the framework and its models cost is added. Annotations
must be real here, the framework reads them.
"""

from typing import Any

from asyncmy.errors import Error
from fastapi import FastAPI
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.observation import Observation
from fhirstarter import FHIRProvider, FHIRStarter, InteractionContext
from fhirstarter.exceptions import FHIRResourceNotFoundError

from tests.bench import floor

provider = FHIRProvider()


def model(row: floor.Row) -> Any:
    """A result as a validated model."""
    found = floor.observation(row)
    found["valueQuantity"] = found["valueQuantity"] | {"value": row[16]}
    for limits in found["referenceRange"]:
        for end, stored in (("low", row[22]), ("high", row[24])):
            if end in limits:
                limits[end] = limits[end] | {"value": stored}
    return Observation.model_validate(found)


@provider.read(Observation)  # type: ignore[untyped-decorator]
async def observation_read(context: InteractionContext, id_: str) -> Observation:
    """One result."""
    try:
        rows = await floor.fetch(floor.SELECT + "WHERE r.id = %s", (int(id_.removeprefix("lab-")),))
    except (ValueError, Error):
        raise FHIRResourceNotFoundError from None
    if not rows:
        raise FHIRResourceNotFoundError
    return model(rows[0])


@provider.search_type(Observation)  # type: ignore[untyped-decorator]
async def observation_search(
    context: InteractionContext, patient: str | None = None, code: str | None = None
) -> Bundle:
    """Results of a patient, of one code if that is given."""
    names = ("patient", "code") if code else ("patient",)
    sql, arguments = floor.STATEMENTS[names]
    rows = await floor.fetch(sql, arguments([patient or "", code or ""]))
    entries = [
        {"fullUrl": f"{floor.BASE}/Observation/lab-{row[0]}", "resource": model(row), "search": floor.MATCH}
        for row in rows[:50]
    ]
    links = [{"relation": "self", "url": f"{floor.BASE}/Observation"}]
    return Bundle.model_validate(
        {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}
    )


fhir = FHIRStarter(title="peer")
fhir.add_providers(provider)
app = FastAPI()
app.mount("/api/fhir", fhir)
