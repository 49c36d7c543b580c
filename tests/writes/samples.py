"""Valid resources of each type that goes to rows of the CDSS: more than its columns can hold."""

import json
from decimal import Decimal
from typing import Any

from mappers.cdss.ai import MODEL_TYPE
from mappers.cdss.laboratory import LOCAL_TEST
from mappers.cdss.medications import LOCAL_DRUG
from mappers.stored.content import dumps
from terminology.systems import local_system

PATIENT = {"reference": "Patient/P-2025-000001"}
DOCTOR = {"reference": "Practitioner/user-2"}
NARRATIVE = {"status": "additional", "div": '<div xmlns="http://www.w3.org/1999/xhtml">직접 쓴 글</div>'}

SAMPLES: dict[str, dict[str, Any]] = {
    "Patient": {
        "resourceType": "Patient",
        "meta": {"tag": [{"system": "urn:t", "code": "a"}]},
        "active": True,
        "name": [
            {"use": "official", "family": "이", "given": ["새봄"]},
            {"use": "nickname", "text": "봄이"},
        ],
        "telecom": [{"system": "phone", "value": "010-1111-2222", "use": "mobile"}],
        "gender": "other",
        "birthDate": "1990-02-03",
        "deceasedBoolean": False,
        "address": [{"line": ["세종대로 110"], "city": "서울", "postalCode": "04524"}],
        "maritalStatus": {"text": "기혼"},
        "generalPractitioner": [DOCTOR],
        "_birthDate": {
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                    "valueDateTime": "1990-02-03T04:05:06+09:00",
                }
            ]
        },
    },
    "Encounter": {
        "resourceType": "Encounter",
        "text": NARRATIVE,
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": PATIENT,
        "participant": [{"individual": DOCTOR}],
        "period": {"start": "2025-03-01T09:00:00+09:00"},
        "reasonCode": [{"text": "두통"}, {"text": "어지러움"}],
        "hospitalization": {"dietPreference": [{"text": "채식"}]},
    },
    "Condition": {
        "resourceType": "Condition",
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": "recurrence",
                }
            ]
        },
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"}], "text": "고혈압"},
        "subject": PATIENT,
        "onsetDateTime": "2024-12",
        "recordedDate": "2025-01-02T03:04:05.678+09:00",
        "recorder": DOCTOR,
        "stage": [{"summary": {"text": "2기"}}],
        "note": [{"text": "첫 줄"}, {"text": "둘째 줄"}],
    },
    "AllergyIntolerance": {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    "code": "active",
                }
            ]
        },
        "category": ["food", "medication"],
        "criticality": "low",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "91935009"}], "text": "땅콩"},
        "patient": PATIENT,
        "recordedDate": "2025-01-02",
        "reaction": [{"manifestation": [{"text": "두드러기"}], "severity": "severe"}],
    },
    "Specimen": {
        "resourceType": "Specimen",
        "accessionIdentifier": {"system": "urn:others", "value": "B-1"},
        "status": "available",
        "type": {"coding": [{"system": "http://snomed.info/sct", "code": "119297000"}]},
        "subject": PATIENT,
        "collection": {
            "collector": DOCTOR,
            "collectedDateTime": "2025-03-01T00:10:00Z",
            "quantity": {"value": Decimal("5.0"), "unit": "mL"},
        },
        "container": [{"description": "EDTA"}],
    },
    "Observation": {
        "resourceType": "Observation",
        "status": "preliminary",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "laboratory",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": "urn:others", "code": "GLU"}, {"system": "{local}", "code": "GLU"}]},
        "subject": PATIENT,
        "effectiveDateTime": "2025-03-01T09:30:00+09:00",
        "performer": [DOCTOR, {"display": "검사실"}],
        "valueQuantity": {
            "value": Decimal("5.40"),
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        },
        "method": {"text": "효소법"},
    },
    "ServiceRequest": {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "108252007"}]}],
        "priority": "urgent",
        "code": {"coding": [{"system": "{local}", "code": "GLU"}], "text": "혈당"},
        "subject": PATIENT,
        "authoredOn": "2025-03-01T09:00:00+09:00",
        "requester": DOCTOR,
        "note": [{"text": "공복"}],
        "reasonCode": [{"text": "당뇨 의심"}],
    },
    "MedicationRequest": {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": "{drug}", "code": "MED001"}], "text": "아스피린"},
        "subject": PATIENT,
        "authoredOn": "2025-03-01T09:00:00+09:00",
        "requester": DOCTOR,
        "dosageInstruction": [
            {
                "text": "하루 두 번 한 알",
                "timing": {
                    "code": {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation",
                                "code": "BID",
                            }
                        ]
                    }
                },
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
            }
        ],
        "substitution": {"allowedBoolean": False},
    },
    "DiagnosticReport": {
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
        ],
        "code": {"text": "뇌 MRI"},
        "subject": PATIENT,
        "performer": [{"reference": "Practitioner/user-2"}],
        "imagingStudy": [{"reference": "ImagingStudy/{study}"}],
        "conclusion": "특이 소견 없음",
        "conclusionCode": [{"text": "정상"}],
    },
    "Task": {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "{model}", "code": "tumor_detection"}]},
        "focus": {"reference": "ImagingStudy/{study}"},
        "for": PATIENT,
        "description": "뇌 MRI 분석",
    },
    "Communication": {
        "resourceType": "Communication",
        "status": "in-progress",
        "category": [{"coding": [{"system": "{notice}", "code": "ORDER"}]}],
        "priority": "urgent",
        "subject": PATIENT,
        "topic": {"text": "검사 안내"},
        "recipient": [DOCTOR],
        "payload": [{"contentString": "내일 금식"}],
        "note": [{"text": "전화로도 알림"}],
    },
}

#: what stands for the hospital's own systems and rows in the samples
PLACES = {
    "{local}": LOCAL_TEST,
    "{drug}": LOCAL_DRUG,
    "{model}": MODEL_TYPE,
    "{notice}": local_system("notification-category"),
    "{study}": "ST-2025-000001",
}


def sample(resource_type: str) -> dict[str, Any]:
    """A sample of its own, about this hospital."""
    text = dumps(SAMPLES[resource_type])
    for mark, meant in PLACES.items():
        text = text.replace(mark, meant)
    found: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return found


def said(resource: Any) -> dict[str, Any]:
    """A resource without what the server says of it."""
    assert isinstance(resource, dict)
    generated = resource.get("text", {}).get("status") == "generated"
    own = {"id", "meta", *(["text"] if generated else [])}
    return {k: v for k, v in resource.items() if k not in own}
