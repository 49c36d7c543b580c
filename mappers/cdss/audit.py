"""AuditEvent, from what the old application recorded.

Its rows outlive what they name: a user who is gone is a name, a record that is gone is a name too.
The facade's own trail is another table. https://hl7.org/fhir/R4/auditevent.html
"""

from __future__ import annotations

from sqlalchemy import case, func

from mappers.cdss import links
from mappers.cdss.named import PATIENT_WORDS, named_resources
from mappers.cdss.tables import audit_auditlog, emr_patientcache
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.sql import one_of, word
from mappers.values import (
    Backbone,
    Choice,
    Code,
    Coded,
    Exclusive,
    FirstOf,
    Fixed,
    Instant,
    Joined,
    MappedCoding,
    Patterned,
    ReferenceTo,
    Str,
    When,
    concept,
    json_at,
    looks_like,
    there_is,
    unless,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import DCM, local_system

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
ACTION = local_system("audit-action")

A = audit_auditlog.c
PATIENT_ID = func.coalesce(
    func.nullif(A.patient_id, ""), case((one_of(word(A.resource_type), PATIENT_WORDS), A.resource_id))
)
KNOWN = emr_patientcache.alias("audited_patient")
PATIENT = ReferenceTo(
    "Patient", Id("", KNOWN.c.patient_id), joins=(Join(KNOWN, KNOWN.c.patient_id == PATIENT_ID),)
)
RECORD = Exclusive(*named_resources(A.resource_type, A.resource_id, patients=False))
NO_PATIENT = unless(word_is(A.resource_type, *PATIENT_WORDS))
IP_ADDRESS = "[0-9A-Fa-f:.]+"


def coding(system: str, code: str, display: str) -> Fixed:
    """A constant Coding."""
    return Fixed({"system": system, "code": code, "display": display})


USER = Backbone(
    Element("type", Fixed(concept(f"{_TERMINOLOGY}/extra-security-role-type", "humanuser", "human user"))),
    Element("who", links.practitioner(A.user_id)),
    Element("altId", Patterned(A.username, "^.", "String")),
    Element("name", Str(A.username)),
    Element("requestor", Fixed(True)),
    Element(
        "network",
        Backbone(
            Element("address", Str(A.ip_address)),
            Element("type", When(*looks_like(A.ip_address, IP_ADDRESS), Fixed("2"))),
            needs=("address",),
        ),
    ),
)
CLIENT = Backbone(
    Element("type", Fixed(concept(DCM, "110150", "Application"))),
    Element("name", Str(A.user_agent)),
    Element("requestor", Fixed(False)),
    needs=("name",),
)
SOURCE = Backbone(
    Element("observer", Fixed({"display": "CDSS"})),
    Element("type[]", coding(f"{_TERMINOLOGY}/security-source-type", "4", "Application Server")),
)
PATIENT_ENTITY = (
    Element("type", coding(f"{_TERMINOLOGY}/audit-entity-type", "1", "Person")),
    Element("role", coding(f"{_TERMINOLOGY}/object-role", "1", "Patient")),
)
RECORD_ENTITY = Backbone(
    Element("what", RECORD),
    Element("type", coding(f"{_TERMINOLOGY}/audit-entity-type", "2", "System Object")),
    Element("role", coding(f"{_TERMINOLOGY}/object-role", "4", "Domain Resource")),
    Element("name", When(*NO_PATIENT, Joined(A.resource_type, A.resource_id))),
    needs=("name",),
)
DETAIL = Backbone(
    Element(
        "detail[]",
        Backbone(
            Element("type", Fixed("detail")), Element("value[x]", Choice(Str(A.detail))), needs=("value",)
        ),
    ),
)

LEGACY_AUDIT = Part(
    Id("audit-", A.id),
    SqlSource(audit_auditlog),
    (
        Element(
            "type", FirstOf(MappedCoding(A.action, CodeMap.load("cdss_audit_type")), Coded(ACTION, A.action))
        ),
        Element("subtype[]", MappedCoding(A.action, CodeMap.load("cdss_audit_subtype"))),
        Element("subtype[]", Coded(ACTION, A.action)),
        Element("action", Code(A.action, CodeMap.load("cdss_audit_action"))),
        Element("recorded", Instant(A.created_at)),
        Element("outcome", Code(A.success, CodeMap.load("cdss_audit_outcome"))),
        Element("outcomeDesc", Str(json_at(A.detail, "reason"))),
        Element("agent[]", USER),
        Element("agent[]", CLIENT),
        Element("source", SOURCE),
        Element("entity[]", Backbone(Element("what", PATIENT), *PATIENT_ENTITY, needs=("what",))),
        Element(
            "entity[]",
            Backbone(
                *PATIENT_ENTITY,
                Element(
                    "name", When(*unless(there_is(PATIENT)), FirstOf(Str(A.patient_id), Str(PATIENT_ID)))
                ),
                needs=("name",),
            ),
        ),
        Element("entity[]", RECORD_ENTITY),
        Element("entity[]", DETAIL),
    ),
    last_updated=Instant(A.created_at),
    read_only_because="an audit trail is never changed",
    comment="The old application's trail; the facade's own is kept apart.",
)
