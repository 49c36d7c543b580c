"""Parameter names and values become typed conditions, against the mappings and the standard's definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache

from mappers import parse_terms as terms
from mappers.bare_codes import without_own_system
from mappers.mapping import ResourceMapping, SearchParam
from mappers.param_places import searched
from mappers.query import AnyOf, Chained, Condition, Criterion, Has
from mappers.site import Site
from mappers.terms import Composite, Ref, Term, Uri
from mappers.value import folds_of, systems_of
from mappers.value_sets import BY_TERMINOLOGY, SetFault, tokens_of
from mappers.values.references import ReferenceTo
from terminology import definitions
from terminology.service.source import Resolver
from terminology.service.standing import standing

MODIFIERS = {
    "string": ("exact", "contains", "missing"),
    "token": ("not", "text", "of-type", "missing", *BY_TERMINOLOGY),
    "reference": ("identifier", "missing"),
    "date": ("missing",),
    "number": ("missing",),
    "quantity": ("missing",),
    "uri": ("above", "below", "missing"),
    "composite": (),
}
#: parameters of every type: https://hl7.org/fhir/R4/search.html#all
COMMON = {"_id": "token", "_lastUpdated": "date", "_security": "token"}
#: the parameter that asks for what stands in a List
LIST = "_list"
#: the modifiers that a condition keeps; of a value set, only whether it is the codes in it or the others
KEPT = {"not": "not", "text": "text", "of-type": "of-type", "not-in": "not"}
#: values of one parameter (OR), by name or type; 200 of any other: an id is cheap to look for, a text is not
MOST_VALUES = {"_id": 1000, "string": 10}
# a whole word that is one: UIDs and accession numbers have such runs of digits too
RESIDENT_NUMBER = re.compile(
    r"(?<![\w.])(?:\d{6}-\d{7}|\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{7})(?![\w.])"
)


class SearchFault(ValueError):
    """A search that can't be understood. `code` is an issue-type, `param` the parameter's name.

    https://hl7.org/fhir/R4/valueset-issue-type.html
    """

    def __init__(self, code: str, param: str, diagnostics: str, *, ignorable: bool = False) -> None:
        super().__init__(diagnostics)
        self.code, self.param, self.ignorable = code, param, ignorable


@dataclass(frozen=True)
class Parser:
    """Parses against one set of mappings; `bases` are the absolute urls that are this server."""

    mappings: Mapping[str, ResourceMapping]
    site: Site
    bases: tuple[str, ...] = ()
    by_post: bool = False
    max_depth: int = 8
    terminology: Resolver = field(default_factory=standing)

    def condition(self, resource_type: str, name: str, value: str, depth: int = 0) -> Condition:
        """`name=value` as a condition on a type; raises SearchFault."""
        if depth > self.max_depth:
            raise SearchFault("too-costly", name, f"chains may be {self.max_depth} deep")
        if name.startswith("_has:"):
            return self._has(resource_type, name, value, depth)
        if name == LIST and self._lists(resource_type):
            return self._listed(resource_type, value)
        head, dot, rest = name.partition(".")
        if dot:
            return self._chain(resource_type, head, rest, value, name, depth)
        param, _, modifier = name.partition(":")
        return self._criterion(resource_type, param, modifier, value, name)

    # one parameter

    def param_type(self, resource_type: str, param: str) -> str | None:
        """The parameter's search type on a type; None where the type has no such parameter."""
        mapping = self.mappings.get(resource_type)
        if mapping is None:
            return None
        if param in COMMON and (param != "_security" or any(p.security for p in mapping.parts)):
            return COMMON[param]
        declared = mapping.params.get(param)
        return declared_type(resource_type, declared) if declared else None

    def valid(self, resource_type: str) -> list[str]:
        """The names of all parameters of a type."""
        mapping = self.mappings[resource_type]
        common = [n for n in COMMON if self.param_type(resource_type, n)]
        return sorted({*common, *mapping.params, *([LIST] if self._lists(resource_type) else ())})

    def _criterion(self, resource_type: str, param: str, modifier: str, value: str, name: str) -> Condition:
        kind = self.param_type(resource_type, param)
        if kind is None:
            raise unknown(param, resource_type, self.valid(resource_type))
        if value == "":
            raise SearchFault("invalid", name, f"the parameter {name} has no value")
        if modifier == "missing":
            return Criterion(param, missing=self._boolean(name, value))
        if modifier and not self._modifier_fits(kind, modifier, param):
            raise self._unfit(kind, modifier, param, name)
        values = terms.split(value, ",")
        if any(v == "" for v in values):
            raise SearchFault("invalid", name, "an empty value between commas")
        if len(values) > MOST_VALUES.get(param, MOST_VALUES.get(kind, 200)):
            raise SearchFault("too-costly", name, f"{name} has {len(values)} values: ask in several searches")
        found = [t for v in values for t in self._terms(resource_type, param, kind, modifier, v, name)]
        return Criterion(param, tuple(found), KEPT.get(modifier, ""))

    def _modifier_fits(self, kind: str, modifier: str, param: str) -> bool:
        if kind == "reference":
            return modifier in definitions.resource_types() or modifier == "identifier"
        return modifier in MODIFIERS[kind] and (modifier != "of-type" or param == "identifier")

    @staticmethod
    def _unfit(kind: str, modifier: str, param: str, name: str) -> SearchFault:
        fitting = (m for m in MODIFIERS[kind] if m != "of-type" or param == "identifier")
        valid = ", ".join(":" + m for m in fitting) or "none"
        if kind == "reference":
            valid += ", :[type]"
        return SearchFault(
            "not-supported",
            name,
            f"the modifier :{modifier[:40]} is not supported here; valid: {valid}",
            ignorable=True,
        )

    @staticmethod
    def _boolean(name: str, value: str) -> bool:
        if value not in ("true", "false"):
            raise SearchFault("invalid", name, "expected true or false")
        return value == "true"

    def _terms(
        self, resource_type: str, param: str, kind: str, modifier: str, value: str, name: str
    ) -> Sequence[Term]:
        try:
            return self._typed(resource_type, param, kind, modifier, value)
        except SetFault as fault:
            raise SearchFault(fault.code, name, f"{name}: {fault}") from None
        except terms.ValueFault as fault:
            raise SearchFault("invalid", name, f"{name}: {fault}") from None

    def _typed(self, resource_type: str, param: str, kind: str, modifier: str, value: str) -> Sequence[Term]:
        if param == "_id":
            return [self._own(resource_type, terms.unescape(value))]
        if kind == "token" and modifier in BY_TERMINOLOGY:
            return self._coded(resource_type, param, modifier, value)
        if kind == "token" or (kind == "reference" and modifier == "identifier"):
            return [self._token(resource_type, param, modifier, value)]
        if kind == "reference":
            return self._referring(resource_type, param, modifier, terms.unescape(value))
        if kind == "composite":
            return [self._composite(resource_type, param, value)]
        return [self._simple(kind, modifier, value)]

    def _simple(self, kind: str, modifier: str, value: str) -> Term:
        if kind == "date":
            return terms.date_term(value, self.site.tz, datetime.now(UTC))
        if kind == "number":
            return terms.number_term(value)
        if kind == "quantity":
            return terms.quantity_term(value)
        return terms.uri_term(value, modifier) if kind == "uri" else terms.text_term(value, modifier)

    def _token(self, resource_type: str, param: str, modifier: str, value: str) -> Term:
        if not self.by_post and RESIDENT_NUMBER.search(value):
            raise terms.ValueFault("a resident number may be searched by POST _search only, never in a URL")
        if modifier == "text":
            return terms.text_term(value, "text")
        if modifier == "of-type":
            return terms.of_type_term(value)
        mapping = self.mappings[resource_type]
        token = terms.token_term(value, _folds(mapping, param))
        return without_own_system(token, resource_type, mapping.params.get(param))

    def _coded(self, resource_type: str, param: str, modifier: str, value: str) -> Sequence[Term]:
        """The codes of a value set, or of a part of a hierarchy."""
        mapping = self.mappings[resource_type]
        folds, declared = _folds(mapping, param), mapping.params.get(param)
        found = tokens_of(self.terminology, modifier, value, self.bases)
        bound = (replace(t, bound=folds is not None and t.code not in folds) for t in found)
        stated = [without_own_system(token, resource_type, declared) for token in bound]
        systems = systems_of(searched(mapping, param))
        return [t for t in stated if systems is None or t.system is None or t.system in systems]

    def _composite(self, resource_type: str, param: str, value: str) -> Composite:
        declared = self.mappings[resource_type].params[param]
        pieces = terms.split(value, "$")
        if len(pieces) != len(declared.components):
            raise terms.ValueFault(f"expected {'$'.join(name for name, _ in declared.components)}")
        found = []
        for (name, _), piece in zip(declared.components, pieces, strict=True):
            definition = definitions.search_parameter(resource_type, name)
            kind = definition.type if definition else "token"
            found.append(tuple(self._typed(resource_type, name, kind, "", piece)))
        return Composite(tuple(found))

    # references

    def _own(self, resource_type: str, text: str) -> Ref:
        resolved = self.mappings[resource_type].resolve(text)
        part, key = resolved if resolved else (None, text)
        return Ref(resource_type, part.name if part else None, key)

    def reference_types(self, resource_type: str, param: str) -> list[str]:
        """The types that a reference parameter really leads to."""
        return [k for k in _referred(self.mappings[resource_type], param) if k in self.mappings]

    def _named_types(self, resource_type: str, param: str) -> list[str]:
        """The types whose references can be found: more than those that can be followed."""
        if _refers_to_anything(self.mappings[resource_type], param):
            return list(self.mappings)
        return self.reference_types(resource_type, param)

    def _referring(self, resource_type: str, param: str, modifier: str, text: str) -> Sequence[Term]:
        """References; besides by url, of other servers' resources and types that refer so to each other."""
        found = self._references(resource_type, param, modifier, text)
        by_url = self.mappings[resource_type].at_hand or self._stated(text)[1] is None
        return [*found, Uri(text)] if by_url else found

    def _references(self, resource_type: str, param: str, modifier: str, value: str) -> Sequence[Ref]:
        stated, id_text = self._stated(value)
        if id_text is None:
            return [Ref(stated or "Resource", None)]
        if stated and modifier and stated != modifier:
            return [Ref(stated, None)]
        kind = stated or modifier
        possible = self._named_types(resource_type, param)
        kinds = [k for k in possible if not kind or k == kind]
        return [self._own(k, id_text) for k in kinds] or [Ref(kind or "Resource", None)]

    def _stated(self, value: str) -> tuple[str, str | None]:
        """(type, id) of a reference's text; type '' where only an id is given, id None for other servers'."""
        for base in self.bases:
            if value.startswith(base.rstrip("/") + "/"):
                value = value[len(base.rstrip("/")) + 1 :]
        if "://" in value or value.startswith("urn:"):
            return "", None
        pieces = value.split("/")
        if len(pieces) == 4 and pieces[2] == "_history":
            pieces = pieces[:2]
        if len(pieces) == 1:
            return "", pieces[0]
        if len(pieces) == 2 and pieces[0] in definitions.resource_types():
            return pieces[0], pieces[1]
        raise terms.ValueFault("expected Type/id, id or an absolute url")

    # chains

    def _chain(
        self, resource_type: str, head: str, rest: str, value: str, name: str, depth: int
    ) -> Condition:
        param, _, stated = head.partition(":")
        kind = self.param_type(resource_type, param)
        if kind is None:
            raise unknown(param, resource_type, self.valid(resource_type))
        if kind != "reference":
            raise SearchFault("invalid", name, f"{param} is no reference, so nothing can be chained to it")
        possible = self.reference_types(resource_type, param)
        kinds = [k for k in possible if not stated or k == stated]
        if not kinds:
            raise SearchFault("invalid", name, f"{param} refers to {', '.join(possible) or 'nothing here'}")
        return self._any_chain(param, kinds, rest, value, depth)

    def _any_chain(self, param: str, kinds: Sequence[str], rest: str, value: str, depth: int) -> Condition:
        """One alternative for each type that has the parameter; the first type's fault if none has."""
        found: list[Condition] = []
        faults: list[SearchFault] = []
        for kind in kinds:
            try:
                found.append(Chained(param, kind, self.condition(kind, rest, value, depth + 1)))
            except SearchFault as fault:
                faults.append(fault)
        if not found:
            raise faults[0]
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def _has(self, resource_type: str, name: str, value: str, depth: int) -> Condition:
        pieces = name.split(":", 3)
        if len(pieces) != 4 or not all(pieces):
            raise SearchFault("invalid", name, "expected _has:Type:reference:parameter=value")
        _, source, param, rest = pieces
        if source not in self.mappings:
            raise SearchFault("not-supported", name, f"{source} is not served here")
        if self.param_type(source, param) != "reference":
            raise unknown(param, source, self.references(source), what="reference parameter")
        if resource_type not in self.reference_types(source, param):
            raise SearchFault("invalid", name, f"{source}.{param} does not refer to {resource_type}")
        return Has(source, param, self.condition(source, rest, value, depth + 1))

    def _lists(self, resource_type: str) -> bool:
        """Whether Lists are served that resources of the type may stand in."""
        return "List" in self.mappings and resource_type in self.reference_types("List", "item")

    def _listed(self, resource_type: str, value: str) -> Condition:
        """In one of the Lists. https://hl7.org/fhir/R4/search.html#list"""
        if value.startswith("$"):
            raise SearchFault("not-supported", LIST, f"there is no functional list {value[:40]!r} here")
        return Has("List", "item", self._criterion("List", "_id", "", value, LIST))

    def references(self, resource_type: str) -> list[str]:
        """The names of a type's reference parameters."""
        names = self.mappings[resource_type].params
        return sorted(n for n in names if self.param_type(resource_type, n) == "reference")

    def compartment(self, code: str, id_text: str, resource_type: str) -> Condition | None:
        """The condition of being in the compartment of code/id; None where the type is not in it.

        https://hl7.org/fhir/R4/compartmentdefinition.html
        """
        names = definitions.compartment(code).get(resource_type, ())
        found = [
            Criterion(n, tuple(self._references(resource_type, n, "", f"{code}/{id_text}")))
            for n in names
            if self.param_type(resource_type, n) == "reference"
            and code in self.reference_types(resource_type, n)
        ]
        if resource_type == code:
            found.append(Criterion("_id", (self._own(code, id_text),)))
        return AnyOf(tuple(found)) if found else None


def declared_type(resource_type: str, param: SearchParam) -> str:
    """The search type: the standard's, or the declaration's own for a parameter that the standard lacks."""
    if param.type:
        return param.type
    definition = definitions.search_parameter(resource_type, param.name)
    if definition is None:
        raise ValueError(f"{resource_type}.{param.name} is no R4 search parameter and states no type")
    return definition.type


@lru_cache(4096)
def _folds(mapping: ResourceMapping, param: str) -> frozenset[str] | None:
    """The codes that may decide a statement's text; None: any may."""
    return folds_of(searched(mapping, param))


@lru_cache(4096)
def _referred(mapping: ResourceMapping, param: str) -> tuple[str, ...]:
    """The types that a reference parameter leads to, served or not."""
    allowed = targets(mapping.resource_type, mapping.params.get(param))
    kinds = {v.resource_type: None for v in searched(mapping, param) if isinstance(v, ReferenceTo)}
    return tuple(k for k in kinds if not allowed or k in allowed)


@lru_cache(4096)
def _refers_to_anything(mapping: ResourceMapping, param: str) -> bool:
    return any(value.to_anything for value in searched(mapping, param))


def targets(resource_type: str, param: SearchParam | None) -> tuple[str, ...]:
    """The types that a reference parameter may refer to; () for any."""
    if param is None:
        return ()
    definition = definitions.search_parameter(resource_type, param.name)
    return definition.target if definition and not param.target else param.target


def unknown(
    param: str, resource_type: str, valid: Sequence[str], what: str = "search parameter"
) -> SearchFault:
    """The fault for a name that the type doesn't have: it lists those it has."""
    shown = param[:60]
    return SearchFault(
        "not-supported",
        shown,
        f"{resource_type} has no {what} {shown!r}; valid: {', '.join(valid)}",
        ignorable=True,
    )
