"""What an operation is, and one call of it. https://hl7.org/fhir/R4/operations.html"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from capability.operations import Declared, Parameter
from fhir_facade.content import Request, Response
from fhir_facade.service import Service

__all__ = ["Arguments", "Invocation", "Operation", "Parameter"]


@dataclass(frozen=True)
class Arguments:
    """The typed values of the parameters: str, bool, int, Decimal, a dict for a data type or a resource.

    The value of a parameter that has parts is Arguments again.
    """

    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def all(self, name: str) -> tuple[Any, ...]:
        """Every value of a parameter, in order."""
        return self.values.get(name, ())

    def one(self, name: str, otherwise: Any = None) -> Any:
        """The value of a parameter that doesn't repeat."""
        return next(iter(self.all(name)), otherwise)

    def __contains__(self, name: object) -> bool:
        return name in self.values


@dataclass(frozen=True)
class Invocation:
    """One call. `search` are the parameters of a search, where the operation takes such.

    `path` is the address below the base.
    """

    request: Request
    resource_type: str | None
    id: str | None
    parameters: Arguments
    search: tuple[tuple[str, str], ...] = ()
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Operation(Declared):
    """An operation that is served. `run` asks `service.reading` and `service.searching`, never the engine.

    `cost` is what a call counts for in rate limits (a search is 2); POST is needed if it `affects_state`.
    """

    run: Callable[[Service, Invocation], Awaitable[Response]]
    cost: int = 2
