"""From typed conditions to SQL, by parameter name: the conditions of one part, and the keys that fulfil them.

A chain is a semi-join onto the keys of the parts it leads to. Every sub-select passes the access gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, case, func, literal_column, select

from mappers.composites import of_whole, within_elements
from mappers.from_clause import Compilation, Scope, leads
from mappers.mapping import Part, Place, ResourceMapping, places
from mappers.param_places import (
    children_around,
    containers_around,
    param_places,
)
from mappers.parse import SearchFault
from mappers.query import UNRESTRICTED, AnyOf, Chained, Condition, Criterion, Has, NotAbout, ReleasedTo
from mappers.sealed import SealedSearchError
from mappers.semi_joins import merged
from mappers.sql import (
    ALWAYS,
    NEVER,
    Alternative,
    KeySet,
    all_of,
    any_of,
    is_always,
    is_never,
    negate,
    one_of,
    plain,
    tables_of,
)
from mappers.sql import Condition as Sql
from mappers.stored.amended import amended_keys
from mappers.terms import Composite, Ref, Term
from mappers.value import Column
from mappers.values.children import Children
from mappers.values.references import ReferenceTo, Route


class PartScope(Scope):
    """The FROM of one part: conditions by parameter name."""

    def __init__(self, compilation: Compilation, mapping: ResourceMapping, part: Part) -> None:
        super().__init__(compilation, part.source.table, part.joins)
        self.mapping, self.part = mapping, part

    def condition(self, condition: Condition) -> Alternative:
        """One typed condition as SQL."""
        if isinstance(condition, Criterion):
            return self.criterion(condition)
        if isinstance(condition, Chained):
            return self.chained(condition)
        if isinstance(condition, Has):
            return self.has(condition)
        if isinstance(condition, NotAbout):
            return all_of(*self._not_about(condition))
        if isinstance(condition, ReleasedTo):
            return self._released_to(condition)
        found = [self.condition(c) for c in condition.conditions]
        return merged(found) if isinstance(condition, AnyOf) else all_of(*(plain(a) for a in found))

    def opened(self, condition: Condition) -> Alternative:
        """A condition of access as SQL: what opens a row (a care relation) is itself asked of all rows."""
        return PartScope(replace(self.c, access=UNRESTRICTED), self.mapping, self.part).condition(condition)

    def criterion(self, criterion: Criterion) -> Alternative:
        """One parameter's condition."""
        if criterion.param == "_id":
            return self._own_id(criterion)
        try:
            return self._asked(criterion)
        except SealedSearchError:
            name = f"{self.mapping.resource_type}.{criterion.param}"
            text = f"{name} is encrypted here: only whole values are found (of a string by :exact)"
            raise SearchFault("not-supported", criterion.param, text) from None

    def _asked(self, criterion: Criterion) -> Alternative:
        found = self._by_columns(criterion)
        amended = (self.part.name, criterion.param) in self.c.amended
        asked = self._or_as_sent(criterion, plain(found)) if amended else found
        whole = [all_of(*map(plain, map(self.criterion, each))) for each in of_whole(self, criterion)]
        return any_of(*whole, plain(asked)) if whole else asked

    def _or_as_sent(self, criterion: Criterion, by_columns: Sql) -> Sql:
        """The condition on a row's columns, or of one that is amended on what was sent of it."""
        beside = self.part.amended
        assert beside is not None
        amended = amended_keys(self.mapping, self.part, criterion.param).correlate(None)
        as_sent = plain(PartScope(self.c, self.mapping, beside)._by_columns(criterion))
        key = self.part.id.column
        return any_of(all_of(by_columns, key.not_in(amended)), key.in_(amended.where(as_sent)))

    def _by_columns(self, criterion: Criterion) -> Alternative:
        found = self._places(criterion.param)
        if criterion.missing is not None:
            present = any_of(*(self._wrapped(p, lambda s, p=p: [s.near(p.value.present())]) for p in found))  # type: ignore[misc]
            return negate(present) if criterion.missing else present
        alternatives = [a for term in criterion.terms for a in self._alternatives(criterion, found, term)]
        result = merged(alternatives)
        return negate(plain(result)) if criterion.modifier == "not" else result

    def _places(self, param: str) -> Sequence[Place]:
        return param_places(self.mapping, self.part, param)

    def _alternatives(self, criterion: Criterion, found: Sequence[Place], term: Term) -> list[Alternative]:
        if isinstance(term, Composite) and criterion.param not in self.part.indexed:
            return [self._wrapped(*each) for each in within_elements(self, criterion.param, term)]
        ask_text = criterion.modifier == "text"
        takers = [p for p in found if ask_text or isinstance(term, p.value.takes)]
        return [a for place in takers for a in self._ask(place, term, ask_text)]

    def _ask(self, place: Place, term: Term, text: bool) -> list[Alternative]:
        def ask(scope: Scope) -> list[Alternative]:
            return place.value.matches_text(term, scope) if text else place.value.matches(term, scope)

        return [self._wrapped(place, ask)] if containers_around(place) else ask(self)

    def _wrapped(self, place: Place, ask: Callable[[Scope], list[Alternative]]) -> Sql:
        """A condition inside child rows and objects, as a condition on this row."""
        scopes: list[Scope] = [self]
        scopes += [Scope(self.c, c.table, c.child_joins) for c in children_around(place)]
        condition = plain(merged(ask(scopes[-1])))
        for container in reversed(containers_around(place)):
            if isinstance(container, Children):
                scopes.pop()
                condition = NEVER if is_never(condition) else container.around(condition)
            else:
                condition = all_of(scopes[-1].near(container.present()), condition)
        return condition

    def _own_id(self, criterion: Criterion) -> Alternative:
        terms = [t for t in criterion.terms if isinstance(t, Ref) and t.part == self.part.name]
        found = one_of(self.part.id.column, [self.key(self.part, t) for t in terms])
        return negate(found) if criterion.modifier == "not" else found

    def _released_to(self, condition: ReleasedTo) -> Sql:
        """That a row isn't its author's alone, or is this author's; a row that names none is nobody's."""
        kept, author = self.part.author_only, condition.author
        if kept is None:
            return ALWAYS
        own = [plain(a) for a in kept.author.matches(author, self)] if author else []
        return any_of(negate(kept.condition), *own)

    # what is asked of found rows

    def _not_about(self, condition: NotAbout) -> Iterator[Sql]:
        by_row = replace(self.c, by_row=True)
        if not condition.param:
            yield negate(plain(PartScope(by_row, self.mapping, self.part).condition(condition.condition)))
            return
        if condition.target_type in self.part.untold:
            yield NEVER
            return
        yield from self._not_as_sent(condition)
        for place in self._reached(condition.param):
            if not isinstance(place.value, ReferenceTo) or children_around(place):
                yield NEVER  # nothing that can't be asked is taken for open
            elif place.value.resource_type == condition.target_type:
                for route in place.value.routes:
                    yield from _not_led(by_row, route, condition)

    def _not_as_sent(self, condition: NotAbout) -> Iterator[Sql]:
        """That what clients have sent of a row doesn't lead there either, whatever its columns tell."""
        if condition.param in self.part.indexed:
            yield negate(self._led_by_index(self.part, condition))
        if (beside := self.part.amended) and condition.param in beside.indexed:
            held, led = beside.id.column, self._led_by_index(beside, condition)
            sent = select(held).where(beside.source.where, held.is_not(None), led)
            yield self.part.id.column.not_in(sent.correlate(None))

    def _led_by_index(self, part: Part, condition: NotAbout) -> Sql:
        asked = PartScope(replace(self.c, access=UNRESTRICTED), self.mapping, part)
        chained = Chained(condition.param, condition.target_type, condition.condition)
        return plain(asked.chained(chained))

    def _reached(self, param: str) -> Iterator[Place]:
        """Every place that a parameter's paths lead to, whatever is there."""
        declared = self.mapping.params.get(param)
        for path in declared.paths if declared else ():
            yield from places(self.part.elements, path)

    # chains

    def chained(self, chained: Chained) -> Alternative:
        """The resource referred to fulfils a condition."""
        found: list[Alternative] = []
        for place in self._places(chained.param):
            reference = place.value
            if isinstance(reference, ReferenceTo) and reference.resource_type == chained.target_type:
                found += self._chain(place, reference, chained)
        return merged(found)

    def _chain(self, place: Place, reference: ReferenceTo, chained: Chained) -> list[Alternative]:
        sets: dict[int, KeySet] = {}
        target = self.c.mappings.get(chained.target_type)
        for route in reference.routes:
            for part in target.parts if target else ():
                if target and leads(route, part):
                    column = part.source.table.c[route.target] if route.target else part.id.column
                    keys = selected_keys(self.c, target, part, chained.condition, column)
                    if keys is not None:
                        held = sets.get(id(route.own), KeySet(route.own, ()))
                        sets[id(route.own)] = KeySet(route.own, (*held.selects, keys))
        if not containers_around(place):
            return [self._near_keys(s) for s in sets.values()]
        return [self._wrapped(place, lambda scope: list(sets.values()))]

    def _near_keys(self, keys: KeySet) -> Alternative:
        return keys if tables_of(keys.own) == {self.base} else self.near(keys.condition())

    def has(self, has: Has) -> Alternative:
        """A resource that refers here fulfils a condition."""
        source = self.c.mappings.get(has.resource_type)
        selects = [
            s
            for part in (source.parts if source else ())
            if source
            for s in self._referring(source, part, has)
        ]
        return KeySet(self.part.id.column, tuple(selects)) if selects else NEVER

    def _referring(self, source: ResourceMapping, part: Part, has: Has) -> Iterator[Select[Any]]:
        for place in param_places(source, part, has.param):
            reference = place.value
            if isinstance(reference, ReferenceTo) and reference.resource_type == self.mapping.resource_type:
                for route in reference.routes:
                    if leads(route, self.part):
                        yield from self._own_keys(source, part, has, place, route)

    def _own_keys(
        self, source: ResourceMapping, part: Part, has: Has, place: Place, route: Route
    ) -> Iterator[Select[Any]]:
        keys = referring_keys(self.c, source, part, has.condition, place, route.own)
        if keys is None:
            return
        if route.target is None:
            yield keys
        else:
            me = self.part.source.table.alias()
            yield select(me.c[self.part.id.column.name]).where(me.c[route.target].in_(keys.correlate(None)))


def _not_led(c: Compilation, route: Route, condition: NotAbout) -> Iterator[Sql]:
    """That a route leads to nothing that fulfils a condition, nor to what isn't served."""
    target = c.mappings[condition.target_type]
    parts = [part for part in target.parts if leads(route, part)]
    if not parts:
        yield route.id.column.is_(None)
    for part in parts:
        yield from _not_found(PartScope(c, target, part), route.id.column, condition.condition)


def _not_found(target: PartScope, own: Column, condition: Condition) -> Iterator[Sql]:
    """That the target's row with that key doesn't fulfil a condition.

    An aggregate keeps servers from turning it into a list of all such rows, which they would make each time.
    """
    found = visible(target, condition)
    if found is None:
        return
    key, conditions = target.part.id.column, [plain(a) for a in found]
    one: Select[Any] = select(func.max(literal_column("1"))).select_from(target.source(key, *conditions))
    looked_up = one.where(key == own, *conditions).correlate(*tables_of(own)).scalar_subquery()
    yield func.coalesce(case((own.is_(None), literal_column("0")), else_=looked_up), literal_column("0")) == (
        literal_column("0")
    )


def gate(scope: PartScope) -> list[Alternative] | None:
    """What every select of a type must fulfil; None: nothing of it may be seen. The compiler's one gate."""
    conditions = scope.c.access.conditions(scope.mapping.resource_type)
    if conditions is None:
        return None
    return [scope.opened(c) for c in conditions]


def visible(scope: PartScope, *conditions: Condition) -> list[Alternative] | None:
    """Everything a row of the part must fulfil to be found; None if none can."""
    gated = gate(scope)
    if gated is None:
        return None
    found = [scope.condition(c) for c in conditions]
    everything = [scope.part.source.where, scope.part.where, *gated, *found]
    kept = [a for a in everything if not is_always(a)]
    return None if any(is_never(a) for a in kept) else kept


def selected_keys(
    c: Compilation, mapping: ResourceMapping, part: Part, condition: Condition, column: Column
) -> Select[Any] | None:
    """The values of a column of the part's rows that fulfil a condition; None if none can."""
    scope = PartScope(c, mapping, part)
    found = visible(scope, condition)
    if found is None:
        return None
    conditions = [plain(a) for a in found]
    return select(column).select_from(scope.source(column, *conditions)).where(*conditions)


def referring_keys(
    c: Compilation, mapping: ResourceMapping, part: Part, condition: Condition, place: Place, own: Column
) -> Select[Any] | None:
    """The values of a reference's own column, of rows that fulfil a condition."""
    around = children_around(place)
    if not around:
        return selected_keys(c, mapping, part, condition, own)
    parents = selected_keys(c, mapping, part, condition, around[0].own)
    if parents is None or len(around) > 1:
        return None
    children = around[0]
    linked = children.link.in_(parents.correlate(None))
    return select(own).select_from(children.rows()).where(all_of(children.where, linked))
