"""vread: a version of a resource. https://hl7.org/fhir/R4/http.html#vread"""

from __future__ import annotations

from typing import Any

from fhir_facade.audit.patients import PatientsOf
from fhir_facade.bygone import Bygone
from fhir_facade.content import Request, Response
from fhir_facade.drafts import authors_alone
from fhir_facade.interactions.read import as_answer, refuse_no_id
from fhir_facade.outages import outages_told
from fhir_facade.outcome import FhirFault, not_found
from fhir_facade.service import Service, refused
from mappers.query import Access, AllOf
from mappers.write import history

Resource = dict[str, Any]


async def vread(
    service: Service, request: Request, resource_type: str, id_text: str, version_id: str
) -> Response:
    """The resource as it was in that version.

    Raises 404 where there is no such version (or the caller may not see it), 410 for one that says that it
    was deleted.
    """
    refuse_no_id(resource_type, id_text)
    refuse_no_id(resource_type, version_id)
    if not service.may_read.opens(resource_type):
        raise refused(resource_type, "read")
    with outages_told():
        current = await readable(service, resource_type, id_text)
        if current is not None and current["meta"]["versionId"] == version_id:
            return as_answer(service, request, current)
        kept = await history.version(service.reading.database, resource_type, id_text, version_id)
        told = kept.resource if kept is not None else None
        opened = await shown(service, service.may_read, resource_type, told, current)
    if kept is None or not opened:
        raise not_found(f"there is no version of {resource_type}/{id_text} with that id")
    if kept.unreadable:
        raise FhirFault(500, "exception", kept.unreadable)
    if kept.resource is None:
        raise FhirFault(410, "deleted", f"that version of {resource_type}/{id_text} says: deleted")
    return as_answer(service, request, kept.resource)


async def readable(service: Service, resource_type: str, id_text: str) -> Resource | None:
    """The resource as it is now; None where it isn't there, can't be read, or may not be."""
    found = await service.reading.read(resource_type, id_text, strict=True)
    return found if isinstance(found, dict) else None


async def shown(
    service: Service, access: Access, resource_type: str, version: Resource | None, current: Resource | None
) -> bool:
    """Whether a caller may see an older version of what the access shows them now (or doesn't).

    Who doesn't see every row of a type sees versions of what they see now, as far as these would have been
    opened to them then; and none that was about another patient: what was entered into the wrong record, or
    the wrong visit, and corrected is not theirs. Nor is another's draft, when it has been released.
    """
    conditions = access.conditions(resource_type)
    if conditions == ():
        return True
    if conditions is None or current is None or version is None or not _released(service, access, version):
        return False
    patients_of = PatientsOf({resource_type: service.mappings[resource_type]})
    if not set(patients_of([version])) <= set(patients_of([current])):
        return False
    return await Bygone(service).opened_too(version, current, AllOf(conditions))


def _released(service: Service, access: Access, version: Resource) -> bool:
    """Whether a version was no draft, or is the caller's own, or drafts are open to them."""
    kind, user = version["resourceType"], service.caller.user if service.caller else None
    resolved = service.mappings[kind].resolve(version["id"])
    authors = authors_alone(resolved[0], version) if resolved else None
    if authors is None or access.releases(kind):
        return True
    return user is not None and {a.removeprefix(f"{service.base}/") for a in authors} == {user.fhir_user}
