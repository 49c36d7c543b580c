"""Values of data types whose elements must agree with each other: codes with systems, times with times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import strategies as st

from mappers.validation.shapes import Child
from terminology import definitions
from tests.roundtrip import primitives

Json = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
#: what stands in value sets that no list closes
OPEN_SETS = {
    "http://hl7.org/fhir/ValueSet/mimetypes": ("text/plain", "application/fhir+json; charset=utf-8"),
    "http://hl7.org/fhir/ValueSet/currencies": ("KRW", "EUR"),
    "http://hl7.org/fhir/ValueSet/all-languages": ("ko", "en-US", "de-CH-1996"),
}
CODINGS = (
    {"system": "http://loinc.org", "code": "718-7"},
    {"system": "http://snomed.info/sct", "code": "91935009", "display": "Allergy to peanut"},
    {"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"},
    {"system": "http://www.whocc.no/atc", "code": "B01AC06", "version": "2024"},
    {"system": "urn:others", "code": "GLU", "userSelected": True},
    {"system": "urn:others", "code": "가 나", "display": " 가운데 "},
    {"code": "no-system"},
    {"display": "words alone"},
    {"system": "urn:oid:1.2.3"},
)
UNITS: tuple[Json, ...] = (
    {"unit": "mmol/L", "system": UCUM, "code": "mmol/L"},
    {"unit": "밀리그램", "system": UCUM, "code": "mg"},
    {"system": UCUM, "code": "1"},
    {"unit": "tablet"},
    {"unit": "a unit whose words are longer than any column of the hospital's is"},
    {"unit": "drops", "system": "urn:units", "code": "drops"},
    {},
)
DURATIONS = (
    {"unit": "일", "system": UCUM, "code": "d"},
    {"system": UCUM, "code": "h"},
    {"system": UCUM, "code": "a"},
)
POINTS = (
    {"system": "phone", "value": "010-1234-5678", "use": "mobile"},
    {"system": "phone", "value": "+82 (0)2 1234 5678 extension 123456789012345", "rank": 1},
    {"system": "email", "value": "a@example.org"},
    {"system": "email", "value": "x" * 250 + "@example.org"},
    {"system": "url", "value": "https://example.org"},
    {"system": "other", "value": "화상", "period": {"start": "2024"}},
    {"use": "work"},
)
ATTACHMENTS = (
    {"contentType": "text/plain", "data": "aGVsbG8=", "size": 5, "language": "ko"},
    {"contentType": "application/pdf", "url": "https://example.org/a.pdf", "title": "보고서"},
    {"title": "nothing attached", "creation": "2024-05"},
)


@dataclass(frozen=True)
class Pool:
    """What resources may refer to: ids that are there, by type, those of the hospital's own tables first."""

    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def named(self, targets: Sequence[str]) -> list[str]:
        """`Type/id` of what may stand where these types may."""
        kinds = self.ids if not targets or "Resource" in targets else targets
        return [f"{kind}/{id_}" for kind in kinds for id_ in self.ids.get(kind, ())[:4]]


@cache
def _closed(value_set: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(definitions.valueset_codes(value_set) or ()))[:300]


def bound_code(value_set: str) -> st.SearchStrategy[str]:
    """A code of a value set that is required."""
    allowed = [code for _, code in _closed(value_set)] or OPEN_SETS.get(value_set, ("x",))
    return st.sampled_from(allowed)


def coding(child: Child) -> st.SearchStrategy[Json]:
    """A Coding; of the value set that is required, where one is."""
    if child.binding and (pairs := _closed(child.binding)):
        return st.sampled_from(pairs).map(lambda pair: {"system": pair[0], "code": pair[1]})
    return st.sampled_from(CODINGS)


def concept(child: Child) -> st.SearchStrategy[Json]:
    """A CodeableConcept with several codings, one, or none."""
    codings = st.lists(st.sampled_from(CODINGS), max_size=2, unique_by=str)
    first = coding(child).map(lambda one: [one]) if child.binding else st.just(list[Json]())
    text = st.just("") | primitives.texts()
    return st.builds(_concept, first, codings, text)


def _concept(first: list[Json], more: list[Json], text: str) -> Json:
    found: Json = {"coding": [*first, *more]} if first or more else {}
    return {**found, "text": text or "말"} if text or not found else found


def period(child: Child) -> st.SearchStrategy[Json]:
    """From, until, both, or a moment."""
    return st.one_of(
        st.builds(lambda start: {"start": start}, primitives.primitive("dateTime")),
        st.builds(lambda end: {"end": end}, primitives.primitive("dateTime")),
        st.sampled_from(
            (
                {"start": "2024-02-29", "end": "2025-03-01T10:00:00.5Z"},
                {"start": "2025-03-01T09:00:00+09:00", "end": "2025-03-01T00:00:00Z"},
                {"start": "2024", "end": "2024-12"},
            )
        ),
    )


def quantity(child: Child) -> st.SearchStrategy[Json]:
    """A number with a unit or none, with a comparator now and then; or one that says no number."""
    units = DURATIONS if child.type_code in ("Duration", "Age") else UNITS
    compared = st.sampled_from(({}, {}, {"comparator": "<"}, {"comparator": ">="}))
    values = primitives.primitive("decimal").map(lambda v: {"value": v}) | st.just({"unit": "no number"})
    return st.builds(lambda v, c, u: {**c, **u, **v}, values, compared, st.sampled_from(units))


def identifier(child: Child) -> st.SearchStrategy[Json]:
    """A number of another system, of none, or with all that may be said of it."""
    systems = st.sampled_from(({"system": "urn:others"}, {"system": "http://example.org/ids"}, {}))
    more = st.sampled_from(
        (
            {},
            {"use": "secondary"},
            {"type": {"text": "번호"}},
            {"period": {"start": "2024-01"}},
            {"assigner": {"display": "x"}},
        )
    )
    return st.builds(lambda s, m, v: {**m, **s, "value": v}, systems, more, primitives.texts())


def ratio(child: Child) -> st.SearchStrategy[Json]:
    """Both of its numbers."""
    one = quantity(child)
    return st.builds(lambda above, below: {"numerator": above, "denominator": below}, one, one)


def _of(values: Sequence[Json]) -> Any:
    return lambda child: st.sampled_from(values)


#: data types that are made here, others from their definitions
MADE = {
    "Coding": coding,
    "CodeableConcept": concept,
    "Period": period,
    "Ratio": ratio,
    "Identifier": identifier,
    "ContactPoint": _of(POINTS),
    "Attachment": _of(ATTACHMENTS),
    **dict.fromkeys(("Quantity", "Duration", "Age", "Distance", "Count"), quantity),
}
