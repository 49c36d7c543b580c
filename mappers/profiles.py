"""Profiles that a resource claims in meta.profile only where every constraint holds (KR Core 2.0.0).

http://www.hl7korea.or.kr/fhir/krcore
"""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]


def kr_patient(patient: Resource) -> bool:
    """identifier (system, value), name.text, gender, birthDate; telecom values."""
    return (
        bool(patient.get("identifier"))
        and all("system" in i and "value" in i for i in patient["identifier"])
        and bool(patient.get("name"))
        and all("text" in n for n in patient["name"])
        and "gender" in patient
        and "birthDate" in patient
    )
