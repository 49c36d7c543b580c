"""Which rows are opened, as conditions of the search compiler: a patient's, a care team's, a search's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from mappers.mapping import LOGICAL_ID
from mappers.parse import Parser, SearchFault
from mappers.query import AllOf, AnyOf, Chained, Condition, Criterion, NotAbout, ReleasedTo
from mappers.terms import Ref
from smart_auth.access.policy import care_relations, groups

#: parameters of a scope's or rule's search
MOST_PARAMETERS = 20
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


class NothingOpenError(Exception):
    """There is no row of that type that this could open."""


@dataclass(frozen=True)
class Rows:
    """Makes conditions with the parameters that the mappings really have; raises NothingOpenError."""

    parser: Parser

    def of_patients(self, resource_type: str, ids: tuple[str, ...]) -> Condition:
        """Rows of these patients: their compartments, and what leads to them by `patient` or a target."""
        ids = tuple(id_ for id_ in ids if LOGICAL_ID.fullmatch(id_))
        if not ids:
            raise NothingOpenError
        found = [c for id_ in ids if (c := self._compartment(resource_type, id_))]
        if found:
            return AnyOf(tuple(found))
        return self._leading(resource_type, lambda kind: self.of_patients(kind, ids))

    def _compartment(self, resource_type: str, patient: str) -> Condition | None:
        inside = self.parser.compartment("Patient", patient, resource_type)
        if inside is None and "patient" in self.parser.mappings[resource_type].params:
            return self.parser.condition(resource_type, "patient", f"Patient/{patient}")
        return inside

    def _leading(self, resource_type: str, within: Callable[[str], Condition]) -> Condition:
        """What a Provenance is about decides whose it is."""
        if resource_type not in groups()["record"] or "target" not in self.parser.references(resource_type):
            raise NothingOpenError
        kinds = self.parser.reference_types(resource_type, "target")
        return AnyOf(tuple(Chained("target", kind, within(kind)) for kind in kinds))

    def in_care(self, resource_type: str, user: str) -> Condition:
        """Rows of patients whom the user (`Practitioner/…`) has to do with."""
        if not user:
            raise NothingOpenError
        if resource_type == "Patient":
            return AnyOf(tuple(self._relations(user)))
        if "patient" in self.parser.mappings[resource_type].params:
            return Chained("patient", "Patient", self.in_care("Patient", user))
        return self._leading(resource_type, lambda kind: self.in_care(kind, user))

    def _relations(self, user: str) -> Iterator[Condition]:
        """Those that can be asked: a type that isn't served relates nobody."""
        found = 0
        for name, value in care_relations():
            try:
                yield self.matching("Patient", name, value, user)
                found += 1
            except NothingOpenError:
                continue
        if not found:
            raise NothingOpenError

    def searched(self, resource_type: str, query: str, user: str = "") -> Condition:
        """Rows that a search finds, as scopes and the policy write it."""
        pairs = parse_qsl(query, keep_blank_values=True)
        if not 0 < len(pairs) <= MOST_PARAMETERS:
            raise NothingOpenError
        return AllOf(tuple(self.matching(resource_type, n, v, user) for n, v in pairs))

    def matching(self, resource_type: str, name: str, value: str, user: str = "") -> Condition:
        """One parameter of a search; `{user}` in its value is the user's own resource."""
        if "{user}" in value and not user:
            raise NothingOpenError
        try:
            return self.parser.condition(resource_type, name, value.replace("{user}", user))
        except SearchFault:
            raise NothingOpenError from None

    def released_to(self, resource_type: str, user: str) -> Iterator[Condition]:
        """Rows that aren't their author's alone, or whose author the user (`Practitioner/…`) is."""
        if any(part.author_only for part in self.parser.mappings[resource_type].parts):
            yield ReleasedTo(self._practitioner(user))

    def _practitioner(self, user: str) -> Ref | None:
        kind, _, id_text = user.partition("/")
        served = self.parser.mappings.get("Practitioner")
        found = served.resolve(id_text) if served and kind == "Practitioner" else None
        return Ref(kind, found[0].name, found[1]) if found else None

    def not_labelled(self, resource_type: str, labels: tuple[str, ...], user: str) -> Condition | None:
        """Rows of visits without these labels, or in which the user takes part; None: it has no visits."""
        if resource_type == "Encounter":
            return NotAbout("", "Encounter", self._closed_visit(labels, user))
        if resource_type == "Provenance":
            return self._leading(resource_type, lambda kind: self._labelled_target(kind, labels, user))
        mapping = self.parser.mappings[resource_type]
        if "encounter" not in mapping.params and not any("Encounter" in p.untold for p in mapping.parts):
            return None
        return NotAbout("encounter", "Encounter", self._closed_visit(labels, user))

    def _closed_visit(self, labels: tuple[str, ...], user: str) -> Condition:
        if self.parser.param_type("Encounter", "_security") is None:
            raise NothingOpenError  # visits aren't served: nobody can tell which are closed
        stated = ",".join(f"{CONFIDENTIALITY}|{label}" for label in labels)
        labelled = self.parser.condition("Encounter", "_security", stated)
        if not user.startswith("Practitioner/"):
            return labelled
        taking_part = self.parser.condition("Encounter", "participant", user)
        assert isinstance(taking_part, Criterion)
        return AllOf((labelled, replace(taking_part, modifier="not")))

    def _labelled_target(self, kind: str, labels: tuple[str, ...], user: str) -> Condition:
        return self.not_labelled(kind, labels, user) or AllOf(())
