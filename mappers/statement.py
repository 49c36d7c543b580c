"""A compiled statement: SQL text of one shape, and what fills its slots each time it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, ClauseElement, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.types import NullType

from mappers.terms import Term

Fill = Callable[[Any], Any]


@dataclass(frozen=True)
class Slot:
    """One parameter: filled from a term of the query, or from a named argument (cursor, limit, keys)."""

    name: str
    term: int | None = None
    fill: Fill | None = None


class Slots:
    """Makes bound parameters while a statement is built."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._index = {id(term): i for i, term in enumerate(terms)}
        self.made: dict[str, Slot] = {}

    def of_term(self, term: Term, fill: Fill) -> BindParameter[Any]:
        """A parameter that is `fill(the term)` of whichever query of this shape runs."""
        name = f"t{len(self.made)}"
        self.made[name] = Slot(name, self._index[id(term)], fill)
        return bindparam(name, None, type_=NullType())

    def named(self, name: str) -> BindParameter[Any]:
        """A parameter that the caller gives by name when the statement runs."""
        self.made.setdefault(name, Slot(name))
        return bindparam(name, None, type_=NullType())


@dataclass(frozen=True)
class Statement:
    """SQL text with positional parameters."""

    sql: str
    slots: tuple[Slot | Any, ...]

    def parameters(self, terms: Sequence[Term], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of one run, in the order of the text's placeholders; each slot is filled once."""
        filled = {name: _value(slot, terms, named) for name, slot in self._by_name.items()}
        return tuple([filled[s.name] if type(s) is Slot else s for s in self.slots])

    @cached_property
    def _by_name(self) -> dict[str, Slot]:
        return {s.name: s for s in self.slots if type(s) is Slot}


def _value(slot: Slot, terms: Sequence[Term], named: Mapping[str, Any]) -> Any:
    if slot.fill is None or slot.term is None:
        return named[slot.name]
    return slot.fill(terms[slot.term])


def compiled(
    statement: ClauseElement, dialect: Dialect, slots: Slots, schemas: Mapping[str, str]
) -> Statement:
    """The statement's text for a dialect; `schemas` renames schemas (openemr → the site's)."""
    renaming: dict[str, Any] = {"schema_translate_map": dict(schemas), "render_schema_translate": True}
    result: Any = statement.compile(
        dialect=dialect, compile_kwargs={"render_postcompile": True}, **(renaming if schemas else {})
    )
    constants = result.construct_params(_check=False)
    names = result.positiontup or ()
    return Statement(str(result), tuple(slots.made.get(n, constants[n]) for n in names))
