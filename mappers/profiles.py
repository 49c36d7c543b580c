"""Profiles that a resource claims in meta.profile only where every constraint holds (KR Core 2.0.0).

http://www.hl7korea.or.kr/fhir/krcore
"""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]


def kr_patient(patient: Resource) -> bool:
    """identifier (system, value), name.text, gender, birthDate (or why there is none); telecom values."""
    return (
        bool(patient.get("identifier"))
        and all("system" in i and "value" in i for i in patient["identifier"])
        and bool(patient.get("name"))
        and all("text" in n or "_text" in n for n in patient["name"])
        and "gender" in patient
        and ("birthDate" in patient or "_birthDate" in patient)
    )


LICENSE = "http://www.hl7korea.or.kr/Identifier/mohw-md-license-id"
DOCTOR = ("http://terminology.hl7.org/CodeSystem/practitioner-role", "doctor")
DEPARTMENT = "http://www.hl7korea.or.kr/CodeSystem/hira-medical-department"
NAMED = {"reference": "", "display": ""}
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
KCD8 = "http://www.hl7korea.or.kr/CodeSystem/kostat-kcd-8"


def _codings(concepts: list[Resource]) -> list[tuple[str | None, str | None]]:
    return [(c.get("system"), c.get("code")) for one in concepts for c in one.get("coding", ())]


def kr_practitioner(practitioner: Resource) -> bool:
    """name.text (or why there is none)."""
    names = practitioner.get("name", ())
    return bool(names) and all("text" in n or "_text" in n for n in names)


def kr_medical_doctor(practitioner: Resource) -> bool:
    """Besides: qualifications, each with a licence number of the ministry (or why there is none)."""
    qualifications = practitioner.get("qualification", ())
    licensed = [any(i["system"] == LICENSE for i in q.get("identifier", ())) for q in qualifications]
    return kr_practitioner(practitioner) and bool(licensed) and all(licensed)


def kr_practitioner_role(role: Resource) -> bool:
    """practitioner and organization that fulfil their profiles: both have names, shown in the references."""
    referred = [role.get("practitioner", {}), role.get("organization", NAMED)]
    return all(NAMED.keys() <= one.keys() for one in referred)


def kr_medical_doctor_role(role: Resource) -> bool:
    """Besides: the code `doctor` and a department of HIRA's list, and no organization but an institution."""
    specialties = role.get("specialty", ())
    return (
        kr_practitioner_role(role)
        and "organization" not in role
        and DOCTOR in _codings(role.get("code", []))
        and bool(specialties)
        and all(any(s == DEPARTMENT for s, _ in _codings([one])) for one in specialties)
    )


def kr_organization(organization: Resource) -> bool:
    """name; identifier values."""
    return "name" in organization


def kr_encounter(encounter: Resource) -> bool:
    """class of the required value set; subject; period."""
    return (
        encounter["class"].get("system") == ACT_CODE
        and "subject" in encounter
        and all(NAMED.keys() <= p.get("individual", {}).keys() for p in encounter.get("participant", ()))
        and NAMED.keys() <= encounter.get("serviceProvider", NAMED).keys()
    )


def kr_encounter_diagnosis(condition: Resource) -> bool:
    """A code of KCD-8, and when it was recorded (or why nobody knows)."""
    systems = [system for system, _ in _codings([condition.get("code", {})])]
    return KCD8 in systems and ("recordedDate" in condition or "_recordedDate" in condition)


def kr_allergy(allergy: Resource) -> bool:
    """code."""
    return "code" in allergy


DIAGNOSTIC_SERVICE = "http://terminology.hl7.org/CodeSystem/v2-0074"


def kr_imaging_study(study: Resource) -> bool:
    """The patient; codings with system and code."""
    return "Patient/" in study.get("subject", {}).get("reference", "") and all(
        "system" in m and "code" in m for m in study.get("modality", ())
    )


def kr_imaging_report(report: Resource) -> bool:
    """Category IMG, the patient, and a code whose codings have system and code."""
    return (
        (DIAGNOSTIC_SERVICE, "IMG") in _codings(report.get("category", []))
        and "Patient/" in report.get("subject", {}).get("reference", "")
        and all(system and code for system, code in _codings([report.get("code", {})]))
    )
