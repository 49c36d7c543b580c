"""Pages of documentation, computed from the mappings: one a type, and one of all search parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from capability.describe import ElementDescribed, ParameterDeclared, PartDescribed, TypeDescribed
from mappers.parse import MODIFIERS
from terminology import definitions

NOTE = (
    "<!-- Written by `make docs`: change the mappings (or what else it is computed from), not this page. -->"
)
R4 = "https://hl7.org/fhir/R4"
_SAFE = ":|$,/*.-_~"
#: of which parameter the first example is, where a type has it
_TASTE = ("patient", "name", "code", "identifier")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; nothing for no rows."""
    body = ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *body, ""] if body else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    """As code, for Markdown."""
    return f"`{text}`" if text else ""


def example(resource_type: str, parameter: ParameterDeclared) -> str:
    """A search that finds something in the demo data; '' without an example."""
    value = quote(parameter.example, safe=_SAFE)
    return f"GET /api/fhir/{resource_type}?{parameter.name}={value}" if value else ""


# one resource type


def mapping_page(described: TypeDescribed) -> str:
    """The page of one type: sources, elements, parameters."""
    name = described.resource_type
    lines = [
        f"# {name}",
        "",
        NOTE,
        "",
        f"{described.comment} Defined at {R4}/{name.lower()}.html.".strip(),
        "",
    ]
    lines += _try(described)
    if described.profiles:
        lines += ["Profiles, claimed by each resource that fulfils them:", ""]
        lines += [*(f"- {url}" for url in described.profiles), ""]
    for group in _groups(described.parts):
        lines += _source(group)
    return "\n".join([*lines, *_parameters(described)]).rstrip() + "\n"


def _try(described: TypeDescribed) -> list[str]:
    by_taste = sorted(described.parameters, key=lambda p: _TASTE.index(p.name) if p.name in _TASTE else 9)
    found = next((e for p in by_taste if (e := example(described.resource_type, p))), "")
    request = found or f"GET /api/fhir/{described.resource_type}?_count=5"
    return ["Try it:", "", f"    {request}", ""]


def _groups(parts: Sequence[PartDescribed]) -> list[list[PartDescribed]]:
    """Parts of one table and prefix together: a row of it is several resources."""
    found: dict[tuple[str, str, str], list[PartDescribed]] = {}
    for part in parts:
        found.setdefault((part.schema, part.table, part.id.partition("{")[0]), []).append(part)
    return list(found.values())


def _source(group: Sequence[PartDescribed]) -> list[str]:
    first = group[0]
    origin = f"`{first.schema}.{first.table}`" if first.table else "this server"
    lines = [f"## From {origin}: {_ids(group)}", ""]
    lines += (
        [*dict.fromkeys(p.comment for p in group if p.comment), ""] if any(p.comment for p in group) else []
    )
    reasons = dict.fromkeys(p.read_only_because for p in group if p.read_only_because)
    lines += [f"Read only: {'; '.join(reasons)}.", ""] if reasons else []
    conditions = sorted({str(c) for p in group for c in p.rows})
    lines += (
        [f"Which rows there are depends on {', '.join(map(code, conditions))}.", ""] if conditions else []
    )
    joins = {j.table: j.on for p in group for j in p.joins}
    lines += table(
        ("read beside it", "found by"),
        ((code(name), ", ".join(code(str(c)) for c in on)) for name, on in sorted(joins.items())),
    )
    return lines + _elements(group)


def _ids(group: Sequence[PartDescribed]) -> str:
    return code(group[0].id) if len(group) == 1 else f"{len(group)} resources a row, {code(group[0].id)} …"


def _elements(group: Sequence[PartDescribed]) -> list[str]:
    """One row an element; of several parts, those that only some have say which."""
    rows: dict[tuple[str, str, str], list[PartDescribed]] = {}
    for part in group:
        for element in part.elements:
            key = (code(element.path), _from(element), _kind(element))
            rows.setdefault(key, []).append(part)
    if len(group) == 1:
        return table(("element", "from", "kind"), rows)
    head = ("element", "from", "kind", "of")
    return table(head, ((*row, _of(parts, group)) for row, parts in rows.items()))


def _of(parts: Sequence[PartDescribed], group: Sequence[PartDescribed]) -> str:
    ids = dict.fromkeys(p.id for p in parts)
    return "all" if len(ids) == len(group) else ", ".join(code(i) for i in ids)


def _from(element: ElementDescribed) -> str:
    if element.fixed:
        return f"always {code(element.fixed)}"
    return ", ".join(code(str(c)) for c in element.columns) or "computed"


def _kind(element: ElementDescribed) -> str:
    return f"{element.kind} {', '.join(element.targets)}".strip()


def _parameters(described: TypeDescribed) -> list[str]:
    columns: dict[str, dict[str, None]] = {}
    for part in described.parts:
        for parameter in part.parameters:
            columns.setdefault(parameter.name, {}).update(
                dict.fromkeys(code(str(c)) for c in parameter.columns)
            )
    rows = [
        (
            code(p.name),
            p.type,
            ", ".join(columns[p.name]) or "fixed values",
            code(example(described.resource_type, p)),
        )
        for p in described.parameters
    ]
    return ["## Search parameters", "", *table(("parameter", "type", "compares", "example"), rows)]


# all search parameters


def parameters_page(types: Sequence[TypeDescribed], results: Mapping[str, str]) -> str:
    """What can be searched, of all types; `results`: the parameters that shape a result, and what they do."""
    lines = [
        "# Search parameters",
        "",
        NOTE,
        "",
        "How values are written is told in [README](README.md).",
        "",
    ]
    lines += ["## By type of parameter", ""]
    lines += table(("type", "modifiers"), sorted((k, _modifiers(k, m)) for k, m in MODIFIERS.items()))
    lines += ["## Parameters that shape the result", ""]
    lines += table(("parameter", "what it does"), sorted((code(n), text) for n, text in results.items()))
    for described in types:
        lines += [
            f"## {described.resource_type}",
            "",
            f"[Mapping](../mappings/{described.resource_type}.md)",
            "",
        ]
        lines += table(("parameter", "type", "what"), _rows(described))
    return "\n".join(lines).rstrip() + "\n"


def _modifiers(kind: str, modifiers: Sequence[str]) -> str:
    named = [f":{m}" for m in modifiers] + ([":[type]"] if kind == "reference" else [])
    return ", ".join(map(code, named)) or "none"


def _rows(described: TypeDescribed) -> Iterator[tuple[str, str, str]]:
    for parameter in described.parameters:
        definition: Any = definitions.search_parameter(described.resource_type, parameter.name)
        text = definition.description if definition else "the site's own parameter"
        leads = f" Leads to {', '.join(parameter.targets)}." if parameter.targets else ""
        yield code(parameter.name), parameter.type, _sentence(text, described.resource_type) + leads


def _sentence(text: str, resource_type: str) -> str:
    """The definition's own words for the type: of shared parameters, only what is said of it."""
    lines = [line for line in text.splitlines() if f"[{resource_type}](" in line]
    found = lines[0].partition("): ")[2] if lines else text.splitlines()[0] if text else ""
    return found.strip().rstrip(".") + "." if found.strip() else ""
