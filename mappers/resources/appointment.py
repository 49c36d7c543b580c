"""Appointment. https://hl7.org/fhir/R4/appointment.html"""

from __future__ import annotations

from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.appointment import APPOINTMENT as EVENT

APPOINTMENT = ResourceMapping(
    "Appointment",
    parts=(EVENT,),
    search_params=(
        SearchParam("actor", "participant.actor", "Patient/P-2025-000001"),
        SearchParam("appointment-type", "appointmentType", "office_visit"),
        SearchParam("date", "start", "2025-11-20"),
        SearchParam("identifier", "identifier", "801"),
        SearchParam("location", "participant.actor", "Location/oe-fac-3"),
        SearchParam("part-status", "participant.status", "accepted"),
        SearchParam("patient", "participant.actor", "Patient/P-2025-000001"),
        SearchParam("practitioner", "participant.actor", "Practitioner/oe-user-2"),
        SearchParam("status", "status", "booked"),
    ),
    narrative=("status", "start", "appointmentType", "description", "comment"),
)
