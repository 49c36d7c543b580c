"""Compounds: values made of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

from mappers.assemble import assembler
from mappers.cells import cells_of, picked, told_at
from mappers.mapping import Element
from mappers.spelled import Spelled, first_of, spelled, spelling
from mappers.sql import NEVER, Alternative, Condition, all_of, any_of, negate, plain
from mappers.terms import Term
from mappers.value import (
    Cells,
    Column,
    Columns,
    Question,
    Read,
    Row,
    Value,
    Writing,
    folds_of,
    no_value,
    systems_of,
    together,
)
from mappers.values.codes import Given
from mappers.values.conditions import When
from mappers.values.fixed import Fixed


class _Alternatives(Value):
    """Values of which the first that is there counts."""

    def __init__(self, *values: Value) -> None:
        self.values = values
        self.takes = tuple({t: None for v in values for t in v.takes})
        self.folds, self.of_systems = folds_of(values), systems_of(values)
        self.joins = tuple(j for v in values for j in v.joins)
        self.fhir_type = values[0].fhir_type if values else ""

    def _each(self, term: Term, q: Question, ask: Callable[[Value], list[Alternative]]) -> list[Alternative]:
        """Each value's conditions, guarded by the absence of those before it."""
        found: list[Alternative] = []
        absent: list[Condition] = []
        for value in self.values:
            if isinstance(term, value.takes):
                found += [all_of(plain(a), *absent) if absent else a for a in ask(value)]
            absent.append(self._absent(value, q))
        return found or [NEVER]

    def _absent(self, value: Value, q: Question) -> Condition:
        return negate(q.near(value.present()))

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return self._each(term, q, lambda v: v.matches(term, q))

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        found: list[Alternative] = []
        absent: list[Condition] = []
        for value in self.values:
            found += [all_of(plain(a), *absent) if absent else a for a in value.matches_text(term, q)]
            absent.append(self._absent(value, q))
        return found

    def present(self) -> Condition:
        return any_of(*(v.present() for v in self.values))

    def sort_key(self) -> Column | None:
        return self.values[0].sort_key() if self.values else None

    def sub(self, name: str) -> Value | None:
        return next((found for v in self.values if (found := v.sub(name)) is not None), None)


class FirstOf(_Alternatives):
    """Ours, else OpenEMR's: the first value that is there."""

    def reader(self, columns: Columns) -> Read:
        return first_of([v.reader(columns) for v in self.values])

    def written(self, said: Any, w: Writing) -> Cells | None:
        return self.values[0].written(said, w)


class Choice(_Alternatives):
    """A `[x]` element: the first value that is there names the type. Yields (type, value)."""

    def sub(self, name: str) -> Value | None:
        return _given(self) if name == "exists()" else super().sub(name)

    def of_types(self, types: frozenset[str]) -> Value:
        """What a parameter sees of it whose expression names types; itself where it has no others."""
        return self if all(v.fhir_type in types for v in self.values) else _of_types(self, types)

    def reader(self, columns: Columns) -> Read:
        return first_of([_typed(v.fhir_type, spelled(v.reader(columns))) for v in self.values])

    def written(self, said: Any, w: Writing) -> Cells | None:
        """`said` is (type, value); of the alternatives of that type the first that can hold it does."""
        blank = together(v.written(None, w) for v in self.values)
        if said is None:
            return blank
        fitting = (v.written(said[1], w) for v in self.values if v.fhir_type == said[0])
        found = next((cells for cells in fitting if cells is not None), None)
        return None if found is None else together((found, blank))


def _typed(fhir_type: str, read: Spelled) -> Spelled:
    """The type and the value, where there is one."""
    return Spelled([*read.lines, f"if value is not None: value = ({fhir_type!r}, value)"], read.used)


@cache
def _given(choice: Choice) -> Given:
    return Given(choice)


@cache
def _of_types(choice: Choice, types: frozenset[str]) -> OfTypes:
    return OfTypes(choice, types)


class OfTypes(_Alternatives):
    """Those alternatives of a choice that have certain types, each only where none before it is there."""

    def __init__(self, choice: Choice, types: frozenset[str]) -> None:
        kept = [v for v in choice.values if v.fhir_type in types]
        super().__init__(*kept)
        self.all = choice.values

    def reader(self, columns: Columns) -> Read:
        raise NotImplementedError("a choice is read as a whole")

    def _guarded(self, value: Value) -> list[Condition]:
        before = self.all[: self.all.index(value)]
        return [negate(v.present()) for v in before]

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        found = [(v, a) for v in self.values if isinstance(term, v.takes) for a in v.matches(term, q)]
        return [all_of(plain(a), *map(q.near, self._guarded(v))) for v, a in found] or [NEVER]

    def present(self) -> Condition:
        return any_of(*(all_of(*self._guarded(v), v.present()) for v in self.values))


class Backbone(Value):
    """An object of elements; absent when none of them is there.

    `needs`: names without which the object says nothing and is left out (`value` of a component).
    """

    folds: frozenset[str] | None = frozenset()

    def __init__(self, *elements: Element, needs: Sequence[str] = ()) -> None:
        self.elements, self.needs = elements, tuple(needs)
        self.joins = tuple(j for e in elements for j in e.value.joins)

    def unfold(self) -> Sequence[tuple[Sequence[Element], Any]]:
        """What is inside, for paths that go on; the container itself groups composites."""
        return [(self._searched, self)]

    @cached_property
    def _searched(self) -> tuple[Element, ...]:
        """The elements as conditions see them: a constant is there only where the object is."""
        there = self.present(), lambda columns: no_value
        return tuple(
            replace(e, value=When(*there, e.value)) if self.needs and isinstance(e.value, Fixed) else e
            for e in self.elements
        )

    def reader(self, columns: Columns) -> Read:
        return columns.remembering_masters(self._reader)

    def _reader(self, columns: Columns) -> Read:
        build, needs = assembler(self.elements, columns), self.needs
        if not needs:
            return spelling("value = $build(row, {}) or None", build=build)

        def read(row: Row) -> Any:
            found = build(row, {})
            return found if all(any(k.startswith(n) for k in found) for n in needs) else None

        return read

    def present(self) -> Condition:
        if self.needs:
            needed = [e for e in self.elements if e.segments[0] in self.needs]
            return all_of(*(e.value.present() for e in needed))
        return any_of(*(e.value.present() for e in self.elements))

    def written(self, said: Any, w: Writing) -> Cells | None:
        """Its columns hold an object that says of itself what it is, or nothing: no other kind of person or
        thing.
        """
        if said is not None and (not isinstance(said, dict) or self._is_other(said)):
            return None
        return cells_of(self.elements, said, w)

    def _is_other(self, said: dict[str, Any]) -> bool:
        fixed = [(e, e.writer) for e in self.elements if isinstance(e.writer, Fixed)]
        told = ((value, told_at(said, e.path)) for e, value in fixed)
        return any(found is not None and not value.is_said_by(found) for value, found in told)


class Several(Value):
    """Several values in one `name[]` element; each one that is there becomes an item."""

    def __init__(self, *values: Value) -> None:
        self.values = values
        self.takes = tuple({t: None for v in values for t in v.takes})
        self.joins = tuple(j for v in values for j in v.joins)

    def unfold(self) -> Sequence[tuple[Value, Any]]:
        """Each value is searched by itself."""
        return [(v, None) for v in self.values]

    def reader(self, columns: Columns) -> Read:
        reads = [v.reader(columns) for v in self.values]

        def read(row: Row) -> Any:
            return [found for each in reads if (found := each(row)) is not None] or None

        return read

    def present(self) -> Condition:
        return any_of(*(v.present() for v in self.values))

    def written(self, said: Any, w: Writing) -> Cells | None:
        items = said if isinstance(said, list) else [said]
        return picked(self.values, [i for i in items if i is not None], w)


class Distinct(Several):
    """Several values, of which equal ones are said once."""

    def reader(self, columns: Columns) -> Read:
        return columns.remembering(self._reader)

    def _reader(self, columns: Columns) -> Read:
        read = super().reader(columns)

        def distinct(row: Row) -> Any:
            found = read(row) or []
            return [v for i, v in enumerate(found) if v not in found[:i]] or None

        return distinct

    def written(self, said: Any, w: Writing) -> Cells | None:
        """The first alone: what else the columns mean, an item more of a list doesn't say."""
        items = said if isinstance(said, list) else [said]
        return picked(self.values[:1], [i for i in items if i is not None][:1], w)


class Merged(Several):
    """Several contact points, of which those that say the same (system and value) become one."""

    def reader(self, columns: Columns) -> Read:
        read = super().reader(columns)

        def merged(row: Row) -> Any:
            found: dict[tuple[Any, Any], dict[str, Any]] = {}
            for point in read(row) or ():
                same = (point.get("system"), point.get("value"))
                found[same] = {**point, **found.get(same, {})}
            return list(found.values()) or None

        return merged


class Sensitive(Value):
    """A value that leaves only where the site permits it, and is searched by POST only (never in a URL)."""

    def __init__(self, permission: str, value: Value) -> None:
        self.permission, self.value = permission, value
        self.takes, self.joins, self.folds = value.takes, value.joins, value.folds
        self.system = getattr(value, "system", None)

    def reader(self, columns: Columns) -> Read:
        if self.permission in columns.site.permits:
            return self.value.reader(columns)
        return lambda row: None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return self.value.matches(term, q) if q.sensitive() else [NEVER]

    def present(self) -> Condition:
        return self.value.present()

    def written(self, said: Any, w: Writing) -> Cells | None:
        """Whoever may not see it can't change it, nor take it away by not telling it."""
        if self.permission not in w.site.permits:
            return {} if said is None else None
        return self.value.written(said, w)


class Derived(Value):
    """A value computed from another by a plain function (for reading only)."""

    def __init__(self, value: Value, function: Callable[[Any], Any], fhir_type: str = "") -> None:
        self.value, self.function, self.fhir_type, self.joins = value, function, fhir_type, value.joins

    def reader(self, columns: Columns) -> Read:
        read, function = self.value.reader(columns), self.function
        return lambda row: function(found) if (found := read(row)) is not None else None

    def present(self) -> Condition:
        return self.value.present()
