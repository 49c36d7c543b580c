"""searchset and history Bundles. https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fhir_facade.outcome import Issue, outcome
from mappers.outage import SUBSETTED

Resource = dict[str, Any]
_SAFE = ":|$,/*.-_~"
#: what has nothing in it to be quoted
_PLAIN = re.compile(r"[A-Za-z0-9:|$,/*.\-_~]*")


def searchset(
    base: str,
    matches: Sequence[Resource],
    included: Sequence[Resource],
    issues: Sequence[Issue],
    links: Sequence[tuple[str, str]],
    total: int | None,
) -> Resource:
    """The Bundle of one page: matches, what they include, and an outcome for what went wrong beside."""
    entries = [_entry(base, r, "match") for r in matches]
    entries += [_entry(base, r, "include") for r in included]
    if issues:
        entries.append({"resource": outcome(issues), "search": {"mode": "outcome"}})
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = [{"relation": relation, "url": url} for relation, url in links]
    if entries:
        bundle["entry"] = entries
    return bundle


def history_bundle(
    entries: Sequence[Resource], links: Sequence[tuple[str, str]], total: int | None
) -> Resource:
    """The Bundle of one page of versions. https://hl7.org/fhir/R4/bundle.html#history"""
    bundle: Resource = {"resourceType": "Bundle", "type": "history"}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = [{"relation": relation, "url": url} for relation, url in links]
    return {**bundle, "entry": list(entries)} if entries else bundle


_MATCH, _INCLUDE = {"mode": "match"}, {"mode": "include"}


def _entry(base: str, resource: Resource, mode: str) -> Resource:
    return {
        "fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}",
        "resource": resource,
        "search": _MATCH if mode == "match" else _INCLUDE,
    }


def url(base: str, path: str, parameters: Sequence[tuple[str, str]]) -> str:
    """An absolute url below the base."""
    query = "&".join([f"{_quoted(n)}={_quoted(v)}" for n, v in parameters])
    return f"{base}/{path}?{query}" if query else f"{base}/{path}".removesuffix("/")


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote(text, safe=_SAFE)


_KEPT = ("resourceType", "id", "meta")


def subset(resource: Resource, names: frozenset[str]) -> Resource:
    """The resource with those top-level elements only, tagged SUBSETTED.

    https://hl7.org/fhir/R4/search.html#elements
    """
    kept = {k: v for k, v in resource.items() if k in _KEPT or k in names or k.removeprefix("_") in names}
    tags = resource["meta"].get("tag", [])
    kept["meta"] = {**resource["meta"], "tag": tags if SUBSETTED in tags else [*tags, SUBSETTED]}
    return kept
