"""DocumentReference, from OpenEMR's uploaded and generated files.

What is served is what is known of a file, not the file: it lies on OpenEMR's own disk, perhaps encrypted with
keys that only OpenEMR has. A web link is the exception: its address is anyone's to follow.
"""

from __future__ import annotations

import re
from base64 import b64encode

from sqlalchemy import and_, select

from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.clinical_notes import READ_ONLY
from mappers.openemr.issues import PROBLEMS
from mappers.openemr.tables import categories, categories_to_documents, documents, lists, patient_data
from mappers.sql import one_of, word
from mappers.values import (
    MIME_TYPE,
    WEB_ADDRESS,
    Backbone,
    Children,
    Code,
    Coded,
    Concept,
    DateTime,
    Derived,
    FirstOf,
    Fixed,
    Instant,
    ListCodings,
    Number,
    NumberIdentifier,
    Patterned,
    ReferenceTo,
    Str,
    UuidIdentifier,
    When,
    both,
    flag_is,
    there_is,
    unless,
    word_is,
)
from mappers.values.absence import absent_because
from terminology.code_map import CodeMap
from terminology.systems import local_identifier, local_system

D = documents.c
PATIENTS = patient_data.alias("document_patient")
FILED, CATEGORY = categories_to_documents.alias("filed"), categories.alias("category")
SHA1 = re.compile("[0-9A-Fa-f]{40}")


def file_name(url: str) -> str | None:
    """The last component of a path, which is the file's name."""
    return re.split(r"[/\\]", url)[-1] or None


def sha1(stored: str) -> str | None:
    """FHIR's form (base64) of a SHA-1 in hexadecimal; other sums can't be said.

    https://hl7.org/fhir/R4/datatypes-definitions.html#Attachment.hash
    """
    return b64encode(bytes.fromhex(stored)).decode() if SHA1.fullmatch(stored) else None


LINK = When(*word_is(D.type, "web_url"), Patterned(D.url, WEB_ADDRESS, "Url"))
NO_LINK = unless(there_is(LINK))
ATTACHMENT = Backbone(
    Element("contentType", Patterned(D.mimetype, MIME_TYPE)),
    Element("url", LINK),
    Element("_url", When(*both(NO_LINK, flag_is(D.encrypted, True)), Fixed(absent_because("masked")))),
    Element(
        "_url", When(*both(NO_LINK, unless(flag_is(D.encrypted, True))), Fixed(absent_because("unsupported")))
    ),
    Element("size", Derived(Number(D.size), lambda size: size if size >= 0 else None, "UnsignedInt")),
    Element("hash", Derived(Str(D.hash), sha1)),
    Element("title", FirstOf(Str(D.name), Derived(Str(D.url), file_name))),
    Element("creation", DateTime(D.docdate)),
)
IN_CATEGORY = Concept(
    ListCodings(CATEGORY.c.codes, CodeMap.load("openemr_code_systems")),
    Coded(local_system("openemr-document-category"), CATEGORY.c.id, CATEGORY.c.name),
    text=CATEGORY.c.name,
)

PROBLEM = lists.alias("document_problem")
PROBLEM_OF_DOCUMENT = ReferenceTo(
    "Condition",
    Id("oe-cond-", PROBLEM.c.id),
    joins=(
        Join(
            PROBLEM,
            and_(
                PROBLEM.c.id == D.list_id,
                PROBLEM.c.pid == D.foreign_id,
                one_of(word(PROBLEM.c.type), PROBLEMS),
            ),
        ),
    ),
)

DOCUMENT = Part(
    Id("oe-doc-", D.id),
    SqlSource(
        documents,
        where=and_(D.deleted == 0, D.foreign_id.in_(select(PATIENTS.c.pid).where(PATIENTS.c.pid > 0))),
    ),
    (
        Element("identifier[]", UuidIdentifier(D.uuid)),
        Element("identifier[]", NumberIdentifier(local_identifier("openemr-document"), D.id)),
        Element(
            "status",
            Code(
                D.audit_master_approval_status, CodeMap.load("openemr_document_status"), otherwise="current"
            ),
        ),
        Element("docStatus", Code(D.audit_master_approval_status, CodeMap.load("openemr_document_review"))),
        Element(
            "category[]",
            Children(
                FILED.join(CATEGORY, CATEGORY.c.id == FILED.c.category_id),
                D.id,
                FILED.c.document_id,
                IN_CATEGORY,
                order=(FILED.c.category_id,),
            ),
        ),
        Element("subject", links.patient(D.foreign_id)),
        Element("date", Instant(D.date)),
        Element("author[]", links.practitioner(D.owner)),
        Element("description", Str(D.name)),
        Element("content[]", Backbone(Element("attachment", ATTACHMENT))),
        Element("context.encounter[]", links.encounter(D.encounter_id, D.foreign_id)),
        Element("context.related[]", PROBLEM_OF_DOCUMENT),
    ),
    last_updated=FirstOf(Instant(D.revision), Instant(D.date)),
    read_only_because=READ_ONLY,
    comment="What is known of a patient's file; the file itself stays in OpenEMR.",
)
