"""DICOM JSON as the Native DICOM Model's XML. https://dicom.nema.org/medical/dicom/current/output/html/part19.html#chapter_A"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pydicom.datadict import keyword_for_tag

Json = Mapping[str, Any]
XML, SPACE = "application/dicom+xml", "http://dicom.nema.org/PS3.19/models/NativeDICOM"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
#: what XML 1.0 can't hold
_NOT_IN_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])


def native_model(dataset: Json) -> bytes:
    """One data set as an XML document."""
    inner = "".join(_attributes(dataset))
    root = f'NativeDicomModel xmlns="{SPACE}" xml:space="preserve"'
    return f"{HEAD}<{root}>{inner}</NativeDicomModel>".encode()


def _attributes(dataset: Json) -> Iterator[str]:
    for tag, element in dataset.items():
        told = {"keyword": keyword_for_tag(int(tag, 16)), "privateCreator": _creator(tag, dataset)}
        named = "".join(f" {name}={quoteattr(text)}" for name, text in told.items() if text)
        inner = "".join(_content(element))
        yield f'<DicomAttribute tag="{tag}" vr="{element["vr"]}"{named}>{inner}</DicomAttribute>'


def _creator(tag: str, dataset: Json) -> str:
    """Who has reserved a private attribute's block."""
    if int(tag[3], 16) % 2 == 0 or tag[4:6] == "00":
        return ""
    values = dataset.get(f"{tag[:4]}00{tag[4:6]}", {}).get("Value") or ("",)
    return str(values[0] or "").translate(_NOT_IN_XML)


def _content(element: Json) -> Iterator[str]:
    if "BulkDataURI" in element:
        yield f"<BulkData uri={quoteattr(element['BulkDataURI'])}/>"
    if "InlineBinary" in element:
        yield f"<InlineBinary>{element['InlineBinary']}</InlineBinary>"
    for number, value in enumerate(element.get("Value", ()), 1):
        if value is not None:
            yield _value(element["vr"], number, value)


def _value(vr: str, number: int, value: Any) -> str:
    if vr == "SQ":
        return f'<Item number="{number}">{"".join(_attributes(value))}</Item>'
    if vr == "PN":
        groups = "".join(_group(group, value[group]) for group in value)
        return f'<PersonName number="{number}">{groups}</PersonName>'
    return f'<Value number="{number}">{_text(value)}</Value>'


def _group(group: str, name: str) -> str:
    parts = zip(COMPONENTS, name.split("^"), strict=False)
    inner = "".join(f"<{component}>{_text(part)}</{component}>" for component, part in parts if part)
    return f"<{group}>{inner}</{group}>"


def _text(value: Any) -> str:
    return escape(str(value).translate(_NOT_IN_XML))
