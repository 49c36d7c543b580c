"""Those who have to do with radiology reports, and a report that one of them writes."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from tests.facade.facade import Facade
from tests.interactions.client import Client
from tests.smart_auth.badges import Badges, user

STUDY, PATIENT = "ST-2025-000002", "P-2025-000002"
#: another radiologist's
COLLEAGUE = "Practitioner/user-7"


class Desk:
    """Clients of those who have to do with reports."""

    def __init__(self, facade: Facade, badges: Badges) -> None:
        self.facade, self.badges = facade, badges
        self.author, self.colleague = self.client(), self.client(fhir_user=COLLEAGUE)

    def client(self, role: str = "radiologist", fhir_user: str = "", **more: str) -> Client:
        holder = user(role, fhir_user=fhir_user) if role else None
        scopes = "user/*.cruds" if role else "system/*.cruds"
        return Client(self.facade, authorization=self.badges.badge(scopes, holder, **more))

    @property
    def readers(self) -> list[Client]:
        """Who reads reports and writes none."""
        unconscious = self.client("doctor", patient=PATIENT, emergency="found unconscious at the door")
        return [self.client("doctor"), unconscious]

    @property
    def writers(self) -> list[Client]:
        """Who writes reports, but not this one."""
        return [self.colleague, self.client("admin"), self.client("")]

    @property
    def others(self) -> list[Client]:
        return [*self.writers, *self.readers]


def draft(**more: Any) -> dict[str, Any]:
    """A report that the demo's radiologist is about to write."""
    words = b64encode("소견: 아직 쓰는 중".encode()).decode()
    return {
        "resourceType": "DiagnosticReport",
        "status": "registered",
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
        ],
        "code": {"text": "뇌 CT"},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "performer": [{"reference": "Practitioner/user-6"}],
        "imagingStudy": [{"reference": f"ImagingStudy/{STUDY}"}],
        "conclusion": "출혈 의심",
        "conclusionCode": [{"text": "미정"}],
        "presentedForm": [{"contentType": "text/plain", "data": words}],
        **more,
    }
