"""The search values of a resource, by the standard's expressions (or a mapping's, for its own parameters).

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import fhirpathpy
from fhirpathpy.models import models

from mappers.mapping import Part, ResourceMapping
from mappers.parse import declared_type
from mappers.parse_terms import ValueFault, date_term
from mappers.site import Site
from mappers.stored.pairs import Component, components, fits
from mappers.stored.values import SHORT, stamp, typed
from terminology import definitions

Found = dict[str, Any]
#: which values are found: one more whenever there are others than before, so that `fhir-facade reindex` finds
#: what was written until then
INDEXED = 1
#: nothing begins before, or ends after
BEGINNING, END = "0001-01-01 00:00:00.000000", "9999-12-31 23:59:59.999999"
#: a number that the index's column can't hold
_MOST = Decimal(10) ** 26
# `as` takes one value only, and most of what is searched repeats
_AS = re.compile(r"\(?([\w.]+)(?: as |\.as\()(\w+)\)?")
_ADDRESS = re.compile(r"/([A-Z]\w+)/[A-Za-z0-9\-.]+(?:/_history/[A-Za-z0-9\-.]+)?$")
_RESOLVED = re.compile(r"\.where\(resolve\(\) is (\w+)\)")


@dataclass(frozen=True)
class Expression:
    """One parameter's expression, compiled; `only`: the one type that its references count of."""

    evaluate: Callable[..., list[Any]]
    only: str = ""


class SearchValues:
    """Finds what a resource is searched by."""

    def __init__(
        self, mappings: Mapping[str, ResourceMapping], site: Site, bases: Sequence[str] = ()
    ) -> None:
        self.mappings, self.site, self.bases = mappings, site, tuple(bases)

    def of(self, resource: dict[str, Any]) -> Iterator[tuple[str, Found]]:
        """(parameter, columns of `fhir_index`) for each value."""
        mapping = self.mappings[resource["resourceType"]]
        for name in mapping.params:
            yield from ((name, found) for found in self.values(mapping, name, resource))

    @staticmethod
    def tells(mapping: ResourceMapping, name: str) -> bool:
        """Whether the values of a parameter are all that a search by it asks: not of one made of others."""
        return declared_type(mapping.resource_type, mapping.params[name]) in _MAKERS

    def values(self, mapping: ResourceMapping, name: str, resource: dict[str, Any]) -> list[Found]:
        """The distinct values of one parameter."""
        kind = declared_type(mapping.resource_type, mapping.params[name])
        make = _MAKERS.get(kind)
        if make is None:
            return []
        found = [
            each
            for expression in expressions(mapping, name)
            for node in expression.evaluate(resource)
            if node is not None  # a primitive that only has extensions
            for each in make(self, node, mapping, name)
            if not expression.only or str(each.get("type")) == expression.only
        ]
        told = [{k: v for k, v in each.items() if k != "type"} for each in found]
        return [v for i, v in enumerate(told) if v not in told[:i]]

    # one kind each

    def _tokens(self, node: Any, mapping: ResourceMapping, name: str) -> Iterator[Found]:
        if isinstance(node, bool):
            yield {"value": str(node).lower()}
        elif isinstance(node, str | int | Decimal):
            yield {"value": str(node)[:SHORT], "words": str(node)}
        elif "coding" in node or ("text" in node and "value" not in node):
            words = _joined([node.get("text"), *(c.get("display") for c in node.get("coding") or [])])
            yield from (_token(c.get("system"), c.get("code"), words) for c in node.get("coding") or [])
            if not node.get("coding"):
                yield {"words": words}
        elif "value" in node:
            yield from _identifier(node, node.get("type") or {})
        elif "code" in node or "display" in node:
            yield _token(node.get("system"), node.get("code"), _joined([node.get("display")]))

    def _texts(self, node: Any, mapping: ResourceMapping, name: str) -> Iterator[Found]:
        for text in _strings(node):
            yield {"value": text[:SHORT], "words": text}

    def _uris(self, node: Any, mapping: ResourceMapping, name: str) -> Iterator[Found]:
        if isinstance(node, str):
            yield {"value": node[:SHORT], "words": node}

    def _numbers(self, node: Any, mapping: ResourceMapping, name: str) -> Iterator[Found]:
        if isinstance(node, dict):
            yield from self._quantity(node)
        elif not isinstance(node, bool | str) and abs(Decimal(node)) < _MOST:
            yield {"number": str(node)}

    def _quantity(self, node: dict[str, Any]) -> Iterator[Found]:
        number = node.get("value")
        if number is None or abs(Decimal(number)) >= _MOST:
            return
        unit = node.get("code") or node.get("unit") or node.get("currency")
        yield {"number": str(number), "system": node.get("system"), "value": unit}

    def _dates(self, node: Any, mapping: ResourceMapping, name: str) -> Iterator[Found]:
        if isinstance(node, str):
            if (stretch := self._stretch(node)) is not None:
                yield {"low": stretch[0], "high": stretch[1]}
        elif isinstance(node, dict) and ("start" in node or "end" in node):
            start, end = self._stretch(node.get("start")), self._stretch(node.get("end"))
            yield {"low": start[0] if start else BEGINNING, "high": end[1] if end else END}
        elif isinstance(node, dict):  # a Timing: https://hl7.org/fhir/R4/search.html#date
            for event in node.get("event") or []:
                yield from self._dates(event, mapping, name)
            if bounds := (node.get("repeat") or {}).get("boundsPeriod"):
                yield from self._dates(bounds, mapping, name)

    def _stretch(self, text: Any) -> tuple[str, str] | None:
        try:
            term = date_term(text, self.site.tz, _NOW) if isinstance(text, str) else None
        except ValueFault:
            return None
        return (stamp(self.site, term.low), stamp(self.site, term.high)) if term else None

    def _references(self, node: Any, mapping: ResourceMapping, name: str) -> Iterator[Found]:
        stated = node if isinstance(node, dict) else {"reference": node}
        text, identifier, kind = stated.get("reference"), stated.get("identifier"), stated.get("type")
        if isinstance(text, str):
            led = self.target(text) or _elsewhere(text, kind)
            kind = led["type"]
            yield led
        if identifier:
            yield {"type": kind, **_token(identifier.get("system"), identifier.get("value"), None)}

    def _composites(self, node: Any, mapping: ResourceMapping, name: str) -> Iterator[Found]:
        """What each element says of a code; what the resource itself says its other parameters find."""
        if "resourceType" in node or not fits(mapping.resource_type, name):
            return
        codes, values = (list(self._of(c, node, mapping)) for c in components(mapping.resource_type, name))
        for code in (c for c in codes if "value" in c):
            yield from ({**v, "of_system": code.get("system"), "of_code": code["value"]} for v in values)

    def _of(self, component: Component, node: dict[str, Any], mapping: ResourceMapping) -> Iterator[Found]:
        for said in component.nodes(node):
            yield from _MAKERS[component.kind](self, said, mapping, component.param)

    def target(self, text: str) -> Found | None:
        """Type, part and key of a reference to this server; None for any other text."""
        resolved = self.resolved(text)
        if resolved is None:
            return None
        kind, part, key = resolved
        return {"type": kind, "target_part": part.name, f"target_{'int' if part.id.numeric else 'text'}": key}

    def resolved(self, text: str) -> tuple[str, Part, Any] | None:
        """(type, part, native key) of a reference to this server; None for any other text."""
        for base in self.bases:
            text = text.removeprefix(base.rstrip("/") + "/")
        pieces = text.split("/")
        if len(pieces) == 4 and pieces[2] == "_history":
            pieces = pieces[:2]
        if len(pieces) != 2 or pieces[0] not in self.mappings:
            return None
        found = self.mappings[pieces[0]].resolve(pieces[1])
        return (pieces[0], *found) if found else None


#: for the one prefix that no stored date has
_NOW = datetime.now(UTC)
_MAKERS: dict[str, Callable[[SearchValues, Any, ResourceMapping, str], Iterator[Found]]] = {
    "token": SearchValues._tokens,
    "string": SearchValues._texts,
    "uri": SearchValues._uris,
    "number": SearchValues._numbers,
    "quantity": SearchValues._numbers,
    "date": SearchValues._dates,
    "reference": SearchValues._references,
    "composite": SearchValues._composites,
}


def _token(system: Any, code: Any, words: str | None) -> Found:
    found = {"system": system and system[:SHORT], "value": code and str(code)[:SHORT], "words": words}
    return {k: v for k, v in found.items() if v}


def _identifier(node: dict[str, Any], type_: dict[str, Any]) -> Iterator[Found]:
    """An identifier (or contact point), once for each coding of its type: `:of-type` asks for that, too."""
    found = _token(node.get("system"), node["value"], _joined([type_.get("text")]))
    kinds = [typed(c.get("system", ""), c["code"]) for c in type_.get("coding") or [] if "code" in c]
    yield from ({**found, "target_text": kind} for kind in kinds)
    if not kinds:
        yield found


def _elsewhere(text: str, stated: str | None) -> Found:
    """A reference to another server's resource, whose type its address tells as a rule."""
    told = _ADDRESS.search(text)
    return {"type": stated or (told[1] if told else None), "words": text, "value": text[:SHORT]}


def _joined(texts: Sequence[Any]) -> str | None:
    return " ".join(t for t in texts if isinstance(t, str)) or None


def _strings(node: Any) -> Iterator[str]:
    """The texts of a string, a name or an address."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _strings(item)
    elif isinstance(node, dict):
        for key in _TEXTS:
            yield from _strings(node.get(key))


_TEXTS = (
    "text",
    "family",
    "given",
    "prefix",
    "suffix",
    "line",
    "city",
    "district",
    "state",
    "postalCode",
    "country",
)


def expressions(mapping: ResourceMapping, name: str) -> Sequence[Expression]:
    """What a parameter evaluates."""
    definition = definitions.search_parameter(mapping.resource_type, name)
    declared = mapping.params[name].expression
    return _expressions(mapping.resource_type, declared or (definition.expression if definition else ""))


@lru_cache(4096)
def _expressions(resource_type: str, text: str) -> Sequence[Expression]:
    mine = re.compile(rf"\(*{resource_type}\b")
    return [_expression(e) for piece in text.split("|") if mine.match(e := piece.strip())]


def _expression(text: str) -> Expression:
    only = _RESOLVED.search(text)
    compiled = fhirpathpy.compile(_AS.sub(r"\1.ofType(\2)", _RESOLVED.sub("", text)), models["r4"])
    return Expression(compiled, only[1] if only else "")
