"""From elements to a function that builds the object they describe out of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mappers.value import Columns, Read, Row

if TYPE_CHECKING:
    from mappers.mapping import Element

Build = Callable[[Row, dict[str, Any]], dict[str, Any]]
Put = Callable[[dict[str, Any], str, Any], None]


def assembler(elements: Sequence[Element], columns: Columns) -> Build:
    """A function that adds the elements to an object; what is absent in the row is absent in it."""
    steps = [(*_place(path), read) for path, read in _grouped(elements, columns)]

    def build(row: Row, target: dict[str, Any]) -> dict[str, Any]:
        for name, put, read in steps:
            value = read(row)
            if value is None:
                continue
            if put is None:
                target[name] = value
            else:
                put(target, name, value)
        return target

    return build


def _grouped(elements: Sequence[Element], columns: Columns) -> list[tuple[str, Read]]:
    """(name, reader) in order; elements below one `a.` become one reader of `a`."""
    found: list[tuple[str, Read]] = []
    done: set[str] = set()
    for element in elements:
        head, _, rest = element.path.partition(".")
        if not rest:
            found.append((head, columns.reader(element.value)))
        elif head not in done:
            done.add(head)
            below = [
                _Inner(e.path.partition(".")[2], e.value) for e in elements if e.path.startswith(head + ".")
            ]
            found.append((head, _object(assembler(below, columns))))  # type: ignore[arg-type]
    return found


class _Inner:
    """An element as its object sees it."""

    def __init__(self, path: str, value: Any) -> None:
        self.path, self.value = path, value


def _object(build: Build) -> Read:
    return lambda row: build(row, {}) or None


def _place(path: str) -> tuple[str, Put | None]:
    """The element's name, and how a value gets there if it isn't just set."""
    if path.endswith("[]"):
        return path[:-2], _append
    return (path[:-3], _choose) if path.endswith("[x]") else (path, None)


def _append(target: dict[str, Any], name: str, value: Any) -> None:
    items = value if type(value) is list else [value]
    held = target.get(name)
    target[name] = items if held is None else [*held, *items]


def _choose(target: dict[str, Any], name: str, value: tuple[str, Any]) -> None:
    fhir_type, chosen = value
    target[name + fhir_type] = chosen
