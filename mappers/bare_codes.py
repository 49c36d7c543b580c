"""Bare codes: elements that hold a code alone, whose system is that of their required value set."""

from __future__ import annotations

from functools import lru_cache

from mappers.mapping import SearchParam
from mappers.terms import Token
from terminology import definitions


def without_own_system(token: Token, resource_type: str, param: SearchParam | None) -> Token:
    """A bare code has the system of its binding: `…/administrative-gender|male` is `male`."""
    own = _own_systems(resource_type, param.paths) if param else frozenset()
    return Token(None, token.code, token.bound) if token.system in own else token


@lru_cache(4096)
def _own_systems(resource_type: str, paths: tuple[str, ...]) -> frozenset[str]:
    """The systems of the codes at the paths, where all of them are bare codes of a required value set."""
    found: set[str] = set()
    for path in paths:
        url = definitions.required_binding(resource_type, path)
        codes = definitions.valueset_codes(url) if url and _is_code(resource_type, path) else None
        if codes is None:
            return frozenset()
        found |= {system for system, _ in codes}
    return frozenset(found)


def _is_code(resource_type: str, path: str) -> bool:
    """Whether the element at a path is a bare code."""
    found = definitions.element(resource_type, path)
    return found is not None and [t.code for t in found.types] == ["code"]
