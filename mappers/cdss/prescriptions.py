"""MedicationRequest, from the lines of the hospital's medication orders."""

from __future__ import annotations

from functools import partial

from sqlalchemy import ColumnElement, FromClause, exists

from mappers import dosage
from mappers.cdss import links
from mappers.cdss.meant import is_an_order
from mappers.cdss.medications import LOCAL_DRUG, ingredient
from mappers.cdss.order_states import ENDED, HELD_BACK
from mappers.cdss.prescribing import Taken, names_a_drug, order_of_lines
from mappers.cdss.tables import ocs_medicationmaster, ocs_order, ocs_orderitem
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.order_profiles import KR_MEDICATION_REQUEST
from mappers.upkeep import NOW, Parent, Upkeep
from mappers.values import (
    Backbone,
    Choice,
    Code,
    Coded,
    Concept,
    Derived,
    Extended,
    FirstOf,
    Fixed,
    Identifier,
    Instant,
    MappedCoding,
    Number,
    NumberIdentifier,
    Str,
    When,
    concept,
    there_is,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import (
    ATC,
    DATA_ABSENT_REASON,
    HIRA_EDI_MEDICATION,
    KR_CORE,
    local_identifier,
    local_system,
)

ORDER_ID = local_identifier("order-id")
STATUS = CodeMap.load("cdss_medication_status")
FREQUENCY = "cdss_frequency"
UNKNOWN_DRUG = concept(DATA_ABSENT_REASON, "unknown", "Unknown", text="Medication not stated")

I = ocs_orderitem.c  # noqa: E741 - as the other tables' initials
ORDER = links.placed(I.order_id)
O = ORDER.table.c  # noqa: E741
P = ocs_order.c
MASTER = ocs_medicationmaster.alias("drug")
M = MASTER.c

LINES_STATUS, ORDERS_STATUS = (Code(c, STATUS, otherwise="unknown") for c in (I.status, O.status))
DRUG = Extended(
    Concept(
        Coded(HIRA_EDI_MEDICATION, M.edi_code, M.drug_name),
        Coded(ATC, M.atc_code, M.generic_name),
        Coded(LOCAL_DRUG, I.item_code, I.item_name),
        text=FirstOf(Str(I.item_name), Str(M.drug_name), Str(I.item_code)),
    ),
    Backbone(
        Element("url", Fixed(f"{KR_CORE}/StructureDefinition/krcore-medicationIngredient")),
        Element("value[x]", Choice(ingredient(M.atc_code, M.generic_name))),
        needs=("value",),
    ),
)
ROUTE = Concept(
    MappedCoding(I.route, CodeMap.load("cdss_route")),
    MappedCoding(I.route, CodeMap.load("cdss_route_v2")),
    Coded(local_system("route"), I.route),
    text=Str(I.route),
)
SAID = Backbone(
    Element("dose", Number(I.dose)),
    Element("unit", Str(I.dose_unit)),
    Element("words", Str(I.frequency)),
    Element("days", Number(I.duration_days)),
    Element("route", Str(I.route)),
    Element("instructions", Str(I.instructions)),
)
DOSAGE = Backbone(
    Element("text", Derived(SAID, dosage.in_words)),
    Element("additionalInstruction[]", Concept(text=Str(I.instructions))),
    Element("timing", Derived(SAID, partial(dosage.timing, FREQUENCY))),
    Element(
        "asNeeded[x]",
        Choice(Derived(Str(I.frequency), partial(dosage.as_needed, FREQUENCY), fhir_type="Boolean")),
    ),
    Element("route", ROUTE),
    Element("doseAndRate[]", Derived(SAID, dosage.dose_or_rate)),
    needs=("text",),
)
DISPENSED = Backbone(
    Element("quantity", Derived(Number(I.quantity), dosage.amount)),
    Element("expectedSupplyDuration", Derived(Number(I.duration_days), dosage.supply)),
)


def _ordered(order: FromClause) -> tuple[Element, ...]:
    """What the order says of each of its lines."""
    o = order.c
    return (
        Element("intent", Fixed("order")),
        Element("priority", Code(o.priority, CodeMap.load("cdss_priority"))),
        Element("subject", links.patient(o.patient_id)),
        Element("encounter", links.encounter(o.encounter_id)),
        Element("authoredOn", Instant(o.ordered_at)),
        Element("requester", links.practitioner(o.ordered_by)),
        Element("groupIdentifier", Identifier(ORDER_ID, o.order_id)),
        Element("note[]", Backbone(Element("text", Str(o.clinical_info)))),
    )


def _has_lines() -> ColumnElement[bool]:
    line = ocs_orderitem.alias("line")
    return exists().where(line.c.order_id == ocs_order.c.order_id).correlate_except(line)


GIVEN_OUT = Backbone(Element("quantity", Backbone(Element("value", Number(I.quantity)))))

PRESCRIPTION_LINE = Part(
    Id("rx-", I.id),
    SqlSource(
        ocs_orderitem,
        (ORDER, Join(MASTER, M.drug_code == I.item_code)),
        where=links.is_prescription(ORDER.table),
    ),
    (
        Element("identifier[]", NumberIdentifier(local_identifier("order-item-id"), I.id)),
        Element(
            "status",
            FirstOf(
                When(*word_is(I.status, *ENDED), LINES_STATUS),
                When(*word_is(O.status, *HELD_BACK), ORDERS_STATUS),
                When(*there_is(Str(I.status)), LINES_STATUS),
                ORDERS_STATUS,
            ),
        ),
        Element(
            "medication[x]",
            Choice(DRUG, Fixed(UNKNOWN_DRUG, "CodeableConcept")),
            writes=Choice(Concept(Coded(LOCAL_DRUG, I.item_code), text=Str(I.item_name))),
        ),
        *_ordered(ORDER.table),
        Element("dosageInstruction[]", DOSAGE, writes=Taken()),
        Element("dispenseRequest", DISPENSED, writes=GIVEN_OUT),
    ),
    last_updated=Instant(O.updated_at),
    profiles=(KR_MEDICATION_REQUEST,),
    writable=True,
    upkeep=Upkeep(
        retired=(I.status, "cancelled"),
        states={
            "": ("draft", "active"),
            "draft": ("active", "cancelled"),
            "active": ("on-hold", "completed", "cancelled", "stopped"),
            "on-hold": ("active", "cancelled", "stopped"),
        },
        # another drug or dose is another order: what was given by this one must stay told
        settled=(
            "medication[x]",
            "dosageInstruction[]",
            "dispenseRequest",
            "encounter",
            "requester",
            "authoredOn",
        ),
        instead="cancel it, and create another whose `priorPrescription` it is",
        rules=(is_an_order, names_a_drug),
        parent=Parent(
            ORDER.table,
            I.order_id,
            ocs_order,
            Upkeep(
                "O-{year}-",
                new={P.order_type: "MEDICATION", P.status: "ordered", P.ordered_at: NOW},
                touched=(P.updated_at,),
            ),
            order_of_lines,
        ),
    ),
    comment="One line of a medication order; the order is its group.",
)

PRESCRIPTION_WITHOUT_LINES = Part(
    Id("rxo-", P.order_id),
    SqlSource(ocs_order, where=links.is_prescription(ocs_order) & ~_has_lines()),
    (
        Element("status", Code(P.status, STATUS, otherwise="unknown")),
        Element("medication[x]", Choice(Fixed(UNKNOWN_DRUG, "CodeableConcept"))),
        *_ordered(ocs_order),
    ),
    last_updated=Instant(P.updated_at),
    comment="A medication order that has no lines: that something was ordered isn't lost.",
)
