"""Specimen. https://hl7.org/fhir/R4/specimen.html"""

from __future__ import annotations

from mappers.cdss.specimens import SPECIMEN_TAKEN
from mappers.mapping import ResourceMapping, SearchParam

SPECIMEN = ResourceMapping(
    "Specimen",
    parts=(SPECIMEN_TAKEN,),
    search_params=(
        SearchParam("accession", "accessionIdentifier", "2504140005"),
        SearchParam("collected", "collection.collected[x]", "gt2025-01-01"),
        SearchParam("collector", "collection.collector", "Practitioner/user-4"),
        SearchParam("identifier", "identifier", "S-2025-002001"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("status", "status", "available"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
        SearchParam("type", "type", "http://snomed.info/sct|122575003"),
    ),
    narrative=("type", "collection", "status", "identifier"),
)
