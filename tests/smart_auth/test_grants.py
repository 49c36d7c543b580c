"""What somebody gets of the scopes that were asked for."""

from __future__ import annotations

import pytest

from fhir_facade.registry import by_type
from mappers.parse import Parser
from mappers.site import Site
from smart_auth.access.grants import Grants
from smart_auth.access.policy import policy

GRANTS = Grants(Parser(by_type(), Site()), policy())
CATEGORY = "?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"


@pytest.mark.parametrize(
    ("role", "asked", "granted"),
    [
        (
            "doctor",
            "openid fhirUser launch/patient offline_access",
            "openid fhirUser launch/patient offline_access",
        ),
        ("doctor", "user/*.rs", "user/*.rs"),
        ("doctor", "user/*.*", "user/*.*"),
        ("doctor", "user/AuditEvent.rs user/Patient.rs", "user/Patient.rs"),
        ("patient", "patient/*.*", "patient/*.read"),
        ("patient", "patient/*.cruds", "patient/*.rs"),
        ("patient", "patient/*.write user/*.cud", ""),
        ("patient", "user/AuditEvent.rs", ""),
        ("nurse", "user/Observation.cruds" + CATEGORY, "user/Observation.crus" + CATEGORY),
        ("pharmacist", "user/ImagingStudy.rs", ""),
        ("admin", "system/*.rs", ""),
        ("admin", "user/AuditEvent.rs", "user/AuditEvent.rs"),
        ("doctor", "user/Observation.rs?nothing=1", ""),
        ("doctor", "user/Observation.rs?category", ""),
        ("doctor", "user/Observation.rs?" + "&".join(["status=final"] * 21), ""),
        ("doctor", "user/*.rs?status=final", "user/*.rs?status=final"),
        ("doctor", "user/Observation.rs?_count=1", ""),
        ("doctor", "user/Observation.rs?performer={user}", ""),
        ("nobody", "user/*.rs patient/*.rs", ""),
        ("doctor", "everything root user/Nothing.rs", ""),
    ],
)
def test_a_user_gets_what_the_role_can_mean(role: str, asked: str, granted: str) -> None:
    assert " ".join(GRANTS.to_user(frozenset({role}), asked.split())) == granted
