"""Column types that pass the database's own text through and never raise.

Drivers and SQLAlchemy's own types refuse a zero date or a broken JSON document with an exception that takes
the whole page with it. These types bind and return what they are given: dates as text
('YYYY-MM-DD HH:MM:SS.ffffff', zero dates included), decimals as the driver's text or number. The value kinds
decide what is fit to be shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, SmallInteger, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

MYSQL = ("mysql", "mariadb")


class PassThrough(UserDefinedType[Any]):
    """A type that names itself in DDL and leaves every value alone."""

    cache_ok = True

    def __init_subclass__(cls) -> None:
        # SQLAlchemy asks each class itself and compiles every statement anew for one that doesn't say so.
        cls.cache_ok = True

    def mysql_spec(self) -> str:
        """The column's type in MySQL and MariaDB."""
        raise NotImplementedError

    def sqlite_spec(self) -> str:
        """The column's type in SQLite (the same words unless they mean something else there)."""
        return self.mysql_spec()


@compiles(PassThrough, *MYSQL)
def _mysql_spec(type_: PassThrough, compiler: Any, **kw: Any) -> str:
    return type_.mysql_spec()


@compiles(PassThrough)
def _other_spec(type_: PassThrough, compiler: Any, **kw: Any) -> str:
    return type_.sqlite_spec()


class TemporalText(PassThrough):
    """Dates and times as text, also where a driver was not told to leave them as text."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """What turns a driver's date, datetime or timedelta into the database's text."""
        return temporal_text


class SiteDateTime(TemporalText):
    """DATETIME without zone, in the site's local time; `precision` is the number of fractional digits."""

    def __init__(self, precision: int = 0) -> None:
        self.precision = precision

    def mysql_spec(self) -> str:
        """DATETIME or DATETIME(6)."""
        return f"DATETIME({self.precision})" if self.precision else "DATETIME"

    def sqlite_spec(self) -> str:
        """DATETIME: SQLite keeps the text as it was bound."""
        return "DATETIME"


class UtcTimestamp(TemporalText):
    """TIMESTAMP: UTC inside, shown in the session's zone: the site's, so it reads as local time."""

    def mysql_spec(self) -> str:
        """TIMESTAMP."""
        return "TIMESTAMP"


class SiteDate(TemporalText):
    """DATE as 'YYYY-MM-DD', '0000-00-00' included."""

    def mysql_spec(self) -> str:
        """DATE."""
        return "DATE"


class SiteTime(TemporalText):
    """TIME as 'HH:MM:SS'."""

    def mysql_spec(self) -> str:
        """TIME."""
        return "TIME"


class Uuid16(PassThrough):
    """A UUID as its 16 bytes in text order."""

    def mysql_spec(self) -> str:
        """BINARY(16)."""
        return "BINARY(16)"

    def sqlite_spec(self) -> str:
        """BLOB."""
        return "BLOB"


class JsonText(PassThrough):
    """A JSON document as its text, both ways."""

    def mysql_spec(self) -> str:
        """JSON."""
        return "JSON"

    def sqlite_spec(self) -> str:
        """TEXT."""
        return "TEXT"


class DecimalText(PassThrough):
    """DECIMAL(p,s): text or number, as bound and as the driver gives it."""

    def __init__(self, precision: int, scale: int) -> None:
        self.precision = precision
        self.scale = scale

    def mysql_spec(self) -> str:
        """DECIMAL(p,s)."""
        return f"DECIMAL({self.precision},{self.scale})"


class FloatText(PassThrough):
    """FLOAT: text or number, as bound and as the driver gives it."""

    def mysql_spec(self) -> str:
        """FLOAT."""
        return "FLOAT"


class OneOf(PassThrough):
    """ENUM of the given words; SQLite takes any text."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def mysql_spec(self) -> str:
        """ENUM('a','b')."""
        return "ENUM(" + ",".join(f"'{word}'" for word in self.words) + ")"

    def sqlite_spec(self) -> str:
        """VARCHAR(255)."""
        return "VARCHAR(255)"


class ServerNow(ColumnElement[Any]):
    """The default CURRENT_TIMESTAMP, in MySQL also renewed by every UPDATE where `on_update` is set."""

    inherit_cache = False

    def __init__(self, on_update: bool) -> None:
        self.on_update = on_update


@compiles(ServerNow, *MYSQL)
def _mysql_now(element: ServerNow, compiler: Any, **kw: Any) -> str:
    now = "CURRENT_TIMESTAMP"
    return f"{now} ON UPDATE {now}" if element.on_update else now


@compiles(ServerNow)
def _other_now(element: ServerNow, compiler: Any, **kw: Any) -> str:
    return "CURRENT_TIMESTAMP"


def temporal_text(value: Any) -> Any:
    """The text MySQL would print for a driver's date, datetime or timedelta; anything else as it is."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, dt.timedelta):
        return _time_text(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def _time_text(value: dt.timedelta) -> str:
    """HH:MM:SS with a sign, as MySQL's TIME runs from -838 to 838 hours."""
    seconds = abs(round(value.total_seconds()))
    sign = "-" if value < dt.timedelta(0) else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


# SQLite numbers a primary key by itself only when its type is INTEGER.
BIGINT = BigInteger().with_variant(Integer(), "sqlite")
INT = Integer()
UNSIGNED_INT = Integer().with_variant(mysql.INTEGER(unsigned=True), *MYSQL)
SMALLINT = SmallInteger()
TINYINT = SmallInteger().with_variant(mysql.TINYINT(), *MYSQL)
FLAG = SmallInteger().with_variant(mysql.TINYINT(display_width=1), *MYSQL)
TINYTEXT = Text().with_variant(mysql.TINYTEXT(), *MYSQL)
MEDIUMTEXT = Text().with_variant(mysql.MEDIUMTEXT(), *MYSQL)
LONGTEXT = Text().with_variant(mysql.LONGTEXT(), *MYSQL)
NOW = ServerNow(on_update=False)
NOW_ON_UPDATE = ServerNow(on_update=True)
