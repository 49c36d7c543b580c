"""The queries of an export, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhir_facade.export.asked import PROVENANCE, SYSTEM, Asked, together, within_patients
from mappers.parse import Parser
from mappers.query import AllOf, AnyOf, Chained, Condition, Criterion, SearchQuery


@dataclass(frozen=True)
class Step:
    """One query of an export. `patients`: those it asks for, if it asks for some.

    `of_tables`: without what the server knows by itself, R4's own code systems for instance.
    """

    query: SearchQuery
    patients: tuple[str, ...] = ()
    of_tables: bool = False


def steps(asked: Asked, parser: Parser, before: str) -> Iterator[Step]:
    """The queries of an export, in order. `before` is when it began: what the export itself leaves in the
    audit trail is no part of it.
    """
    for resource_type in asked.types:
        where = tuple(_narrowed(asked, parser, resource_type, before))
        if resource_type == PROVENANCE and asked.associated:
            yield from _associated(asked, parser, before)
        elif asked.level == SYSTEM:
            yield Step(SearchQuery(resource_type, where), of_tables=not asked.stated)
        elif asked.patients is None:
            within = within_patients(parser, resource_type)
            yield Step(SearchQuery(resource_type, (*where, within) if within else where))
        else:
            yield from _of_patients(asked.patients, parser, resource_type, where)


def _associated(asked: Asked, parser: Parser, before: str) -> Iterator[Step]:
    """The Provenance of all that is exported, and those that are exported besides."""
    targets = parser.reference_types(PROVENANCE, "target")
    kinds = [t for t in asked.types if t in targets and t != PROVENANCE]
    for some in together(asked.patients) if asked.patients is not None else (None,):
        exported = {t: _exported(asked, parser, t, before, some) for t in (*kinds, PROVENANCE)}
        found: list[Condition] = [Chained("target", t, e) for t in kinds if (e := exported[t]) is not None]
        if not asked.associated_only and (own := exported[PROVENANCE]) is not None:
            found.append(own)
        yield Step(SearchQuery(PROVENANCE, (AnyOf(tuple(found)),)), some or ())


def _exported(
    asked: Asked, parser: Parser, resource_type: str, before: str, patients: Sequence[str] | None
) -> Condition | None:
    """What resources of a type fulfil that are exported; None where none are."""
    where = tuple(_narrowed(asked, parser, resource_type, before))
    if asked.level == SYSTEM:
        return AllOf(where)
    within = within_patients(parser, resource_type, patients)
    return AllOf((*where, within)) if within else None


def _narrowed(asked: Asked, parser: Parser, resource_type: str, before: str) -> Iterator[Condition]:
    if asked.since:
        changed = parser.condition(resource_type, "_lastUpdated", f"ge{asked.since}")
        # of what tells no time nobody knows whether it has changed: it is exported rather than lost
        yield AnyOf((changed, Criterion("_lastUpdated", missing=True)))
    if resource_type == "AuditEvent":
        yield parser.condition(resource_type, "_lastUpdated", f"lt{before}")
    if resource_type in asked.filters:
        yield AnyOf(tuple(asked.filters[resource_type]))


def _of_patients(
    patients: Sequence[str], parser: Parser, resource_type: str, where: tuple[Condition, ...]
) -> Iterator[Step]:
    for some in together(patients):
        if (within := within_patients(parser, resource_type, some)) is not None:
            yield Step(SearchQuery(resource_type, (*where, within)), some)
