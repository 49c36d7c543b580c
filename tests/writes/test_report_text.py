"""A radiology report's words are in the columns that the old application shows, and nothing older is."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.writes.conftest import Written
from tests.writes.samples import sample
from tests.writes.test_belonging import rows, updated

COLUMNS = "SELECT findings, impression, recommendation FROM ris_radiologyreport WHERE id = {key}"
PLAIN = "text/plain"


def form(text: str, content_type: str = PLAIN) -> list[dict[str, Any]]:
    return [{"contentType": content_type, "data": b64encode(text.encode()).decode()}]


async def report(written: Written, **more: Any) -> Any:
    sent = {k: v for k, v in {**sample("DiagnosticReport"), **more}.items() if v is not None}
    return await written.made(sent)


async def columns(written: Written, found: Any) -> tuple[Any, ...]:
    [row] = await rows(written, COLUMNS.format(key=found["id"].removeprefix("rad-")))
    return row


@pytest.mark.parametrize(
    ("text", "conclusion", "held"),
    [
        (
            "Findings:\n종괴 21 mm\n\nImpression:\n교종\n\nRecommendation:\n수술",
            None,
            ("종괴 21 mm", "교종", "수술"),
        ),
        (
            "Findings:\n종괴\n\n둘째 문단\n\nImpression:\n교종",
            "교종 의심",
            ("종괴\n\n둘째 문단", "교종 의심", None),
        ),
        ("종괴가 보임.\nImpression: 교종", None, ("종괴가 보임.\nImpression: 교종", None, None)),
        ("앞말\n\nFindings:\n종괴", "교종", ("앞말\n\nFindings:\n종괴", "교종", None)),
    ],
)
async def test_words_stand_where_the_old_application_shows_them(
    written: Written, text: str, conclusion: str | None, held: tuple[str | None, ...]
) -> None:
    found = await report(written, conclusion=conclusion, presentedForm=form(text))
    assert await columns(written, found) == held
    assert found["presentedForm"] == form(text)


@pytest.mark.parametrize("content_type", ["application/pdf", "text/html"])
async def test_what_was_found_before_is_not_shown_any_more(written: Written, content_type: str) -> None:
    found = await report(written, presentedForm=form("Findings:\n출혈"))
    assert await columns(written, found) == ("출혈", "특이 소견 없음", None)
    other = form("<p>출혈 없음</p>", content_type)
    found = await updated(written, found, presentedForm=other)
    assert await columns(written, found) == (None, "특이 소견 없음", None)
    assert found["presentedForm"] == other
    found = await updated(written, found, presentedForm=form("Findings:\n소량"), conclusion="소량 출혈")
    assert await columns(written, found) == ("소량", "소량 출혈", None)


async def test_what_the_old_application_finds_then_is_told(written: Written) -> None:
    found = await report(written, presentedForm=form("Findings:\n출혈"))
    key = found["id"].removeprefix("rad-")
    await written.change(f"UPDATE ris_radiologyreport SET findings = '부종' WHERE id = {key}")  # noqa: S608
    read = await written.engine.read("DiagnosticReport", found["id"])
    assert isinstance(read, dict)
    assert (
        read["presentedForm"][0]["data"] == form("Findings:\n부종\n\nImpression:\n특이 소견 없음")[0]["data"]
    )
