"""From elements to the cells of their row: the way back of `assemble`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mappers.value import Cells, Value, Writing, together

if TYPE_CHECKING:
    from mappers.mapping import Element


def cells_of(elements: Iterable[Element], said: Any, w: Writing) -> Cells:
    """What the columns hold for an object (None: there is none); what they can't hold they don't."""
    grouped: dict[str, list[Element]] = {}
    for element in elements:
        grouped.setdefault(element.path, []).append(element)
    return together(_cells(path, of_path, said, w) for path, of_path in grouped.items())


def _cells(path: str, elements: Sequence[Element], said: Any, w: Writing) -> Cells:
    """The cells of all elements of one path."""
    writing = [e for e in elements if e.writes is not False]
    if not writing:
        return {}
    told = told_at(said, path)
    if path.endswith("[]"):
        return picked([e.writer for e in writing], told or [], w)
    value = writing[0].writer
    found = value.written(told, w)
    return found if found is not None else value.written(None, w) or {}


def picked(values: Sequence[Value], items: Sequence[Any], w: Writing) -> Cells:
    """Each value takes the first item that it can hold and that no other has taken."""
    left, found = list(items), list[Cells | None]()
    for value in values:
        if value.only_alone and len(items) > 1:
            found.append(value.written(None, w))
            continue
        for item in left:
            if (cells := value.written(item, w)) is not None:
                left.remove(item)
                break
        else:
            cells = value.written(None, w)
        found.append(cells)
    return together(found)


def told_at(said: Any, path: str) -> Any:
    """What an object says at an element's path; of a choice (type, value)."""
    head, _, rest = path.partition(".")
    if not isinstance(said, dict):
        return None
    if rest:
        return told_at(said.get(head), rest)
    if not head.endswith("[x]"):
        return said.get(head.removesuffix("[]"))
    stem = head.removesuffix("[x]")
    names = (n for n in said if n.startswith(stem) and n[len(stem) : len(stem) + 1].isupper())
    return next(((name[len(stem) :], said[name]) for name in names), None)
