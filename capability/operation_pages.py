"""The documentation page of operations, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capability.operations import Declared, Parameter, addresses
from capability.pages import NOTE, code, table


def operations_page(operations: Sequence[Declared]) -> str:
    """What each operation does, where it is, what it takes and what it gives."""
    lines = ["# Operations", "", NOTE, "", _HOW, ""]
    for one in sorted(operations, key=lambda o: (o.name, o.id)):
        lines += _operation(one)
    return "\n".join(lines).rstrip() + "\n"


def _operation(one: Declared) -> list[str]:
    methods = "POST" if one.affects_state else "GET or POST"
    lines = [
        f"## ${one.name} ({one.id})",
        "",
        f"{one.documentation} Defined at {one.canonical('{base}')}.",
        "",
    ]
    lines += [f"- {methods} {code(address)}" for address in addresses(one)]
    lines += ["", *table(("parameter", "in or out", "how often", "type", "what"), _rows(one.parameters))]
    if one.searches:
        lines += ["It takes the search parameters of its type besides.", ""]
    return lines


def _rows(parameters: Sequence[Parameter], within: str = "") -> Iterator[tuple[str, ...]]:
    for one in parameters:
        name = f"{within}{one.name}"
        times = f"{one.min}..{one.max}"
        yield code(name), one.use, times, one.type or "parts", one.documentation
        yield from _rows(one.parts, f"{name}.")


_HOW = """\
Parameters stand in the address (`?name=value`, primitive types only) or, by POST, in a
[Parameters](https://hl7.org/fhir/R4/parameters.html) resource; where an operation takes one resource, it
may be the body itself. A parameter that an operation doesn't have is refused (400), and the valid ones are
listed. `OperationDefinition/{id}` (the id stands in the heading) says the same as FHIR. An operation shows
what the token opens for reading and searching, and nothing else; calls count in rate limits by their cost."""
