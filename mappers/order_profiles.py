"""Profiles of orders, drugs and findings, claimed only where every constraint holds (KR Core 2.0.0).

http://www.hl7korea.or.kr/fhir/krcore
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.mapping import Profile
from mappers.shared import Shared
from terminology.systems import (
    DATA_ABSENT_REASON,
    KR_CORE,
    LOINC,
    OBSERVATION_CATEGORY,
    UCUM,
    V2_DIAGNOSTIC_SERVICE,
)

Resource = dict[str, Any]


def _profile(name: str, holds: Callable[[Resource], bool]) -> Profile:
    return Profile(f"{KR_CORE}/StructureDefinition/{name}", holds)


Test = Callable[[Resource], bool]


def _of_shared(test: Test) -> Test:
    """A test of objects that many resources share: each of those is tested once."""

    def asked(concept: Resource) -> bool:
        if type(concept) is not Shared:
            return test(concept)
        found = concept.passed.get(test)
        if found is None:
            found = concept.passed[test] = test(concept)
        return found

    return asked


def _is(concept: Resource, system: str, code: str | None = None) -> bool:
    """Whether a concept has a coding of that system (and code)."""
    for coding in concept.get("coding", ()):
        if coding.get("system") == system and (code is None or coding.get("code") == code):
            return True
    return False


def _shown(concept: Resource) -> bool:
    """Codings, each with system, code and display."""
    codings = concept.get("coding", ())
    return bool(codings) and all(c.keys() >= {"system", "code", "display"} for c in codings)


@_of_shared
def _known(concept: Resource) -> bool:
    """A concept that says more than that nobody knows."""
    return bool(concept) and not _is(concept, DATA_ABSENT_REASON)


@_of_shared
def _of_laboratory(category: Resource) -> bool:
    return _is(category, OBSERVATION_CATEGORY, "laboratory")


def _laboratory(observation: Resource) -> bool:
    """category laboratory; a code that is one; issued, subject."""
    if "issued" in observation and "subject" in observation and _known(observation["code"]):
        for category in observation.get("category", ()):
            if _of_laboratory(category):
                return True
    return False


def _vital_sign(loinc: str, unit: str) -> Callable[[Resource], bool]:
    """category vital-signs; the LOINC code; subject; the value in the unit; when it was measured."""

    def holds(observation: Resource) -> bool:
        value = observation.get("valueQuantity", {})
        return (
            _is(observation["code"], LOINC, loinc)
            and observation.keys() >= {"subject", "effectiveDateTime"}
            and (value.get("system"), value.get("code")) == (UCUM, unit)
        )

    return holds


def _blood_pressure(observation: Resource) -> bool:
    """category vital-signs; subject; components in mm[Hg]; when it was measured."""
    values = [c["valueQuantity"] for c in observation.get("component", ()) if "valueQuantity" in c]
    return observation.keys() >= {"subject", "effectiveDateTime"} and all(
        (v.get("system"), v.get("code")) == (UCUM, "mm[Hg]") for v in values
    )


def _laboratory_report(report: Resource) -> bool:
    """category LAB; code, subject."""
    laboratory = any(_is(c, V2_DIAGNOSTIC_SERVICE, "LAB") for c in report.get("category", ()))
    return laboratory and _known(report["code"]) and "subject" in report


def _medication(medication: Resource) -> bool:
    """code with displays; an ingredient that is named or coded."""
    items = [i.get("itemCodeableConcept", {}) for i in medication.get("ingredient", ())]
    return _shown(medication.get("code", {})) and bool(items) and all(items)


def _medication_request(request: Resource) -> bool:
    """The drug with displays and ingredients (or by reference); a dose in each dosage."""
    drug = request.get("medicationCodeableConcept")
    told = "medicationReference" in request or (
        drug is not None and _shown(drug) and bool(drug.get("extension"))
    )
    doses = [d for one in request.get("dosageInstruction", ()) for d in one.get("doseAndRate", [{}])]
    return told and bool(doses) and all("doseQuantity" in d or "doseRange" in d for d in doses)


def _specimen(specimen: Resource) -> bool:
    """subject; identifier values."""
    return "subject" in specimen and all(
        i.keys() >= {"system", "value"} for i in specimen.get("identifier", ())
    )


def _procedure(procedure: Resource) -> bool:
    """code that is one, and when it was performed."""
    return _known(procedure.get("code", {})) and any(name.startswith("performed") for name in procedure)


KR_LABORATORY = _profile("krcore-observation-laboratory-result", _laboratory)
KR_BLOOD_PRESSURE = _profile("krcore-bloodpressure", _blood_pressure)
KR_VITAL_SIGNS = {
    loinc: _profile(name, _vital_sign(loinc, unit))
    for name, loinc, unit in (
        ("krcore-bodyheight", "8302-2", "cm"),
        ("krcore-bodyweight", "29463-7", "kg"),
        ("krcore-bodytemperature", "8310-5", "Cel"),
        ("krcore-heartrate", "8867-4", "/min"),
        ("krcore-pulseoximetry", "2708-6", "%"),
        ("krcore-respiratoryrate", "9279-1", "/min"),
    )
}
KR_LABORATORY_REPORT = _profile("krcore-diagnosticreport-laboratory-results", _laboratory_report)
KR_MEDICATION = _profile("krcore-medication", _medication)
KR_MEDICATION_REQUEST = _profile("krcore-medicationrequest", _medication_request)
KR_SPECIMEN = _profile("krcore-specimen", _specimen)
KR_PROCEDURE = _profile("krcore-procedure", _procedure)
