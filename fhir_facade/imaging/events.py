"""What was done to studies, as events of the audit trail.

A search leaves one event a request, with the ImagingStudies and patients that it showed. What is retrieved of
a study leaves one for each viewing (`fhir_facade.imaging.viewings`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dicomweb.access import Access, Doing
from fhir_facade.audit.event import Event, outcome_of
from fhir_facade.audit.masking import raw
from fhir_facade.content import Request

STUDY = "ImagingStudy"


def search(asked: Request, base: str, access: Access, patients: Mapping[str, str]) -> Event:
    """A search, with what it showed."""
    ids = dict.fromkeys(access.studies.values())
    shown = dict.fromkeys(patients[i] for i in ids if i in patients)
    return _event(asked, "query", access.status, raw(asked, base), list(shown), [f"{STUDY}/{i}" for i in ids])


def on_studies(asked: Request, base: str, access: Access, patients: Mapping[str, str]) -> Iterator[Event]:
    """What was done to each study; the one request, if it was none that is known."""
    for id_ in dict.fromkeys(access.studies.values()):
        patient = [patients[id_]] if id_ in patients else []
        yield _event(asked, access.doing, access.status, "", patient, [f"{STUDY}/{id_}"], id_)
    if not access.studies:
        yield refusal(asked, base, access.doing, access.status)


def refusal(asked: Request, base: str, doing: Doing, status: int) -> Event:
    """A request that showed nothing, as it was sent."""
    return _event(asked, doing, status, raw(asked, base), [], [])


def _event(
    asked: Request,
    doing: Doing,
    status: int,
    query: str,
    patients: list[str],
    entities: list[str],
    study: str = "",
) -> Event:
    return Event(
        name=f"dicom-{doing}",
        outcome=outcome_of(status),
        status=status,
        resource_type=STUDY if study else "",
        id=study,
        query=query,
        address=asked.address,
        request_id=asked.request_id,
        caller=asked.caller,
        patients=patients,
        entities=entities,
    )
