"""Appointment, from OpenEMR's calendar: events that have a patient (a provider's hours have none).

A recurring series is one row and one Appointment: that of its first date, which its comment says. An event
for several providers is a row and an Appointment for each; the number that they share is an identifier.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_

from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.numbers import number_in
from mappers.openemr.staff import READ_ONLY
from mappers.openemr.tables import openemr_postcalendar_categories, openemr_postcalendar_events, users
from mappers.value import Value
from mappers.values import (
    Backbone,
    Code,
    Coded,
    Concept,
    Date,
    Derived,
    FirstOf,
    Fixed,
    FullName,
    Instant,
    Joined,
    Number,
    NumberIdentifier,
    ReferenceTo,
    Route,
    Str,
    UuidIdentifier,
    When,
    concept,
    flag_is,
    word_is,
)
from mappers.values.calendar import Begin, Finish
from terminology.code_map import CodeMap
from terminology.systems import V3_PARTICIPATION_TYPE, local_identifier, local_system

HIDDEN = -1

E = openemr_postcalendar_events.c
CATEGORY = openemr_postcalendar_categories.alias("category")
PID = number_in(E.pc_pid)
BEGIN = Begin(E.pc_eventDate, E.pc_startTime)

PROVIDER = users.alias("provider")
_PROVIDER = and_(PROVIDER.c.id == number_in(E.pc_aid), PROVIDER.c.id > 0, links.is_person(PROVIDER))
PRACTITIONER = ReferenceTo(
    "Practitioner",
    Route(PROVIDER.c.id, Id(links.PRACTITIONER_PREFIX, PROVIDER.c.id)),
    display=FullName(PROVIDER.c.fname, PROVIDER.c.lname),
    joins=(Join(PROVIDER, _PROVIDER),),
)


def _participant(actor: Value, kind: dict[str, Any] | None = None) -> Element:
    """One who is expected; only of what is pending the answer is open."""
    answer = FirstOf(When(*word_is(E.pc_apptstatus, "^"), Fixed("tentative")), Fixed("accepted"))
    kinds = (Element("type[]", Fixed(kind)),) if kind else ()
    return Element(
        "participant[]",
        Backbone(*kinds, Element("actor", actor), Element("status", answer), needs=("actor",)),
    )


def _series(end: str) -> str:
    return f"First date of a recurring series that ends on {end}."


def _words(text: str) -> str | None:
    """A comment without the calendar's own mark (`:text:`, `:html:`)."""
    return text.removeprefix(":text:").removeprefix(":html:") or None


COMMENT = Joined(
    When(
        *flag_is(E.pc_recurrtype, True),
        FirstOf(Derived(Date(E.pc_endDate), _series), Fixed("First date of a recurring series.")),
    ),
    Derived(Str(E.pc_hometext), _words),
)

APPOINTMENT = Part(
    Id("oe-appt-", E.pc_eid),
    SqlSource(
        openemr_postcalendar_events,
        (Join(CATEGORY, CATEGORY.c.pc_catid == E.pc_catid),),
        where=and_(PID > 0, E.pc_eventstatus != HIDDEN),
    ),
    (
        Element("identifier[]", UuidIdentifier(E.uuid)),
        Element("identifier[]", NumberIdentifier(local_identifier("openemr-shared-event"), E.pc_multiple)),
        Element("status", Code(E.pc_apptstatus, CodeMap.load("openemr_appointment_status"))),
        Element(
            "appointmentType",
            Concept(
                Coded(local_system("openemr-visit-category"), CATEGORY.c.pc_constant_id),
                text=CATEGORY.c.pc_catname,
            ),
        ),
        Element("description", Str(E.pc_title)),
        Element("start", BEGIN),
        Element("end", Finish(BEGIN, E.pc_duration, E.pc_endTime)),
        Element("minutesDuration", Derived(Number(E.pc_duration), lambda s: int(s) // 60 or None)),
        Element("comment", COMMENT),
        _participant(links.patient(PID)),
        _participant(PRACTITIONER, concept(V3_PARTICIPATION_TYPE, "PPRF", "primary performer")),
        _participant(links.location(E.pc_facility)),
    ),
    last_updated=Instant(E.pc_time),
    read_only_because=READ_ONLY,
    comment="A calendar event that has a patient; of a series, its first date alone.",
)
