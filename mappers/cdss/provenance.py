"""Provenance of signed radiology reports: who wrote them, and from which images."""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.ai_jobs import PARTICIPANT
from mappers.cdss.radiology_report import RADIOLOGIST, RELEASED, SOURCE, R
from mappers.cdss.signing import SIGNER
from mappers.mapping import Element, Id, Part
from mappers.sql import all_of
from mappers.values import Backbone, Choice, Fixed, Instant, ReferenceTo, concept

SIGNED = Instant(R.signed_at)

SIGNED_REPORT = Part(
    Id(links.RADIOLOGY_REPORT_PREFIX, R.id),
    SOURCE,
    (
        Element("target[]", ReferenceTo("DiagnosticReport", Id(links.RADIOLOGY_REPORT_PREFIX, R.id))),
        Element("occurred[x]", Choice(Instant(R.reported_at))),
        Element("recorded", SIGNED),
        Element(
            "agent[]",
            Backbone(
                Element("type", Fixed(concept(PARTICIPANT, "author", "Author"))),
                Element("who", RADIOLOGIST),
                needs=("who",),
            ),
        ),
        Element(
            "agent[]",
            Backbone(
                Element("type", Fixed(concept(PARTICIPANT, "verifier", "Verifier"))),
                Element("who", SIGNER),
                needs=("who",),
            ),
        ),
        Element(
            "entity[]",
            Backbone(
                Element("role", Fixed("source")),
                Element("what", ReferenceTo("ImagingStudy", Id("", R.study_id))),
                needs=("what",),
            ),
        ),
    ),
    last_updated=Instant(R.updated_at),
    where=all_of(RELEASED[0], SIGNED.present(), RADIOLOGIST.present()),
    comment="Who wrote a signed radiology report and, where it was signed here, who signed it.",
)
