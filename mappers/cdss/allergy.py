"""AllergyIntolerance, from the CDSS. A drug's allergen_code is an ATC code; of others nobody knows whose."""

from __future__ import annotations

from typing import Any

from mappers.cdss import links
from mappers.cdss.meant import is_withdrawn
from mappers.cdss.tables import emr_allergy
from mappers.mapping import Element, Id, Part, Profile, SqlSource
from mappers.profiles import kr_allergy
from mappers.sql import Condition
from mappers.upkeep import Resource, Upkeep
from mappers.value import Cells, Columns, Read, Value, Writing
from mappers.values import (
    Backbone,
    Code,
    Coded,
    Concept,
    FirstOf,
    Fixed,
    Instant,
    When,
    both,
    flag_is,
    looks_like,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import ALLERGY_CLINICAL, ATC, KR_CORE, local_system

ATC_SHAPE = "[A-Z]([0-9][0-9]([A-Z]([A-Z]([0-9][0-9])?)?)?)?"
ACTIVE = {"system": ALLERGY_CLINICAL, "code": "active", "display": "Active"}
INACTIVE = {"system": ALLERGY_CLINICAL, "code": "inactive", "display": "Inactive"}

A = emr_allergy.c


class _Activity(Value):
    """The flag by which the old application shows an allergy, or no more."""

    def reader(self, columns: Columns) -> Read:
        raise NotImplementedError("it is only written")

    def present(self) -> Condition:
        raise NotImplementedError("it is only written")

    def written(self, said: Any, w: Writing) -> Cells | None:
        codings = (said or {}).get("coding") or []
        codes = {c.get("code") for c in codings if c.get("system") == ALLERGY_CLINICAL}
        return {A.is_active: int("active" in codes)} if codes else {}


def _shown_no_more(sent: Resource, current: Resource | None, now: str) -> Cells:
    """An allergy that is none isn't shown by the old application."""
    return {A.is_active: 0} if is_withdrawn(sent) else {}


CDSS_ALLERGY = Part(
    Id("allergy-", A.id),
    SqlSource(emr_allergy),
    (
        Element(
            "clinicalStatus",
            Concept(FirstOf(When(*flag_is(A.is_active, True), Fixed(ACTIVE)), Fixed(INACTIVE))),
            writes=_Activity(),
        ),
        Element("category[]", Code(A.category, CodeMap.load("cdss_allergy_category"))),
        # how bad a reaction was doesn't follow from how bad one might be
        Element("criticality", Code(A.severity, CodeMap.load("cdss_allergy_criticality")), writes=False),
        Element(
            "code",
            Concept(
                When(
                    *both(word_is(A.category, "drug"), looks_like(A.allergen_code, ATC_SHAPE)),
                    Coded(ATC, A.allergen_code),
                ),
                Coded(local_system("allergen"), A.allergen_code),
                text=A.allergen,
            ),
        ),
        Element("patient", links.patient(A.patient_id)),
        Element("recordedDate", Instant(A.noted_at)),
        Element(
            "reaction[]",
            Backbone(
                Element("manifestation[]", Concept(text=A.reaction)),
                Element("severity", Code(A.severity, CodeMap.load("cdss_allergy_severity"))),
                needs=("manifestation",),
            ),
        ),
    ),
    last_updated=Instant(A.updated_at),
    profiles=(Profile(f"{KR_CORE}/StructureDefinition/krcore-allergyintolerance", kr_allergy),),
    writable=True,
    upkeep=Upkeep(
        new={A.is_active: 1}, touched=(A.updated_at,), retired=(A.is_active, 0), follows=_shown_no_more
    ),
    comment="An allergy of the CDSS; a soft-deleted one is inactive.",
)
