"""Whether what stands in the index is DICOM JSON: somebody else may have written there.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_F.2
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_TAG, _VR = re.compile(r"[0-9A-F]{8}"), re.compile(r"[A-Z]{2}")


def is_dataset(told: Any) -> bool:
    """Whether it is a data set: elements by tag."""
    if not isinstance(told, dict):
        return False
    return all(_TAG.fullmatch(tag) for tag in told) and all(map(is_element, told.values()))


def is_element(told: Any) -> bool:
    """Whether it is an element: a VR with values of its kind, or with bytes."""
    if not isinstance(told, dict) or not _VR.fullmatch(str(told.get("vr"))):
        return False
    values = told.get("Value", [])
    if not isinstance(values, list) or not all(isinstance(told.get(name, ""), str) for name in _BYTES):
        return False
    return all(map(_VALUES.get(told["vr"], _is_plain), values))


def _is_name(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, dict) and all(isinstance(group, str) for group in value.values())


def _is_plain(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _is_item(value: Any) -> bool:
    return value is None or is_dataset(value)


_BYTES = ("BulkDataURI", "InlineBinary")
_VALUES: dict[str, Callable[[Any], bool]] = {"PN": _is_name, "SQ": _is_item}
