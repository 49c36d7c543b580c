"""What validation has to say: a fault, where it is, and what kind of fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fatal", "error", "warning", "information"]

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: `code` of https://hl7.org/fhir/R4/valueset-issue-type.html, `expression` a FHIRPath.

    A type that was chosen reads `Observation.value.ofType(Quantity)`.
    """

    severity: Severity
    code: str
    expression: str
    diagnostics: str


def quoted(value: object) -> str:
    """The value in quotation marks, cut where it is long: no issue repeats what was sent at length."""
    text = str(value)
    return f"'{text}'" if len(text) <= _LONGEST else f"'{text[:_LONGEST]}…'"
