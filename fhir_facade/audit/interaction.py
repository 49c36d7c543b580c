"""Which interaction an address and a method are, known or not. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from mappers.mapping import LOGICAL_ID
from mappers.parse import RESIDENT_NUMBER
from terminology import definitions

_of_one = re.compile(r"/[A-Za-z]+/[A-Za-z0-9.-]+").fullmatch
_ON_ONE = {"GET": "read", "HEAD": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Interaction(NamedTuple):
    """`name` is a restful-interaction, or `request` for what is none; type and id are of the one resource
    asked for, `within` is the patient whose compartment is searched.
    """

    name: str
    resource_type: str = ""
    id: str = ""
    within: str = ""


def interaction(method: str, path: str) -> Interaction:
    """What a request is, by its address below the FHIR base."""
    if method == "GET" and _of_one(path):  # what is asked most is told first
        return Interaction("read", *_resource(path[1:].split("/")))
    segments = [unquote(s) for s in path.split("/") if s]
    if segments[:1] == ["_export"] or segments[-1:] == ["$export"]:
        return Interaction("export")
    if any(s.startswith("$") for s in segments):
        return Interaction("operation", *_resource(segments))
    if "_history" in segments:
        return _history(segments)
    if segments and segments[-1] == "_search":
        segments, method = segments[:-1], "GET"
    if len(segments) == 2 and method in _ON_ONE:
        return Interaction(_ON_ONE[method], *_resource(segments))
    if len(segments) == 1 and method in ("PUT", "PATCH", "DELETE"):
        return Interaction(_ON_ONE[method])
    return _search(segments) if method in ("GET", "HEAD") else _posted(segments, method)


def _resource(segments: list[str]) -> tuple[str, str]:
    """(type, id) of the resource that an address names; nothing where it can't be one."""
    if len(segments) < 2 or segments[0] not in definitions.resource_types():
        return "", ""
    kept = LOGICAL_ID.fullmatch(segments[1]) and not RESIDENT_NUMBER.search(segments[1])
    return (segments[0], segments[1]) if kept else ("", "")


def _history(segments: list[str]) -> Interaction:
    place = segments.index("_history")
    if place == 2 and len(segments) == 4:
        return Interaction("vread", *_resource(segments))
    name = ("history-system", "history-type", "history-instance")[min(place, 2)]
    return Interaction(name, *_resource(segments[:place]))


def _search(segments: list[str]) -> Interaction:
    if len(segments) == 3:
        return Interaction("search-type", within=_resource(segments)[1] if segments[0] == "Patient" else "")
    return Interaction({0: "search-system", 1: "search-type"}.get(len(segments), "request"))


def _posted(segments: list[str], method: str) -> Interaction:
    if method == "POST" and len(segments) < 2:
        return Interaction("create" if segments else "batch")
    return Interaction("request")
