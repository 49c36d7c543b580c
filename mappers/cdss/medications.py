"""Medication, from the hospital's formulary."""

from __future__ import annotations

from mappers.cdss.tables import ocs_medicationmaster
from mappers.mapping import Element, Id, Part, SqlSource
from mappers.order_profiles import KR_MEDICATION
from mappers.value import Column
from mappers.values import Backbone, Choice, Coded, Concept, FirstOf, Fixed, MappedCoding, Str, When, flag_is
from terminology.code_map import CodeMap
from terminology.systems import ATC, HIRA_EDI_MEDICATION, local_system

LOCAL_DRUG = local_system("drug")

M = ocs_medicationmaster.c


def ingredient(atc_code: Column, generic_name: Column) -> Concept:
    """The active ingredient, by ATC code and name."""
    return Concept(Coded(ATC, atc_code, generic_name), text=Str(generic_name))


FORMULARY = Part(
    Id("med-", M.id),
    SqlSource(ocs_medicationmaster),
    (
        Element(
            "code",
            Concept(
                Coded(HIRA_EDI_MEDICATION, M.edi_code, M.drug_name),
                Coded(LOCAL_DRUG, M.drug_code, M.drug_name),
                text=Str(M.drug_name),
            ),
        ),
        Element("status", FirstOf(When(*flag_is(M.is_active, True), Fixed("active")), Fixed("inactive"))),
        Element("form", Concept(MappedCoding(M.unit, CodeMap.load("cdss_dose_form")), text=Str(M.unit))),
        Element(
            "ingredient[]",
            Backbone(Element("item[x]", Choice(ingredient(M.atc_code, M.generic_name))), needs=("item",)),
        ),
    ),
    profiles=(KR_MEDICATION,),
    writable=True,
    comment="A drug of the formulary, with EDI, ATC and the hospital's own code.",
)
