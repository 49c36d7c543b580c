"""DiagnosticReport, from the radiologists' reports; and Provenance of those that are signed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from mappers.cdss import links
from mappers.cdss.tables import (
    ris_radiologyorder,
    ris_radiologyreport,
    ris_radiologystudy,
)
from mappers.mapping import NOW, Element, Id, Join, Part, Profile, Resource, SqlSource, Upkeep
from mappers.profiles import kr_imaging_report
from mappers.value import Cells
from mappers.values import (
    Attached,
    Choice,
    Code,
    Concept,
    FirstOf,
    Fixed,
    Headed,
    Instant,
    Joined,
    ReferenceTo,
    Str,
    When,
    concept,
    unless,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import KR_CORE, LOINC, V2_DIAGNOSTIC_SERVICE

IMAGING_REPORT = {"system": LOINC, "code": "18748-4", "display": "Diagnostic imaging study"}
RADIOLOGY = concept(V2_DIAGNOSTIC_SERVICE, "RAD", "Radiology")
DIAGNOSTIC_IMAGING = concept(V2_DIAGNOSTIC_SERVICE, "IMG", "Diagnostic Imaging")

R = ris_radiologyreport.c
STUDY = ris_radiologystudy.alias("reported_study")
PLACED = links.placed(STUDY.c.order_id)
EXAMINATION = ris_radiologyorder.alias("reported_examination")
OTHER = ris_radiologyorder.alias("reported_examination_first")
_FIRST = select(func.min(OTHER.c.id)).where(OTHER.c.order_id == STUDY.c.order_id).correlate_except(OTHER)
SOURCE = SqlSource(
    ris_radiologyreport,
    (
        Join(STUDY, STUDY.c.study_id == R.study_id),
        PLACED,
        Join(EXAMINATION, EXAMINATION.c.id == _FIRST.scalar_subquery(), needs=(STUDY,)),
    ),
)
RADIOLOGIST = links.practitioner(R.radiologist_id)
# a draft is registered, not released: its words are the radiologist's alone
RELEASED = unless(word_is(R.status, "draft"))
WHOLE_TEXT = Joined(
    Headed("Findings:", R.findings),
    Headed("Impression:", R.impression),
    Headed("Recommendation:", R.recommendation),
    separator="\n\n",
)

#: what says more of a report than that there will be one
WORDS = ("conclusion", "conclusionCode", "presentedForm", "result", "media", "text")


def keeps_drafts_words(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """A draft's words are the radiologist's alone: they stay in the RIS until they are released."""
    if sent.get("status") == "registered":
        told = (name for name in WORDS if name in sent and not _generated(name, sent))
        yield from ((name, "a registered report has no words yet") for name in told)


def _generated(name: str, sent: Resource) -> bool:
    return name == "text" and sent["text"].get("status") == "generated"


def signed(sent: Resource, now: str) -> Cells:
    """A final or amended report is signed at the moment that makes it so."""
    return {R.signed_at: now} if sent.get("status") in ("final", "amended") else {}


RADIOLOGY_REPORT = Part(
    Id(links.RADIOLOGY_REPORT_PREFIX, R.id),
    SOURCE,
    (
        Element("basedOn[]", links.order(STUDY.c.order_id, PLACED)),
        Element("status", Code(R.status, CodeMap.load("cdss_radiology_report_status"), otherwise="unknown")),
        Element("category[]", Fixed(RADIOLOGY)),
        Element("category[]", Fixed(DIAGNOSTIC_IMAGING)),
        Element(
            "code",
            Concept(
                Fixed(IMAGING_REPORT),
                text=FirstOf(
                    Str(EXAMINATION.c.procedure_name),
                    Str(STUDY.c.description),
                    Fixed("Diagnostic imaging study"),
                ),
            ),
        ),
        Element("subject", links.patient(STUDY.c.patient_id)),
        Element("encounter", links.encounter(PLACED.table.c.encounter_id)),
        Element("effective[x]", Choice(Instant(STUDY.c.study_datetime))),
        Element("issued", When(*RELEASED, FirstOf(Instant(R.signed_at), Instant(R.reported_at)))),
        Element("performer[]", RADIOLOGIST),
        Element("resultsInterpreter[]", RADIOLOGIST),
        Element("imagingStudy[]", ReferenceTo("ImagingStudy", Id("", R.study_id))),
        Element("conclusion", When(*RELEASED, Str(R.impression))),
        Element(
            "presentedForm[]",
            When(*RELEASED, Attached(WHOLE_TEXT, "text/plain", title="Radiology report")),
        ),
    ),
    last_updated=Instant(R.updated_at),
    profiles=(
        Profile(
            f"{KR_CORE}/StructureDefinition/krcore-diagnosticreport-diagnostic-imaging", kr_imaging_report
        ),
    ),
    writable=True,
    upkeep=Upkeep(
        new={R.reported_at: NOW},
        touched=(R.updated_at,),
        states={
            "": ("registered", "preliminary", "final"),
            "registered": ("preliminary", "final", "cancelled"),
            "preliminary": ("final", "cancelled"),
            "final": ("amended",),
            "amended": (),
        },
        fixed=("imagingStudy[]",),
        rules=(keeps_drafts_words,),
        follows=signed,
    ),
    comment="A radiologist's report; findings and recommendation stand in `presentedForm`, and a draft's "
    "words are kept back.",
)
