"""Observation, from the results of AI jobs: what a model found, with its measures.

A result is JSON text in a column; keys that `terminology/maps/cdss_ai_finding.csv` names are findings, and
those of `cdss_ai_measure.csv` their measures. What is broken or unknown stays in the job's Task and report.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import case, null

from mappers.cdss import links
from mappers.cdss.tables import ai_aijob, ai_aimodel, ris_radiologystudy
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.sql import Condition, all_of, one_of, word
from mappers.value import Column
from mappers.values import (
    Backbone,
    Choice,
    Code,
    Concept,
    Fixed,
    Instant,
    MappedCoding,
    Quantity,
    ReferenceTo,
    Str,
    When,
    concept,
    is_json_object,
    json_at,
    word_is,
)
from mappers.values.codes import sources
from terminology.code_map import CodeMap, Entry
from terminology.systems import OBSERVATION_CATEGORY, V3_OBSERVATION_VALUE, local_system

MODEL_PREFIX = "ai-model-"
FINDING_PREFIX = "ai-"
MODEL_TYPE = local_system("ai-model-type")
FINDING, MEASURE = local_system("ai-finding"), local_system("ai-measure")
STATUS = CodeMap.load("cdss_ai_finding_status")
ANSWER = CodeMap.load("cdss_ai_answer")
FINDINGS = CodeMap.load("cdss_ai_finding").entries
MEASURES = CodeMap.load("cdss_ai_measure").entries
#: "asserted by a device": everything of a resource so labelled is a machine's word
DEVICE_ASSERTED = [
    {
        "system": V3_OBSERVATION_VALUE,
        "code": "DEVAST",
        "display": "device asserted",
    }
]

J = ai_aijob.c
STUDY = ris_radiologystudy.alias("analysed_study")
MODEL = ai_aimodel.alias("model")
SOURCE = SqlSource(
    ai_aijob, (Join(STUDY, STUDY.c.study_id == J.study_id), Join(MODEL, MODEL.c.id == J.model_id))
)
HAS_RESULT: Condition = all_of(one_of(word(J.status), ["COMPLETED"]), is_json_object(J.result))

PATIENT = links.patient(J.patient_id)
IMAGES = ReferenceTo("ImagingStudy", Id("", J.study_id))
DEVICE = ReferenceTo("Device", Id(MODEL_PREFIX, J.model_id), display=Str(MODEL.c.name))
REVIEWER = links.practitioner(J.reviewed_by)
EFFECTIVE = Element("effective[x]", Choice(Instant(STUDY.c.study_datetime)))


def answer(key: str) -> MappedCoding:
    """Detected or not, as a key of the result says; nothing for any other word."""
    return MappedCoding(json_at(J.result, key), ANSWER)


def has_finding(key: str) -> Condition:
    """Whether the job has this finding, and so the Observation of it."""
    return all_of(HAS_RESULT, one_of(word(json_at(J.result, key)), sources(ANSWER)))


def only_if(condition: Condition) -> Column:
    """The job's id where the condition holds, NULL elsewhere."""
    return case((condition, J.id), else_=null())


def suffix(key: str) -> str:
    """What ends the id of a finding's Observation."""
    return "." + key.replace("_", "-")


def _component(entry: Entry, value: Any) -> Element:
    code = concept(MEASURE, entry.source, text=entry.display)
    return Element(
        "component[]",
        Backbone(Element("code", Fixed(code)), Element("value[x]", Choice(value)), needs=("value",)),
    )


def _measures(model_type: str) -> Iterator[Element]:
    """Confidence, place and size: they belong to the finding that the model looks for."""
    own = word_is(J.model_type, model_type)
    for entry in MEASURES:
        unit = (entry.extra["unit"], entry.extra["ucum"])
        measured = Quantity(json_at(J.result, entry.source), fixed=unit, textual=True)
        yield _component(entry, When(*own, measured))
    label = Entry("label", "", "", "Label", "", False)
    yield _component(label, When(*own, Str(json_at(J.result, "label"))))


def _finding(entry: Entry) -> Part:
    return Part(
        Id(FINDING_PREFIX, J.id, suffix(entry.source)),
        SOURCE,
        (
            Element(
                "status",
                Code(J.review_status, CodeMap.load("cdss_ai_finding_status"), otherwise="preliminary"),
            ),
            Element("category[]", Fixed(concept(OBSERVATION_CATEGORY, "imaging", "Imaging"))),
            Element("code", Fixed(concept(FINDING, entry.source, text=entry.display))),
            Element("subject", PATIENT),
            EFFECTIVE,
            Element("issued", Instant(J.completed_at)),
            Element("value[x]", Choice(Concept(answer(entry.source)))),
            NOTE,
            Element("device", DEVICE),
            Element("derivedFrom[]", IMAGES),
            *_measures(entry.extra["model_type"]),
        ),
        last_updated=Instant(J.updated_at),
        where=has_finding(entry.source),
        security=Fixed(DEVICE_ASSERTED),
        comment="What a model found; preliminary until a physician has reviewed it. Lengths are in the "
        "patient's coordinates, in millimetres.",
    )


NOTE = Element(
    "note[]",
    Backbone(
        Element("author[x]", Choice(REVIEWER)),
        Element("time", Instant(J.reviewed_at)),
        Element("text", Str(J.review_note)),
        needs=("text",),
    ),
)
AI_FINDINGS = tuple(_finding(entry) for entry in FINDINGS)
