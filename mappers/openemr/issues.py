"""Condition and AllergyIntolerance, from OpenEMR's issues (`lists`).

A row that isn't active any more is shown as inactive; one that was entered in error says so and has no
clinical status; `activity` NULL counts as active, a zero end as none.
"""

from __future__ import annotations

from sqlalchemy import FromClause, and_, func, select

from mappers.mapping import Element, Id, Join, Part, Profile, SqlSource
from mappers.openemr import links
from mappers.openemr.staff import READ_ONLY
from mappers.openemr.tables import form_encounter, issue_encounter, list_options, lists
from mappers.profiles import kr_allergy
from mappers.sql import Condition, one_of, word
from mappers.value import Value
from mappers.values import (
    Backbone,
    Children,
    Choice,
    Code,
    Coded,
    Concept,
    DayOrInstant,
    FirstOf,
    Fixed,
    Instant,
    ListCodings,
    MappedCoding,
    ReferenceTo,
    Route,
    Str,
    UuidIdentifier,
    When,
    concept,
    flag_is,
    there_is,
    unless,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import (
    ALLERGY_CLINICAL,
    CONDITION_CATEGORY,
    CONDITION_CLINICAL,
    KR_CORE,
    local_system,
)

PROBLEM_PREFIX = "oe-cond-"
PROBLEMS = ("medical_problem", "health_concern", "dental")

L = lists.c
SYSTEMS = CodeMap.load("openemr_code_systems")
BEGIN, END = DayOrInstant(L.begdate), DayOrInstant(L.enddate)
IN_ERROR = word_is(L.verification, "entered-in-error")

# Which of several visits an issue was first told at nobody knows; all of them have it among their diagnoses.
LINK, OTHER = issue_encounter.alias("link"), issue_encounter.alias("link_only")
_ONLY = (
    select(func.min(OTHER.c.encounter))
    .where(OTHER.c.pid == L.pid, OTHER.c.list_id == L.id, OTHER.c.encounter > 0)
    .having(func.count() == 1)
    .correlate_except(OTHER)
    .scalar_subquery()
)
ONLY_LINK = Join(LINK, and_(LINK.c.pid == L.pid, LINK.c.list_id == L.id, LINK.c.encounter == _ONLY))


def _kind(*kinds: str) -> Condition:
    return one_of(word(L.type), kinds)


def problems_of(visit: FromClause) -> Children:
    """The problems that a visit dealt with, as its diagnoses; a number alone could be another patient's."""
    link, here, issue = issue_encounter.alias("dealt"), form_encounter.alias("here"), lists.alias("issue")
    kinds = one_of(word(issue.c.type), PROBLEMS)
    problem = ReferenceTo(
        "Condition",
        Route(link.c.list_id, Id(PROBLEM_PREFIX, issue.c.id), target="id"),
        joins=(
            Join(here, and_(here.c.pid == link.c.pid, here.c.encounter == link.c.encounter)),
            Join(issue, and_(issue.c.id == link.c.list_id, issue.c.pid == link.c.pid, kinds)),
        ),
    )
    diagnosis = Backbone(Element("condition", problem), needs=("condition",))
    return Children(link, visit.c.id, here.c.id, diagnosis, order=(link.c.list_id,))


def _clinical(system: str, *before_active: Value) -> Value:
    """Inactive once it has an end or its row isn't active, else what is told, else active."""

    def coding(code: str, display: str) -> Fixed:
        return Fixed({"system": system, "code": code, "display": display})

    return When(
        *unless(IN_ERROR),
        Concept(
            FirstOf(
                When(*word_is(L.outcome, "1"), coding("resolved", "Resolved")),
                When(*there_is(END), coding("inactive", "Inactive")),
                When(*flag_is(func.coalesce(L.activity, 1), False), coding("inactive", "Inactive")),
                *before_active,
                coding("active", "Active"),
            )
        ),
    )


CODE = Concept(ListCodings(L.diagnosis, SYSTEMS), text=L.title)
SHARED = (
    Element("identifier[]", UuidIdentifier(L.uuid)),
    Element("code", CODE),
    Element("encounter", links.encounter(LINK.c.encounter, LINK.c.pid)),
    Element("onset[x]", Choice(BEGIN)),
    Element("recordedDate", Instant(L.date)),
    Element("recorder", links.author(L.user)),
    Element("note[]", Backbone(Element("text", Str(L.comments)))),
)

PROBLEM = Part(
    Id(PROBLEM_PREFIX, L.id),
    SqlSource(lists, (ONLY_LINK,), where=_kind(*PROBLEMS)),
    (
        Element(
            "clinicalStatus",
            _clinical(CONDITION_CLINICAL, MappedCoding(L.occurrence, CodeMap.load("openemr_occurrence"))),
        ),
        Element(
            "verificationStatus",
            Concept(MappedCoding(L.verification, CodeMap.load("openemr_condition_verification"))),
        ),
        Element("category[]", Fixed(concept(CONDITION_CATEGORY, "problem-list-item", "Problem List Item"))),
        Element("category[]", Concept(Coded(local_system("openemr-issue-type"), L.type))),
        Element("subject", links.patient(L.pid)),
        Element("abatement[x]", Choice(When(*unless(IN_ERROR), END))),
        *SHARED,
    ),
    last_updated=Instant(L.modifydate),
    read_only_because=READ_ONLY,
    comment="A problem of OpenEMR's issue list (dental ones, health concerns too), once however many visits.",
)

REACTION = list_options.alias("reaction")
_REACTION = Join(REACTION, and_(REACTION.c.list_id == "reaction", REACTION.c.option_id == L.reaction))
MANIFESTATION = Concept(
    FirstOf(
        MappedCoding(L.reaction, CodeMap.load("openemr_reaction")), ListCodings(REACTION.c.codes, SYSTEMS)
    ),
    Coded(local_system("openemr-reaction"), L.reaction),
    text=FirstOf(Str(REACTION.c.title), Str(L.reaction)),
)

ALLERGY = Part(
    Id("oe-allergy-", L.id),
    SqlSource(lists, (ONLY_LINK, _REACTION), where=_kind("allergy")),
    (
        Element("clinicalStatus", _clinical(ALLERGY_CLINICAL)),
        Element(
            "verificationStatus",
            Concept(MappedCoding(L.verification, CodeMap.load("openemr_allergy_verification"))),
        ),
        Element("criticality", Code(L.severity_al, CodeMap.load("openemr_allergy_criticality"))),
        Element("patient", links.patient(L.pid)),
        *SHARED,
        Element(
            "reaction[]",
            Backbone(
                Element("manifestation[]", When(*unless(word_is(L.reaction, "unassigned")), MANIFESTATION)),
                Element("severity", Code(L.severity_al, CodeMap.load("openemr_allergy_severity"))),
                needs=("manifestation",),
            ),
        ),
    ),
    last_updated=Instant(L.modifydate),
    profiles=(Profile(f"{KR_CORE}/StructureDefinition/krcore-allergyintolerance", kr_allergy),),
    read_only_because=READ_ONLY,
    comment="An allergy of OpenEMR's issue list. What kind of substance it is OpenEMR doesn't say.",
)
