"""ImagingStudy from the RIS's rows, and Endpoint: where this server's images are to be had.

The row decides whose study it is, whatever the images say. Series and instances are the archive's to tell, as
its index has them of that row (`mappers.cdss.series`): none are made up from the row's body part and counts.
"""

from __future__ import annotations

from sqlalchemy import String, case, func, literal_column, select

from mappers.cdss import links, series
from mappers.cdss.radiology_report import is_draft
from mappers.cdss.tables import ris_radiologyorder, ris_radiologyreport, ris_radiologystudy
from mappers.mapping import Element, Id, Join, Part, Profile, SqlSource
from mappers.profiles import kr_imaging_study
from mappers.sql import all_of, negate
from mappers.values import (
    UID,
    Children,
    Concept,
    FirstOf,
    FirstThere,
    Fixed,
    Identifier,
    Instant,
    Reduced,
    ReferenceTo,
    SiteUrl,
    Str,
    UidIdentifier,
    concept,
)
from mappers.values.codes import Code
from terminology.code_map import CodeMap
from terminology.systems import KR_CORE, V2_IDENTIFIER_TYPE, local_identifier

ACCESSION_NUMBER = local_identifier("accession-number")
STUDY_NUMBER = local_identifier("study-id")
ACCESSION = (V2_IDENTIFIER_TYPE, "ACSN", "Accession ID")

S = ris_radiologystudy.c
PLACED = links.placed(S.order_id)
ORDER = PLACED.table
EXAMINATION, OTHER = ris_radiologyorder.alias("examination"), ris_radiologyorder.alias("examination_first")
REPORT, EARLIER = ris_radiologyreport.alias("study_report"), ris_radiologyreport.alias("report_before")

# an order has one examination as a rule, but no key says so: the first row counts
_FIRST = select(func.min(OTHER.c.id)).where(OTHER.c.order_id == S.order_id).correlate_except(OTHER)
# each reader of a study once, however many reports they wrote on it; a draft is nobody else's to know of
_FIRST_OF_READER = all_of(
    negate(is_draft(REPORT.c.status)[0]),
    ~(
        select(EARLIER.c.id)
        .where(
            EARLIER.c.study_id == REPORT.c.study_id,
            EARLIER.c.radiologist_id == REPORT.c.radiologist_id,
            EARLIER.c.id < REPORT.c.id,
            negate(is_draft(EARLIER.c.status)[0]),
        )
        .correlate_except(EARLIER)
        .exists()
    ),
)
# what has no UID can't be asked for
_ENDPOINT_ID = case((S.study_instance_uid.regexp_match(UID), series.ENDPOINT_ID))
SERIES = series.of(S.study_id)

IMAGING_STUDY = Part(
    Id("", S.study_id),
    SqlSource(
        ris_radiologystudy,
        (
            Join(ORDER, ORDER.c.order_id == S.order_id),
            Join(EXAMINATION, EXAMINATION.c.id == _FIRST.scalar_subquery()),
        ),
    ),
    (
        Element("identifier[]", UidIdentifier(S.study_instance_uid)),
        Element("identifier[]", Identifier(ACCESSION_NUMBER, S.accession_number, type=ACCESSION)),
        Element("identifier[]", Identifier(STUDY_NUMBER, S.study_id, use="secondary")),
        Element("status", Code(S.status, CodeMap.load("cdss_study_status"), otherwise="unknown")),
        Element(
            "modality[]",
            FirstThere(
                Reduced(SERIES, series.modalities, series.MODALITY, series.kept(S.study_id)),
                *series.modality(S.modality).values,
            ),
        ),
        Element("subject", links.patient(S.patient_id)),
        Element("encounter", links.encounter(ORDER.c.encounter_id)),
        Element("started", Instant(S.study_datetime)),
        Element("basedOn[]", links.order(S.order_id, PLACED)),
        Element("referrer", links.practitioner(S.referring_physician_id)),
        Element(
            "interpreter[]",
            Children(
                REPORT,
                S.study_id,
                REPORT.c.study_id,
                links.practitioner(REPORT.c.radiologist_id),
                order=(REPORT.c.id,),
                where=_FIRST_OF_READER,
            ),
        ),
        Element("endpoint[]", ReferenceTo("Endpoint", Id("", _ENDPOINT_ID))),
        Element("numberOfSeries", FirstOf(Reduced(SERIES, len), series.count(S.num_series))),
        Element(
            "numberOfInstances", FirstOf(Reduced(SERIES, series.instances), series.count(S.num_instances))
        ),
        Element("procedureCode[]", Concept(text=EXAMINATION.c.procedure_name)),
        Element("reasonCode[]", Concept(text=ORDER.c.clinical_info)),
        Element("description", Str(S.description)),
        Element("series[]", SERIES),
    ),
    last_updated=Instant(S.updated_at),
    profiles=(Profile(f"{KR_CORE}/StructureDefinition/krcore-imagingstudy", kr_imaging_study),),
    comment="The RIS's study with its order and examination; series and instances as the archive's index has"
    " them. Without any, modality and counts are the RIS's.",
)

ONE = select(
    series.ENDPOINT_ID.label("id"),
    literal_column("'DICOMweb of the imaging archive'", String()).label("name"),
).subquery("dicomweb")

DICOMWEB_ENDPOINT = Part(
    Id("", ONE.c.id),
    SqlSource(ONE),
    (
        Element("status", Fixed("active")),
        Element(
            "connectionType",
            Fixed(
                {
                    "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
                    "code": "dicom-wado-rs",
                    "display": "DICOM WADO-RS",
                }
            ),
        ),
        Element("name", Str(ONE.c.name)),
        Element(
            "payloadType[]",
            Fixed(
                concept(
                    "http://terminology.hl7.org/CodeSystem/endpoint-payload-type", "any", "Any", text="DICOM"
                )
            ),
        ),
        Element("payloadMimeType[]", Fixed(["application/dicom", "application/dicom+json"])),
        Element("address", SiteUrl("/api/dicom-web")),
    ),
    read_only_because="the endpoint is this server itself",
    comment="QIDO-RS, WADO-RS and STOW-RS of this server; one constant row.",
)
