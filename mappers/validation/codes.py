"""Whether codes are of the value sets that R4 requires, and of the code systems they name.

https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from mappers.validation.issues import Issue, quoted
from terminology import definitions, membership

_CURRENCIES = "http://hl7.org/fhir/ValueSet/currencies"
_MIME_TYPES = "http://hl7.org/fhir/ValueSet/mimetypes"
_CURRENCY = re.compile(r"[A-Z]{3}")
# CapabilityStatement.format and others take them besides MIME types.
_SHORT_FORMS = ("xml", "json", "ttl")


@cache
def _codes(value_set: str) -> frozenset[str] | None:
    pairs = definitions.valueset_codes(value_set)
    return None if pairs is None else frozenset(code for _, code in pairs)


def code_fault(value_set: str, code: str) -> str | None:
    """Why a `code` (or a bound string) is not of the value set; None where it is, or nobody can say."""
    codes = _codes(value_set)
    held = code in codes if codes is not None else _by_grammar(value_set, code)
    return f"{quoted(code)} is not of {value_set}, which is required" if held is False else None


def _by_grammar(value_set: str, code: str) -> bool | None:
    if value_set == _CURRENCIES:
        return _CURRENCY.fullmatch(code) is not None
    if value_set == _MIME_TYPES and code in _SHORT_FORMS:
        return True
    return membership.holds(value_set, "", code)


def concept_fault(value_set: str, concept: dict[str, Any]) -> str | None:
    """Why a CodeableConcept has no coding of a value set that is required; None where it has."""
    allowed = definitions.valueset_codes(value_set)
    codings = _codings(concept)
    if allowed is None or any(_is_of(coding, allowed) for coding in codings):
        return None
    return f"none of the codings is of {value_set}, which is required"


def _codings(concept: dict[str, Any]) -> list[dict[str, Any]]:
    codings = concept.get("coding")
    return [one for one in codings if isinstance(one, dict)] if isinstance(codings, list) else []


def _is_of(coding: dict[str, Any], allowed: Collection[tuple[str, str]]) -> bool:
    """A system or code that is no text is said where it stands."""
    told = coding.get("system"), coding.get("code")
    return all(isinstance(one, str) for one in told) and told in allowed


def coding_fault(value_set: str, coding: dict[str, Any]) -> str | None:
    """Why a Coding is not of the value set; None where it is, or none can say."""
    allowed = definitions.valueset_codes(value_set)
    if allowed is None or _is_of(coding, allowed):
        return None
    return f"{quoted(coding.get('code', ''))} is not of {value_set}, which is required"


def of_its_system(coding: dict[str, Any], expression: str) -> Iterator[Issue]:
    """A code that its own code system lacks, where R4 packages that system whole; a display that differs."""
    system, code, display = (coding.get(name) for name in ("system", "code", "display"))
    if not isinstance(system, str) or not isinstance(code, str):
        return
    if coding.get("version"):
        return
    known = definitions.codesystem_codes(system)
    if code not in known if known is not None else membership.well_formed(system, code) is False:
        words = f"{quoted(code)} is not a code of {system}"
        yield Issue("error", "code-invalid", f"{expression}.code", words)
    elif known and isinstance(display, str) and _folded(display) != _folded(known[code]):
        words = f"{system} calls this code {quoted(known[code])}"
        yield Issue("warning", "code-invalid", f"{expression}.display", words)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
