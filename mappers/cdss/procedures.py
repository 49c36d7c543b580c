"""Procedure, from the lines of procedure orders that are completed.

A completed line says that the procedure was done, not when: no date is given.
"""

from __future__ import annotations

from sqlalchemy import and_, func

from mappers.cdss import links
from mappers.cdss.order_items import LOCAL_ITEM
from mappers.cdss.tables import ocs_orderitem
from mappers.mapping import Element, Id, Part, SqlSource
from mappers.sql import one_of, word
from mappers.values import Backbone, Coded, Concept, Fixed, Instant, NumberIdentifier, Str
from terminology.systems import local_identifier

I = ocs_orderitem.c  # noqa: E741 - as the other tables' initials
ORDER = links.placed(I.order_id)
O = ORDER.table.c  # noqa: E741

_STATE = func.coalesce(func.nullif(func.trim(I.status), ""), O.status)

COMPLETED_PROCEDURE = Part(
    Id("proc-", I.id),
    SqlSource(
        ocs_orderitem,
        (ORDER,),
        where=and_(one_of(word(O.order_type), ["PROCEDURE"]), one_of(word(_STATE), ["completed"])),
    ),
    (
        Element("identifier[]", NumberIdentifier(local_identifier("order-item-id"), I.id)),
        Element("basedOn[]", links.order(I.order_id, ORDER)),
        Element("status", Fixed("completed")),
        Element("code", Concept(Coded(LOCAL_ITEM, I.item_code, I.item_name), text=Str(I.item_name))),
        Element("subject", links.patient(O.patient_id)),
        Element("encounter", links.encounter(O.encounter_id)),
        Element("note[]", Backbone(Element("text", Str(I.instructions)))),
    ),
    last_updated=Instant(O.updated_at),
    comment="A line of a procedure order that is completed; when it was done isn't recorded.",
)
