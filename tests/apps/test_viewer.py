"""The image viewer in a browser: from a patient to the pixels, and nobody else's."""

from __future__ import annotations

from playwright.async_api import Page, Request, Response

from tests.apps.conftest import NewPerson
from tests.apps.person import Person
from tests.apps.site import Site

#: how many greys are on the canvas
GREYS = """() => {
  const canvas = document.querySelector(".cornerstone-canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return new Set(data.filter((_, place) => place % 4 === 0)).size;
}"""


class Watched:
    """What a page asked, of whom, and what went wrong."""

    def __init__(self, page: Page, origin: str) -> None:
        self.origin, self.elsewhere, self.refused = origin, list[str](), list[str]()
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "blob:", "data:")):
            self.elsewhere.append(request.url)

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and "/pacs-viewer/assets/" not in response.url:
            self.refused.append(f"{response.status} {response.url}")


async def at_images(somebody: Person, path: str) -> None:
    """From a resource in the start page's viewer to the image viewer, by its button."""
    await somebody.page.set_viewport_size({"width": 1400, "height": 900})  # a narrower list has fewer columns
    await somebody.sign_in_at_start_page("radiologist")
    await somebody.page.goto(f"{somebody.site.origin}/view#{path}")
    await somebody.page.click("#images")
    await somebody.page.locator("button[value=allow]").wait_for()
    assert "NeuroNova image viewer asks for access" in await somebody.text("main")
    await somebody.allow()


async def test_a_radiologist_sees_the_patients_studies_and_no_others(
    person: NewPerson, built_in: Site
) -> None:
    somebody = await person(built_in)
    watched = Watched(somebody.page, built_in.origin)
    await at_images(somebody, "Patient/P-2025-000002")
    page = somebody.page
    await page.wait_for_url(f"{built_in.origin}/pacs-viewer/")
    for accession in ("A2025051400002", "A2025102100003"):
        await page.get_by_text(accession).wait_for(timeout=60_000)
    assert await page.get_by_text("A2025010800001").count() == 0
    assert watched.elsewhere == []
    assert watched.refused == []


async def test_a_study_is_opened_and_painted(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    watched = Watched(somebody.page, built_in.origin)
    await at_images(somebody, "ImagingStudy/ST-2025-000003")
    page = somebody.page
    await page.wait_for_url("**/pacs-viewer/viewer?StudyInstanceUIDs=*")
    await page.wait_for_selector(".cornerstone-canvas", timeout=60_000)
    await page.wait_for_function(f"({GREYS})() > 20", timeout=60_000)
    cookies = {c["name"]: (c["path"], c["httpOnly"], c["sameSite"]) for c in await page.context.cookies()}
    assert cookies["dicom_web_session"] == ("/api/dicom-web", True, "Strict")
    assert watched.elsewhere == []
    assert watched.refused == []


async def test_without_a_session_the_viewer_leads_to_the_sign_in(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    await somebody.page.goto(f"{built_in.origin}/pacs-viewer/")
    await somebody.page.locator("input[name=password]").wait_for()
    assert "/api/auth/" in somebody.page.url
