"""JSON documents in a column: one value of them as an SQL expression that text and number kinds can read.

What is no JSON is NULL, never an error: what is read is what is searched.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, NullType

from mappers.value import Column


def json_at(column: Column, path: str) -> Column:
    """The value at a path such as `location.x`, as text or number; NULL where there is none."""
    return json_value(column, literal_column(f"'$.{path}'"))


class json_value(FunctionElement[Any]):
    """The value at a JSON path of a column, true and false as 1/0 or words."""

    type = NullType()
    inherit_cache = True


@compiles(json_value)
def _value(element: json_value, compiler: SQLCompiler, **kw: Any) -> str:
    column, path = (compiler.process(c, **kw) for c in element.clauses)
    return f"CASE WHEN JSON_VALID({column}) THEN JSON_EXTRACT({column}, {path}) END"


@compiles(json_value, "mysql")
@compiles(json_value, "mariadb")
def _value_mysql(element: json_value, compiler: SQLCompiler, **kw: Any) -> str:
    column, path = (compiler.process(c, **kw) for c in element.clauses)
    return f"CASE WHEN JSON_VALID({column}) THEN JSON_UNQUOTE(JSON_EXTRACT({column}, {path})) END"


class is_json_object(FunctionElement[bool]):
    """Whether a column holds a JSON object, neither broken nor null nor a list."""

    type = Boolean()
    inherit_cache = True


@compiles(is_json_object)
@compiles(is_json_object, "mysql")
@compiles(is_json_object, "mariadb")
def _is_object(element: is_json_object, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.clauses, **kw)
    return f"(CASE WHEN JSON_VALID({column}) THEN LOWER(JSON_TYPE({column})) = 'object' ELSE 0 END)"
