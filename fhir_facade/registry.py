"""Every resource type and every operation that is served, and nothing else: the only lists of them."""

from __future__ import annotations

from dataclasses import replace

from fhir_facade.operations.everything import ENCOUNTER_EVERYTHING, PATIENT_EVERYTHING
from fhir_facade.operations.lastn import LASTN
from fhir_facade.operations.meta import META, META_ADD, META_DELETE
from fhir_facade.operations.operation import Operation
from fhir_facade.operations.story.operation import STORY_OF_ORDER, STORY_OF_PATIENT
from fhir_facade.operations.terminology import code_system, concept_map, value_set
from fhir_facade.operations.validate import VALIDATE
from mappers.mapping import ResourceMapping
from mappers.published import COMMENT, PUBLISHED
from mappers.resources.allergy_intolerance import ALLERGY_INTOLERANCE
from mappers.resources.appointment import APPOINTMENT
from mappers.resources.audit_event import AUDIT_EVENT
from mappers.resources.communication import COMMUNICATION
from mappers.resources.condition import CONDITION
from mappers.resources.coverage import COVERAGE
from mappers.resources.device import DEVICE
from mappers.resources.diagnostic_report import DIAGNOSTIC_REPORT
from mappers.resources.document_reference import DOCUMENT_REFERENCE
from mappers.resources.encounter import ENCOUNTER
from mappers.resources.endpoint import ENDPOINT
from mappers.resources.imaging_study import IMAGING_STUDY
from mappers.resources.immunization import IMMUNIZATION
from mappers.resources.location import LOCATION
from mappers.resources.medication import MEDICATION
from mappers.resources.medication_request import MEDICATION_REQUEST
from mappers.resources.observation import OBSERVATION
from mappers.resources.organization import ORGANIZATION
from mappers.resources.patient import PATIENT
from mappers.resources.practitioner import PRACTITIONER
from mappers.resources.practitioner_role import PRACTITIONER_ROLE
from mappers.resources.procedure import PROCEDURE
from mappers.resources.provenance import PROVENANCE
from mappers.resources.service_request import SERVICE_REQUEST
from mappers.resources.specimen import SPECIMEN
from mappers.resources.task import TASK
from mappers.stored.amended import amendable
from mappers.stored.native import natives
from mappers.stored.rest import kept

MAPPINGS: tuple[ResourceMapping, ...] = (
    ALLERGY_INTOLERANCE,
    APPOINTMENT,
    AUDIT_EVENT,
    COMMUNICATION,
    CONDITION,
    COVERAGE,
    DEVICE,
    DIAGNOSTIC_REPORT,
    DOCUMENT_REFERENCE,
    ENCOUNTER,
    ENDPOINT,
    IMAGING_STUDY,
    IMMUNIZATION,
    LOCATION,
    MEDICATION,
    MEDICATION_REQUEST,
    OBSERVATION,
    ORGANIZATION,
    PATIENT,
    PRACTITIONER,
    PRACTITIONER_ROLE,
    PROCEDURE,
    PROVENANCE,
    SERVICE_REQUEST,
    SPECIMEN,
    TASK,
)

OPERATIONS: tuple[Operation, ...] = (
    PATIENT_EVERYTHING,
    ENCOUNTER_EVERYTHING,
    LASTN,
    META,
    META_ADD,
    META_DELETE,
    VALIDATE,
    STORY_OF_ORDER,
    STORY_OF_PATIENT,
    concept_map.TRANSLATE,
    code_system.LOOKUP,
    code_system.SUBSUMES,
    code_system.VALIDATE_CODE,
    value_set.EXPAND,
    value_set.VALIDATE_CODE,
)

#: types that clients may write and no table of the hospital holds (or takes): kept as they are written
NATIVE = (
    "Basic",
    "Binary",
    "CarePlan",
    "CareTeam",
    "CodeSystem",
    "ConceptMap",
    "Consent",
    "Coverage",
    "Device",
    "DocumentReference",
    "Flag",
    "Goal",
    "Group",
    "Immunization",
    "List",
    "Location",
    "Organization",
    "Practitioner",
    "Procedure",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "ValueSet",
)


def everything() -> dict[str, ResourceMapping]:
    """All that is served: the hospital's tables, and what clients write besides."""
    found = natives(NATIVE, {name: kept(mapping) for name, mapping in by_type().items()})
    for name, at_hand in PUBLISHED.items():
        found[name] = replace(found[name], at_hand=at_hand, comment=COMMENT, _names={})
    return amendable(dict(sorted(found.items())))


def by_type(mappings: tuple[ResourceMapping, ...] = MAPPINGS) -> dict[str, ResourceMapping]:
    """Mappings by resource type, in the order of their names."""
    return {m.resource_type: m for m in sorted(mappings, key=lambda m: m.resource_type)}
