"""OperationOutcome for everything that fails. https://hl7.org/fhir/R4/operationoutcome.html"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Resource = dict[str, Any]


@dataclass(frozen=True)
class Issue:
    """One issue. `code` is an issue-type, `expression` says what of the request it is about."""

    code: str
    diagnostics: str
    severity: str = "error"
    expression: tuple[str, ...] = ()

    def as_fhir(self) -> Resource:
        """The issue's JSON."""
        issue: Resource = {"severity": self.severity, "code": self.code, "diagnostics": self.diagnostics}
        if self.expression:
            issue["expression"] = list(self.expression)
        return issue


def outcome(issues: Iterable[Issue]) -> Resource:
    """An OperationOutcome of the issues."""
    return {"resourceType": "OperationOutcome", "issue": [i.as_fhir() for i in issues]}


@dataclass(eq=False)
class FhirFault(Exception):
    """A request that is answered with a status and an OperationOutcome; no text repeats a value."""

    status: int
    code: str
    diagnostics: str
    expression: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: tuple[Issue, ...] = ()

    def issues(self) -> list[Issue]:
        """All issues of the fault."""
        return [Issue(self.code, self.diagnostics, expression=self.expression), *self.more]


def not_found(what: str) -> FhirFault:
    """404 for a resource, type or address."""
    return FhirFault(404, "not-found", what)


def parameter(name: str, diagnostics: str, code: str = "invalid", status: int = 400) -> FhirFault:
    """400 for a parameter; `expression` is `http.<name>` as FHIR names what stands in a request."""
    return FhirFault(status, code, diagnostics, (f"http.{name}",))
