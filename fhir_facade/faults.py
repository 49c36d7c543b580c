"""Every error that the FHIR interface answers, read from the code that raises it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

#: where errors are raised, and the packages they are in
SOURCES = ("fhir_facade", "mappers")


@dataclass(frozen=True, order=True)
class Raised:
    """One error: HTTP status, issue-type, and what its diagnostics say (`{name}` stands for what varies)."""

    status: int
    code: str
    says: str


def raised() -> list[Raised]:
    """All errors, by status and code."""
    found = {error for tree in _trees() for node in ast.walk(tree) for error in _errors(node)}
    return sorted(found)


def _trees() -> Iterator[ast.Module]:
    for package in SOURCES:
        for name, text in _modules(files(package)):
            if name != "faults.py" and (
                "FhirFault(" in text or "SearchFault(" in text or "parameter(" in text
            ):
                yield ast.parse(text)


def _modules(folder: Any) -> Iterator[tuple[str, str]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _modules(item)
        elif item.name.endswith(".py"):
            yield item.name, item.read_text("utf-8")


def _errors(node: ast.AST) -> Iterator[Raised]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        arguments = [_text(a) for a in node.args]
        keywords = {k.arg or "": _text(k.value) for k in node.keywords}
        found = _error(node.func.id, arguments, keywords)
        if found is not None and _worded(found.says):
            yield found


def _error(name: str, arguments: list[str], keywords: dict[str, str]) -> Raised | None:
    if name == "FhirFault" and len(arguments) > 2 and arguments[0].isdigit():
        return Raised(int(arguments[0]), arguments[1], arguments[2])
    if name == "SearchFault" and len(arguments) > 2:
        return Raised(400, arguments[0], arguments[2])
    if name == "not_found" and arguments:
        return Raised(404, "not-found", arguments[0])
    if name == "parameter" and len(arguments) > 1:
        code = arguments[2] if len(arguments) > 2 else keywords.get("code", "invalid")
        status = arguments[3] if len(arguments) > 3 else keywords.get("status", "400")
        return Raised(int(status), code, arguments[1]) if status.isdigit() and "…" not in code else None
    return None


def _text(node: ast.AST) -> str:
    """A constant or formatted text with … for what varies."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(v) for v in node.values)
    if isinstance(node, ast.FormattedValue):
        return "{" + _name(node.value) + "}"
    return "{…}"


def _name(node: ast.AST) -> str:
    """The name of what varies: a variable's, an attribute's, else …"""
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "…"


def _worded(says: str) -> bool:
    """Whether a text says anything beside what varies."""
    return len(re.sub(r"\{[^}]*\}", "", says).split()) > 1
