"""A column as the database has it: whether it can hold sealed values, and the DDL that it lacks for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, String, inspect, text
from sqlalchemy.dialects import mysql

from fhir_facade.settings import SettingFault
from mappers.keyring import sealed_length
from mappers.resealing import Target
from mappers.sealed import BLIND

#: bytes of a character in utf8mb4, at most
WIDEST = 4
#: characters of a VARCHAR above which a TEXT is the better column
LONGEST = 4000
BLIND_LENGTH = 32


@dataclass(frozen=True)
class Stored:
    """A table's column, its key, and what of its other columns stands beside it."""

    table: str
    column: dict[str, Any]
    key: tuple[str, ...]
    names: frozenset[str]
    indexes: tuple[tuple[str, ...], ...]
    references: tuple[tuple[str, ...], ...]
    touched: tuple[str, ...]
    capacity: int | None
    needed: int

    @property
    def name(self) -> str:
        """The column's name."""
        return str(self.column["name"])

    @property
    def blind(self) -> str:
        """The name of its blind index."""
        return self.name + BLIND

    @property
    def target(self) -> Target:
        """What is sealed."""
        return Target(self.table, self.name, self.key, self.blind in self.names, self.touched)

    def obstacles(self) -> Iterator[str]:
        """In words, why it can't be sealed here whatever its length."""
        if not self.key:
            yield f"{self.table} has no primary key"
        if not isinstance(self.column["type"], String):
            yield f"{self.name} is no text"
        if self.column.get("computed"):
            yield f"{self.name} is computed"
        if self.name in self.key or any(self.name in columns for columns in self.references):
            yield f"{self.name} is a key"
        own = (self.clear_index, self.blind_index)
        for name, *columns in self.indexes:
            if self.name in columns and name not in own:
                yield f"{self.name} is in the index {name}"

    @property
    def blind_index(self) -> str:
        """The index on the blind texts."""
        return f"fhir_sealed_{self.table}_{self.name}"[:64]

    @property
    def clear_index(self) -> str:
        """The index that finds what stands in the column in clear."""
        return f"fhir_clear_{self.table}_{self.name}"[:64]

    @property
    def is_short(self) -> bool:
        """Whether ciphertext of what is in it doesn't fit."""
        return self.capacity is not None and self.needed > self.capacity


def stored(connection: Connection, table: str, column: str) -> Stored:
    """The column as it is; raises SettingFault where there is none."""
    found = inspect(connection)
    if not found.has_table(table):
        raise SettingFault(f"{table}: there is no such table")
    columns = {c["name"]: c for c in found.get_columns(table)}
    if column not in columns:
        raise SettingFault(f"{table}.{column}: there is no such column")
    uniques = [(u["name"] or "?", *u["column_names"]) for u in found.get_unique_constraints(table)]
    indexes = [(i["name"] or "?", *(c or "" for c in i["column_names"])) for i in found.get_indexes(table)]
    return Stored(
        table,
        dict(columns[column]),
        tuple(found.get_pk_constraint(table)["constrained_columns"]),
        frozenset(columns),
        tuple(dict.fromkeys((*uniques, *indexes))),
        tuple(tuple(f["constrained_columns"]) for f in found.get_foreign_keys(table)),
        tuple(_touched(connection, table)),
        _capacity(connection, columns[column]["type"]),
        sealed_length(_longest(connection, table, column)),
    )


def _touched(connection: Connection, table: str) -> Iterator[str]:
    """Columns that every UPDATE sets to the current time."""
    if connection.dialect.name == "sqlite":
        return
    rows = connection.execute(
        text(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() "
            "AND TABLE_NAME = :table AND EXTRA LIKE '%on update%'"
        ),
        {"table": table},
    )
    yield from (str(row[0]) for row in rows)


def _capacity(connection: Connection, kind: Any) -> int | None:
    """The characters (of ASCII) that a column takes; None where there is no limit that matters."""
    if connection.dialect.name == "sqlite":
        return None
    sizes = {mysql.TINYTEXT: 255, mysql.TEXT: 65535}
    return getattr(kind, "length", None) or sizes.get(type(kind))


def _longest(connection: Connection, table: str, column: str) -> int:
    """The bytes of the longest value in UTF-8."""
    quote = connection.dialect.identifier_preparer.quote
    name = quote(column)
    if connection.dialect.name == "sqlite":
        counted = f"LENGTH(CAST({name} AS BLOB))"
    else:
        counted = f"LENGTH(CONVERT({name} USING utf8mb4))"
    sql = f"SELECT COALESCE(MAX({counted}), 0) FROM {quote(table)}"  # noqa: S608 - quoted names
    return int(connection.exec_driver_sql(sql).scalar_one())


def ddl(connection: Connection, found: Stored) -> list[str]:
    """The statements that the column needs before it is sealed; none where it has everything."""
    quote = connection.dialect.identifier_preparer.quote
    table, name, blind = quote(found.table), quote(found.name), quote(found.blind)
    made = []
    if found.is_short:
        made.append(f"ALTER TABLE {table} MODIFY COLUMN {name} {_wider(connection, found)}")
    if found.blind not in found.names:
        made.append(f"ALTER TABLE {table} ADD COLUMN {blind} VARCHAR({BLIND_LENGTH})")
    held = {name for name, *_ in found.indexes}
    if found.blind_index not in held:
        made.append(f"CREATE INDEX {quote(found.blind_index)} ON {table} ({blind})")
    if found.clear_index not in held:
        part = "" if connection.dialect.name == "sqlite" else f"({BLIND_LENGTH})"
        made.append(f"CREATE INDEX {quote(found.clear_index)} ON {table} ({name}{part})")
    return made


def _wider(connection: Connection, found: Stored) -> str:
    """The column's definition with room for ciphertext of the longest text that it takes now."""
    kind = found.column["type"]
    length = max(sealed_length((getattr(kind, "length", None) or 65535) * WIDEST), found.needed)
    charset, collation = getattr(kind, "charset", None), getattr(kind, "collation", None)
    wider = mysql.VARCHAR if length <= LONGEST else mysql.MEDIUMTEXT
    size = {"length": length} if length <= LONGEST else {}
    told = wider(charset=charset, collation=collation, **size).compile(dialect=connection.dialect)
    nullable = "NULL" if found.column["nullable"] else "NOT NULL"
    default = found.column.get("default")
    stated = f" DEFAULT {default}" if default is not None and wider is mysql.VARCHAR else ""
    comment = found.column.get("comment")
    noted = f" COMMENT '{comment.replace(chr(39), chr(39) * 2)}'" if comment else ""
    return f"{told} {nullable}{stated}{noted}"
