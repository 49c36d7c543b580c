"""One resource for each KR Core profile checked here, conforming and no richer than the profile asks."""

from typing import Any

Example = dict[str, Any]

KR = "http://www.hl7korea.or.kr/fhir/krcore"
HK = "http://www.hl7korea.or.kr"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
PATIENT = {"reference": "Patient/1"}


def profile(name: str) -> str:
    return f"{KR}/StructureDefinition/{name}"


def _example(name: str, resource_type: str, /, **elements: Any) -> tuple[str, Example]:
    return name, {"resourceType": resource_type, "meta": {"profile": [profile(name)]}, **elements}


def _concept(system: str, code: str, **coding: str) -> Example:
    return {"coding": [{"system": system, "code": code, **coding}]}


def _quantity(value: float, unit: str) -> Example:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def _vital(name: str, code: str, /, **elements: Any) -> tuple[str, Example]:
    return _example(
        name,
        "Observation",
        status="final",
        category=[_concept(f"{TERMINOLOGY}/observation-category", "vital-signs")],
        code=_concept(LOINC, code),
        subject=PATIENT,
        effectiveDateTime="2025-03-02T09:30:00+09:00",
        **elements,
    )


def _report(name: str, section: str, /, **elements: Any) -> tuple[str, Example]:
    return _example(
        name,
        "DiagnosticReport",
        status="final",
        category=[_concept(f"{TERMINOLOGY}/v2-0074", section)],
        code=_concept(f"{HK}/CodeSystem/hira-edi-procedure", "HA456"),
        subject=PATIENT,
        **elements,
    )


_ADDRESS = {
    "text": "서울특별시 중구 세종대로 110",
    "postalCode": "04524",
    "extension": [
        {
            "url": profile("krcore-roadNameAddress"),
            "extension": [
                {"url": "district", "valueString": "서울특별시 중구"},
                {"url": "roadName", "valueString": "세종대로"},
                {"url": "detailedAddress", "valueString": "110"},
            ],
        }
    ],
}
_REQUESTED = [{"url": profile("krcore-testRequestDateTime"), "valueDateTime": "2025-03-02T08:00:00+09:00"}]
_LICENCE = {"system": f"{HK}/Identifier/mohw-md-license-id", "value": "12345"}
_DOSE = [{"text": "1일 1회", "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "정"}}]}]

EXAMPLES: dict[str, Example] = dict(
    (
        _example(
            "krcore-patient",
            "Patient",
            identifier=[{"system": "urn:oid:1.2.410.100110.10.11100000", "value": "P-1"}],
            name=[{"text": "김환자"}],
            telecom=[{"system": "phone", "value": "010-0000-0000"}],
            gender="female",
            birthDate="1960-05-01",
            address=[_ADDRESS],
        ),
        _example("krcore-practitioner", "Practitioner", name=[{"text": "이간호"}]),
        _example(
            "krcore-medical-doctor",
            "Practitioner",
            name=[{"text": "박의사"}],
            qualification=[
                {
                    "identifier": [_LICENCE],
                    "code": _concept(f"{HK}/CodeSystem/mohw-practitioner-qualification-types", "의사"),
                }
            ],
        ),
        _example(
            "krcore-practitioner-role", "PractitionerRole", practitioner={"reference": "Practitioner/1"}
        ),
        _example(
            "krcore-medical-doctor-role",
            "PractitionerRole",
            practitioner={"reference": "Practitioner/1"},
            organization={"reference": "Organization/1"},
            code=[_concept(f"{TERMINOLOGY}/practitioner-role", "doctor")],
            specialty=[_concept(f"{HK}/CodeSystem/hira-medical-department", "02")],
        ),
        _example("krcore-organization", "Organization", name="신경과"),
        _example(
            "krcore-healthcare-organization",
            "Organization",
            identifier=[{"system": f"{HK}/Identifier/hira-krnpi", "value": "11100000"}],
            name="서울병원",
            type=[_concept(f"{HK}/CodeSystem/hira-healthcare-organization-types", "01")],
        ),
        _example(
            "krcore-encounter",
            "Encounter",
            extension=[
                {
                    "url": profile("krcore-insuranceTypes"),
                    "valueCodeableConcept": _concept(f"{HK}/CodeSystem/hira-insurance-types", "4"),
                }
            ],
            status="finished",
            subject=PATIENT,
            **{"class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "AMB"}},
        ),
        _example(
            "krcore-condition-encounter-diagnosis",
            "Condition",
            category=[_concept(f"{KR}/CodeSystem/krcore-condition-category-types", "진단")],
            clinicalStatus=_concept(f"{TERMINOLOGY}/condition-clinical", "active"),
            code=_concept(f"{HK}/CodeSystem/kostat-kcd-8", "I63.9", display="상세불명의 뇌경색증"),
            subject=PATIENT,
            recordedDate="2025-03-02",
        ),
        _example(
            "krcore-condition-chief-complaint",
            "Condition",
            category=[_concept(f"{KR}/CodeSystem/krcore-condition-category-types", "주호소")],
            clinicalStatus=_concept(f"{TERMINOLOGY}/condition-clinical", "active"),
            code={"text": "두통"},
            subject=PATIENT,
        ),
        _example(
            "krcore-allergyintolerance",
            "AllergyIntolerance",
            clinicalStatus=_concept(f"{TERMINOLOGY}/allergyintolerance-clinical", "active"),
            code=_concept("http://www.whocc.no/atc", "J01CA04"),
            patient=PATIENT,
        ),
        _example(
            "krcore-procedure",
            "Procedure",
            status="completed",
            code=_concept(f"{HK}/CodeSystem/hira-edi-procedure", "S4621"),
            subject=PATIENT,
            performedDateTime="2025-03-02",
        ),
        _example(
            "krcore-medication",
            "Medication",
            code=_concept(f"{HK}/CodeSystem/hira-edi-medication", "642102570", display="아스피린정"),
            ingredient=[{"itemCodeableConcept": _concept("http://www.whocc.no/atc", "B01AC06")}],
        ),
        _example(
            "krcore-medicationrequest",
            "MedicationRequest",
            status="active",
            intent="order",
            medicationCodeableConcept={
                "extension": [
                    {
                        "url": profile("krcore-medicationIngredient"),
                        "valueCodeableConcept": _concept("http://www.whocc.no/atc", "B01AC06"),
                    }
                ],
                **_concept(f"{HK}/CodeSystem/hira-edi-medication", "642102570", display="아스피린정"),
            },
            subject=PATIENT,
            dosageInstruction=_DOSE,
            dispenseRequest={"expectedSupplyDuration": _quantity(30, "d")},
        ),
        _example(
            "krcore-immunization",
            "Immunization",
            status="completed",
            vaccineCode={
                "coding": [
                    {"system": f"{KR}/CodeSystem/krcore-vcnt-types", "code": "13"},
                    {"system": f"{HK}/CodeSystem/kpis-kdcode", "code": "8806500000000"},
                ]
            },
            patient=PATIENT,
            occurrenceDateTime="2025-03-02",
            protocolApplied=[{"doseNumberPositiveInt": 1}],
        ),
        _example(
            "krcore-observation-laboratory-result",
            "Observation",
            status="final",
            category=[_concept(f"{TERMINOLOGY}/observation-category", "laboratory")],
            code=_concept(LOINC, "718-7"),
            subject=PATIENT,
            issued="2025-03-02T10:00:00+09:00",
            valueQuantity=_quantity(13.5, "g/dL"),
        ),
        _example(
            "krcore-observation-function-test",
            "Observation",
            status="final",
            category=[_concept(f"{TERMINOLOGY}/observation-category", "exam")],
            code=_concept(f"{HK}/CodeSystem/hira-edi-procedure", "F6001"),
            subject=PATIENT,
            effectiveDateTime="2025-03-02",
        ),
        _vital("krcore-vitalsigns", "8867-4", valueQuantity=_quantity(72, "/min")),
        _vital("krcore-bodyheight", "8302-2", valueQuantity=_quantity(170.5, "cm")),
        _vital("krcore-bodyweight", "29463-7", valueQuantity=_quantity(65, "kg")),
        _vital("krcore-bodytemperature", "8310-5", valueQuantity=_quantity(36.5, "Cel")),
        _vital("krcore-heartrate", "8867-4", valueQuantity=_quantity(72, "/min")),
        _vital("krcore-pulseoximetry", "2708-6", valueQuantity=_quantity(98, "%")),
        _vital("krcore-respiratoryrate", "9279-1", valueQuantity=_quantity(16, "/min")),
        _vital(
            "krcore-bloodpressure",
            "85354-9",
            component=[
                {"code": _concept(LOINC, "8480-6"), "valueQuantity": _quantity(120, "mm[Hg]")},
                {"code": _concept(LOINC, "8462-4"), "valueQuantity": _quantity(80, "mm[Hg]")},
            ],
        ),
        _report("krcore-diagnosticreport-laboratory-results", "LAB"),
        _report("krcore-diagnosticreport-pathology-results", "PAT", extension=_REQUESTED),
        _report("krcore-diagnosticreport-diagnostic-imaging", "IMG"),
        _report("krcore-diagnosticreport-function-tests", "OSL", extension=_REQUESTED),
        _example("krcore-imagingstudy", "ImagingStudy", status="available", subject=PATIENT),
        _example("krcore-specimen", "Specimen", subject=PATIENT),
    )
)
