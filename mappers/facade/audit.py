"""AuditEvent, from the facade's own trail, as IHE's BALP wants it. https://profiles.ihe.net/ITI/BALP

One access that showed several patients is an AuditEvent for each of them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, cast

from mappers.cdss import links
from mappers.cdss.tables import emr_patientcache
from mappers.facade import balp
from mappers.facade.recorded import Identified, Recorded, RecordedReference
from mappers.facade.tables import fhir_audit, fhir_audit_event
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr.links import PATIENT_PREFIX
from mappers.openemr.tables import patient_data
from mappers.values import (
    Backbone,
    Code,
    Coded,
    Concept,
    FirstOf,
    Fixed,
    Instant,
    MappedCoding,
    Patterned,
    ReferenceTo,
    Route,
    Str,
    When,
    both,
    looks_like,
    there_is,
    unless,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import V3_ACT_REASON, local_system

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
#: of these the raw request is kept
QUERIES = (
    *("search-type", "search-system", "history-type", "history-system"),
    *("operation", "export", "request", "token"),
    *("dicom-query", "dicom-retrieve", "dicom-store", "dicom-delete"),
)
#: what these may say is closed: no entity beside the one, no other name of the user
CLOSED = ("delete", "token")
#: of these an administrator has changed what `entity_id` names
ADMINISTRATION = ("configuration", "user-security", "consent")
#: what is said of a viewing of images
RETRIEVED, VIEWING = "dicom-retrieve", ("viewing", "instances", "frames", "bytes")
LOCAL = local_system("audit-event")

E, A = fhir_audit_event.c, fhir_audit.c
OURS, THEIRS = emr_patientcache.alias("shown_patient"), patient_data.alias("shown_oe_patient")
CALLING = emr_patientcache.alias("calling_patient")
PATIENT = ReferenceTo(
    "Patient",
    Route(E.patient_id, Id("", OURS.c.patient_id), target="patient_id"),
    Route(E.openemr_pid, Id(PATIENT_PREFIX, THEIRS.c.pid), target="pid"),
    joins=(Join(OURS, OURS.c.patient_id == E.patient_id), Join(THEIRS, THEIRS.c.pid == E.openemr_pid)),
)


def record(*names: str) -> Recorded:
    """A text of the record."""
    return Recorded(A.record, lambda found: _at(found, names), "String", names[-1])


def _at(found: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _roles(found: dict[str, Any]) -> Any:
    return [{"text": role} for role in _at(found, ("user", "roles")) or ()]


def _account(found: dict[str, Any]) -> Any:
    """The user as the identity provider knows them."""
    subject = _at(found, ("user", "subject"))
    return {"system": found.get("issuer"), "value": subject} if subject and found.get("issuer") else None


def _client(found: dict[str, Any]) -> Any:
    name = found.get("client")
    return {"identifier": {"value": name}} if name else {"display": "anonymous"}


def _server(found: dict[str, Any]) -> Any:
    return {"identifier": {"value": found.get("server")}, "display": "FHIR facade"}


def _broken_glass(found: dict[str, Any]) -> Any:
    reason = found.get("emergency")
    coding = {"system": V3_ACT_REASON, "code": "BTG", "display": "break the glass"}
    return {"coding": [coding], "text": reason} if reason else None


def _told(found: dict[str, Any]) -> Any:
    """What went wrong: the HTTP status and the issue's code, never a text of the answer."""
    said = [str(found[k]) for k in ("status", "issue") if found.get(k)]
    return " ".join(said) if found.get("outcome") != "0" else None


def _viewing(found: dict[str, Any]) -> Any:
    """Which viewing of images it was of, and how much of it has left."""
    details = found.get("details")
    if found.get("event") != RETRIEVED or not isinstance(details, dict):
        return None
    return [{"type": name, "valueString": str(details[name])} for name in VIEWING if details.get(name)]


def _changed(found: dict[str, Any]) -> Any:
    """By which command something was changed, and how."""
    details = found.get("details")
    if found.get("event") not in ADMINISTRATION or not isinstance(details, dict):
        return None
    return [{"type": name, "valueString": str(value)} for name, value in details.items() if value]


def _request(found: dict[str, Any]) -> Any:
    return {"identifier": {"value": found["request"]}} if found.get("request") else None


def coded(system: str, code: str, display: str) -> dict[str, str]:
    """A Coding of one of HL7's own systems."""
    return {"system": f"{_TERMINOLOGY}/{system}", "code": code, "display": display}


SUBTYPE = FirstOf(
    MappedCoding(A.event, CodeMap.load("facade_audit_subtype")),
    When(*word_is(A.event, "token"), Fixed(balp.GET_TOKEN)),
    Coded(LOCAL, A.event),
)
#: who is not a user: a backend service, or nobody that we know
HAS_USER = there_is(Str(A.user_name))
OPEN = unless(word_is(A.event, *CLOSED))
NETWORK = Backbone(
    Element("address", Str(A.address)),
    Element("type", FirstOf(When(*looks_like(A.address, "[0-9A-Fa-f:.]+"), Fixed("2")), Fixed("1"))),
    needs=("address",),
)
CLIENT = Backbone(
    Element("type", Concept(MappedCoding(A.event, CodeMap.load("facade_audit_client")))),
    Element("who", Recorded(A.record, _client)),
    Element("requestor", FirstOf(When(*HAS_USER, Fixed(False)), Fixed(True))),
    Element("policy[]", When(*both(OPEN, unless(HAS_USER)), Str(A.token))),
    Element("network", NETWORK),
)
SERVER = Backbone(
    Element(
        "type",
        Concept(
            MappedCoding(A.event, CodeMap.load("facade_audit_server")),
            When(*word_is(A.event, "token"), Fixed(balp.TOKEN_SERVICE)),
        ),
    ),
    Element("who", Recorded(A.record, _server)),
    Element("requestor", Fixed(False)),
    Element(
        "network",
        Backbone(Element("address", Str(A.server)), Element("type", Fixed("5")), needs=("address",)),
    ),
)
USER = Backbone(
    Element("type", Concept(MappedCoding(A.event, CodeMap.load("facade_audit_user")))),
    Element("role", Recorded(A.record, _roles)),
    Element(
        "who",
        Identified(
            Recorded(A.record, _account),
            links.practitioner(A.user_id),
            ReferenceTo(
                "Patient",
                Route(A.user_patient, Id("", CALLING.c.patient_id), target="patient_id"),
                joins=(Join(CALLING, CALLING.c.patient_id == A.user_patient),),
            ),
        ),
    ),
    Element("altId", When(*OPEN, Patterned(A.username, "^.", "String"))),
    Element("name", Str(A.user_name)),
    Element("requestor", Fixed(True)),
    Element("policy[]", When(*OPEN, Str(A.token))),
    Element("purposeOfUse[]", Recorded(A.record, _broken_glass)),
    needs=("name",),
)
SOURCE = Backbone(
    Element("observer", Recorded(A.record, _server)),
    Element("type[]", Fixed(coded("security-source-type", "4", "Application Server"))),
)
PATIENT_ENTITY = (
    Element("type", Fixed(coded("audit-entity-type", "1", "Person"))),
    Element("role", Fixed(coded("object-role", "1", "Patient"))),
)
GONE = When(*unless(there_is(PATIENT)), FirstOf(Str(E.patient_id), Str(cast(E.openemr_pid, String))))
SYSTEM_OBJECT = Fixed(coded("audit-entity-type", "2", "System Object"))
USER_ENTITY = Fixed(coded("object-role", "11", "Security User Entity"))
SECURITY_RESOURCE = Fixed(coded("object-role", "13", "Security Resource"))
ENTITIES = (
    Backbone(
        Element("what", RecordedReference(A.entity_type, A.entity_id)),
        Element("type", SYSTEM_OBJECT),
        Element("role", Fixed(coded("object-role", "4", "Domain Resource"))),
        Element("detail", Recorded(A.record, _viewing)),
        needs=("what",),
    ),
    Backbone(
        Element("type", SYSTEM_OBJECT),
        Element("role", Fixed(coded("object-role", "24", "Query"))),
        Element("query", When(*word_is(A.event, *QUERIES), record("query"))),
        needs=("query",),
    ),
    Backbone(
        Element("type", SYSTEM_OBJECT),
        Element("role", FirstOf(When(*word_is(A.event, "user-security"), USER_ENTITY), SECURITY_RESOURCE)),
        Element("name", When(*word_is(A.event, *ADMINISTRATION), Str(A.entity_id))),
        Element("detail", Recorded(A.record, _changed)),
        needs=("name",),
    ),
    Backbone(Element("what", PATIENT), *PATIENT_ENTITY, needs=("what",)),
    Backbone(*PATIENT_ENTITY, Element("name", GONE), needs=("name",)),
    Backbone(
        Element("what", When(*OPEN, Recorded(A.record, _request, member="request"))),
        Element("type", Fixed(balp.REQUEST_ID)),
        needs=("what",),
    ),
)

FACADE_AUDIT = Part(
    Id("access-", E.id),
    SqlSource(fhir_audit_event, (Join(fhir_audit, A.id == E.audit_id),)),
    (
        Element("type", MappedCoding(A.event, CodeMap.load("facade_audit_type"))),
        Element("subtype[]", SUBTYPE),
        Element("action", Code(A.event, CodeMap.load("facade_audit_action"))),
        Element("recorded", Instant(E.recorded)),
        Element("outcome", Code(A.outcome, CodeMap.load("facade_audit_outcome"))),
        Element("outcomeDesc", Recorded(A.record, _told)),
        Element("agent[]", CLIENT),
        Element("agent[]", SERVER),
        Element("agent[]", USER),
        Element("source", SOURCE),
        *(Element("entity[]", e) for e in ENTITIES),
    ),
    last_updated=Instant(E.recorded),
    profiles=tuple(balp.profiles()),
    read_only_because="an audit trail is never changed",
    comment="The facade's own trail: who was shown what. `fhir-facade audit verify` proves that it is whole. "
    "A chain through `entity` follows the old application's events only.",
)
