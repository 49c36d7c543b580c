"""DiagnosticReport, from the radiologists' reports; and Provenance of those that are signed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from mappers.cdss import links
from mappers.cdss.report_text import ReportText
from mappers.cdss.signing import (
    INTERPRETER,
    SIGNATURE_JOIN,
    SIGNATURES,
    keeps_its_author,
    names_its_signer,
    says_what_was_signed,
    signed,
)
from mappers.cdss.tables import (
    ris_radiologyorder,
    ris_radiologyreport,
    ris_radiologystudy,
)
from mappers.mapping import AuthorOnly, Element, Id, Join, Part, Profile, SqlSource
from mappers.profiles import kr_imaging_report
from mappers.upkeep import NOW, Resource, Upkeep
from mappers.value import Column
from mappers.values import (
    Choice,
    Code,
    Concept,
    FirstOf,
    Fixed,
    Instant,
    ReferenceTo,
    Str,
    When,
    concept,
    unless,
    word_is,
)
from mappers.values.conditions import Sides
from mappers.values.fixed import codings
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
        SIGNATURE_JOIN,
    ),
)
RADIOLOGIST = links.practitioner(R.radiologist_id)


def is_draft(status: Column) -> Sides:
    """A report that is registered, not released: it is the radiologist's alone."""
    return word_is(status, "draft")


DRAFT = is_draft(R.status)
RELEASED = unless(DRAFT)

#: the elements that name the radiologist
AUTHOR = ("performer", "resultsInterpreter")


def names_its_author(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """A draft is seen by its author only, so it must be sure who that is."""
    if sent.get("status") != "registered":
        return
    named = [one.get("reference") for name in AUTHOR for one in sent.get(name, ())]
    if len(set(named)) != 1 or None in named:
        yield AUTHOR[0], "a registered report is seen by its author only: it names one radiologist"


def is_of_radiology(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """The laboratory's reports are made of its results: none of them is written here."""
    told = [
        (c.get("system"), c.get("code")) for one in sent.get("category", ()) for c in one.get("coding", ())
    ]
    ours = [c for kind in (RADIOLOGY, DIAGNOSTIC_IMAGING) for c in codings(kind)]
    if told and not set(told) & set(ours):
        yield "category", "what is written is a radiology report (RAD or IMG); others are made of results"


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
        Element(
            "issued",
            When(*RELEASED, FirstOf(Instant(R.signed_at), Instant(R.reported_at))),
            writes=Instant(R.reported_at),  # when it was made available: that it is signed, its status says
        ),
        Element("performer[]", RADIOLOGIST),
        # the RIS's column is its performer's, who wrote it, if one is named; who signs it has a row of ours
        Element("resultsInterpreter[]", INTERPRETER, writes=RADIOLOGIST),
        Element("imagingStudy[]", ReferenceTo("ImagingStudy", Id("", R.study_id))),
        Element("conclusion", Str(R.impression)),
        Element("presentedForm[]", ReportText()),
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
        rules=(is_of_radiology, names_its_author, says_what_was_signed),
        callers_rules=(keeps_its_author, names_its_signer),
        follows=signed,
        lines=(SIGNATURES,),
    ),
    author_only=AuthorOnly(DRAFT[0], RADIOLOGIST, "registered"),
    comment="A radiologist's report; findings and recommendation stand in `presentedForm`. A draft "
    "(`registered`) is seen by its radiologist only.",
)
