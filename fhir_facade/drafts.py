"""Drafts: resources that are their author's alone, as long as they say what `Part.author_only` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappers.include import values_at
from mappers.mapping import Part


def authors_alone(part: Part, resource: Mapping[str, Any]) -> set[str] | None:
    """The references to who alone may see a resource as it is (or was); None for one that is no draft."""
    kept = part.author_only
    if kept is None or resource.get("status") != kept.status:
        return None
    paths = [element.segments for element in part.elements if element.value is kept.author]
    return {str(text) for path in paths for text in values_at(resource, (*path, "reference"))}
