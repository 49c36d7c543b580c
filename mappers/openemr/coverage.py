"""Coverage, from OpenEMR's policies. Rows without an insurer are placeholders of the form, not policies.

Each row is a policy that was entered and is kept; whether it still runs, its period says: the status is that
of the record. A copay has no currency and is left out.
"""

from __future__ import annotations

from sqlalchemy import and_, case

from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.numbers import number_in
from mappers.openemr.organizations import INSURER_PREFIX
from mappers.openemr.staff import READ_ONLY
from mappers.openemr.tables import insurance_companies, insurance_data
from mappers.sql import filled
from mappers.value import Column
from mappers.values import (
    Backbone,
    Concept,
    DateTime,
    Derived,
    Fixed,
    FullName,
    Identifier,
    MappedCoding,
    Period,
    ReferenceTo,
    Route,
    Str,
    UuidIdentifier,
    When,
    concept,
    there_is,
    unless,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import COVERAGE_CLASS, local_identifier

ORDER = {"primary": 1, "secondary": 2, "tertiary": 3}

I = insurance_data.c  # noqa: E741
COMPANY = insurance_companies.alias("insurer")
_NUMBER = and_(COMPANY.c.id == number_in(I.provider), COMPANY.c.id > 0)
INSURER = ReferenceTo(
    "Organization",
    Route(COMPANY.c.id, Id(INSURER_PREFIX, COMPANY.c.id)),
    display=Str(COMPANY.c.name),
    joins=(Join(COMPANY, _NUMBER),),
)
BENEFICIARY = links.patient(I.pid)
SELF = word_is(I.subscriber_relationship, "self")
SUBSCRIBER_NAME = FullName(I.subscriber_fname, I.subscriber_lname)


def _if_self(route: Route) -> Route:
    """The way to the beneficiary, for rows whose subscriber that is."""
    key = Id(route.id.prefix, case((SELF[0], route.id.column)))
    return Route(case((SELF[0], route.own)), key, target=route.target)


SUBSCRIBER = ReferenceTo("Patient", *(_if_self(r) for r in BENEFICIARY.routes), joins=BENEFICIARY.joins)


def _class(code: str, display: str, column: Column) -> Element:
    kind = concept(COVERAGE_CLASS, code, display)
    return Element(
        "class[]",
        Backbone(Element("type", Fixed(kind)), Element("value", Str(column)), needs=("value",)),
    )


COVERAGE = Part(
    Id("oe-cov-", I.id),
    SqlSource(insurance_data, where=and_(filled(I.provider), I.provider != "0")),
    (
        Element("identifier[]", UuidIdentifier(I.uuid)),
        Element("status", Fixed("active")),
        Element("subscriber", When(*unless(SELF), Backbone(Element("display", SUBSCRIBER_NAME)))),
        Element("subscriber", SUBSCRIBER),
        Element("subscriberId", Str(I.policy_number)),
        Element("beneficiary", BENEFICIARY),
        Element(
            "relationship",
            Concept(
                MappedCoding(I.subscriber_relationship, CodeMap.load("openemr_subscriber_relationship")),
                text=I.subscriber_relationship,
            ),
        ),
        Element("period", Period(DateTime(I.date), DateTime(I.date_end))),
        Element("payor[]", INSURER),
        Element(
            "payor[]",
            When(
                *unless(there_is(INSURER)),
                Backbone(Element("identifier", Identifier(local_identifier("openemr-insurer"), I.provider))),
            ),
        ),
        _class("group", "Group", I.group_number),
        _class("plan", "Plan", I.plan_name),
        Element("order", Derived(Str(I.type), lambda kind: ORDER.get(kind.lower()))),
    ),
    read_only_because=READ_ONLY,
    comment="A policy of a patient. An insurer that vanished is named by its number.",
)
