"""References from OpenEMR rows. A patient or encounter that the CDSS holds too is the CDSS's resource.

Rows that refer to nothing (0, NULL, '' or an orphan) yield no reference.
"""

from __future__ import annotations

from sqlalchemy import FromClause, and_, exists, func, select
from sqlalchemy.sql.expression import ColumnElement

from mappers.cdss.tables import emr_encounter, emr_patientcache
from mappers.mapping import Id, Join
from mappers.openemr.tables import facility, form_encounter, forms, patient_data, users
from mappers.values import FullName, ReferenceTo, Route, Str

PATIENT_PREFIX = "oe-pat-"
ENCOUNTER_PREFIX = "oe-enc-"
PRACTITIONER_PREFIX = "oe-user-"
FACILITY_PREFIX = "oe-fac-"
#: accounts that OpenEMR makes for itself; they have names all the same
SYSTEM_ACCOUNTS = ("oe-system", "phimail-service", "portal-user")


def patient(pid: ColumnElement[int]) -> ReferenceTo:
    """Patient by pid: the CDSS's where it has that pid, else OpenEMR's own."""
    ours = emr_patientcache.alias("cdss_patient")
    theirs = patient_data.alias("oe_patient")
    joins = (
        Join(ours, and_(ours.c.openemr_pid == pid, pid > 0)),
        Join(theirs, and_(theirs.c.pid == pid, pid > 0)),
    )
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
    first_theirs = select(func.min(twin.c.id)).where(
        number > 0, twin.c.pid == pid, twin.c.encounter == number, ~is_deleted(twin)
    )
    base = number.table
    joins = (
        Join(cdss, and_(cdss.c.openemr_pid == pid, pid > 0, number > 0)),
        Join(ours, ours.c.encounter_id == first_ours.correlate_except(other).scalar_subquery(), (cdss, base)),
        Join(theirs, theirs.c.id == first_theirs.correlate_except(twin).scalar_subquery(), (base,)),
    )
    return ReferenceTo(
        "Encounter",
        Route(number, Id("", ours.c.encounter_id), target="openemr_encounter", loose=True),
        Route(number, Id(ENCOUNTER_PREFIX, theirs.c.id), target="encounter", loose=True),
        joins=joins,
    )


def is_deleted(visit: FromClause) -> ColumnElement[bool]:
    """A form_encounter row whose own form is marked as deleted."""
    form = forms.alias("deleted_form")
    found = exists().where(
        form.c.form_id == visit.c.id,
        form.c.formdir == "newpatient",
        form.c.pid == visit.c.pid,
        form.c.deleted != 0,
    )
    return found.correlate_except(form)


def practitioner(user_id: ColumnElement[int]) -> ReferenceTo:
    """Practitioner by users.id, with the name; address-book organisations are none."""
    user = users.alias(f"user_of_{user_id.key}")
    join = Join(user, and_(user.c.id == user_id, is_person(user)))
    route = Route(user_id, Id(PRACTITIONER_PREFIX, user.c.id), target="id")
    return ReferenceTo("Practitioner", route, display=FullName(user.c.fname, user.c.lname), joins=(join,))


def author(username: ColumnElement[str]) -> ReferenceTo:
    """Practitioner by user name; a blank or vanished one, or one that two users share, is nobody."""
    user, other = users.alias(f"author_by_{username.key}"), users.alias("author_first")
    only = (
        select(func.min(other.c.id))
        .where(other.c.username == username, other.c.username != "")
        .having(func.count() == 1)
        .correlate_except(other)
    )
    base = username.table
    join = Join(user, and_(user.c.id == only.scalar_subquery(), is_person(user)), needs=(base,))
    route = Route(username, Id(PRACTITIONER_PREFIX, user.c.id), target="username")
    return ReferenceTo("Practitioner", route, display=FullName(user.c.fname, user.c.lname), joins=(join,))


def organization(facility_id: ColumnElement[int]) -> ReferenceTo:
    """Organization by facility.id, with its name."""
    return _facility("Organization", facility_id)


def location(facility_id: ColumnElement[int]) -> ReferenceTo:
    """Location by facility.id, with its name."""
    return _facility("Location", facility_id)


def _facility(resource_type: str, facility_id: ColumnElement[int]) -> ReferenceTo:
    owner = facility.alias(f"{resource_type.lower()}_of_{facility_id.key}")
    route = Route(facility_id, Id(FACILITY_PREFIX, owner.c.id), target="id")
    joins = (Join(owner, owner.c.id == facility_id),)
    return ReferenceTo(resource_type, route, display=Str(owner.c.name), joins=joins)


def is_person(user: object) -> ColumnElement[bool]:
    """A users row that is somebody: it has a family or a given name and is no account of the system's own."""
    columns = user.c  # type: ignore[attr-defined]
    named = func.coalesce(columns.lname, "").concat(func.coalesce(columns.fname, "")) != ""
    return and_(named, func.coalesce(columns.username, "").not_in(SYSTEM_ACCOUNTS))
