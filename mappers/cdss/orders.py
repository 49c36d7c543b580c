"""ServiceRequest, from the hospital's orders, whichever kind but prescriptions."""

from __future__ import annotations

from sqlalchemy import func, select

from mappers.cdss import links
from mappers.cdss.item_rows import ITEM_ROWS
from mappers.cdss.meant import is_an_order
from mappers.cdss.order_items import CODE, DETAIL, ITEMS
from mappers.cdss.order_states import OrderStatus
from mappers.cdss.ordering import ORDER_TYPE as ORDER_TYPES
from mappers.cdss.ordering import examinations, keeps_its_kind, kind, states_what
from mappers.cdss.tables import lis_specimen, ocs_order, ris_radiologyorder
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.order_items import instructions
from mappers.upkeep import NOW, Upkeep
from mappers.values import (
    Backbone,
    Children,
    Choice,
    Code,
    Coded,
    Concept,
    Fixed,
    Identifier,
    Instant,
    MappedCoding,
    Reduced,
    ReferenceTo,
    Str,
    When,
    there_is,
    unless,
)
from terminology.code_map import CodeMap
from terminology.systems import V2_IDENTIFIER_TYPE, local_identifier

ORDER_ID = local_identifier("order-id")
PLACER = (V2_IDENTIFIER_TYPE, "PLAC", "Placer Identifier")

O = ocs_order.c  # noqa: E741 - as the other tables' initials
EXAMINATION, OTHER = ris_radiologyorder.alias("examination"), ris_radiologyorder.alias("examination_first")
E, SPECIMEN = EXAMINATION.c, lis_specimen.alias("specimen_of_order")

ORDER_TYPE = Concept(
    MappedCoding(O.order_type, CodeMap.load("cdss_order_category")),
    Coded(ORDER_TYPES, O.order_type),
)

STATUS = OrderStatus.over(Code(O.status, CodeMap.load("cdss_order_status"), otherwise="unknown"))

# an order is one examination; should there be more rows, the first counts
_FIRST = (
    select(func.min(OTHER.c.id))
    .where(OTHER.c.order_id == O.order_id, OTHER.c.patient_id == O.patient_id)
    .correlate_except(OTHER)
)

SERVICE_ORDER = Part(
    Id("", O.order_id),
    SqlSource(
        ocs_order,
        (Join(EXAMINATION, E.id == _FIRST.scalar_subquery(), needs=(ocs_order,)),),
        where=~links.is_prescription(ocs_order),
    ),
    (
        Element("identifier[]", Identifier(ORDER_ID, O.order_id, type=PLACER)),
        Element("status", STATUS),
        Element("intent", Fixed("order")),
        Element(
            "category[]",
            Concept(
                MappedCoding(O.order_type, CodeMap.load("cdss_order_category")),
                Coded(ORDER_TYPES, O.order_type),
                text=Str(O.order_type),
            ),
            writes=ORDER_TYPE,
        ),
        Element(
            "category[]",
            Concept(MappedCoding(E.modality, CodeMap.load("cdss_modality")), text=Str(E.modality)),
        ),
        Element("priority", Code(O.priority, CodeMap.load("cdss_priority"))),
        Element("code", CODE),
        Element("code", When(*unless(there_is(CODE)), Concept(text=Str(E.procedure_name)))),
        Element("orderDetail[]", DETAIL),
        Element("subject", links.patient(O.patient_id)),
        Element("encounter", links.encounter(O.encounter_id)),
        Element("occurrence[x]", Choice(Instant(E.scheduled_at))),
        Element("authoredOn", Instant(O.ordered_at)),
        Element("requester", links.practitioner(O.ordered_by)),
        Element(
            "specimen[]",
            Children(
                SPECIMEN,
                O.order_id,
                SPECIMEN.c.order_id,
                ReferenceTo("Specimen", Id("", SPECIMEN.c.specimen_id)),
                order=(SPECIMEN.c.specimen_id,),
            ),
        ),
        Element(
            "bodySite[]", Concept(MappedCoding(E.body_part, CodeMap.load("body_part")), text=Str(E.body_part))
        ),
        Element("note[]", Backbone(Element("text", Str(O.clinical_info)))),
        Element("patientInstruction", Reduced(ITEMS, instructions)),
    ),
    last_updated=Instant(O.updated_at),
    writable=True,
    upkeep=Upkeep(
        "O-{year}-",
        new={O.ordered_at: NOW},
        touched=(O.updated_at,),
        retired=(O.status, "cancelled"),
        follows=kind,
        states={
            "": ("draft", "active"),
            "draft": ("active", "revoked"),
            "active": ("on-hold", "completed", "revoked"),
            "on-hold": ("active", "revoked"),
        },
        fixed=("specimen[]",),
        settled=(
            "category[]",
            "code",
            "orderDetail[]",
            "occurrence[x]",
            "bodySite[]",
            "encounter",
            "requester",
            "authoredOn",
        ),
        instead="revoke it, and create another that `replaces` it",
        rules=(is_an_order, states_what, keeps_its_kind),
        lines=(
            ITEM_ROWS,
            examinations(EXAMINATION),
        ),
    ),
    comment="An order, with what the RIS knows of the examination; its items are the code or its details.",
)
