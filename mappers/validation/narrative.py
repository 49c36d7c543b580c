"""The XHTML of a narrative: https://hl7.org/fhir/R4/narrative.html

Only names are looked at, in a stream: no tree is built, no entity is expanded, nothing is fetched.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files
from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"


@cache
def _allowed(kind: str) -> frozenset[str]:
    text = files("mappers.validation").joinpath("narrative.csv").read_text(encoding="utf-8")
    return frozenset(row["name"] for row in csv.DictReader(text.splitlines()) if row["kind"] == kind)


class _Refused(Exception):
    """What the narrative must not have."""


def fault(text: str) -> str | None:
    """What is wrong with a narrative's div; None where nothing is."""
    reader = _Reader()
    try:
        reader.read(text)
    except _Refused as refused:
        return str(refused)
    except (expat.ExpatError, UnicodeEncodeError):
        return "a narrative's div is well-formed XHTML, with its own namespace"
    return None if reader.content else "a narrative has text or an image, not only blanks"


class _Reader:
    def __init__(self) -> None:
        self.content = False
        self.depth = 0

    def read(self, text: str) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(text.encode(), True)

    def _doctype(self, *_: object) -> None:
        raise _Refused("a narrative has no DOCTYPE and no entities")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if namespace != XHTML:
            raise _Refused(f"a narrative's elements are of the namespace {XHTML}")
        if self.depth == 0 and local != "div":
            raise _Refused("a narrative is one div")
        if local not in _allowed("element"):
            raise _Refused(f"a narrative has no <{local[:20]}>")
        for attribute, value in attributes.items():
            _check(local, attribute.replace("http://www.w3.org/XML/1998/namespace ", "xml:"), value)
        self.depth += 1
        self.content = self.content or local == "img"

    def _end(self, _: str) -> None:
        self.depth -= 1

    def _text(self, text: str) -> None:
        self.content = self.content or not text.isspace()


def _check(element: str, attribute: str, value: str) -> None:
    if attribute not in _allowed("attribute"):
        raise _Refused(f"<{element}> has no attribute {attribute[:20]} in a narrative")
    scheme = re.sub(r"[\s\x00-\x20]", "", value[:40]).lower()
    if attribute in ("href", "src") and scheme.startswith(("javascript:", "vbscript:", "data:text")):
        raise _Refused(f"<{element}>'s {attribute} runs a script")
