"""Specimen, from the laboratory."""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.meant import stays_in_error
from mappers.cdss.tables import lis_specimen
from mappers.mapping import Element, Id, Part, SqlSource
from mappers.order_profiles import KR_SPECIMEN
from mappers.upkeep import Upkeep
from mappers.values import Choice, Code, Coded, Concept, Identifier, Instant, MappedCoding, Str, needed
from terminology.code_map import CodeMap
from terminology.systems import V2_IDENTIFIER_TYPE, local_identifier, local_system

S = lis_specimen.c
ACCESSION = (V2_IDENTIFIER_TYPE, "ACSN", "Accession ID")

SPECIMEN_TAKEN = Part(
    Id("", S.specimen_id),
    SqlSource(lis_specimen),
    (
        Element("identifier[]", Identifier(local_identifier("specimen-id"), S.specimen_id)),
        Element(
            "accessionIdentifier",
            Identifier(local_identifier("specimen-barcode"), S.barcode, type=ACCESSION),
        ),
        Element("status", Code(S.status, CodeMap.load("cdss_specimen_status"))),
        Element(
            "type",
            Concept(
                MappedCoding(S.sample_type, CodeMap.load("cdss_specimen_type")),
                MappedCoding(S.sample_type, CodeMap.load("cdss_specimen_type_v2")),
                Coded(local_system("sample-type"), S.sample_type),
                text=Str(S.sample_type),
            ),
        ),
        Element("subject", needed(links.patient(S.patient_id))),
        Element("receivedTime", Instant(S.received_at)),
        Element("request[]", links.order(S.order_id)),
        Element("collection.collector", links.practitioner(S.collected_by)),
        Element("collection.collected[x]", Choice(Instant(S.collected_at))),
    ),
    last_updated=Instant(S.updated_at),
    profiles=(KR_SPECIMEN,),
    writable=True,
    upkeep=Upkeep("S-{year}-", touched=(S.updated_at,), rules=(stays_in_error,)),
    comment="What was taken from a patient, and when the laboratory received it.",
)
