"""Objects of JSON that many resources share: what is made of them is made once.

A page's rows name the same patients, tests and units again and again. Their objects are built once (see
`Columns.remembering`), and so are their JSON and what a narrative tells of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from operator import attrgetter
from typing import Any

import orjson


class Numeral(Decimal):
    """A number of decimal digits. `json`: it as orjson takes it, exactly as it was written."""

    __slots__ = ("json",)
    json: orjson.Fragment

    def __new__(cls, value: str | int) -> Numeral:
        """The number of such a text."""
        made = super().__new__(cls, value)
        made.json = orjson.Fragment(str(made))
        return made


class Shared(dict[str, Any]):
    """An object in several resources at once: nobody may change it in place. A copy of it is a plain dict.

    `json`: it as orjson takes it; `told`: what people read of it, once a narrative has asked for that;
    `passed`: what tests have found of it.
    """

    __slots__ = ("json", "passed", "told")

    def __init__(self, plain: Mapping[str, Any]) -> None:
        super().__init__(plain)
        self.told: str | None = None
        self.passed: dict[Any, bool] = {}
        with suppress(TypeError):  # what has no JSON: `written` says so
            self.json = orjson.Fragment(orjson.dumps(plain, default=_default))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)

    __copy__ = dict.copy


def shared(value: Any) -> Any:
    """The value, with the objects in it that are to be shared."""
    kind = type(value)
    if kind is dict:
        return Shared(value)
    if kind is tuple and len(value) == 2:  # the type and the value of a choice
        return (value[0], shared(value[1]))
    return [shared(v) for v in value] if kind is list else value


_rendered = attrgetter("json")


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
