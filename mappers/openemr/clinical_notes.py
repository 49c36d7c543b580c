"""DiagnosticReport and DocumentReference, from OpenEMR's clinical notes.

A note of the categories cardiology, pathology and radiology is a report, any other a document. The form's
entry in `forms` (found by form_id, formdir and pid: form_id alone is other forms' too) says whether it is
deleted and in which visit it was written; several notes share one entry.
"""

from __future__ import annotations

from sqlalchemy import func, select

from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.tables import form_clinical_notes, forms
from mappers.sql import negate, one_of, word
from mappers.values import (
    Attached,
    Backbone,
    Choice,
    Code,
    Coded,
    Concept,
    DateTime,
    Derived,
    FirstOf,
    Fixed,
    Instant,
    ListCodings,
    MappedCoding,
    Period,
    Str,
    UuidIdentifier,
    concept,
)
from mappers.values.attachments import encoded
from mappers.values.codes import sources
from terminology.code_map import CodeMap
from terminology.systems import local_system

CATEGORIES = CodeMap.load("openemr_note_category_v2")
CLINICAL_NOTE = concept(
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "clinical-note",
    "Clinical Note",
)
READ_ONLY = "OpenEMR's tables are read only"

N = form_clinical_notes.c
FORM, OTHER = forms.alias("notes_form"), forms.alias("notes_form_first")
_FIRST = (
    select(func.min(OTHER.c.id))
    .where(OTHER.c.form_id == N.form_id, OTHER.c.formdir == "clinical_notes", OTHER.c.pid == N.pid)
    .correlate_except(OTHER)
)
SOURCE = SqlSource(
    form_clinical_notes,
    (Join(FORM, FORM.c.id == _FIRST.scalar_subquery()),),
    where=func.coalesce(FORM.c.deleted, 0) == 0,
)
IS_REPORT = one_of(word(N.clinical_notes_category), sources(CATEGORIES))
CODE = Concept(
    FirstOf(
        ListCodings(N.code, CodeMap.load("openemr_code_systems")),
        MappedCoding(N.clinical_notes_type, CodeMap.load("openemr_note_type")),
    ),
    Coded(local_system("openemr-clinical-note-type"), N.clinical_notes_type),
    text=FirstOf(Str(N.codetext), Str(N.clinical_notes_type), Fixed("Clinical note")),
)
AUTHOR = links.author(N.user)
SUBJECT = Element("subject", links.patient(N.pid))
ENCOUNTER = links.encounter(FORM.c.encounter, N.pid)
TEXT = Attached(Str(N.description), "text/plain")
IDENTIFIER = Element("identifier[]", UuidIdentifier(N.uuid))

NOTE_REPORT = Part(
    Id("oe-note-", N.id),
    SOURCE,
    (
        IDENTIFIER,
        Element("status", Code(N.activity, CodeMap.load("openemr_note_report_status"), otherwise="unknown")),
        Element(
            "category[]",
            Concept(
                MappedCoding(N.clinical_notes_category, CATEGORIES),
                Coded(local_system("openemr-clinical-note-category"), N.clinical_notes_category),
                text=N.clinical_notes_category,
            ),
        ),
        Element("code", CODE),
        SUBJECT,
        Element("encounter", ENCOUNTER),
        Element("effective[x]", Choice(DateTime(N.date))),
        Element("performer[]", AUTHOR),
        Element("presentedForm[]", TEXT),
    ),
    last_updated=Instant(N.last_updated),
    where=IS_REPORT,
    read_only_because=READ_ONLY,
    comment="A clinical note of cardiology, pathology or radiology.",
)

NOTE_DOCUMENT = Part(
    Id("oe-note-", N.id),
    SOURCE,
    (
        IDENTIFIER,
        Element("status", Code(N.activity, CodeMap.load("openemr_note_status"), otherwise="current")),
        Element("type", CODE),
        Element("category[]", Fixed(CLINICAL_NOTE)),
        Element(
            "category[]",
            Concept(
                Coded(local_system("openemr-clinical-note-category"), N.clinical_notes_category),
                text=N.clinical_notes_category,
            ),
        ),
        SUBJECT,
        Element("date", Instant(FORM.c.date)),
        Element("author[]", AUTHOR),
        Element(
            "content[]",
            Backbone(
                Element(
                    "attachment",
                    Backbone(
                        Element("contentType", Fixed("text/plain")),
                        Element("data", Derived(Str(N.description), encoded)),
                    ),
                )
            ),
        ),
        Element("context.encounter[]", ENCOUNTER),
        Element("context.period", Period(DateTime(N.date))),
    ),
    last_updated=Instant(N.last_updated),
    where=negate(IS_REPORT),
    read_only_because=READ_ONLY,
    comment="A clinical note of no diagnostic service; its text is in the attachment.",
)
