"""The hospital's own codes for standard ones that a client has sent, where a master says they are equal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from sqlalchemy import Select, select

from mappers.masters import MASTERS, Equal, Master
from mappers.stored.content import Resource
from mappers.write.faults import WriteFault

Fetch = Callable[[Select[Any]], Awaitable[Any]]


class EqualCodes:
    """Looks standard codes up in the masters as they are within the transaction."""

    def __init__(self, fetch: Fetch) -> None:
        self.fetch = fetch

    async def beside(self, resource: Resource) -> Resource:
        """The resource, with the hospital's code beside each standard one that has exactly one equal.

        Raises WriteFault 422 where a master has several that are equal: which was meant isn't guessed.
        """
        found = dict(resource)
        for name, said in resource.items():
            listed = said if isinstance(said, list) else [said]
            where = f"{resource['resourceType']}.{name}"
            made = [await self._concept(one, where) for one in listed]
            if made != listed:
                found[name] = made if isinstance(said, list) else made[0]
        return found

    async def _concept(self, said: Any, where: str) -> Any:
        codings = said.get("coding") if isinstance(said, dict) else None
        more = [c for each in _asked(codings or []) if (c := await self._own(*each, where)) is not None]
        return {**said, "coding": [*codings, *more]} if codings and more else said

    async def _own(self, master: Master, equal: Equal, code: str, where: str) -> Resource | None:
        columns = [master.code, *([master.active] if master.active is not None else [])]
        rows = await self.fetch(select(*columns).where(equal.column == code))
        there = [row[0] for row in rows if master.active is None or str(row[1]) not in ("0", "None")]
        if len(there) > 1:
            named = ", ".join(sorted(map(str, there))[:10])
            text = f"{equal.system}|{code} is several of {master.url}: say which of {named}"
            raise WriteFault(422, "multiple-matches", text, where)
        return {"system": master.url, "code": there[0]} if there else None


def _asked(codings: list[Any]) -> Iterator[tuple[Master, Equal, str]]:
    """The standard codes among codings, of which none is the hospital's own."""
    said = {c.get("system"): c.get("code") for c in codings if isinstance(c, dict)}
    for master in MASTERS:
        for equal in master.equals:
            if master.url not in said and equal.equivalence == "equivalent" and said.get(equal.system):
                yield master, equal, str(said[equal.system])
