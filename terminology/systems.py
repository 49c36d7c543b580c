"""Identifiers of the code systems we speak of, as HL7 and their owners publish them.

https://hl7.org/fhir/R4/terminologies-systems.html; the Korean ones are those of KR Core 2.0.0.
"""

from __future__ import annotations

LOINC = "http://loinc.org"
SNOMED_CT = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
ATC = "http://www.whocc.no/atc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
CVX = "http://hl7.org/fhir/sid/cvx"
MVX = "http://hl7.org/fhir/sid/mvx"
CPT = "http://www.ama-assn.org/go/cpt"
NCI_THESAURUS = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
NUCC = "http://nucc.org/provider-taxonomy"
ICD9_CM = "http://hl7.org/fhir/sid/icd-9-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ICD10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
RACE_AND_ETHNICITY = "urn:oid:2.16.840.1.113883.6.238"
BCP_47 = "urn:ietf:bcp:47"
MIME_TYPE = "urn:ietf:bcp:13"

_KOREA = "http://www.hl7korea.or.kr"
KCD8 = f"{_KOREA}/CodeSystem/kostat-kcd-8"
HIRA_EDI_PROCEDURE = f"{_KOREA}/CodeSystem/hira-edi-procedure"
HIRA_EDI_MEDICATION = f"{_KOREA}/CodeSystem/hira-edi-medication"
HIRA_MEDICAL_DEPARTMENT = f"{_KOREA}/CodeSystem/hira-medical-department"
HIRA_ORGANIZATION_TYPE = f"{_KOREA}/CodeSystem/hira-healthcare-organization-types"
HIRA_INSURANCE_TYPE = f"{_KOREA}/CodeSystem/hira-insurance-types"
MOHW_QUALIFICATION = f"{_KOREA}/CodeSystem/mohw-practitioner-qualification-types"
KPIS_DRUG = f"{_KOREA}/CodeSystem/kpis-kdcode"
KR_CORE = f"{_KOREA}/fhir/krcore"
KR_CONDITION_CATEGORY = f"{KR_CORE}/CodeSystem/krcore-condition-category-types"
KR_PROCEDURE_CATEGORY = f"{KR_CORE}/CodeSystem/krcore-procedure-category-types"
HIRA_INSTITUTION_ID = f"{_KOREA}/Identifier/hira-krnpi"
MOHW_LICENSE_ID = f"{_KOREA}/Identifier/mohw-md-license-id"
RESIDENT_REGISTRATION_ID = "https://mois.go.kr/rrn"
NPI = "http://hl7.org/fhir/sid/us-npi"
CLIA = "urn:oid:2.16.840.1.113883.4.7"

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
V3_ACT_CODE = f"{_TERMINOLOGY}/v3-ActCode"
V3_ACT_REASON = f"{_TERMINOLOGY}/v3-ActReason"
V3_GTS_ABBREVIATION = f"{_TERMINOLOGY}/v3-GTSAbbreviation"
V3_MARITAL_STATUS = f"{_TERMINOLOGY}/v3-MaritalStatus"
V3_NULL_FLAVOR = f"{_TERMINOLOGY}/v3-NullFlavor"
V3_OBSERVATION_INTERPRETATION = f"{_TERMINOLOGY}/v3-ObservationInterpretation"
V3_OBSERVATION_VALUE = f"{_TERMINOLOGY}/v3-ObservationValue"
V3_PARTICIPATION_TYPE = f"{_TERMINOLOGY}/v3-ParticipationType"
V3_ROLE_CODE = f"{_TERMINOLOGY}/v3-RoleCode"
V3_ROUTE = f"{_TERMINOLOGY}/v3-RouteOfAdministration"
V3_CONFIDENTIALITY = f"{_TERMINOLOGY}/v3-Confidentiality"
V2_DIAGNOSTIC_SERVICE = f"{_TERMINOLOGY}/v2-0074"
V2_IDENTIFIER_TYPE = f"{_TERMINOLOGY}/v2-0203"
V2_ROUTE = f"{_TERMINOLOGY}/v2-0162"
V2_SITE = f"{_TERMINOLOGY}/v2-0163"
V2_SPECIMEN_TYPE = f"{_TERMINOLOGY}/v2-0487"
OBSERVATION_CATEGORY = f"{_TERMINOLOGY}/observation-category"
CONDITION_CATEGORY = f"{_TERMINOLOGY}/condition-category"
CONDITION_CLINICAL = f"{_TERMINOLOGY}/condition-clinical"
CONDITION_VERIFICATION = f"{_TERMINOLOGY}/condition-ver-status"
ALLERGY_CLINICAL = f"{_TERMINOLOGY}/allergyintolerance-clinical"
ALLERGY_VERIFICATION = f"{_TERMINOLOGY}/allergyintolerance-verification"
COVERAGE_CLASS = f"{_TERMINOLOGY}/coverage-class"
ORGANIZATION_TYPE = f"{_TERMINOLOGY}/organization-type"
PRACTITIONER_ROLE = f"{_TERMINOLOGY}/practitioner-role"
DATA_ABSENT_REASON = f"{_TERMINOLOGY}/data-absent-reason"

# Codes without an owner outside the hospital: a site sets its own base.
DEFAULT_HOSPITAL_BASE = "http://neuronova.example/fhir"


def local_system(name: str, base: str = DEFAULT_HOSPITAL_BASE) -> str:
    """The hospital's own code system of that name: `<base>/CodeSystem/<name>`."""
    return f"{base.rstrip('/')}/CodeSystem/{name}"


def local_identifier(name: str, base: str = DEFAULT_HOSPITAL_BASE) -> str:
    """The hospital's own identifier system of that name: `<base>/identifier/<name>`."""
    return f"{base.rstrip('/')}/identifier/{name}"
