"""AuditEvent. https://hl7.org/fhir/R4/auditevent.html"""

from __future__ import annotations

from mappers.cdss.audit import LEGACY_AUDIT
from mappers.facade.audit import FACADE_AUDIT
from mappers.mapping import ResourceMapping, SearchParam

AUDIT_EVENT = ResourceMapping(
    "AuditEvent",
    parts=(FACADE_AUDIT, LEGACY_AUDIT),
    search_params=(
        SearchParam("action", "action", "R"),
        SearchParam("address", "agent.network.address", "10.0.4.21"),
        SearchParam("agent", "agent.who", "Practitioner/user-2"),
        SearchParam("agent-name", "agent.name", "doctor"),
        SearchParam("altid", "agent.altId", "doctorr"),
        SearchParam("date", "recorded", "ge2025-01-01"),
        SearchParam("entity", "entity.what", "ServiceRequest/O-2025-000017"),
        SearchParam("entity-name", "entity.name", "AlertRule"),
        SearchParam("entity-role", "entity.role", "1"),
        SearchParam("entity-type", "entity.type", "2"),
        SearchParam("outcome", "outcome", "0"),
        SearchParam("patient", ("agent.who", "entity.what"), "Patient/P-2025-000001"),
        SearchParam("policy", "agent.policy"),
        SearchParam("subtype", "subtype", "read"),
        SearchParam("type", "type", "rest"),
    ),
    narrative=("subtype", "recorded", "outcome"),
)
