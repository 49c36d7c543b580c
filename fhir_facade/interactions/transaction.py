"""transaction: requests that are done together, or not at all. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from fhir_facade.content import Request, Response
from fhir_facade.interactions.bundles.entries import TRANSACTION, Entry, all_or_none, entries
from fhir_facade.interactions.bundles.names import Names, first, without
from fhir_facade.interactions.bundles.patches import patch_of
from fhir_facade.interactions.bundles.requests import Dispatch, answered, as_fault, as_request
from fhir_facade.interactions.create import created
from fhir_facade.interactions.delete import conditionally_deleted, deleted
from fhir_facade.interactions.patch import change, patched
from fhir_facade.interactions.update import none_there, updated
from fhir_facade.outcome import FhirFault, not_found
from fhir_facade.preconditions import if_none_exist, refuse_criteria
from fhir_facade.service import Service
from fhir_facade.writes.answer import answer
from fhir_facade.writes.criteria import match
from fhir_facade.writes.incoming import check
from fhir_facade.writes.permitted import open_to, still_own
from fhir_facade.writes.writing import Writing, in_transaction, told
from mappers.write.faults import WriteFault

Resource = dict[str, Any]


async def transaction(service: Service, request: Request, bundle: Resource, dispatch: Dispatch) -> Response:
    """200 with an answer for each entry, when all of them are done.

    Raises the first fault, with what it is about as `Bundle.entry[n]…`; nothing is done then.
    """
    found = all_or_none(entries(bundle, service.base, service.settings.bundle_entry_limit))
    for entry in found:
        _refuse_odd(service, entry)

    async def work(writing: Writing) -> Response:
        under_way = _Transaction(writing, request, found, dispatch)
        return answered(TRANSACTION, service.base, await under_way.done())

    return await in_transaction(service, request, work)


def _refuse_odd(service: Service, entry: Entry) -> None:
    """Raises for what can't be part of a transaction here."""
    if entry.reads and not entry.is_operation:
        return
    if not entry.writes:
        text = "a transaction takes create, update, patch, delete, read and search"
        raise FhirFault(400, "not-supported", text, (entry.about("request.url"),))
    if entry.segments[0] not in service.mappings:
        text = "there is no such type here"
        raise FhirFault(404, "not-supported", text, (entry.about("request.url"),))


class _Transaction:
    """One attempt: the standard's order is delete, create, update and patch, read."""

    def __init__(
        self, writing: Writing, request: Request, found: Sequence[Entry], dispatch: Dispatch
    ) -> None:
        self.writing, self.request, self.dispatch = writing, request, dispatch
        self.entries = [replace(e, resource=copy.deepcopy(e.resource)) for e in found]
        self.names = Names(writing, self.entries)
        self.answers: dict[int, tuple[Request, Response]] = {}

    async def done(self) -> list[tuple[Request, Response]]:
        """All requests with their answers, in the Bundle's order."""
        await self._each(("DELETE",), self._delete)
        await self._find()
        self._refuse_same()
        await self._creations()
        await self._each(("PUT",), self._update)
        await self._each(("PATCH",), self._patch)
        await self._each(("GET", "HEAD"), self._read)
        return [self.answers[place] for place in sorted(self.answers)]

    async def _each(
        self, methods: Sequence[str], work: Callable[[Entry, Request], Awaitable[Response]]
    ) -> None:
        for entry in self.entries:
            if entry.method in methods and entry.place not in self.answers:
                with _about(entry):
                    asked = as_request(self.request, entry)
                    self.answers[entry.place] = asked, await work(entry, asked)

    # before anything is written: what the conditional ones mean

    async def _find(self) -> None:
        """Gives conditional requests their targets, in one order for all, so that none waits for another."""
        order = sorted(range(len(self.entries)), key=lambda i: self.entries[i].criteria)
        for place in order:
            entry = self.entries[place]
            with _about(entry):
                if entry.criteria and entry.method != "DELETE":
                    self.entries[place] = await self._meant(entry)
        for entry in self.entries:
            if entry.method in ("PUT", "PATCH") and entry.target:
                self.names.add(entry, entry.target)

    async def _meant(self, entry: Entry) -> Entry:
        kind, asked = entry.segments[0], as_request(self.request, entry)
        if entry.method == "POST":
            return await self._meant_by_create(entry, asked, kind)
        found = await match(self.writing, kind, asked.parameters, "http.query")
        if found is not None:
            resource = entry.resource or {}
            if entry.method == "PUT":
                resource.setdefault("id", found["id"])
            return replace(entry, path=f"{kind}/{found['id']}", query="")
        if entry.method == "PATCH":
            raise not_found("the criteria find nothing to patch")
        if "id" in (entry.resource or {}):
            raise none_there(kind, str((entry.resource or {})["id"])[:64])
        open_to(self.writing.service.may_update, kind, "update")
        return replace(entry, method="POST", query="")

    async def _meant_by_create(self, entry: Entry, asked: Request, kind: str) -> Entry:
        open_to(self.writing.service.may_create, kind, "create")
        found = await match(self.writing, kind, if_none_exist(asked, kind) or (), "http.If-None-Exist")
        if found is not None:
            self.names.add(entry, f"{kind}/{found['id']}")
            self.answers[entry.place] = asked, await answer(self.writing, asked, found, "found")
        return replace(entry, headers={})

    def _refuse_same(self) -> None:
        """400 where conditions lead two requests to one resource."""
        seen: set[str] = set()
        for entry in self.entries:
            if entry.target and entry.target in seen:
                text = "another entry of the transaction writes the same resource"
                raise FhirFault(400, "duplicate", text, (entry.about("request.url"),))
            seen.add(entry.target)

    # creates: what is referred to comes first

    async def _creations(self) -> None:
        waiting = {e.place: e for e in self.entries if e.creates and e.place not in self.answers}
        drafts: list[tuple[Entry, str]] = []
        open_in = {place: self.names.open_in(entry) for place, entry in waiting.items()}
        while waiting:
            entry = first(waiting.values(), open_in)
            del waiting[entry.place]
            with _about(entry):
                id_ = await self._create(entry, list(open_in[entry.place]))
            if open_in[entry.place]:
                drafts.append((entry, id_))
            for needed in open_in.values():
                needed.pop(entry.full_url, None)
        for entry, id_ in drafts:
            with _about(entry):
                await self._complete(entry, id_)

    async def _create(self, entry: Entry, unnamed: Sequence[str]) -> str:
        """The new resource's id; without its references to what isn't there yet, in a circle."""
        whole = copy.deepcopy(entry.resource) if unnamed else entry.resource
        draft = replace(entry, resource=entry.resource if not unnamed else copy.deepcopy(whole))
        without(draft.resource or {}, unnamed)
        await self.names.put_into(draft)
        asked = as_request(self.request, draft)
        refuse_criteria(asked)
        kind = entry.segments[0]
        response = await created(self.writing, asked, kind, draft.resource or {})
        written = response.served[0]
        self.names.add(entry, f"{kind}/{written['id']}")
        self.answers[entry.place] = asked, response
        return str(written["id"])

    async def _complete(self, entry: Entry, id_: str) -> None:
        """Writes what closes a circle, in the same transaction."""
        await self.names.put_into(entry)
        kind, resource = entry.segments[0], {**(entry.resource or {}), "id": id_}
        issues = await check(self.writing, resource, kind)
        written = await self.writing.writer.update(kind, id_, resource)
        await still_own(self.writing, self.writing.service.may_create, written, "create")
        asked = self.answers[entry.place][0]
        response = await answer(self.writing, asked, written, "create", issues=issues)
        self.answers[entry.place] = asked, response

    # the others

    async def _delete(self, entry: Entry, asked: Request) -> Response:
        if len(entry.segments) == 1:
            return await conditionally_deleted(self.writing, asked, entry.segments[0])
        return await deleted(self.writing, asked, entry.segments[0], entry.segments[1])

    async def _update(self, entry: Entry, asked: Request) -> Response:
        await self.names.put_into(entry)
        kind, id_ = entry.segments
        return await updated(self.writing, asked, kind, id_, entry.resource or {})

    async def _patch(self, entry: Entry, asked: Request) -> Response:
        kind, id_ = entry.segments
        await self.names.put_into(entry)
        return await patched(self.writing, asked, kind, id_, change(patch_of(entry.resource or {})))

    async def _read(self, entry: Entry, asked: Request) -> Response:
        response = await self.dispatch(self.writing.service, asked)
        if response.status >= 400:
            [issue, *_] = (response.resource or {})["issue"]
            raise FhirFault(response.status, issue["code"], issue["diagnostics"], (entry.about(),))
        return response


@contextmanager
def _about(entry: Entry) -> Iterator[None]:
    """Faults within are told as the Bundle sees them."""
    try:
        yield
    except FhirFault as fault:
        raise as_fault(fault, entry) from None
    except WriteFault as fault:
        raise as_fault(told(fault), entry) from None
