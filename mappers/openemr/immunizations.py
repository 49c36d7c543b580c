"""Immunization, from OpenEMR: given, refused, or entered in error."""

from __future__ import annotations

from sqlalchemy import and_, func, select

from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.options import OptionTitle, title_or_word
from mappers.openemr.procedure_order import READ_ONLY, SYSTEMS
from mappers.openemr.tables import codes, immunizations, list_options
from mappers.values import (
    Backbone,
    Choice,
    Code,
    Coded,
    Concept,
    Date,
    FirstOf,
    Fixed,
    Instant,
    ListConcepts,
    MappedCoding,
    Quantity,
    Str,
    UuidIdentifier,
    When,
    concept,
    flag_is,
    needed,
    unless,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import CVX, DATA_ABSENT_REASON

#: code_types.ct_id of CVX; the same digits mean other things under other types
CVX_TYPE = 100
FUNCTION = "http://terminology.hl7.org/CodeSystem/v2-0443"

I = immunizations.c  # noqa: E741 - as the other tables' initials
VACCINE, TWIN = codes.alias("vaccine"), codes.alias("vaccine_first")
REFUSAL = list_options.alias("refusal")
GIVEN_HERE = word_is(I.information_source, "new_immunization_record", "00")
STATED = word_is(func.coalesce(func.nullif(I.information_source, ""), "unstated"), "unstated")
CVX_CODE = func.trim(I.cvx_code)

_FIRST_CODE = (
    select(func.min(TWIN.c.id))
    .where(TWIN.c.code == CVX_CODE, TWIN.c.code_type == CVX_TYPE, TWIN.c.code != "")
    .correlate_except(TWIN)
)

STATUS = FirstOf(
    When(*flag_is(I.added_erroneously, True), Fixed("entered-in-error")),
    Code(func.coalesce(I.completion_status, ""), CodeMap.load("openemr_immunization_status")),
)
VACCINE_CODE = FirstOf(
    Concept(
        Coded(CVX, CVX_CODE, VACCINE.c.code_text),
        text=FirstOf(
            Str(VACCINE.c.code_text), OptionTitle("immunizations", I.immunization_id), Str(CVX_CODE)
        ),
    ),
    Fixed(concept(DATA_ABSENT_REASON, "unknown", "Unknown")),
)
REASON = Concept(
    MappedCoding(REFUSAL.c.notes, CodeMap.load("openemr_immunization_refusal")),
    text=FirstOf(Str(REFUSAL.c.title), Str(I.refusal_reason)),
)


def _function(code: str, display: str) -> Element:
    return Element("function", Fixed(concept(FUNCTION, code, display)))


IMMUNIZATION_ROW = Part(
    Id("oe-imm-", I.id),
    SqlSource(
        immunizations,
        (
            Join(VACCINE, VACCINE.c.id == _FIRST_CODE.scalar_subquery(), needs=(immunizations,)),
            Join(
                REFUSAL,
                and_(
                    REFUSAL.c.list_id == "immunization_refusal_reason",
                    REFUSAL.c.option_id == I.refusal_reason,
                ),
            ),
        ),
    ),
    (
        Element("identifier[]", UuidIdentifier(I.uuid)),
        Element("status", STATUS),
        Element("statusReason", REASON),
        Element("vaccineCode", VACCINE_CODE),
        Element("patient", needed(links.patient(I.patient_id))),
        Element("occurrence[x]", Choice(Instant(I.administered_date), Fixed("unknown", "String"))),
        Element("recorded", Instant(I.create_date)),
        Element(
            "primarySource",
            FirstOf(When(*GIVEN_HERE, Fixed(True)), When(*unless(STATED), Fixed(False))),
        ),
        Element(
            "reportOrigin",
            When(
                *unless(GIVEN_HERE),
                Concept(
                    MappedCoding(I.information_source, CodeMap.load("openemr_immunization_origin")),
                    text=title_or_word("immunization_informationsource", I.information_source),
                ),
            ),
        ),
        Element("lotNumber", Str(I.lot_number)),
        Element("expirationDate", Date(I.expiration_date)),
        Element(
            "site",
            Concept(
                MappedCoding(I.administration_site, CodeMap.load("openemr_immunization_site")),
                text=title_or_word("immunization_administered_site", I.administration_site),
            ),
        ),
        Element(
            "route",
            Concept(
                MappedCoding(I.route, CodeMap.load("openemr_drug_route")),
                MappedCoding(I.route, CodeMap.load("openemr_drug_route_v2")),
                text=title_or_word("drug_route", I.route),
            ),
        ),
        Element("doseQuantity", Quantity(I.amount_administered, I.amount_administered_unit, positive=True)),
        Element(
            "performer[]",
            Backbone(
                _function("AP", "Administering Provider"),
                Element("actor", links.practitioner(I.administered_by_id)),
                needs=("actor",),
            ),
        ),
        Element(
            "performer[]",
            Backbone(
                _function("AP", "Administering Provider"),
                Element("actor", Backbone(Element("display", Str(I.administered_by)))),
                needs=("actor",),
            ),
        ),
        Element(
            "performer[]",
            Backbone(
                _function("OP", "Ordering Provider"),
                Element("actor", links.practitioner(I.ordering_provider)),
                needs=("actor",),
            ),
        ),
        Element("note[]", Backbone(Element("text", Str(I.note)))),
        Element("reasonCode[]", ListConcepts(I.reason_code, SYSTEMS)),
        Element(
            "manufacturer",
            Backbone(Element("display", title_or_word("Immunization_Manufacturer", I.manufacturer))),
        ),
        Element(
            "education[]",
            Backbone(
                Element("documentType", Fixed("Vaccine Information Statement")),
                Element("publicationDate", Date(I.vis_date)),
                Element("presentationDate", Date(I.education_date)),
                needs=("presentationDate",),
            ),
        ),
    ),
    last_updated=FirstOf(Instant(I.update_date), Instant(I.create_date)),
    read_only_because=READ_ONLY,
    comment="A vaccination given, refused or entered in error; a blank completion status means given.",
)
