"""Objects of JSON that many resources share: what is made of them is made once.

A page's rows name the same patients, tests and units again and again. Their objects are built once (see
`Columns.remembering`), and so are their JSON and what a narrative tells of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any

import orjson


class Shared(dict[str, Any]):
    """An object in several resources at once: nobody may change it in place. A copy of it is a plain dict.

    `json`: it as orjson takes it; `told`: what people read of it, as `telling` says. Both are made when they
    are first asked for.
    """

    __slots__ = ("json", "told")

    def __getattr__(self, name: str) -> Any:
        make = _MADE.get(name)
        if make is None:
            raise AttributeError(name)
        found = make(self)
        setattr(self, name, found)
        return found

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)

    __copy__ = dict.copy


_MADE: dict[str, Callable[[Shared], Any]] = {
    "json": lambda shared: orjson.Fragment(orjson.dumps(shared, default=_default))
}


_rendered = attrgetter("json")


def telling(tell: Callable[[dict[str, Any]], str]) -> None:
    """Says how `told` is made."""
    _MADE["told"] = tell


def shared(value: Any) -> Any:
    """The value, with the objects in it that are to be shared."""
    if type(value) is dict:
        return Shared(value)
    if type(value) is list:
        return [shared(v) for v in value]
    return tuple(map(shared, value)) if type(value) is tuple else value


def written(value: Mapping[str, Any], *, pretty: bool = False) -> bytes:
    """JSON, with decimals exactly as they are (5.40 keeps its zero); raises TypeError for what has none."""
    if pretty:  # what is rendered already has no indentation
        return orjson.dumps(value, default=_default, option=orjson.OPT_INDENT_2)
    try:
        return orjson.dumps(value, default=_rendered, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
    except TypeError:  # a number that stands in no shared object
        return orjson.dumps(value, default=_default)


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value) if value.is_finite() else "null")
    raise TypeError(type(value).__name__)
