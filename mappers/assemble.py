"""From elements to a function that builds the object they describe out of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mappers.spelled import indented, spelled, spelling
from mappers.value import Columns, Read, Row

if TYPE_CHECKING:
    from mappers.mapping import Element

Build = Callable[[Row, dict[str, Any]], dict[str, Any]]


def assembler(elements: Sequence[Element], columns: Columns) -> Build:
    """A function that adds the elements to an object; what is absent in the row is absent in it.

    It is written out as Python, an `if` for each element: a loop would cost a row more than many a reader.
    """
    names: dict[str, Any] = {}
    done: set[str] = set()
    lines = ["def build(row, target):"]
    for path, read in _grouped(elements, columns):
        told = spelled(read)
        names |= told.used
        lines += [*indented(told.lines), " if value is not None:", *_put(path, path in done)]
        done.add(path)
    exec("\n".join([*lines, " return target"]), names)  # noqa: S102 - of our own mappings' paths
    build: Build = names["build"]
    return build


def _put(path: str, again: bool) -> Sequence[str]:
    """What sets an element: `name[]` appends `again`, `name[x]` is named after the value's type."""
    if path.endswith("[]"):
        name = path[:-2]
        more = f"[*target[{name!r}], *value] if {name!r} in target else " if again else ""
        return ("  if type(value) is not list: value = [value]", f"  target[{name!r}] = {more}value")
    if path.endswith("[x]"):
        return (f"  target[{path[:-3]!r} + value[0]] = value[1]",)
    return (f"  target[{path!r}] = value",)


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
    return spelling("value = $build(row, {}) or None", build=build)
