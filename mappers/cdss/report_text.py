"""A radiology report's words as an attachment, in the RIS's three columns.

Words under the headings that we tell go where they came from; any other plain text is what was found. What
is no plain text is in no column: the old application shows nothing rather than what was said before.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from typing import Any

from mappers.cdss.tables import ris_radiologyreport
from mappers.value import Cells, Writing
from mappers.values import Attached, Headed, Joined

R = ris_radiologyreport.c
HEADINGS = {"Findings:": R.findings, "Impression:": R.impression, "Recommendation:": R.recommendation}
_HEADING = re.compile(rf"(?:^|\n\n)({'|'.join(HEADINGS)})\n")
_PLAIN = re.compile(r"text/plain(;\s*charset=utf-8)?", re.IGNORECASE)
_BLANK: Cells = dict.fromkeys(HEADINGS.values())


class ReportText(Attached):
    """All that a report says, as one plain text."""

    def __init__(self) -> None:
        told = (Headed(heading, column) for heading, column in HEADINGS.items())
        super().__init__(Joined(*told, separator="\n\n"), "text/plain", title="Radiology report")

    def written(self, said: Any, w: Writing) -> Cells | None:
        """The columns of a plain text; the conclusion counts before what stands here under its heading."""
        if said is None:
            return _BLANK
        text = _text(said)
        return None if text is None else {**_BLANK, **_sections(text)}


def _text(said: Any) -> str | None:
    if not isinstance(said.get("data"), str) or not _PLAIN.fullmatch(said.get("contentType") or ""):
        return None
    try:
        return b64decode(said["data"]).decode().strip() or None
    except (Error, ValueError):
        return None


def _sections(text: str) -> Cells:
    before, *pieces = _HEADING.split(text)
    headings = pieces[::2]
    if before or not headings or len({*headings}) < len(headings):
        return {R.findings: text}
    return {
        HEADINGS[heading]: words.strip() or None
        for heading, words in zip(headings, pieces[1::2], strict=True)
    }
