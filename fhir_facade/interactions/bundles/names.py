"""What the entries of a transaction call each other, and what they are called in the end."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from fhir_facade.content import parsed
from fhir_facade.interactions.bundles.entries import Entry
from fhir_facade.interactions.bundles.links import links, rewrite
from fhir_facade.outcome import FhirFault
from fhir_facade.writes.criteria import match
from fhir_facade.writes.writing import Writing

Resource = dict[str, Any]
_RESTFUL = re.compile(r"(https?://.+?/)[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)")
#: elements that say whose a resource is: never left open, not even for a moment
_WHOSE = (".subject.", ".patient.", ".beneficiary.")


class Names:
    """fullUrl → `Type/id`, as far as it is known; conditional references are asked for once."""

    def __init__(self, writing: Writing, found: Iterable[Entry]) -> None:
        self._writing = writing
        self._base = f"{writing.service.base}/"
        self._urls = {e.full_url for e in found if e.full_url and not e.full_url.startswith(self._base)}
        self._named: dict[str, str] = {}
        self._met: dict[str, str] = {}

    def add(self, entry: Entry, address: str) -> None:
        """From now on the entry's resource is `Type/id`, and is there."""
        self._writing.known.add(address)
        if entry.full_url in self._urls:
            self._named[entry.full_url] = address

    def open_in(self, entry: Entry) -> dict[str, str]:
        """fullUrl → expression of what an entry's resource refers to and has no name yet."""
        return {
            url: link.expression
            for link in links(entry.resource or {})
            if (url := self._url(link.text, entry.full_url)) is not None and url not in self._named
        }

    def _url(self, text: str, beside: str) -> str | None:
        """The fullUrl that a link means: its own text, or what a relative one is beside the entry's address.

        https://hl7.org/fhir/R4/bundle.html#references
        """
        if text in self._urls:
            return text
        root = _RESTFUL.fullmatch(beside)
        found = root[1] + text if root else ""
        return found if found in self._urls else None

    async def put_into(self, entry: Entry) -> None:
        """Names all that the entry's resource refers to; raises 412 for a search that finds not one."""
        resource = entry.resource or {}
        for link in links(resource):
            asked = _CONDITIONAL.fullmatch(link.text) if link.kind == "Reference" else None
            if asked is not None:
                link.put(await self._found(asked[0], asked[1], asked[2], link.expression))

        def renamed(text: str) -> str | None:
            url = self._url(text, entry.full_url)
            return None if url is None else self._named.get(url)

        rewrite(resource, renamed)

    async def _found(self, text: str, resource_type: str, query: str, about: str) -> str:
        if text not in self._met:
            if resource_type not in self._writing.service.mappings:
                raise FhirFault(412, "not-supported", f"{resource_type} is not served here", (about,))
            pairs = parsed(query, "conditional reference")
            found = await match(self._writing, resource_type, pairs, about, alone=False)
            if found is None:
                raise FhirFault(412, "not-found", "the conditional reference finds nothing", (about,))
            self._met[text] = f"{resource_type}/{found['id']}"
            self._writing.known.add(self._met[text])
        return self._met[text]


def first(waiting: Collection[Entry], open_in: dict[int, dict[str, str]]) -> Entry:
    """Which of the entries is created next: one that needs none of the others, or the least of a circle."""

    def need(entry: Entry) -> tuple[int, int]:
        needed = open_in[entry.place]
        whose = sum(any(name in about for name in _WHOSE) for about in needed.values())
        return whose, len(needed)

    ready = (entry for entry in waiting if not open_in[entry.place])
    return next(ready, None) or min(waiting, key=need)


def without(resource: Resource, urls: Collection[str]) -> None:
    """Takes out references to what has no name yet, and leaves a word instead."""
    for link in links(resource):
        if link.text in urls and link.kind == "Reference":
            del link.holder[link.name]
            link.holder.setdefault("display", "in the same transaction")
