"""Observation, from OpenEMR's vitals forms: one row, one Observation a measured column.

The form is stored in US units whatever the site displays; values come out in the units of
`terminology/maps/openemr_vital_signs.csv`. 0 means "not measured".
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from sqlalchemy import and_, func, select

from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.tables import form_vitals, forms
from mappers.sql import Condition, any_of
from mappers.values import Backbone, Choice, Conversion, Fixed, Instant, Quantity, Str, concept
from terminology.code_map import CodeMap, Entry
from terminology.systems import LOINC, OBSERVATION_CATEGORY

V = form_vitals.c
FORM, OTHER = forms.alias("vitals_form"), forms.alias("vitals_form_first")

# forms.form_id is unique only within its formdir, and not by a key: the first row counts
_FIRST = (
    select(func.min(OTHER.c.id))
    .where(OTHER.c.form_id == V.id, OTHER.c.formdir == "vitals", OTHER.c.pid == V.pid)
    .correlate_except(OTHER)
)
SOURCE = SqlSource(
    form_vitals,
    (Join(FORM, FORM.c.id == _FIRST.scalar_subquery()),),
    where=and_(V.activity == 1, func.coalesce(FORM.c.deleted, 0) == 0),
)
TEXTUAL = ("bps", "bpd")

CATEGORY = Element("category[]", Fixed(concept(OBSERVATION_CATEGORY, "vital-signs", "Vital Signs")))
STATUS = Element("status", Fixed("final"))
SUBJECT = Element("subject", links.patient(V.pid))
ENCOUNTER = Element("encounter", links.encounter(FORM.c.encounter, V.pid))
EFFECTIVE = Element("effective[x]", Choice(Instant(V.date)))
NOTE = Element("note[]", Backbone(Element("text", Str(V.note))))
SHARED = (STATUS, CATEGORY, SUBJECT, ENCOUNTER, EFFECTIVE, NOTE)
UPDATED = Instant(V.last_updated)


def value(entry: Entry) -> Quantity:
    """The quantity of one column in its metric unit."""
    extra = entry.extra
    conversion = Conversion(Fraction(extra["factor"]), Fraction(extra["offset"]))
    return Quantity(
        V[entry.source],
        fixed=(extra["si_unit"], extra["si_ucum"]),
        conversion=conversion,
        positive=True,
        textual=entry.source in TEXTUAL,
    )


def code(entry: Entry) -> dict[str, Any]:
    """The concept of one column, with the codes it also goes by."""
    coding = [{"system": LOINC, "code": entry.code, "display": entry.display}]
    also = entry.extra.get("also", "").split()
    return {"coding": coding + [{"system": LOINC, "code": c} for c in also], "text": entry.display}


def vital_sign(entry: Entry) -> Part:
    """The part of one measured column."""
    measured = value(entry)
    return _part(
        entry.code,
        measured.present(),
        (
            Element("code", Fixed(code(entry))),
            *SHARED,
            Element("value[x]", Choice(measured)),
        ),
    )


def _part(loinc: str, where: Condition, elements: tuple[Element, ...]) -> Part:
    return Part(
        Id("oe-vit-", V.id, f".{loinc}"),
        SOURCE,
        elements,
        last_updated=UPDATED,
        where=where,
        read_only_because="OpenEMR's tables are read only",
    )


def _component(entry: Entry) -> Element:
    return Element(
        "component[]",
        Backbone(
            Element("code", Fixed(code(entry))),
            Element("value[x]", Choice(value(entry))),
            needs=("value",),
        ),
    )


def blood_pressure(panel: Entry, systolic: Entry, diastolic: Entry) -> Part:
    """Systolic and diastolic pressure in one Observation."""
    return _part(
        panel.code,
        any_of(value(systolic).present(), value(diastolic).present()),
        (
            Element("code", Fixed(code(panel))),
            *SHARED,
            _component(systolic),
            _component(diastolic),
        ),
    )


def _parts() -> Iterator[Part]:
    columns = {e.source: e for e in CodeMap.load("openemr_vital_signs").entries}
    panels = {e.source: e for e in CodeMap.load("vital_sign_panels").entries}
    yield blood_pressure(panels["blood_pressure"], columns["bps"], columns["bpd"])
    for column, entry in columns.items():
        if entry.extra["si_ucum"] and column not in TEXTUAL:
            yield vital_sign(entry)


VITAL_SIGNS = tuple(_parts())
