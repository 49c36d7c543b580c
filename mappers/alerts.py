"""Alerts to the hospital's administrators, as rows of the CDSS that its own applications show too."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select

from mappers.cdss.tables import accounts_user, alert_notification, emr_patientcache
from mappers.site import Site


def alert_administrators(engine: Engine, site: Site, patient: str, title: str, message: str) -> int:
    """A critical notification for each active administrator; how many there are.

    `patient` is a Patient's id; it is the row's own patient where the CDSS knows it.
    """
    moment = site.wall_clock(datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%S.%f")
    users, patients = accounts_user.c, emr_patientcache.c
    with engine.begin() as connection:
        known = connection.scalar(select(patients.patient_id).where(patients.patient_id == patient))
        known = known if known == patient else None  # servers compare loosely
        administrators = select(users.id).where(users.role == "admin", users.is_active == 1)
        rows = [
            {
                "recipient_id": recipient,
                "patient_id": known,
                "category": "SYSTEM",
                "severity": "critical",
                "title": title,
                "message": message,
                "resource_type": "Patient",
                "resource_id": patient,
                "is_read": 0,
                "created_at": moment,
            }
            for recipient in connection.scalars(administrators)
        ]
        if rows:
            connection.execute(insert(alert_notification), rows)
    return len(rows)
