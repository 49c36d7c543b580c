"""Every resource type that is served, and nothing else: the only list of them."""

from __future__ import annotations

from mappers.mapping import ResourceMapping
from mappers.resources.observation import OBSERVATION
from mappers.resources.patient import PATIENT

MAPPINGS: tuple[ResourceMapping, ...] = (
    OBSERVATION,
    PATIENT,
)


def by_type(mappings: tuple[ResourceMapping, ...] = MAPPINGS) -> dict[str, ResourceMapping]:
    """Mappings by resource type, in the order of their names."""
    return {m.resource_type: m for m in sorted(mappings, key=lambda m: m.resource_type)}
