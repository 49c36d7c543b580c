"""Communication, from the notifications that users get."""

from __future__ import annotations

from sqlalchemy import and_

from mappers.cdss import links
from mappers.cdss.named import named_resources
from mappers.cdss.tables import accounts_user, alert_notification
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.upkeep import NOW, Upkeep
from mappers.values import (
    Backbone,
    Choice,
    Code,
    Coded,
    Concept,
    Exclusive,
    FullName,
    Instant,
    Joined,
    MappedCoding,
    Str,
    When,
    flag_is,
    there_is,
    unless,
)
from terminology.code_map import CodeMap
from terminology.systems import local_system

N = alert_notification.c
# users who are patients are no practitioners, and no column says which patient they are
PATIENT_USER = accounts_user.alias("recipient_patient")
RECIPIENT = links.practitioner(N.recipient_id)
ABOUT = Exclusive(*named_resources(N.resource_type, N.resource_id))

NOTIFICATION = Part(
    Id("notification-", N.id),
    SqlSource(
        alert_notification,
        (Join(PATIENT_USER, and_(PATIENT_USER.c.id == N.recipient_id, PATIENT_USER.c.role == "patient")),),
    ),
    (
        Element("status", Code(N.is_read, CodeMap.load("cdss_notification_status"), otherwise="unknown")),
        Element(
            "category[]",
            Concept(
                MappedCoding(N.category, CodeMap.load("cdss_notification_category")),
                Coded(local_system("notification-category"), N.category),
                text=N.category,
            ),
            # a standard category stands for several words: which one, only the hospital's own code says
            writes=Concept(Coded(local_system("notification-category"), N.category)),
        ),
        Element("priority", Code(N.severity, CodeMap.load("cdss_notification_priority"))),
        Element("subject", links.patient(N.patient_id)),
        Element("topic", Concept(text=N.title)),
        Element("about[]", ABOUT),
        Element(
            "about[]",
            When(
                *unless(there_is(ABOUT)),
                Backbone(Element("display", Joined(N.resource_type, N.resource_id))),
            ),
        ),
        Element("sent", Instant(N.created_at)),
        Element("received", When(*flag_is(N.is_read, True), Instant(N.read_at))),
        Element("recipient[]", RECIPIENT),
        Element(
            "recipient[]",
            Backbone(Element("display", FullName(PATIENT_USER.c.first_name, PATIENT_USER.c.last_name))),
        ),
        Element("payload[]", Backbone(Element("content[x]", Choice(Str(N.message))))),
    ),
    last_updated=Instant(N.created_at),
    writable=True,
    upkeep=Upkeep(
        new={N.created_at: NOW, N.is_read: 0, N.category: "SYSTEM"},
        states={"": ("in-progress", "completed"), "in-progress": ("completed",)},
        # somebody may have read it by now
        fixed=("category[]", "priority", "topic", "about[]", "sent", "recipient[]", "payload[]"),
        instead="send another",
    ),
    comment="A message to a user; `about` refers only to what is served, and names the rest.",
)
