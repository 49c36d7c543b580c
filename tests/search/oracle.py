"""Which resources a search finds, decided from their JSON and the standard's expressions alone.

https://hl7.org/fhir/R4/search.html. Nothing here knows of columns, or of how the server searches.

Where the standard leaves a choice, these are the rules (docs say the same to clients):

- A stored instant is a point in time, however many digits its fraction has.
- A quantity with a comparator (`<0.5`) is found by no number: what lies behind the comparator isn't known.
- A text without a code (CodeableConcept.text) is no token.
- A bare code has the system of its required binding; `|code` finds it too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import fhirpathpy
from fhirpathpy.models import models

from mappers.mapping import ResourceMapping
from terminology import definitions
from tests.search import oracle_numbers as numbers
from tests.search import oracle_texts as texts
from tests.search import oracle_times as times

Resource = dict[str, Any]
#: elements that R4 defines as the list of what an expression finds, and that say more of a study whose series
#: aren't known: https://hl7.org/fhir/R4/imagingstudy-definitions.html#ImagingStudy.modality
SUMMARIES = {("ImagingStudy", "modality"): "ImagingStudy.modality"}
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_AS = re.compile(r"\(([\w.]+) as (\w+)\)")
_RESOLVES = re.compile(r"\.where\(resolve\(\) is (\w+)\)")


@cache
def evaluator(expression: str) -> Callable[[Any], list[Any]]:
    """A FHIRPath expression as a function; `resolve() is X` looks at the reference's text."""
    plain = _RESOLVES.sub(r".where(reference.startsWith('\1/'))", expression)
    plain = _AS.sub(r"\1.ofType(\2)", plain).replace(".as(", ".ofType(")
    compiled: Any = fhirpathpy.compile(plain, models["r4"])
    return lambda resource: list(compiled(resource))


def within(container: str, expression: str) -> Callable[[Any], list[Any]]:
    """A component's expression as a function of one item that a composite's own expression finds.

    The item is put back where it was alone, so that choices (`value[x]`) are seen as such.
    """
    ways = [(one.split("."), evaluator(f"{one}.{expression}")) for one in container.split(" | ")]

    def find(item: Any) -> list[Any]:
        whole = "resourceType" in item
        (names, evaluate), *_ = [way for way in ways if (len(way[0]) == 1) is whole]
        for name in reversed(names[1:]):
            item = {name: [item]}
        return evaluate({**item, "resourceType": names[0]})

    return find


def parameter(mapping: ResourceMapping, name: str) -> tuple[str, str]:
    """(search type, expression) of a parameter: the standard's, else the declaration's."""
    declared = mapping.params.get(name)
    definition = definitions.search_parameter(mapping.resource_type, name)
    if (mapping.resource_type, name) in SUMMARIES and definition:
        return definition.type, SUMMARIES[mapping.resource_type, name]
    if declared and declared.expression:
        return declared.type or (definition.type if definition else ""), declared.expression
    assert definition is not None, f"{mapping.resource_type}.{name} has no expression"
    return definition.type, definition.expression


@dataclass
class Oracle:
    """Judges the resources it is given; `zone` is the site's, `base` the server's own address."""

    mappings: Mapping[str, ResourceMapping]
    resources: Mapping[str, Sequence[Resource]]
    zone: str
    base: str
    _values: dict[tuple[str, str], list[list[Any]]] = field(default_factory=dict)
    _addresses: dict[str, Resource] = field(default_factory=dict)

    def find(self, resource_type: str, name: str, value: str) -> set[str]:
        """The ids that `name=value` finds."""
        if name.startswith("_has:"):
            return self._has(resource_type, name, value)
        head, dot, rest = name.partition(".")
        if dot:
            return self._chained(resource_type, head, rest, value)
        param, _, modifier = name.partition(":")
        found = zip(self.resources[resource_type], self.values(resource_type, param), strict=True)
        judge = self._judge(resource_type, param, modifier, value)
        return {r["id"] for r, values in found if judge(values)}

    def values(self, resource_type: str, param: str) -> list[list[Any]]:
        """What a parameter's expression finds in each resource of a type, in their order."""
        key = (resource_type, param)
        if key not in self._values:
            _, expression = parameter(self.mappings[resource_type], param)
            evaluate = evaluator(expression)
            self._values[key] = [evaluate(r) for r in self.resources[resource_type]]
        return self._values[key]

    # one parameter

    def _judge(
        self, resource_type: str, param: str, modifier: str, value: str
    ) -> Callable[[list[Any]], bool]:
        kind, _ = parameter(self.mappings[resource_type], param)
        if modifier == "missing":
            return lambda values: (not any(holds(kind, v) for v in values)) is (value == "true")
        wanted = texts.split(value, ",")
        if kind == "composite":
            tests = [self._composite(resource_type, param, w) for w in wanted]
        else:
            tests = [self._test(resource_type, param, kind, modifier, w) for w in wanted]
        wanted_or_not = modifier != "not"
        return lambda values: any(test(v) for test in tests for v in values) is wanted_or_not

    def _test(
        self, resource_type: str, param: str, kind: str, modifier: str, value: str
    ) -> Callable[[Any], bool]:
        match kind:
            case "token":
                bound = bound_systems(resource_type, param, self.mappings[resource_type])
                return texts.token_test(modifier, value, bound)
            case "string":
                return texts.string_test(modifier, value)
            case "uri":
                return texts.uri_test(modifier, value)
            case "date":
                return times.date_test(value, self.zone, datetime.now(UTC))
            case "number":
                return numbers.number_test(value)
            case "quantity":
                return numbers.quantity_test(value)
            case "reference":
                return texts.reference_test(modifier, value, self.base)
        raise AssertionError(kind)

    def _composite(self, resource_type: str, param: str, value: str) -> Callable[[Any], bool]:
        mapping = self.mappings[resource_type]
        components = self._components(mapping, param)
        _, container = parameter(mapping, param)
        pieces = texts.split(value, "$")
        tests = []
        for (name, expression), piece in zip(components, pieces, strict=True):
            kind, _ = parameter(mapping, name)
            find = within(container, expression)
            tests.append((find, self._test(resource_type, name, kind, "", piece)))
        return lambda item: all(any(test(v) for v in find(item)) for find, test in tests)

    @staticmethod
    def _components(mapping: ResourceMapping, param: str) -> list[tuple[str, str]]:
        definition = definitions.search_parameter(mapping.resource_type, param)
        if definition and definition.component:
            return [(c.code, c.expression) for c in definition.component]
        return [(name, path.replace("[x]", "")) for name, path in mapping.params[param].components]

    # from one resource to others

    def _chained(self, resource_type: str, head: str, rest: str, value: str) -> set[str]:
        param, _, kind = head.partition(":")
        found: dict[str, set[str]] = {}
        ids = set()
        pairs = zip(self.resources[resource_type], self.values(resource_type, param), strict=True)
        for resource, values in pairs:
            for target, id_ in _targets(values):
                if kind in ("", target) and target in self.resources and self._searches(target, rest):
                    if target not in found:
                        found[target] = self.find(target, rest, value)
                    if id_ in found[target]:
                        ids.add(resource["id"])
        return ids

    def _searches(self, resource_type: str, name: str) -> bool:
        if name.startswith("_has:"):
            return True
        first = name.partition(".")[0].partition(":")[0]
        return first in self.mappings[resource_type].params or first in ("_id", "_lastUpdated")

    def _has(self, resource_type: str, name: str, value: str) -> set[str]:
        _, source, param, rest = name.split(":", 3)
        matching = self.find(source, rest, value)
        pairs = zip(self.resources[source], self.values(source, param), strict=True)
        referred = {t for r, values in pairs if r["id"] in matching for t in _targets(values)}
        return {r["id"] for r in self.resources[resource_type] if (resource_type, r["id"]) in referred}


def holds(kind: str, value: Any) -> bool:
    """Whether a value that an expression finds is one for a parameter of a kind, so that it isn't missing.

    R4's :missing asks for "a value for the parameter": a date has none in a text (occurrenceString). What is
    there only to say why it has no value (data-absent-reason) is missing, as R5 spells out.
    """
    if kind == "date":
        return times.is_date(value)
    absent = isinstance(value, Mapping) and any(_is_absent(v) for k, v in value.items() if k.startswith("_"))
    return not absent or any(texts.strings(value))


def _is_absent(sibling: Any) -> bool:
    return any(e.get("url") == DATA_ABSENT for e in sibling.get("extension", []))


def _targets(values: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for value in values:
        if isinstance(value, Mapping) and "/" in value.get("reference", ""):
            kind, _, id_ = value["reference"].partition("/")
            yield kind, id_


@cache
def _bound(resource_type: str, path: str) -> frozenset[str] | None:
    url = definitions.required_binding(resource_type, path)
    codes = definitions.valueset_codes(url) if url else None
    return frozenset(system for system, _ in codes) if codes else None


def bound_systems(resource_type: str, param: str, mapping: ResourceMapping) -> frozenset[str] | None:
    """The systems that a bare code of a parameter has; None where its elements have none stated."""
    declared = mapping.params.get(param)
    paths = declared.paths if declared else ()
    found = [_bound(resource_type, path.replace("$this", "")) for path in paths if path != "$this"]
    return frozenset().union(*[f for f in found if f]) if any(found) else None
