"""Observation, from what a patient's newest history says of smoking."""

from __future__ import annotations

from sqlalchemy import and_, func, select

from mappers.mapping import Element, Id, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.procedure_order import READ_ONLY
from mappers.openemr.tables import history_data
from mappers.values import Choice, Fixed, Instant, PipeOption, concept, needed
from terminology.code_map import CodeMap
from terminology.systems import LOINC, OBSERVATION_CATEGORY

H = history_data.c
NEWER = history_data.alias("newer")
_NEWEST = select(func.max(NEWER.c.id)).where(NEWER.c.pid == H.pid).correlate_except(NEWER)
STATUS = PipeOption(H.tobacco, CodeMap.load("openemr_smoking_status"))

SMOKING_STATUS = Part(
    Id("oe-smoke-", H.id),
    SqlSource(history_data, where=and_(H.id == _NEWEST.scalar_subquery(), STATUS.present())),
    (
        Element("status", Fixed("final")),
        Element("category[]", Fixed(concept(OBSERVATION_CATEGORY, "social-history", "Social History"))),
        Element(
            "code", Fixed(concept(LOINC, "72166-2", "Tobacco smoking status", text="Tobacco smoking status"))
        ),
        Element("subject", needed(links.patient(H.pid))),
        Element("effective[x]", Choice(Instant(H.date))),
        Element("performer[]", links.practitioner(H.created_by)),
        Element("value[x]", Choice(STATUS)),
    ),
    last_updated=Instant(H.date),
    read_only_because=READ_ONLY,
    comment="The smoking status of a patient's newest history; older rows are earlier versions of it.",
)
