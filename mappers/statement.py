"""A compiled statement: SQL text of one shape, and what fills its slots each time it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, ClauseElement, ColumnElement, Select, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from mappers.prepared import Sql, marked
from mappers.terms import Term

Fill = Callable[[Any], Any]
#: what stands behind the placeholder of keys that are looked up first
EACH = "/*each*/"


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
        self.look_ups: dict[str, Select[Any]] = {}

    def of_term(self, term: Term, fill: Fill) -> BindParameter[Any]:
        """A parameter that is `fill(the term)` of whichever query of this shape runs."""
        name = f"t{len(self.made)}"
        self.made[name] = Slot(name, self._index[id(term)], fill)
        return bindparam(name, None, type_=NullType())

    def named(self, name: str) -> BindParameter[Any]:
        """A parameter that the caller gives by name when the statement runs."""
        self.made.setdefault(name, Slot(name))
        return bindparam(name, None, type_=NullType())

    def looked_up(self, keys: Select[Any]) -> ColumnElement[Any]:
        """The list of keys that a select finds before the statement runs, for `column IN …`."""
        name = f"looked_up{len(self.look_ups)}"
        self.look_ups[name] = keys
        return _each(self.named(name))


class _each(FunctionElement[Any]):
    """A placeholder that grows into as many as there are keys."""

    inherit_cache = True


@compiles(_each)
def _each_key(element: _each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)}{EACH})"


@dataclass(frozen=True)
class Statement:
    """SQL text with positional parameters; `look_ups`: what is asked first, by the slot its keys fill."""

    sql: str
    slots: tuple[Slot | Any, ...]
    look_ups: Mapping[str, Statement] = field(default_factory=dict)

    def parameters(self, terms: Sequence[Term], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of one run, in the order of the text's placeholders; each slot is filled once."""
        filled = {name: _value(slot, terms, named) for name, slot in self._by_name.items()}
        return tuple([filled[s.name] if type(s) is Slot else s for s in self.slots])

    @cached_property
    def _by_name(self) -> dict[str, Slot]:
        return {s.name: s for s in self.slots if type(s) is Slot}

    def with_keys(self, found: Mapping[str, Sequence[Any]]) -> Statement:
        """The statement with the keys found; with a sub-select for each look-up of which none are given."""
        texts, slots = list[str](), list[Any]()
        mark = "?" if f"?{EACH}" in self.sql else "%s"
        for slot in self.slots:
            look_up = self.look_ups.get(slot.name) if type(slot) is Slot else None
            if look_up is None:
                slots.append(slot)
                continue
            text, filled = _in_place(look_up, found.get(slot.name), mark)
            texts.append(text)
            slots += filled
        sql = Sql.of(self.sql) if not isinstance(self.sql, Sql) else self.sql
        return Statement(sql.changed(lambda told: _put(told, mark, texts)), tuple(slots))


def _put(sql: str, mark: str, texts: Sequence[str]) -> str:
    """The statement's text with each of the texts in the place of a placeholder that grows."""
    first, *others = sql.split(mark + EACH)
    return first + "".join(text + piece for text, piece in zip(texts, others, strict=True))


def _in_place(look_up: Statement, keys: Sequence[Any] | None, mark: str) -> tuple[str, Sequence[Any]]:
    """What stands between the parentheses of IN, and fills its slots; for no keys NULL: it equals nothing."""
    if keys is None:
        return look_up.sql, look_up.slots
    return ", ".join([mark] * max(len(keys), 1)), keys or (None,)


def _value(slot: Slot, terms: Sequence[Term], named: Mapping[str, Any]) -> Any:
    if slot.fill is None or slot.term is None:
        return named[slot.name]
    return slot.fill(terms[slot.term])


def compiled(
    statement: ClauseElement, dialect: Dialect, slots: Slots, schemas: Mapping[str, str]
) -> Statement:
    """The statement's text for a dialect; `schemas` renames schemas (openemr → the site's)."""
    renaming: dict[str, Any] = {"schema_translate_map": dict(schemas), "render_schema_translate": True}
    result: Any = marked(statement, dialect).compile(
        dialect=dialect, compile_kwargs={"render_postcompile": True}, **(renaming if schemas else {})
    )
    constants = result.construct_params(_check=False)
    names = result.positiontup or ()
    filled = tuple(slots.made.get(n, constants[n]) for n in names)
    first = {n: compiled(slots.look_ups[n], dialect, slots, schemas) for n in names if n in slots.look_ups}
    return Statement(Sql.of(str(result)), filled, first)
