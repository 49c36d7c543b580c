"""Medication. https://hl7.org/fhir/R4/medication.html"""

from __future__ import annotations

from mappers.cdss.medications import FORMULARY
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.drugs import DRUG

MEDICATION = ResourceMapping(
    "Medication",
    parts=(FORMULARY, DRUG),
    search_params=(
        SearchParam("code", "code", "MED001"),
        SearchParam("form", "form", "TAB"),
        SearchParam("identifier", "identifier", "urn:ietf:rfc:3986|"),
        SearchParam("ingredient-code", "ingredient.item[x]", "http://www.whocc.no/atc|B01AC06"),
        SearchParam("status", "status", "active"),
    ),
    narrative=("code", "form", "status"),
)
