"""A narrative's markup: one XHTML div, whole in itself. https://hl7.org/fhir/R4/narrative.html

Markup that isn't well formed would change what the rest of the resource says once it is written as XML. It is
read as a stream of names: no tree is built, no entity is expanded, nothing is fetched.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from xml.parsers import expat

XML_LANG = "http://www.w3.org/XML/1998/namespace lang"
_ONE_DIV = "a narrative is one div, and nothing else"
#: browsers skip blanks and line ends within a scheme
_SCRIPT = re.compile(r"(?:javascript|vbscript):", re.I)
XHTML = "http://www.w3.org/1999/xhtml"


@cache
def known(kind: str) -> frozenset[str]:
    """What a narrative may be made of (`element` or `attribute`): text, tables, links and images.

    Chapters 7 to 11 and 15 of HTML 4: no scripts, forms, frames or objects.
    """
    text = files("mappers.validation").joinpath("narrative.csv").read_text("utf-8")
    return frozenset(row["name"] for row in csv.DictReader(text.splitlines()) if row["kind"] == kind)


class _MarkupError(Exception):
    """Why markup is refused."""


def fault(div: str) -> str | None:
    """What is wrong with a narrative; None for a div that stands for itself and says something."""
    found = _Elements()
    refused = _refused(div, found)
    return refused or (None if found.says_something else "a narrative has text or an image, not only blanks")


def markup_fault(div: str) -> str | None:
    """What is wrong with a narrative's markup; None for a div that stands for itself."""
    return _refused(div, _Elements())


def _refused(div: str, elements: _Elements) -> str | None:
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.ProcessingInstructionHandler = _no_instruction
    parser.StartElementHandler = elements.start
    parser.CharacterDataHandler = elements.text
    try:
        parser.Parse(div.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as fault:
        return f"a narrative is well-formed XHTML: {expat.ErrorString(fault.code)}"
    except _MarkupError as fault:
        return str(fault)
    return None if div.startswith("<div") and div.endswith(">") else _ONE_DIV


def _no_doctype(*stated: object) -> None:
    raise _MarkupError("a narrative has no document type")


def _no_instruction(*stated: object) -> None:
    raise _MarkupError("a narrative has no processing instructions")


class _Elements:
    """Looks at each element of one narrative."""

    def __init__(self) -> None:
        self.root = True
        self.says_something = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Refuses what isn't XHTML's."""
        namespace, _, local = name.rpartition(" ")
        if namespace != XHTML:
            raise _MarkupError(f"a narrative's elements are XHTML's: <div xmlns=\"{XHTML}\">")
        if self.root and local != "div":
            raise _MarkupError(_ONE_DIV)
        self.root = False
        self.says_something |= local == "img"
        _refuse_active(local, attributes)

    def text(self, text: str) -> None:
        """Notes that there is something to read."""
        self.says_something = self.says_something or not text.isspace()


def _refuse_active(local: str, attributes: Mapping[str, str]) -> None:
    if local not in known("element"):
        raise _MarkupError(f"a narrative has no element {local[:40]!r}: it is text, tables, links and images")
    for name, value in attributes.items():
        if name not in known("attribute") and name != XML_LANG:
            raise _MarkupError(f"a narrative has no attribute {name[:40]!r}: it formats, and does nothing")
        if _SCRIPT.match("".join(value.split())):
            raise _MarkupError("a narrative's links lead to no script")
