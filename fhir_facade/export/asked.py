"""What an export was asked for, read from the kick-off's parameters.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from fhir_facade.outcome import FhirFault, Issue, parameter
from fhir_facade.permitted import refuse_closed, searchable
from fhir_facade.search_request import RESULT_PARAMETERS, SearchRequest
from fhir_facade.service import Service
from mappers.mapping import LOGICAL_ID
from mappers.parse import Parser, SearchFault
from mappers.query import AllOf, AnyOf, Chained, Condition, Criterion, SearchQuery
from terminology import definitions

Pairs = Sequence[tuple[str, str]]
SYSTEM, PATIENT = "system", "Patient"
FORMATS = ("application/fhir+ndjson", "application/ndjson", "ndjson")
#: patients that one query asks for
PATIENTS_AT_ONCE = 50
MOST_PATIENTS = 10_000
#: a comma before the next `Type?`; others belong to a search's value
_NEXT_FILTER = re.compile(r",(?=[A-Z][A-Za-z]+\?)")
_PARAMETERS = {
    n: f"_{n.removeprefix('_')}"
    for n in (
        *("_outputFormat", "_since", "_type", "_typeFilter", "_elements", "patient"),
        "includeAssociatedData",
    )
}
PROVENANCE, RELEVANT = "Provenance", "RelevantProvenanceResources"
_UNSUPPORTED = ("organizeOutputBy", "allowPartialManifests", "_until")


@dataclass
class Asked:
    """An export: its types in order, the searches each is narrowed to, and what of a resource is shown.

    `stated`: whether the types were named. `elements` maps a type (or '' for all) to names. `patients` are
    ids, None for all there are. `associated`: with the Provenance of what is exported; if these are no type
    of the export besides, it is `associated_only`.
    """

    level: str
    types: list[str] = field(default_factory=list)
    stated: bool = False
    since: str = ""
    filters: dict[str, list[AllOf]] = field(default_factory=dict)
    elements: dict[str, set[str]] = field(default_factory=dict)
    patients: list[str] | None = None
    issues: list[Issue] = field(default_factory=list)
    associated: bool = False
    associated_only: bool = False

    def kept(self, resource_type: str) -> frozenset[str] | None:
        """The top-level elements to show of a type; None for all."""
        names = self.elements.get("", set()) | self.elements.get(resource_type, set())
        return SearchRequest(elements=frozenset(names)).kept(resource_type) if names else None


class Reader:
    """Reads the parameters of an export at a level; raises FhirFault for what can't be done.

    With `lenient`, what isn't supported is left out and told in an issue instead.
    """

    def __init__(self, service: Service, level: str, *, lenient: bool) -> None:
        self.service, self.lenient = service, lenient
        self.parser = service.parser()
        self.asked = Asked(level)
        self._stated: list[str] = []

    def read(self, parameters: Pairs) -> Asked:
        """The export as it was asked for."""
        for name, value in parameters:
            self._take(name, value)
        self._set_types()
        for name in self.asked.filters:
            if name not in self.asked.types:
                raise parameter("_typeFilter", f"{name} is not among the types of this export")
        asked = SearchRequest(conditions=[{t: AnyOf(tuple(f))} for t, f in self.asked.filters.items()])
        refuse_closed(self.service, asked)
        return self.asked

    def _take(self, name: str, value: str) -> None:
        if name in _PARAMETERS:
            getattr(self, "take" + _PARAMETERS[name])(value)
        elif name in _UNSUPPORTED:
            self._refuse(name, f"{name} is not supported here")
        else:
            self._refuse(name, f"an export has no parameter {name[:60]!r}")

    def _refuse(self, name: str, text: str, code: str = "not-supported") -> None:
        if not self.lenient:
            raise parameter(name, text, code)
        self.asked.issues.append(Issue(code, f"ignored: {text}", "warning", (f"http.{name}",)))

    def take_outputFormat(self, value: str) -> None:
        """`_outputFormat`: NDJSON, the only format."""
        if value.replace(" ", "+") not in FORMATS:
            raise parameter("_outputFormat", f"_outputFormat is {FORMATS[0]}", "not-supported")

    def take_since(self, value: str) -> None:
        """`_since`: resources that changed at this moment or later."""
        try:
            self.parser.condition(PATIENT, "_lastUpdated", f"ge{value}")
        except SearchFault as fault:
            raise parameter("_since", str(fault)) from None
        self.asked.since = value

    def take_type(self, value: str) -> None:
        """`_type`: the types to export."""
        for name in filter(None, (v.strip() for v in value.split(","))):
            if name in self.service.mappings:
                self._stated.append(name)
            else:
                self._refuse("_type", f"{name[:60]} is not served here")

    def take_typeFilter(self, value: str) -> None:
        """`_typeFilter`: searches, `Type?name=value&…`; a resource that one of its type finds is exported."""
        for text in _NEXT_FILTER.split(value):
            try:
                self._filter(text)
            except SearchFault as fault:
                raise parameter("_typeFilter", str(fault), fault.code) from None

    def _filter(self, text: str) -> None:
        name, asks, query = text.partition("?")
        if name not in self.service.mappings or not asks:
            self._refuse("_typeFilter", "_typeFilter is Type?parameter=value, of a type that is served")
            return
        pairs = parse_qsl(query, keep_blank_values=True)
        if not pairs:
            raise parameter("_typeFilter", "_typeFilter has a search without a parameter")
        for param, _ in pairs:
            if param.partition(":")[0] in RESULT_PARAMETERS:
                raise parameter("_typeFilter", f"{param[:60]} shapes an answer: it selects nothing")
        found = AllOf(tuple(self.parser.condition(name, n, v) for n, v in pairs))
        self.asked.filters.setdefault(name, []).append(found)

    def take_elements(self, value: str) -> None:
        """`_elements`: top-level names, or `Type.name` for one type only."""
        for text in filter(None, (v.strip() for v in value.split(","))):
            kind, _, name = text.rpartition(".")
            kinds = [kind] if kind else definitions.resource_types()
            if not any(_has_element(k, name) for k in kinds):
                raise parameter("_elements", f"there is no element {text[:60]!r}")
            self.asked.elements.setdefault(kind, set()).add(name)

    def take_patient(self, value: str) -> None:
        """`patient`: the patients to export, as references."""
        if self.asked.level == SYSTEM:
            raise parameter("patient", "patient is for exports of patients and groups")
        for reference in filter(None, value.split(",")):
            id_ = reference.removeprefix(f"{self.service.base}/").removeprefix(f"{PATIENT}/")
            if not LOGICAL_ID.fullmatch(id_):
                raise parameter("patient", "patient is a reference: Patient/id")
            self.asked.patients = [*(self.asked.patients or []), id_]
        if len(self.asked.patients or ()) > MOST_PATIENTS:
            raise parameter("patient", f"more than {MOST_PATIENTS} patients", "too-costly")

    def take_includeAssociatedData(self, value: str) -> None:
        """`includeAssociatedData`: all Provenance of what is exported."""
        for name in filter(None, (v.strip() for v in value.split(","))):
            if name == RELEVANT and PROVENANCE in self.service.mappings:
                self.asked.associated = True
            else:
                text = f"{name[:60]} is not supported here, {RELEVANT} is"
                self._refuse("includeAssociatedData", text)

    def _set_types(self) -> None:
        exported = [t for t in sorted(self.service.mappings) if self._within(t)]
        for name in dict.fromkeys(self._stated):
            if name not in exported:
                self._refuse("_type", f"{name} belongs to no patient")
        stated = [t for t in dict.fromkeys(self._stated) if t in exported]
        if self._stated and not stated:
            raise parameter("_type", "none of the types can be exported here", "not-supported")
        self.asked.types = searchable(self.service, stated or exported, stated=bool(stated))
        self.asked.stated = bool(stated)
        if self.asked.associated and PROVENANCE not in self.asked.types:
            self.asked.types += searchable(self.service, [PROVENANCE], stated=True)
            self.asked.associated_only = True

    def _within(self, resource_type: str) -> bool:
        """Whether a type has a place in an export of this level."""
        return self.asked.level == SYSTEM or within_patients(self.parser, resource_type) is not None


def _has_element(resource_type: str, name: str) -> bool:
    found = definitions.elements(resource_type) if resource_type in definitions.resource_types() else ()
    return any(p in (f"{resource_type}.{name}", f"{resource_type}.{name}[x]") for p in found)


def within_patients(
    parser: Parser, resource_type: str, patients: Sequence[str] | None = None
) -> Condition | None:
    """The condition of being in the compartment of any patient, or of one of some; None for a type that is in
    none. What a Provenance is about decides whose it is.

    https://hl7.org/fhir/R4/compartmentdefinition-patient.html
    """
    if resource_type == PATIENT:
        return AllOf(()) if patients is None else parser.condition(PATIENT, "_id", ",".join(patients))
    names = _leading(parser, resource_type)
    if names:
        return AnyOf(tuple(_of(parser, resource_type, n, patients) for n in names))
    if "target" not in parser.references(resource_type):
        return None
    kinds = parser.reference_types(resource_type, "target")
    targets = [(k, within_patients(parser, k, patients)) for k in kinds if k != resource_type]
    about = tuple(Chained("target", kind, within) for kind, within in targets if within is not None)
    return AnyOf(about) if about else None


def _leading(parser: Parser, resource_type: str) -> list[str]:
    """The parameters that lead to the patients of a type: `patient`, or else those of the compartment."""
    inside = definitions.compartment(PATIENT).get(resource_type, ())
    for names in (["patient"], inside):
        if found := [n for n in names if PATIENT in _targets(parser, resource_type, n)]:
            return found
    return []


def _targets(parser: Parser, resource_type: str, name: str) -> list[str]:
    known = parser.param_type(resource_type, name) == "reference"
    return parser.reference_types(resource_type, name) if known else []


def _of(parser: Parser, resource_type: str, name: str, patients: Sequence[str] | None) -> Condition:
    if patients is not None:
        wanted = ",".join(f"{PATIENT}/{id_}" for id_ in patients)
        return parser.condition(resource_type, name, wanted)
    if _targets(parser, resource_type, name) == [PATIENT]:
        return Criterion(name, missing=False)
    return Chained(name, PATIENT, AllOf(()))


def together(patients: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Patients as queries ask for them."""
    distinct = list(dict.fromkeys(patients))
    for start in range(0, len(distinct), PATIENTS_AT_ONCE):
        yield tuple(distinct[start : start + PATIENTS_AT_ONCE])


async def all_there(service: Service, patients: Sequence[str]) -> None:
    """Raises 400 unless every patient is there and may be seen by the caller."""
    for some in together(patients):
        condition = service.parser().condition(PATIENT, "_id", ",".join(some))
        found = await service.searching.total(SearchQuery(PATIENT, (condition,)))
        if found != len(some):
            raise FhirFault(
                400, "not-found", "a patient is not there, or may not be seen by you", ("http.patient",)
            )
