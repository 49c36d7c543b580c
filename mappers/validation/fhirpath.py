"""FHIRPath as invariants use it. The library is imported at the first use: it takes a while."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

Expression = Callable[[Any, str, dict[str, Any]], list[Any]]


@cache
def compiled(expression: str) -> Expression:
    """A function of an element, the path that defines it, and %resource and %rootResource."""
    import fhirpathpy
    from fhirpathpy.engine.nodes import ResourceNode
    from fhirpathpy.models import models

    evaluate = fhirpathpy.compile(expression, models["r4"], _OPTIONS)

    def ask(value: Any, path: str, environment: dict[str, Any]) -> list[Any]:
        node: Any = ResourceNode(value, path)  # type: ignore[no-untyped-call]
        return evaluate(node, environment)

    return ask


def _has_value(values: list[Any]) -> list[bool]:
    return [len(values) == 1 and not isinstance(values[0], dict | list) and values[0] is not None]


_OPTIONS = {
    "traceFn": lambda *_: None,  # some of R4's invariants trace: else that is printed
    "userInvocationTable": {"hasValue": {"fn": _has_value, "arity": {0: []}}},
}


def without_siblings(value: Any) -> Any:
    """A copy without what stands beside primitives that have a value: fhirpathpy takes both for values."""
    if isinstance(value, list):
        return [without_siblings(one) for one in value if one is not None]
    if not isinstance(value, dict):
        return value
    return {
        key: without_siblings(one)
        for key, one in value.items()
        if not (key.startswith("_") and key[1:] in value)
    }
