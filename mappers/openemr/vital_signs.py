"""Observation, from OpenEMR's vitals forms: one row, one Observation a measured column.

The form is stored in US units whatever the site displays; values come out in the units of
`terminology/maps/openemr_vital_signs.csv`. 0 means "not measured".
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from sqlalchemy import and_, func, select

from mappers.mapping import Element, Id, Join, Part, Profile, SqlSource
from mappers.openemr import links
from mappers.openemr.tables import form_vital_details, form_vitals, forms
from mappers.order_profiles import KR_BLOOD_PRESSURE, KR_VITAL_SIGNS
from mappers.sql import Condition, any_of
from mappers.values import (
    Backbone,
    Children,
    Choice,
    Concept,
    Conversion,
    Demanded,
    Fixed,
    Instant,
    MappedCoding,
    Quantity,
    Reduced,
    Str,
    When,
    concept,
    looks_like,
    needed,
    there_is,
    unless,
)
from terminology.code_map import CodeMap, Entry
from terminology.systems import DATA_ABSENT_REASON, LOINC, OBSERVATION_CATEGORY, local_system

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
SUBJECT = Element("subject", needed(links.patient(V.pid)))
ENCOUNTER = Element("encounter", links.encounter(FORM.c.encounter, V.pid))
# R4's vital-sign profiles allow no vital sign without a day, not even one whose day is said to be unknown
EFFECTIVE = Element("effective[x]", Demanded(Choice(Instant(V.date)), "date"))
PERFORMER = Element("performer[]", links.author(V.user))
NOTE = Element("note[]", Backbone(Element("text", Str(V.note))))
SHARED = (STATUS, CATEGORY, SUBJECT, ENCOUNTER, EFFECTIVE, PERFORMER, NOTE)
UPDATED = Instant(V.last_updated)
LOCAL = local_system("openemr-vital-sign")
UNKNOWN = Fixed(concept(DATA_ABSENT_REASON, "unknown", "Unknown"))

# interpretations of the form's columns: read once for all Observations of a form
DETAIL = form_vital_details.alias("detail")
INTERPRETATIONS = Children(
    DETAIL,
    V.id,
    DETAIL.c.form_id,
    Backbone(
        Element("column", Str(DETAIL.c.vitals_column)),
        Element(
            "concept",
            Concept(
                MappedCoding(DETAIL.c.interpretation_codes, CodeMap.load("openemr_abnormal")),
                text=Str(DETAIL.c.interpretation_title),
            ),
        ),
        needs=("column", "concept"),
    ),
    order=(DETAIL.c.id,),
)
# older rows hold an option's number, of which nobody knows what it stood for
MEASURED_AT = When(
    *unless(looks_like(V.temp_method, "[0-9]+")),
    Concept(MappedCoding(V.temp_method, CodeMap.load("openemr_temperature_site")), text=Str(V.temp_method)),
)


def interpretation(entry: Entry) -> Element:
    """What the form says of one column's value."""

    def of_column(details: list[dict[str, Any]]) -> list[Any] | None:
        found = [d["concept"] for d in details if d["column"] == entry.source]
        return [c for i, c in enumerate(found) if c not in found[:i]] or None

    return Element("interpretation[]", Reduced(INTERPRETATIONS, of_column))


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
    """The concept of one column, with the codes it also goes by; a code that isn't verified isn't sent."""
    found = [coding] if (coding := entry.coding()) else []
    also = [{"system": LOINC, "code": c} for c in entry.extra.get("also", "").split()]
    local = {"system": LOCAL, "code": entry.source, "display": entry.display}
    return {"coding": [*found, *also, local], "text": entry.display}


def panel_code(panel: Entry, text: str) -> dict[str, Any]:
    """The concept of a panel, which is no column."""
    return {"coding": [panel.coding()], "text": text}


def vital_sign(entry: Entry) -> Part:
    """The part of one measured column."""
    measured = value(entry)
    profile = KR_VITAL_SIGNS.get(entry.code)
    site = (Element("bodySite", MEASURED_AT),) if entry.source == "temperature" else ()
    return _part(
        entry.code,
        measured.present(),
        (
            Element("code", Fixed(code(entry))),
            *SHARED,
            Element("value[x]", Choice(measured)),
            interpretation(entry),
            *site,
        ),
        (profile,) if profile else (),
    )


def _part(loinc: str, where: Condition, elements: tuple[Element, ...], profiles: tuple[Profile, ...]) -> Part:
    return Part(
        Id("oe-vit-", V.id, f".{loinc}"),
        SOURCE,
        elements,
        last_updated=UPDATED,
        where=where,
        profiles=profiles,
        read_only_because="OpenEMR's tables are read only",
        comment="A measured column of a vitals form that isn't deleted, in metric units.",
    )


def _component(entry: Entry) -> Element:
    measured = value(entry)
    return Element(
        "component[]",
        Backbone(
            Element("code", Fixed(code(entry))),
            Element("value[x]", Choice(measured)),
            Element("dataAbsentReason", When(*unless(there_is(measured)), UNKNOWN)),
            interpretation(entry),
        ),
    )


def blood_pressure(panel: Entry, systolic: Entry, diastolic: Entry) -> Part:
    """Systolic and diastolic pressure in one Observation; one that is missing says so."""
    return _part(
        panel.code,
        any_of(value(systolic).present(), value(diastolic).present()),
        (
            Element("code", Fixed(panel_code(panel, "Blood pressure"))),
            *SHARED,
            _component(systolic),
            _component(diastolic),
        ),
        (KR_BLOOD_PRESSURE,),
    )


def _parts() -> Iterator[Part]:
    columns = {e.source: e for e in CodeMap.load("openemr_vital_signs").entries}
    panels = {e.source: e for e in CodeMap.load("vital_sign_panels").entries}
    yield blood_pressure(panels["blood_pressure"], columns["bps"], columns["bpd"])
    for column, entry in columns.items():
        if entry.extra["si_ucum"] and column not in TEXTUAL:
            yield vital_sign(entry)


VITAL_SIGNS = tuple(_parts())
