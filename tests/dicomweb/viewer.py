"""What an image viewer asks for when it opens a study, and as its user scrolls."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.dicomweb.stow.sending import ROOT

#: as OHIF's are: so many requests for pixels under way at once
PARALLEL = 16
WANTED = "includefield=00081030%2C00080060%2C00080090%2C00100030"
AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
JSON = "application/dicom+json"


@dataclass
class Viewer:
    """A viewer with its user's session, which counts how it was answered."""

    http: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    last: httpx.Headers = field(default_factory=httpx.Headers)

    async def open(self, study: str) -> list[str]:
        """The study from the list to every slice, with pictures for its series; the paths of its slices."""
        await self._json("/studies?limit=101&offset=0&fuzzymatching=false&" + WANTED)
        (found,) = await self._json(f"/studies?StudyInstanceUID={study}&{WANTED}")
        await self._json(f"/studies?00100020={found['00100020']['Value'][0]}&{WANTED}")
        paths = list[str]()
        for one in await self._json(f"/studies/{study}/series?{WANTED}"):
            series = f"/studies/{study}/series/{one['0020000E']['Value'][0]}"
            await self._get(f"{series}/thumbnail", "image/jpeg")
            slices = await self._json(f"{series}/metadata")
            paths += [f"{series}/instances/{each['00080018']['Value'][0]}" for each in slices]
        await self.scroll(paths)
        return paths

    async def scroll(self, paths: Iterable[str]) -> None:
        """Every slice, in this order."""
        turns = asyncio.Semaphore(PARALLEL)

        async def frame(path: str) -> None:
            async with turns:
                await self._get(f"{path}/frames/1", AS_STORED)

        await asyncio.gather(*map(frame, paths))

    @property
    def most(self) -> int:
        """How many requests for images its user has in a minute, as the last answer said it."""
        return int(self.last["ratelimit-policy"].partition("q=")[2].partition(";")[0])

    @property
    def left(self) -> int:
        """How many of them are left in this minute."""
        return int(self.last["ratelimit"].partition("r=")[2].partition(";")[0])

    async def _json(self, path: str) -> Any:
        return (await self._get(path, JSON)).json()

    async def _get(self, path: str, accept: str) -> httpx.Response:
        headers = {"accept": accept, "sec-fetch-site": "same-origin", **self.headers}
        answer = await self.http.get(f"{ROOT}{path}", headers=headers)
        self.answers[answer.status_code] += 1
        self.last = answer.headers
        return answer
