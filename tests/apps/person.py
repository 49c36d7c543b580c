"""Somebody at a browser, who reads the pages and fills them in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

from tests.apps.site import Site


@dataclass(frozen=True)
class Person:
    """One tab of a browser, before one site."""

    page: Page
    site: Site

    async def sign_in(self, username: str = "doctor", password: str = "") -> None:
        """Fills the login page in, whosever it is."""
        await self.page.fill("input[name=username]", username)
        await self.page.fill("input[name=password]", password or self.site.password)
        await self.page.press("input[name=password]", "Enter")

    async def choose(self, find: str, id_: str) -> None:
        """Looks for a patient, or a visit, and takes the one with that id."""
        await self.page.fill("#find", find)
        await self.page.press("#find", "Enter")
        await self.page.click(f"button.choice[value='{id_}']")

    async def allow(self) -> None:
        """Consents to all."""
        await self.page.click("button[value=allow]")

    async def sign_in_at_start_page(self, username: str = "doctor") -> None:
        """The whole way from the start page back to it."""
        await self.page.goto(f"{self.site.origin}/")
        await self.page.click("#sign-in")
        await self.sign_in(username)
        await self.page.locator("button[value=allow], #sign-out").wait_for()
        if await self.page.locator("button[value=allow]").count():  # else it was allowed before
            await self.allow()
        await self.page.locator("#sign-out").wait_for()

    async def text(self, selector: str) -> str:
        """What is to be read there, once there is something to see."""
        found = self.page.locator(selector)
        await found.wait_for()
        return await found.inner_text()

    async def session(self) -> dict[str, Any] | None:
        """What the start page keeps in this tab."""
        found: dict[str, Any] | None = await self.page.evaluate("JSON.parse(sessionStorage.session || null)")
        return found

    async def told(self) -> dict[str, Any]:
        """What the app says that it was given."""
        found = self.page.locator("#told:not(:empty)")
        await found.wait_for()
        answer: dict[str, Any] = json.loads(await found.inner_text())
        assert "error" not in answer, answer
        return answer

    async def fits(self, width: int = 400) -> bool:
        """Whether a page needs no sideways scrolling at that width."""
        before = self.page.viewport_size
        await self.page.set_viewport_size({"width": width, "height": 800})
        needed: int = await self.page.evaluate("document.documentElement.scrollWidth")
        if before:
            await self.page.set_viewport_size(before)
        return needed <= width
