"""References between CDSS rows, and from any row to its patient, as every mapping uses them."""

from __future__ import annotations

from sqlalchemy import and_
from sqlalchemy.sql.expression import ColumnElement

from mappers.cdss.tables import accounts_user
from mappers.mapping import Id, Join
from mappers.values import FullName, ReferenceTo, Route

PRACTITIONER_PREFIX = "user-"
LAB_PREFIX = "lab-"
RADIOLOGY_REPORT_PREFIX = "rad-"


def patient(column: ColumnElement[str]) -> ReferenceTo:
    """Patient by `patient_id`."""
    return ReferenceTo("Patient", Id("", column))


def encounter(column: ColumnElement[str]) -> ReferenceTo:
    """Encounter by `encounter_id`."""
    return ReferenceTo("Encounter", Id("", column))


def order(column: ColumnElement[str]) -> ReferenceTo:
    """ServiceRequest by `order_id`."""
    return ReferenceTo("ServiceRequest", Id("", column))


def practitioner(column: ColumnElement[int]) -> ReferenceTo:
    """Practitioner by `accounts_user.id`, with the name; users who are patients are no practitioners."""
    user = accounts_user.alias(f"user_of_{column.key}")
    join = Join(user, and_(user.c.id == column, user.c.role != "patient"))
    route = Route(column, Id(PRACTITIONER_PREFIX, user.c.id), target="id")
    return ReferenceTo(
        "Practitioner", route, display=FullName(user.c.first_name, user.c.last_name), joins=(join,)
    )
