"""Provenance. https://hl7.org/fhir/R4/provenance.html"""

from __future__ import annotations

from mappers.cdss.ai_jobs import AI_PROVENANCE
from mappers.cdss.provenance import SIGNED_REPORT
from mappers.mapping import ResourceMapping, SearchParam

PROVENANCE = ResourceMapping(
    "Provenance",
    parts=(AI_PROVENANCE, SIGNED_REPORT),
    search_params=(
        SearchParam("agent", "agent.who", "Device/ai-model-1"),
        SearchParam("agent-type", "agent.type", "verifier"),
        SearchParam("entity", "entity.what", "ImagingStudy/ST-2025-000001"),
        SearchParam("recorded", "recorded", "ge2025-01-01"),
        SearchParam("target", "target", "DiagnosticReport/rad-1"),
        SearchParam("when", "occurred[x]", "ge2025-01-01"),
    ),
    narrative=("activity", "recorded"),
)
