"""Values that SQL or a function makes of others: derived codes, all children in one, extensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import String, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mappers.sql import ALWAYS, NEVER, Alternative, Condition, all_of, any_of, negate, one_of
from mappers.terms import Term, Text, Token
from mappers.value import Column, Columns, DirtyRowError, Question, Read, Row, Value, no_value
from mappers.values.children import Children
from mappers.values.compounds import FirstOf
from mappers.values.concepts import ListCodings, begun
from mappers.values.conditions import When
from mappers.values.text import text_condition, text_reader


class Stated(Value):
    """A FHIR code that an SQL expression yields as such; it yields `codes` of `system` and nothing else."""

    takes = (Token,)
    fhir_type = "Code"

    def __init__(self, expression: Column, system: str, *codes: str) -> None:
        self.expression, self.system, self.codes = expression, system, codes

    def reader(self, columns: Columns) -> Read:
        place, codes = columns.at(self.expression), frozenset(self.codes)
        return lambda row: found if (found := row[place]) in codes else None

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Token)
        if (term.system or self.system) != self.system:
            return [NEVER]
        if term.code is None:
            return [ALWAYS]
        return [one_of(self.expression, [term.code]) if term.code in self.codes else NEVER]

    def present(self) -> Condition:
        return ALWAYS

    def sort_key(self) -> Column:
        return self.expression


class Reduced(Value):
    """What a function makes of the list of all children; searched by `at`, a value within each of them."""

    def __init__(
        self,
        children: Children,
        function: Callable[[list[Any]], Any],
        at: Value | None = None,
        there: Condition | None = None,
    ) -> None:
        self.children, self.function, self.at, self.there = children, function, at, there
        children.asked_again = True
        self.fhir_type = at.fhir_type if at else ""

    def unfold(self) -> Sequence[tuple[Value, Any]]:
        """A condition on `at` is a condition on a child row."""
        return [(self.at, self.children)] if self.at else []

    def reader(self, columns: Columns) -> Read:
        read, function = columns.reader(self.children), self.function
        return lambda row: function(found) if (found := read(row)) else None

    def present(self) -> Condition:
        return self.children.around(self.at.present()) if self.at else self.children.present()


class FirstThere(FirstOf):
    """The first value that is there counts, even where what is there says nothing (an empty list).

    `there` of a first one that is made of children says cheaply whether it has any.
    """

    def reader(self, columns: Columns) -> Read:
        read = super().reader(columns)
        return lambda row: read(row) or None

    def _absent(self, value: Value, q: Question) -> Condition:
        there: Condition | None = getattr(value, "there", None)
        return super()._absent(value, q) if there is None else negate(q.near(there))

    def present(self) -> Condition:
        first, *others = self.values
        there: Condition | None = getattr(first, "there", None)
        if there is None or not others:
            return super().present()
        return any_of(first.present(), all_of(negate(there), any_of(*(v.present() for v in others))))


class OneOrJoined(Reduced):
    """The concept of the only child that has one; of several, their texts in one, and no coding.

    `at` is a child's concept; `another`: there is another child with one; `texts`: what makes its text.
    """

    def __init__(
        self,
        children: Children,
        function: Callable[[list[Any]], Any],
        at: Value,
        another: Condition,
        texts: Sequence[Column],
    ) -> None:
        super().__init__(children, function, at)
        self.alone = When(~another, lambda columns: no_value, at)
        self.whole = WholeText(children, [func.nullif(func.trim(t), "") for t in texts])

    def unfold(self) -> Sequence[tuple[Value, Any]]:
        """A code is that of an only child; the text is that of all of them."""
        return [(self.alone, self.children), (self.whole, None)]

    def present(self) -> Condition:
        return self.whole.present()


class joined_in_order(FunctionElement[Any]):
    """The texts of all rows in one, `, ` between them, ordered by columns."""

    type = String()
    inherit_cache = True


@compiles(joined_in_order)
def _joined_in_order(element: joined_in_order, compiler: SQLCompiler, **kw: Any) -> str:
    text, *orders = (compiler.process(c, **kw) for c in element.clauses)
    order = ", ".join(orders)
    whole = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
    return f"GROUP_CONCAT({text}, ', ') OVER (ORDER BY {order} {whole})"


@compiles(joined_in_order, "mysql")
@compiles(joined_in_order, "mariadb")
def _joined_in_order_mysql(element: joined_in_order, compiler: SQLCompiler, **kw: Any) -> str:
    text, *orders = (compiler.process(c, **kw) for c in element.clauses)
    return f"GROUP_CONCAT({text} ORDER BY {', '.join(orders)} SEPARATOR ', ')"


class WholeText(Value):
    """The texts of all children in one; no index serves."""

    folds: frozenset[str] | None = frozenset()

    def __init__(self, children: Children, texts: Sequence[Column]) -> None:
        self.children = children
        self.each = func.coalesce(*texts)
        found = select(joined_in_order(self.each, children.order[0])).select_from(children.rows())
        found = found.where(children.link == children.own, children.where).limit(1)
        self.text = found.correlate(children.own.table).scalar_subquery()

    def reader(self, columns: Columns) -> Read:
        return text_reader(self.text, columns)

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        return [text_condition(self.text, term, q)]

    def present(self) -> Condition:
        return self.children.around(self.each.is_not(None))


class Extended(Value):
    """An object with an extension; all else is the object's own."""

    def __init__(self, value: Value, extension: Value) -> None:
        self.value, self.extension = value, extension
        self.takes, self.fhir_type = value.takes, value.fhir_type
        self.joins = (*value.joins, *extension.joins)

    def reader(self, columns: Columns) -> Read:
        read, extension = self.value.reader(columns), self.extension.reader(columns)

        def both(row: Row) -> Any:
            found, more = read(row), extension(row)
            return {"extension": [more], **found} if found and more else found

        return both

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return self.value.matches(term, q)

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        return self.value.matches_text(term, q)

    def present(self) -> Condition:
        return self.value.present()

    def sort_key(self) -> Column | None:
        return self.value.sort_key()

    def sub(self, name: str) -> Value | None:
        return self.extension if name == "extension" else self.value.sub(name)


class Demanded(Value):
    """A value without which a row can't be shown at all, since no valid resource could say so."""

    def __init__(self, value: Value, what: str) -> None:
        self.value, self.what, self.joins = value, what, value.joins
        self.takes, self.fhir_type = value.takes, value.fhir_type

    def reader(self, columns: Columns) -> Read:
        read, what = self.value.reader(columns), self.what

        def demand(row: Row) -> Any:
            found = read(row)
            if found is None:
                raise DirtyRowError(f"it has no {what}")
            return found

        return demand

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return self.value.matches(term, q)

    def present(self) -> Condition:
        return self.value.present()

    def sort_key(self) -> Column | None:
        return self.value.sort_key()


class ListConcepts(ListCodings):
    """The codes of a list column as concepts of their own: several diagnoses, not one under several codes."""

    fhir_type = "CodeableConcept"

    def reader(self, columns: Columns) -> Read:
        read = super().reader(columns)
        return lambda row: [{"coding": [c], "text": c["code"]} for c in read(row) or ()] or None

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Text)
        kinds = self.kinds(None)
        return [q.near(self.holds(q.bind(term, lambda t: begun(kinds, t))))]
