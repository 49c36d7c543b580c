"""Condition, from the CDSS's diagnoses: one diagnosis of a visit a row.

Active until it has a date of resolution. KCD is ICD-10 with Korean subdivisions below the fourth character,
so a code of ICD-10's own shape stands under both systems.
"""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.meant import holds_true
from mappers.cdss.tables import ocs_diagnosis, ocs_diagnosismaster
from mappers.mapping import Element, Id, Join, Part, Profile, SqlSource
from mappers.profiles import kr_encounter_diagnosis
from mappers.upkeep import Resource, Upkeep
from mappers.value import Cells
from mappers.values import (
    Absent,
    Backbone,
    Choice,
    Coded,
    Concept,
    DateTime,
    FirstOf,
    Fixed,
    Instant,
    MappedCoding,
    Str,
    When,
    concept,
    looks_like,
    there_is,
)
from terminology.code_map import CodeMap
from terminology.systems import (
    CONDITION_CATEGORY,
    CONDITION_CLINICAL,
    ICD10,
    KCD8,
    KR_CONDITION_CATEGORY,
    KR_CORE,
    local_system,
)

DIAGNOSIS_PREFIX = "diag-"
ACTIVE = {"system": CONDITION_CLINICAL, "code": "active", "display": "Active"}
RESOLVED = {"system": CONDITION_CLINICAL, "code": "resolved", "display": "Resolved"}
ENCOUNTER_DIAGNOSIS = concept(CONDITION_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")
KCD_SHAPE = "[A-Z][0-9][0-9]([.][0-9]{1,3})?"
ICD10_SHAPE = "[A-Z][0-9][0-9]([.][0-9])?"

D = ocs_diagnosis.c
MASTER = ocs_diagnosismaster.alias("diagnosis_master")
M = MASTER.c
RESOLUTION = DateTime(D.resolved_date)
RECORDED = Instant(D.recorded_at)

VERIFICATION = CodeMap.load("cdss_diagnosis_verification")


def _kind(sent: Resource, current: Resource | None, now: str) -> Cells:
    """A diagnosis that is confirmed isn't to be ruled out any more, nor the other way round."""
    before, after = (_verified(each or {}) for each in (current, sent))
    if not after or after == before:
        return {}
    words = {s for system, code in after for s in VERIFICATION.sources_of(system, code)}
    return {D.diag_type: words.pop() if len(words) == 1 else None}


def _verified(diagnosis: Resource) -> set[tuple[str | None, str]]:
    codings = (diagnosis.get("verificationStatus") or {}).get("coding") or []
    return {(c.get("system"), str(c.get("code"))) for c in codings}


DIAGNOSIS = Part(
    Id(DIAGNOSIS_PREFIX, D.id),
    SqlSource(ocs_diagnosis, (Join(MASTER, M.diag_code == D.diag_code),)),
    (
        Element(
            "clinicalStatus", Concept(FirstOf(When(*there_is(RESOLUTION), Fixed(RESOLVED)), Fixed(ACTIVE)))
        ),
        Element(
            "verificationStatus",
            Concept(MappedCoding(D.diag_type, VERIFICATION)),
            writes=False,  # "confirmed" is no kind of diagnosis alone: see `_kind`
        ),
        Element("category[]", Fixed(concept(KR_CONDITION_CATEGORY, "진단", "진단"))),
        Element("category[]", Fixed(ENCOUNTER_DIAGNOSIS)),
        Element(
            "code",
            Concept(
                When(*looks_like(D.diag_code, KCD_SHAPE), Coded(KCD8, D.diag_code, M.name_ko)),
                When(*looks_like(D.diag_code, ICD10_SHAPE), Coded(ICD10, D.diag_code, M.name_en)),
                Coded(local_system("diagnosis"), D.diag_code),
                text=FirstOf(Str(M.name_ko), Str(M.name_en), Str(D.diag_code)),
            ),
        ),
        Element("subject", links.patient(D.patient_id)),
        Element("encounter", links.encounter(D.encounter_id)),
        Element("onset[x]", Choice(DateTime(D.onset_date))),
        Element("abatement[x]", Choice(RESOLUTION)),
        Element("recordedDate", RECORDED),
        Element("_recordedDate", Absent(RECORDED)),
        Element("recorder", links.practitioner(D.recorded_by)),
        Element("note[]", Backbone(Element("text", Str(D.note)))),
    ),
    last_updated=Instant(D.updated_at),
    profiles=(
        Profile(
            f"{KR_CORE}/StructureDefinition/krcore-condition-encounter-diagnosis", kr_encounter_diagnosis
        ),
    ),
    writable=True,
    upkeep=Upkeep(touched=(D.updated_at,), rules=(holds_true,), follows=_kind),
    comment="A diagnosis of the CDSS. A code that no KCD can have stands under the hospital's system alone.",
)
