"""References between CDSS rows, and from any row to its patient, as every mapping uses them."""

from __future__ import annotations

from sqlalchemy import FromClause, and_, case
from sqlalchemy.sql.expression import ColumnElement

from mappers.cdss.tables import accounts_user, ocs_order
from mappers.mapping import Id, Join
from mappers.sql import one_of, word
from mappers.values import FullName, ReferenceTo, Route

PRACTITIONER_PREFIX = "user-"
LAB_PREFIX = "lab-"
RADIOLOGY_REPORT_PREFIX = "rad-"
AI_JOB_PREFIX = "ai-job-"


def patient(column: ColumnElement[str]) -> ReferenceTo:
    """Patient by `patient_id`."""
    return ReferenceTo("Patient", Id("", column))


def encounter(column: ColumnElement[str]) -> ReferenceTo:
    """Encounter by `encounter_id`."""
    return ReferenceTo("Encounter", Id("", column))


def placed(column: ColumnElement[str]) -> Join:
    """The order that an `order_id` names."""
    table = ocs_order.alias(f"order_of_{column.table.name}")
    return Join(table, table.c.order_id == column)


def order(column: ColumnElement[str], join: Join | None = None) -> ReferenceTo:
    """ServiceRequest by `order_id` (`join`: the order, if it is joined already); a prescription is none."""
    join = join or placed(column)
    served = case((~is_prescription(join.table), join.table.c.order_id))
    return ReferenceTo("ServiceRequest", Route(column, Id("", served)), joins=(join,))


def is_prescription(orders: FromClause) -> ColumnElement[bool]:
    """An order of type MEDICATION, which MedicationRequests show."""
    return one_of(word(orders.c.order_type), ["MEDICATION"])


def practitioner(column: ColumnElement[int]) -> ReferenceTo:
    """Practitioner by `accounts_user.id`, with the name; users who are patients are no practitioners."""
    user = accounts_user.alias(f"user_of_{column.key}")
    join = Join(user, and_(user.c.id == column, user.c.role != "patient"))
    route = Route(column, Id(PRACTITIONER_PREFIX, user.c.id), target="id")
    return ReferenceTo(
        "Practitioner", route, display=FullName(user.c.first_name, user.c.last_name), joins=(join,)
    )
