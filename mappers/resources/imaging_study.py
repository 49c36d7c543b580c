"""ImagingStudy. https://hl7.org/fhir/R4/imagingstudy.html"""

from __future__ import annotations

from mappers.cdss.imaging import IMAGING_STUDY as RIS_STUDY
from mappers.mapping import ResourceMapping, SearchParam

IMAGING_STUDY = ResourceMapping(
    "ImagingStudy",
    parts=(RIS_STUDY,),
    search_params=(
        SearchParam("basedon", "basedOn", "ServiceRequest/O-2025-000001"),
        SearchParam("encounter", "encounter", "Encounter/E-2025-000001"),
        SearchParam("endpoint", "endpoint", "Endpoint/dicom-web"),
        SearchParam("identifier", "identifier", "A2025010800001"),
        SearchParam("interpreter", "interpreter", "Practitioner/user-6"),
        SearchParam("modality", ("modality", "series.modality"), "MR"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("referrer", "referrer", "Practitioner/user-2"),
        SearchParam("started", "started", "ge2025-01-01"),
        SearchParam("status", "status", "available"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
    ),
    narrative=("description", "modality", "started", "status"),
    comment="Whose study it is, the RIS's row decides, not the images. Series come from the imaging archive.",
)
