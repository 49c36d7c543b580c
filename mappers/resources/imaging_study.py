"""ImagingStudy. https://hl7.org/fhir/R4/imagingstudy.html"""

from __future__ import annotations

from mappers.cdss.imaging import IMAGING_STUDY as RIS_STUDY
from mappers.mapping import ResourceMapping, SearchParam

SERIES, INSTANCE = (
    "2.25.186766859469513389350241677441061354120",
    "2.25.66440757628406277927150088455410589062",
)
IMAGING_STUDY = ResourceMapping(
    "ImagingStudy",
    parts=(RIS_STUDY,),
    search_params=(
        SearchParam("basedon", "basedOn", "ServiceRequest/O-2025-000001"),
        SearchParam("bodysite", "series.bodySite", "12738006"),
        SearchParam("dicom-class", "series.instance.sopClass", "urn:oid:1.2.840.10008.5.1.4.1.1.4"),
        SearchParam("encounter", "encounter", "Encounter/E-2025-000001"),
        SearchParam("endpoint", ("endpoint", "series.endpoint"), "Endpoint/dicom-web"),
        SearchParam("identifier", "identifier", "A2025010800001"),
        SearchParam("instance", "series.instance.uid", INSTANCE),
        SearchParam("interpreter", "interpreter", "Practitioner/user-6"),
        SearchParam("modality", ("modality", "series.modality"), "MR"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("performer", "series.performer.actor"),
        SearchParam("reason", "reasonCode"),
        SearchParam("referrer", "referrer", "Practitioner/user-2"),
        SearchParam("series", "series.uid", SERIES),
        SearchParam("started", "started", "ge2025-01-01"),
        SearchParam("status", "status", "available"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
    ),
    narrative=("description", "modality", "started", "status"),
    comment="Whose study it is, the RIS's row decides, not the images. Series come from the imaging archive.",
)
