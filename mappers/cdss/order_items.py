"""The lines of an order, as the concepts of what is asked for."""

from __future__ import annotations

from sqlalchemy import exists

from mappers.cdss.order_states import owner, still_told, withdrawn
from mappers.cdss.tables import lis_labtestmaster, ocs_order, ocs_orderitem
from mappers.mapping import Element, Join
from mappers.order_items import one_or_joined, several
from mappers.sql import any_of, filled, negate
from mappers.value import no_value
from mappers.values import Backbone, Children, Coded, Concept, FirstOf, OneOrJoined, Reduced, Str, When
from terminology.systems import LOINC, local_system

LOCAL_TEST = local_system("lab-test")
LOCAL_ITEM = local_system("order-item")

ITEM, TEST = ocs_orderitem.alias("item"), lis_labtestmaster.alias("test_of_item")
OTHER = ocs_orderitem.alias("other_item")


class _Item(Concept):
    """An item's concept, with the join to the test master that it needs."""

    def __init__(self) -> None:
        test, item = TEST.c, ITEM.c
        super().__init__(
            Coded(LOINC, test.loinc_code),
            FirstOf(
                Coded(LOCAL_TEST, test.test_code, test.test_name),
                Coded(LOCAL_ITEM, item.item_code, item.item_name),
            ),
            text=FirstOf(Str(item.item_name), Str(test.test_name), Str(item.item_code)),
        )
        self.joins = (Join(TEST, TEST.c.test_code == ITEM.c.item_code),)


ITEM_CONCEPT = _Item()
ORDER = owner(ITEM)
# of an item that is told: beside one that was taken back, which is told with all others, every other is told
_TOLD_TOO = any_of(negate(withdrawn(OTHER)), withdrawn(ORDER.table), withdrawn(ITEM))
_ANOTHER = (
    exists()
    .where(OTHER.c.order_id == ITEM.c.order_id, OTHER.c.id != ITEM.c.id)
    .where(any_of(filled(OTHER.c.item_code), filled(OTHER.c.item_name)), _TOLD_TOO)
    .correlate_except(OTHER)
)
ITEMS = Children(
    ITEM,
    ocs_order.c.order_id,
    ITEM.c.order_id,
    Backbone(Element("concept", ITEM_CONCEPT), Element("instructions", Str(ITEM.c.instructions))),
    order=(ITEM.c.id,),
    where=still_told(ITEM, ORDER.table),
    joins=(ORDER,),
)
DETAIL = Reduced(ITEMS, several, When(_ANOTHER, lambda columns: no_value, ITEM_CONCEPT))
CODE = OneOrJoined(
    ITEMS, one_or_joined, ITEM_CONCEPT, _ANOTHER, (ITEM.c.item_name, TEST.c.test_name, ITEM.c.item_code)
)
