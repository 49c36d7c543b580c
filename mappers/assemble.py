"""From elements to a function that builds the object they describe out of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mappers.value import Columns, Read, Row

if TYPE_CHECKING:
    from mappers.mapping import Element

Build = Callable[[Row], dict[str, Any]]
Step = Callable[[Row, dict[str, Any]], None]


def assembler(elements: Sequence[Element], columns: Columns) -> Build:
    """A function from a row to the object; what is absent in the row is absent in it."""
    steps = [_step(path, read) for path, read in _grouped(elements, columns)]

    def build(row: Row) -> dict[str, Any]:
        target: dict[str, Any] = {}
        for step in steps:
            step(row, target)
        return target

    return build


def _grouped(elements: Sequence[Element], columns: Columns) -> list[tuple[str, Read]]:
    """(name, reader) in order; elements below one `a.` become one reader of `a`."""
    found: list[tuple[str, Read]] = []
    done: set[str] = set()
    for element in elements:
        head, _, rest = element.path.partition(".")
        if not rest:
            found.append((head, element.value.reader(columns)))
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
    return lambda row: build(row) or None


def _step(path: str, read: Read) -> Step:
    if path.endswith("[]"):
        return _appending(path[:-2], read)
    return _choosing(path[:-3], read) if path.endswith("[x]") else _setting(path, read)


def _setting(name: str, read: Read) -> Step:
    def step(row: Row, target: dict[str, Any]) -> None:
        value = read(row)
        if value is not None:
            target[name] = value

    return step


def _appending(name: str, read: Read) -> Step:
    def step(row: Row, target: dict[str, Any]) -> None:
        value = read(row)
        if value is not None:
            items = value if type(value) is list else [value]
            held = target.get(name)
            target[name] = items if held is None else [*held, *items]

    return step


def _choosing(name: str, read: Read) -> Step:
    def step(row: Row, target: dict[str, Any]) -> None:
        value = read(row)
        if value is not None:
            fhir_type, chosen = value
            target[name + fhir_type] = chosen

    return step
