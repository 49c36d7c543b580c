"""The steps of a story: which resources they are, how they are asked for, which of them an order has."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mappers.include import values_at
from terminology.systems import V3_OBSERVATION_VALUE

Resource = dict[str, Any]

SPECIMEN, RESULT, PROCEDURE, STUDY = "specimen", "result", "procedure", "study"
REPORT, AI_TASK, AI_REPORT, SIGN_OFF = "report", "ai-task", "ai-report", "sign-off"

#: the resource type of each step
TYPES: Mapping[str, str] = {
    "order": "ServiceRequest",
    SPECIMEN: "Specimen",
    RESULT: "Observation",
    PROCEDURE: "Procedure",
    STUDY: "ImagingStudy",
    REPORT: "DiagnosticReport",
    AI_TASK: "Task",
    AI_REPORT: "DiagnosticReport",
    SIGN_OFF: "Provenance",
}


@dataclass(frozen=True)
class Ask:
    """One question: the resources of a type that refer by `param` to those of `source`.

    `forward`: those of `source` refer to it instead.
    """

    resource_type: str
    source: str
    param: str
    forward: bool = False


#: in waves: what one finds, the next may ask from
WAVES: tuple[tuple[Ask, ...], ...] = (
    (
        Ask("Specimen", "ServiceRequest", "specimen", forward=True),
        Ask("Observation", "ServiceRequest", "based-on"),
        Ask("Procedure", "ServiceRequest", "based-on"),
        Ask("ImagingStudy", "ServiceRequest", "basedon"),
        Ask("DiagnosticReport", "ServiceRequest", "based-on"),
    ),
    (
        Ask("Observation", "Specimen", "specimen"),
        Ask("DiagnosticReport", "ImagingStudy", "study"),
        Ask("Task", "ImagingStudy", "focus"),
    ),
    (
        Ask("Observation", "DiagnosticReport", "result", forward=True),
        Ask("Provenance", "DiagnosticReport", "target"),
    ),
)

#: when something of a type was done: the first of these that it states
WHEN: Mapping[str, tuple[str, ...]] = {
    "ServiceRequest": ("authoredOn",),
    "Specimen": ("collection.collectedDateTime", "receivedTime"),
    "Observation": ("effectiveDateTime", "issued"),
    "Procedure": ("performedDateTime", "performedPeriod.start"),
    "ImagingStudy": ("started",),
    "DiagnosticReport": ("issued", "effectiveDateTime"),
    "Task": ("executionPeriod.end", "executionPeriod.start", "authoredOn"),
    "Provenance": ("recorded",),
}


def when(resource: Resource) -> str:
    """The time that a resource is told with; empty where it has none.

    A Provenance of something's making says when that was made, not when somebody answered for it.
    """
    if "assembler" in values_at(resource, ("agent", "type", "coding", "code")):
        return ""
    for path in WHEN[resource["resourceType"]]:
        for value in values_at(resource, path.split(".")):
            return str(value)
    return ""


def references(resource: Resource, path: str, base: str) -> Iterator[str]:
    """The addresses (`Type/id`) that the references at a path of element names lead to.

    Clients may write a resource's address in full, or that of one of its versions; other servers' stay whole.
    """
    for value in values_at(resource, path.split(".")):
        if isinstance(value, Mapping) and "reference" in value:
            yield str(value["reference"]).removeprefix(f"{base}/").partition("/_history/")[0]


def by_device(resource: Resource) -> bool:
    """Whether all of it is a machine's word: such a report is an AI's, and no physician's.

    https://terminology.hl7.org/CodeSystem-v3-ObservationValue.html (DEVAST, device asserted)
    """
    labels = resource.get("meta", {}).get("security", ())
    return any((s.get("system"), s.get("code")) == (V3_OBSERVATION_VALUE, "DEVAST") for s in labels)


def expected(order: Resource) -> frozenset[str]:
    """The steps that an order of its categories goes through; none for a category that isn't known."""
    codings = values_at(order, ("category", "coding"))
    return frozenset(s for c in codings for s in _expected().get((c.get("system"), c.get("code")), ()))


@cache
def _expected() -> dict[tuple[str | None, str | None], tuple[str, ...]]:
    found: dict[tuple[str | None, str | None], tuple[str, ...]] = {}
    table = files("fhir_facade.operations.story").joinpath("expected.csv").read_text("utf-8")
    for row in csv.DictReader(table.splitlines()):
        key = (row["system"], row["code"])
        found[key] = (*found.get(key, ()), row["step"])
    return found
