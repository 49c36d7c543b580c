"""Terminology resources that are made here, out of tables: what they have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from terminology import systems

Resource = dict[str, Any]
PUBLISHER = "NeuroNova"


def made(resource_type: str, id_text: str, url: str, title: str, **more: Any) -> Resource:
    """A canonical resource; its version id is a digest of what it says."""
    head = {
        "resourceType": resource_type,
        "id": id_text,
        "url": url,
        "name": "".join(part.capitalize() for part in id_text.split("-")),
        "title": title,
        "status": "active",
    }
    return stamped(
        {**head, "publisher": PUBLISHER, **{k: v for k, v in more.items() if v not in (None, "", [])}}
    )


def stamped(resource: Resource) -> Resource:
    """The resource with the digest of what it says as its version id."""
    digest = hashlib.sha256(orjson.dumps(resource, option=orjson.OPT_SORT_KEYS)).hexdigest()
    head = {"resourceType": resource["resourceType"], "id": resource["id"]}
    return {**head, "meta": {"versionId": digest[:16]}, **resource}


def value_set_of(name: str, title: str) -> Resource:
    """The value set of all codes of one of the hospital's own systems."""
    compose = {"include": [{"system": systems.local_system(name)}]}
    return made("ValueSet", f"local-{name}", local_url("ValueSet", name), title, compose=compose)


def local_url(resource_type: str, name: str) -> str:
    """The canonical url of one of the hospital's own resources."""
    return f"{systems.DEFAULT_HOSPITAL_BASE}/{resource_type}/{name}"


class Shelf:
    """Resources at hand, by type: a source of them."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_type: dict[str, list[Resource]] = {}
        self._by_url: dict[tuple[str, str], Resource] = {}
        self._by_id: dict[tuple[str, str], Resource] = {}
        for one in resources:
            self._by_type.setdefault(one["resourceType"], []).append(one)
            self._by_url.setdefault((one["resourceType"], one.get("url", "")), one)
            self._by_id[one["resourceType"], one.get("id", "")] = one

    def find(self, resource_type: str, url: str, version: str) -> Resource | None:
        """The resource of a url; None where there is none, or of another version."""
        found = self._by_url.get((resource_type, url))
        return found if found is not None and version in ("", found.get("version")) else None

    def of_id(self, resource_type: str, id_text: str) -> Resource | None:
        """The resource of an id; None where there is none."""
        return self._by_id.get((resource_type, id_text))

    def every(self, resource_type: str) -> Iterator[Resource]:
        """All of a type."""
        yield from self._by_type.get(resource_type, ())
