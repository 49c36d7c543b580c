"""A search as it was asked: what selects, and what shapes the answer. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fhir_facade.outcome import Issue, parameter
from mappers.branch import has_order, sort_expression
from mappers.include import reference_params, reference_types
from mappers.mapping import Part, ResourceMapping
from mappers.parse import Parser, SearchFault, unknown
from mappers.query import Condition, Include, SearchQuery, Sort
from terminology import definitions

RESULT_PARAMETERS = (
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_summary",
    "_elements",
    "_total",
    "_totalMethod",
    "_explain",
)
#: the modifiers of those that have any; `:recurse` is the former name of `:iterate`
INCLUDING = dict.fromkeys(("_include", "_revinclude"), ("", "iterate", "recurse"))
SUMMARIES = ("true", "false", "text", "data", "count")


@dataclass(frozen=True)
class Options:
    """The limits of a server."""

    page_size: int = 50
    page_size_limit: int = 1000


@dataclass
class SearchRequest:
    """One search: its parameters as used (for the self link), its conditions by type, the answer's shape."""

    used: list[tuple[str, str]] = field(default_factory=list)
    conditions: list[dict[str, Condition]] = field(default_factory=list)
    sort: list[Sort] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    count: int = 50
    total: str = ""
    summary: str = ""
    elements: frozenset[str] = frozenset()
    explain: bool = False
    issues: list[Issue] = field(default_factory=list)

    @property
    def counts_only(self) -> bool:
        """Whether only the total is wanted."""
        return self.summary == "count" or self.count == 0

    def kept(self, resource_type: str) -> frozenset[str] | None:
        """The top-level elements to show; None for all of them."""
        if not self.elements and self.summary in ("", "false"):
            return None
        mandatory = frozenset(_plain_names(resource_type, definitions.mandatory_elements(resource_type)))
        if self.elements:
            stated = frozenset(n.rpartition(".")[2] for n in self.elements if _is_of(resource_type, n))
            return mandatory | stated | _choices(resource_type, stated)
        if self.summary == "true":
            return definitions.summary_elements(resource_type)
        if self.summary == "text":
            return mandatory | {"text"}
        if self.summary == "data":
            return frozenset(_plain_names(resource_type, _top_elements(resource_type))) - {"text"}
        return None


def _unfit(base: str, name: str) -> SearchFault:
    """The fault for a modifier that would be ignored, though it asks for something else."""
    text = f"{base} takes {'the modifier :iterate only' if base in INCLUDING else 'no modifier'}"
    return SearchFault("not-supported", name[:60], text, ignorable=True)


def _top_elements(resource_type: str) -> list[str]:
    """The names of a type's own elements, choices as `value[x]`."""
    return [p.partition(".")[2] for p in definitions.elements(resource_type) if p.count(".") == 1]


def _known(resource_type: str) -> frozenset[str]:
    """What a type's elements may be called: of a choice, `value` and `valueQuantity`."""
    names = _top_elements(resource_type)
    return frozenset([*(n.removesuffix("[x]") for n in names), *_plain_names(resource_type, names)])


def _plain_names(resource_type: str, names: Sequence[str] | frozenset[str]) -> list[str]:
    """Element names with choices spelled out."""
    found: list[str] = []
    for name in names:
        found += (
            [c[0] for c in definitions.choice_names(resource_type, name)] if name.endswith("[x]") else [name]
        )
    return found


def _is_of(resource_type: str, element: str) -> bool:
    """Whether a stated element (`name`, or `Type.name`) is one of the type's."""
    return element.rpartition(".")[0] in ("", resource_type)


def _choices(resource_type: str, names: frozenset[str]) -> frozenset[str]:
    """`value` asks for every `value[x]`."""
    found = [c[0] for n in names for c in definitions.choice_names(resource_type, n + "[x]")]
    return frozenset(found)


class Reader:
    """Reads the parameters of a search of one or several types."""

    def __init__(self, parser: Parser, types: Sequence[str], options: Options, lenient: bool) -> None:
        self.parser, self.types, self.options, self.lenient = parser, list(types), options, lenient

    def read(self, parameters: Sequence[tuple[str, str]]) -> SearchRequest:
        """The search; raises FhirFault 400 for what can't be understood."""
        request = SearchRequest(count=self.options.page_size)
        for name, value in parameters:
            try:
                self._take(request, name, value)
            except SearchFault as fault:
                if not (self.lenient and fault.ignorable):
                    raise parameter(fault.param, str(fault), fault.code) from None
                request.issues.append(
                    Issue(fault.code, f"ignored: {fault}", "warning", (f"http.{fault.param}",))
                )
        if request.elements and request.summary not in ("", "false"):
            raise parameter("_elements", "_elements and _summary can't be combined")
        return request

    def _take(self, request: SearchRequest, name: str, value: str) -> None:
        base, _, modifier = name.partition(":")
        if base in RESULT_PARAMETERS:
            if modifier not in INCLUDING.get(base, ("",)):
                raise _unfit(base, name)
            take = getattr(self, "take" + base)
            take(request, name, value)
        else:
            request.conditions.append({t: self.parser.condition(t, name, value) for t in self.types})
        request.used.append((name, value))

    def query(self, request: SearchRequest, resource_type: str, *more: Condition) -> SearchQuery:
        """The query of one of the types."""
        conditions = [by_type[resource_type] for by_type in request.conditions]
        return SearchQuery(resource_type, (*conditions, *more), tuple(request.sort))

    # result parameters

    def take_count(self, request: SearchRequest, name: str, value: str) -> None:
        """`_count`: a page's matches; 0 asks for the total only."""
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise parameter("_count", "_count is a number, 0 or more")
        request.count = min(int(value), self.options.page_size_limit)

    def take_sort(self, request: SearchRequest, name: str, value: str) -> None:
        """`_sort`: parameters, `-` for descending."""
        for item in value.split(","):
            param = item.removeprefix("-")
            for resource_type in self.types:
                self._sortable(resource_type, param)
            request.sort.append(Sort(param, item.startswith("-")))

    def _sortable(self, resource_type: str, param: str) -> None:
        mapping = self.parser.mappings[resource_type]
        if self.parser.param_type(resource_type, param) is None:
            raise SearchFault(
                "not-supported",
                "_sort",
                str(unknown(param, resource_type, self._sorts(resource_type))),
                ignorable=True,
            )
        if self.parser.site.sealed and any(self._is_sealed(mapping, part, param) for part in mapping.parts):
            text = f"{param} is encrypted here: it has no order"
            raise SearchFault("not-supported", "_sort", text, ignorable=True)
        if not has_order(mapping, param):
            valid = ", ".join(self._sorts(resource_type))
            raise SearchFault(
                "not-supported", "_sort", f"{param} has no order; valid: {valid}", ignorable=True
            )

    def _is_sealed(self, mapping: ResourceMapping, part: Part, param: str) -> bool:
        """Whether a part would be sorted by ciphertext."""
        sealed, found = self.parser.site.sealed, sort_expression(mapping, part, param)
        return sealed is not None and found is not None and sealed.reaches(found)

    def _sorts(self, resource_type: str) -> list[str]:
        mapping = self.parser.mappings[resource_type]
        names = self.parser.valid(resource_type)
        found = [n for n in names if any(sort_expression(mapping, p, n) is not None for p in mapping.parts)]
        return [n for n in found if not any(self._is_sealed(mapping, p, n) for p in mapping.parts)]

    def take_include(self, request: SearchRequest, name: str, value: str) -> None:
        """`_include[:iterate]=Type:param[:Target]` or `*`."""
        request.includes.append(self._include(name, value, reverse=False))

    def take_revinclude(self, request: SearchRequest, name: str, value: str) -> None:
        """`_revinclude[:iterate]=Type:param[:Target]`."""
        request.includes.append(self._include(name, value, reverse=True))

    def _include(self, name: str, value: str, *, reverse: bool) -> Include:
        base, _, modifier = name.partition(":")
        iterate = bool(modifier)
        if value == "*" and not reverse:
            return Include("*", "*", iterate=iterate)
        pieces = value.split(":")
        if not 2 <= len(pieces) <= 3 or not all(pieces):
            raise SearchFault("invalid", base, f"{base} is Type:parameter or Type:parameter:TargetType")
        self._known_include(base, pieces[0], pieces[1])
        if len(pieces) == 3 and pieces[2] not in definitions.resource_types():
            raise SearchFault("invalid", base, f"{pieces[2][:60]!r} is no resource type")
        return Include(pieces[0], pieces[1], pieces[2] if len(pieces) == 3 else "", reverse, iterate)

    def _known_include(self, base: str, source: str, param: str) -> None:
        mapping = self.parser.mappings.get(source)
        if mapping is None:
            raise SearchFault("not-supported", base, f"{source[:60]} is not served here", ignorable=True)
        if param != "*" and (param not in mapping.params or not reference_types(mapping, param)):
            valid = ", ".join(reference_params(mapping))
            raise SearchFault(
                "not-supported", base, f"{source} has no such reference; valid: {valid}", ignorable=True
            )

    def take_summary(self, request: SearchRequest, name: str, value: str) -> None:
        """`_summary`."""
        if value not in SUMMARIES:
            raise parameter("_summary", f"_summary is one of {', '.join(SUMMARIES)}")
        request.summary = value

    def take_elements(self, request: SearchRequest, name: str, value: str) -> None:
        """`_elements`: top-level names, optionally `Type.name`; of what lies deeper, all of the element."""
        names = [e.strip() for e in value.split(",") if e.strip()]
        if not names:
            raise parameter("_elements", "_elements names elements")
        request.elements |= {self._element(name) for name in names}

    def _element(self, text: str) -> str:
        head, _, rest = text.partition(".")
        kind = head if rest and head in definitions.resource_types() else ""
        name = (rest if kind else text).partition(".")[0].removesuffix("[x]")
        types = [kind] if kind else self.types
        if not any(name in _known(t) for t in types):
            raise parameter("_elements", f"{', '.join(types[:9])} has no element {text[:60]!r}")
        return f"{kind}.{name}" if kind else name

    def take_total(self, request: SearchRequest, name: str, value: str) -> None:
        """`_total`."""
        if value not in ("none", "estimate", "accurate"):
            raise parameter(name, f"{name} is none, estimate or accurate")
        request.total = value

    def take_totalMethod(self, request: SearchRequest, name: str, value: str) -> None:
        """`_totalMethod`, as fhirpy sends it for `_total=accurate`."""
        self.take_total(request, name, "accurate" if value == "count" else value)

    def take_explain(self, request: SearchRequest, name: str, value: str) -> None:
        """`_explain=true`: how the search would be done, instead of its result."""
        if value not in ("true", "false"):
            raise parameter("_explain", "_explain is true or false")
        request.explain = value == "true"
