"""References from OpenEMR rows. A patient or encounter that the CDSS holds too is the CDSS's resource.

Rows that refer to nothing (0, NULL, '' or an orphan) yield no reference.
"""

from __future__ import annotations

from sqlalchemy import and_, func, select
from sqlalchemy.sql.expression import ColumnElement

from mappers.cdss.tables import emr_encounter, emr_patientcache
from mappers.mapping import Id, Join
from mappers.openemr.tables import form_encounter, patient_data, users
from mappers.values import FullName, ReferenceTo, Route

PATIENT_PREFIX = "oe-pat-"
ENCOUNTER_PREFIX = "oe-enc-"
PRACTITIONER_PREFIX = "oe-user-"


def patient(pid: ColumnElement[int]) -> ReferenceTo:
    """Patient by pid: the CDSS's where it has that pid, else OpenEMR's own."""
    ours = emr_patientcache.alias("cdss_patient")
    theirs = patient_data.alias("oe_patient")
    joins = (Join(ours, ours.c.openemr_pid == pid), Join(theirs, theirs.c.pid == pid))
    return ReferenceTo(
        "Patient",
        Route(pid, Id("", ours.c.patient_id), target="openemr_pid"),
        Route(pid, Id(PATIENT_PREFIX, theirs.c.pid), target="pid"),
        joins=joins,
    )


def encounter(number: ColumnElement[int], pid: ColumnElement[int]) -> ReferenceTo:
    """Encounter by encounter number and pid: the CDSS's visit where it is linked, else OpenEMR's own.

    The number is unique in practice but has no unique key, so the first row of that number and pid counts.
    """
    cdss = emr_patientcache.alias("cdss_patient_of_visit")
    ours, other = emr_encounter.alias("cdss_visit"), emr_encounter.alias("cdss_visit_first")
    theirs, twin = form_encounter.alias("oe_visit"), form_encounter.alias("oe_visit_first")
    first_ours = select(func.min(other.c.encounter_id)).where(
        other.c.patient_id == cdss.c.patient_id, other.c.openemr_encounter == number
    )
    first_theirs = select(func.min(twin.c.id)).where(twin.c.pid == pid, twin.c.encounter == number)
    base = number.table  # type: ignore[attr-defined]
    joins = (
        Join(cdss, and_(cdss.c.openemr_pid == pid, number > 0)),
        Join(ours, ours.c.encounter_id == first_ours.correlate_except(other).scalar_subquery(), (cdss, base)),
        Join(theirs, theirs.c.id == first_theirs.correlate_except(twin).scalar_subquery(), (base,)),
    )
    return ReferenceTo(
        "Encounter",
        Route(number, Id("", ours.c.encounter_id), target="openemr_encounter"),
        Route(number, Id(ENCOUNTER_PREFIX, theirs.c.id), target="encounter"),
        joins=joins,
    )


def practitioner(user_id: ColumnElement[int]) -> ReferenceTo:
    """Practitioner by users.id, with the name; address-book organisations are none."""
    user = users.alias(f"user_of_{user_id.key}")
    join = Join(user, and_(user.c.id == user_id, is_person(user)))
    route = Route(user_id, Id(PRACTITIONER_PREFIX, user.c.id), target="id")
    return ReferenceTo("Practitioner", route, display=FullName(user.c.fname, user.c.lname), joins=(join,))


def is_person(user: object) -> ColumnElement[bool]:
    """A users row that is somebody: it has a family or a given name."""
    columns = user.c  # type: ignore[attr-defined]
    found: ColumnElement[bool] = (
        func.coalesce(columns.lname, "").concat(func.coalesce(columns.fname, "")) != ""
    )
    return found
