"""Medication, from OpenEMR's formulary."""

from __future__ import annotations

from mappers.mapping import Element, Id, Part, SqlSource
from mappers.openemr.options import OptionTitle
from mappers.openemr.procedure_order import READ_ONLY, SYSTEMS
from mappers.openemr.tables import drugs
from mappers.values import (
    Coded,
    Concept,
    FirstOf,
    Fixed,
    Instant,
    ListCodings,
    MappedCoding,
    Str,
    UuidIdentifier,
    When,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import NDC, RXNORM

PREFIX = "oe-drug-"

D = drugs.c

DRUG = Part(
    Id(PREFIX, D.drug_id),
    SqlSource(drugs),
    (
        Element("identifier[]", UuidIdentifier(D.uuid)),
        Element(
            "code",
            Concept(
                ListCodings(D.drug_code, SYSTEMS, default=RXNORM), Coded(NDC, D.ndc_number), text=Str(D.name)
            ),
        ),
        Element(
            "status",
            FirstOf(
                When(*word_is(D.active, "0"), Fixed("inactive")),
                When(*word_is(D.active, "1"), Fixed("active")),
            ),
        ),
        Element(
            "form",
            Concept(
                MappedCoding(D.form, CodeMap.load("openemr_drug_form")), text=OptionTitle("drug_form", D.form)
            ),
        ),
    ),
    last_updated=Instant(D.last_updated),
    read_only_because=READ_ONLY,
    comment="A drug of OpenEMR's formulary.",
)
