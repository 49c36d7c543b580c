"""What an order's lines say together: shared by the orders of both databases."""

from __future__ import annotations

from typing import Any

Item = dict[str, Any]


def concepts(items: list[Item]) -> list[dict[str, Any]]:
    """The concepts of the items that have one."""
    return [item["concept"] for item in items if "concept" in item]


def one_or_joined(items: list[Item]) -> dict[str, Any] | None:
    """The concept of the only item, or the texts of all."""
    found = concepts(items)
    if len(found) < 2:
        return found[0] if found else None
    return {"text": ", ".join(c["text"] for c in found if "text" in c)}


def several(items: list[Item]) -> list[dict[str, Any]] | None:
    """The concepts, if there are more than one."""
    found = concepts(items)
    return found if len(found) > 1 else None


def instructions(items: list[Item]) -> str | None:
    """What the items say to the patient, each thing once."""
    return "; ".join(dict.fromkeys(i["instructions"] for i in items if "instructions" in i)) or None
