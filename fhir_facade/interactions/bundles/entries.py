"""The requests in a Bundle, as they are before any of them is done. https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

from fhir_facade.outcome import FhirFault, Issue

Resource = dict[str, Any]
BATCH, TRANSACTION = "batch", "transaction"
METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
READS = ("GET", "HEAD")
_WITH_BODY = ("POST", "PUT", "PATCH")
_HEADERS = {
    "ifNoneMatch": "if-none-match",
    "ifModifiedSince": "if-modified-since",
    "ifMatch": "if-match",
    "ifNoneExist": "if-none-exist",
}
_URN = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|urn:oid:[0-2](\.\d+)+")
_SAME = re.compile(r"[A-Za-z]+/[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True)
class Entry:
    """One request: its place in the Bundle, path below the base and query, and its conditions as headers."""

    place: int
    method: str
    path: str
    query: str = ""
    full_url: str = ""
    resource: Resource | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def about(self, name: str = "") -> str:
        """The FHIRPath of the entry, or of something in it."""
        return f"Bundle.entry[{self.place}]" + (f".{name}" if name else "")

    @property
    def segments(self) -> list[str]:
        """The parts of its path."""
        return [unquote(s) for s in self.path.split("/") if s]

    @property
    def is_operation(self) -> bool:
        """Whether it is an operation, or a search by form."""
        return any(s.startswith(("$", "_search")) for s in self.segments)

    @property
    def creates(self) -> bool:
        """Whether it is a create."""
        return self.method == "POST" and len(self.segments) == 1 and not self.is_operation

    @property
    def writes(self) -> bool:
        """Whether it creates, updates, patches or deletes: by id, or by criteria."""
        by_criteria = len(self.segments) == 1 and bool(self.query)
        changes = self.method in ("PUT", "PATCH", "DELETE") and not self.is_operation
        return self.creates or (changes and (by_criteria or len(self.segments) == 2))

    @property
    def criteria(self) -> str:
        """What finds its target, if it is conditional; entries are asked in the order of these."""
        if self.method == "POST":
            asked = self.headers.get("if-none-exist")
            return f"{self.path}?{asked}" if asked is not None and self.creates else ""
        return f"{self.path}?{self.query}" if len(self.segments) == 1 and self.writes else ""

    @property
    def reads(self) -> bool:
        """Whether it only asks."""
        return self.method in READS

    @property
    def target(self) -> str:
        """`Type/id` of the one resource that it writes, where the url says so."""
        writes = self.method in ("PUT", "PATCH", "DELETE") and not self.query
        return self.path if writes and _SAME.fullmatch(self.path) else ""


def writes_in(bundle: Resource, most: int) -> int:
    """How many of a Bundle's entries are no reads, whatever else they are; `most` that it may have."""
    told = bundle.get("entry")
    asked = [e.get("request") for e in told[:most] if isinstance(e, dict)] if isinstance(told, list) else []
    return sum(isinstance(r, dict) and r.get("method") not in READS for r in asked)


def entries(bundle: Resource, base: str, limit: int) -> list[Entry | Issue]:
    """The Bundle's requests in its order, or what is wrong with one; raises FhirFault for too many."""
    found = bundle.get("entry", [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise FhirFault(400, "structure", "Bundle.entry is a list of entries", ("Bundle.entry",))
    if len(found) > limit:
        text = f"a Bundle may have {limit} entries: send several"
        raise FhirFault(413, "too-costly", text, ("Bundle.entry",))
    return [_entry(place, one, base) for place, one in enumerate(found)]


def all_or_none(found: Sequence[Entry | Issue]) -> list[Entry]:
    """The requests of a transaction; raises FhirFault 400 that names all that can't be done together."""
    faults = [one for one in found if isinstance(one, Issue)]
    good = [one for one in found if isinstance(one, Entry)]
    faults += [*_same_addresses(good), *_same_targets(good)]
    if faults:
        first, *more = faults
        raise FhirFault(400, first.code, first.diagnostics, first.expression, more=tuple(more))
    return good


def _fault(place: int, name: str, text: str, code: str = "invalid") -> Issue:
    return Issue(code, text, expression=(f"Bundle.entry[{place}].{name}",))


def _entry(place: int, stated: Mapping[str, Any], base: str) -> Entry | Issue:
    request = stated.get("request")
    if not isinstance(request, dict):
        return _fault(place, "request", "an entry says what to do: request is missing", "required")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        return _fault(place, "request.method", f"the method is one of {', '.join(METHODS)}", "code-invalid")
    if not isinstance(url, str):
        return _fault(place, "request.url", "the url is missing", "required")
    address = _relative(url, base)
    if address is None:
        return _fault(place, "request.url", "the url is relative, or begins with this server's base")
    path, _, query = address.partition("?")
    entry = Entry(place, method, path.strip("/"), query, str(stated.get("fullUrl", "")))
    return _whole(entry, stated, request)


def _relative(url: str, base: str) -> str | None:
    """What is below the base; None for another server's address."""
    if url == base or url.startswith((f"{base}/", f"{base}?")):
        url = url[len(base) :]
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", url)
    return None if scheme or url.startswith("//") or "#" in url else url.removeprefix("/")


def _whole(entry: Entry, stated: Mapping[str, Any], request: Mapping[str, Any]) -> Entry | Issue:
    resource = stated.get("resource")
    needed = entry.method in _WITH_BODY and "$" not in entry.path and not entry.path.endswith("_search")
    if needed and not isinstance(resource, dict):
        text = f"{entry.method} needs a resource"
        return _fault(entry.place, "resource", text, "required")
    if resource is not None and entry.method not in _WITH_BODY:
        return _fault(entry.place, "resource", f"{entry.method} takes no resource")
    if entry.full_url and (says := _bad_address(entry.full_url)):
        return _fault(entry.place, "fullUrl", says)
    headers = {_HEADERS[n]: _header(n, v) for n, v in request.items() if n in _HEADERS}
    if unread := [n for n in _HEADERS if headers.get(_HEADERS[n], "") is None]:
        return _fault(entry.place, f"request.{unread[0]}", f"{unread[0]} can't be understood")
    kept = {name: value for name, value in headers.items() if value is not None}
    return replace(entry, resource=resource, headers=kept)


def _header(name: str, value: Any) -> str | None:
    """A condition as the header that says the same; None for what can't be one."""
    if not isinstance(value, str) or "\n" in value or "\r" in value:
        return None
    if name != "ifModifiedSince":
        return value
    try:
        return format_datetime(datetime.fromisoformat(value).astimezone(UTC), usegmt=True)
    except ValueError:
        return None


def _bad_address(url: str) -> str:
    """Why a fullUrl can't be one; empty where it can."""
    if url.startswith("urn:"):
        return "" if _URN.fullmatch(url) else "a urn here is urn:uuid: or urn:oid:, in its own form"
    if not re.match(r"https?://", url):
        return "a fullUrl is absolute, or a urn:uuid: or urn:oid:"
    return "a fullUrl names no version" if "/_history/" in url else ""


def _same_addresses(found: Sequence[Entry]) -> Iterator[Issue]:
    """https://hl7.org/fhir/R4/bundle.html#invs (bdl-7)"""
    seen: set[str] = set()
    for entry in found:
        if entry.full_url and entry.full_url in seen:
            yield _fault(entry.place, "fullUrl", "another entry has the same fullUrl", "duplicate")
        seen.add(entry.full_url)


def _same_targets(found: Sequence[Entry]) -> Iterator[Issue]:
    """In a transaction a resource is written once. https://hl7.org/fhir/R4/http.html#trules"""
    seen: set[str] = set()
    for entry in found:
        if entry.target and entry.target in seen:
            text = "another entry of the transaction writes the same resource"
            yield _fault(entry.place, "request.url", text, "duplicate")
        seen.add(entry.target)
