"""Whether a text is a unit of UCUM, by its grammar and its table of units: https://ucum.org/ucum#section-Grammar

`ucum_atoms.csv` has the codes of that table: prefixes, metric units (which take them), and the other units.
"""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from importlib.resources import files

_LONGEST = 200
_ANNOTATION = r"\{[!-z|~]*\}"
# Brackets, operators, or a unit with its exponent and annotation; square brackets may hold dots and slashes.
_TOKEN = re.compile(
    rf"(?P<open>\()|(?P<close>\)(?:{_ANNOTATION})?)|(?P<by>[./])"
    rf"|(?P<unit>(?:\[[!-Z\\^-~]*\]|[!-'*-\-0-Z\\^-z|~])+)?(?P<note>{_ANNOTATION})?",
    re.ASCII,
)
_EXPONENT = re.compile(r"(.*?[^0-9+-])([+-]?[0-9]+)?", re.ASCII)
_TERM = r"/?u(?:[./]u)*"
_BRACKETS = re.compile(rf"\({_TERM}\)")


@cache
def _atoms(kind: str) -> frozenset[str]:
    text = files("terminology").joinpath("ucum_atoms.csv").read_text(encoding="utf-8")
    return frozenset(row["code"] for row in csv.DictReader(text.splitlines()) if row["kind"] == kind)


@lru_cache(4096)
def is_unit(code: str) -> bool:
    """Whether UCUM has the unit, case-sensitively: `mg/dL`, `10*3/uL`, `{tbl}`, `m/s2`; not `mcg`."""
    if len(code) > _LONGEST:
        return False
    form = _form(code)
    while form and _BRACKETS.search(form):
        form = _BRACKETS.sub("u", form)
    return form is not None and re.fullmatch(_TERM, form) is not None


def _form(code: str) -> str | None:
    """The code with `u` for each component; None where one isn't UCUM's."""
    place, form = 0, ""
    while place < len(code):
        found = _TOKEN.match(code, place)
        if found is None or found.end() == place:
            return None
        if found["unit"] and not _is_component(found["unit"]):
            return None
        form += code[place] if found["open"] or found["by"] else ")" if found["close"] else "u"
        place = found.end()
    return form


def _is_component(unit: str) -> bool:
    if unit.isdigit():
        return True
    found = _EXPONENT.fullmatch(unit)
    return found is not None and _is_simple(found[1])


def _is_simple(unit: str) -> bool:
    metric = _atoms("metric")
    return (
        unit in metric
        or unit in _atoms("unit")
        or any(unit[:n] in _atoms("prefix") and unit[n:] in metric for n in (1, 2))
    )
