"""Typed conditions: what a query string, a scope, a compartment or a subscription's criteria become."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import count

from mappers.terms import Composite, Ref, Term


@dataclass(frozen=True)
class Criterion:
    """One parameter: any of `terms` (OR). `modifier`: '', 'not', 'missing', 'text', 'of-type', …

    With `missing`, `terms` is empty and `missing` says which.
    """

    param: str
    terms: tuple[Term, ...] = ()
    modifier: str = ""
    missing: bool | None = None

    @property
    def shape(self) -> Hashable:
        """What the SQL text depends on."""
        return (self.param, self.modifier, self.missing, tuple(t.shape for t in self.terms))

    def flat(self) -> Iterator[Term]:
        """Every term within, in a fixed order."""
        for term in self.terms:
            yield term
            if isinstance(term, Composite):
                for component in term.components:
                    yield from component


@dataclass(frozen=True)
class Chained:
    """`param:target_type.(condition)`: the resource referred to fulfils `condition`."""

    param: str
    target_type: str
    condition: Condition

    @property
    def shape(self) -> Hashable:
        """What the SQL text depends on."""
        return ("chain", self.param, self.target_type, self.condition.shape)

    def flat(self) -> Iterator[Term]:
        """Every term within, in a fixed order."""
        yield from self.condition.flat()


@dataclass(frozen=True)
class Has:
    """`_has:resource_type:param:(condition)`: a resource that refers here by `param` fulfils `condition`."""

    resource_type: str
    param: str
    condition: Condition

    @property
    def shape(self) -> Hashable:
        """What the SQL text depends on."""
        return ("has", self.resource_type, self.param, self.condition.shape)

    def flat(self) -> Iterator[Term]:
        """Every term within, in a fixed order."""
        yield from self.condition.flat()


@dataclass(frozen=True)
class AnyOf:
    """One of the conditions at least (access alternatives, untyped chains, compartments)."""

    conditions: tuple[Condition, ...]

    @property
    def shape(self) -> Hashable:
        """What the SQL text depends on."""
        return ("any", tuple(c.shape for c in self.conditions))

    def flat(self) -> Iterator[Term]:
        """Every term within, in a fixed order."""
        for condition in self.conditions:
            yield from condition.flat()


@dataclass(frozen=True)
class AllOf:
    """All of the conditions; with none of them: everything."""

    conditions: tuple[Condition, ...]

    @property
    def shape(self) -> Hashable:
        """What the SQL text depends on."""
        return ("all", tuple(c.shape for c in self.conditions))

    def flat(self) -> Iterator[Term]:
        """Every term within, in a fixed order."""
        for condition in self.conditions:
            yield from condition.flat()


@dataclass(frozen=True)
class NotAbout:
    """No resource that `param` refers to fulfils `condition`, nor the resource itself if `param` is empty.

    It is asked of each row that was found, by keys: no index could ever find rows by it.
    """

    param: str
    target_type: str
    condition: Condition

    @property
    def shape(self) -> Hashable:
        """What the SQL text depends on."""
        return ("not about", self.param, self.target_type, self.condition.shape)

    def flat(self) -> Iterator[Term]:
        """Every term within, in a fixed order."""
        yield from self.condition.flat()


@dataclass(frozen=True)
class ReleasedTo:
    """The row isn't its author's alone, or `author` is who that is (None: nobody).

    Which rows are, their part says (`Part.author_only`).
    """

    author: Ref | None = None

    @property
    def shape(self) -> Hashable:
        """What the SQL text depends on."""
        return ("released to", self.author and self.author.shape)

    def flat(self) -> Iterator[Term]:
        """Every term within, in a fixed order."""
        if self.author is not None:
            yield self.author


Condition = Criterion | Chained | Has | AnyOf | AllOf | NotAbout | ReleasedTo


@dataclass(frozen=True)
class Include:
    """`_include`/`_revinclude` = source_type:param[:target_type]; param `*` = every reference."""

    source_type: str
    param: str
    target_type: str = ""
    reverse: bool = False
    iterate: bool = False

    @property
    def text(self) -> str:
        """As it is written in a query."""
        parts = (self.source_type, self.param, self.target_type)
        return ":".join(p for p in parts if p) if self.param != "*" or self.source_type else "*"


@dataclass(frozen=True)
class Sort:
    """One `_sort` key."""

    param: str
    descending: bool = False


@dataclass(frozen=True)
class SearchQuery:
    """A search of one type: what selects, what orders, what comes along."""

    resource_type: str
    where: tuple[Condition, ...] = ()
    sort: tuple[Sort, ...] = ()
    includes: tuple[Include, ...] = ()

    @cached_property
    def shape(self) -> Hashable:
        """What the SQL text depends on."""
        return (self.resource_type, tuple(c.shape for c in self.where), self.sort)

    def terms(self) -> list[Term]:
        """Every term, in a fixed order: a statement's slots refer to them by number."""
        return [term for condition in self.where for term in condition.flat()]

    def also(self, *conditions: Condition) -> SearchQuery:
        """This query, narrowed."""
        return replace(self, where=self.where + conditions)


@dataclass(frozen=True, eq=False)
class Access:
    """Who may see what: type → alternatives (OR) of conditions (AND). A type not named returns nothing.

    `everything` is the access of the server itself; it exists so that the gate is always asked.
    """

    alternatives: Mapping[str, tuple[AllOf, ...]] = field(default_factory=dict)
    everything: bool = False

    def conditions(self, resource_type: str) -> tuple[Condition, ...] | None:
        """What to add to a query of that type; None = nothing may be seen."""
        if self.everything:
            return ()
        alternatives = self.alternatives.get(resource_type)
        if not alternatives:
            return None
        if AllOf(()) in alternatives:
            return ()
        return alternatives[0].conditions if len(alternatives) == 1 else (AnyOf(alternatives),)

    def releases(self, resource_type: str) -> bool:
        """Whether rows of that type that are their author's alone are open like all others."""
        if self.everything:
            return True
        alternatives = self.alternatives.get(resource_type, ())
        return not any(isinstance(c, ReleasedTo) for a in alternatives for c in a.conditions)

    def opens(self, resource_type: str) -> bool:
        """Whether any resource of that type may be seen."""
        return self.everything or bool(self.alternatives.get(resource_type))

    @cached_property
    def shape(self) -> Hashable:
        """What the SQL text depends on: a number, the same for accesses of the same shape."""
        if self.everything:
            return None
        told = tuple((t, tuple(a.shape for a in found)) for t, found in sorted(self.alternatives.items()))
        return shape_number(told)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Every term, in a fixed order, behind those of the query."""
        return tuple(t for _, found in sorted(self.alternatives.items()) for a in found for t in a.flat())


@lru_cache(4096)
def shape_number(told: Hashable) -> int:
    """A number that stands for a shape as long as it is in use; a forgotten shape gets a new one."""
    return next(_numbers)


_numbers = count(1)
UNRESTRICTED = Access(everything=True)
