"""Whether codes are of the value sets that R4 requires, and of the code systems they name.

https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from mappers.validation.issues import Issue, quoted
from terminology import definitions

# CapabilityStatement.format and others take the short forms too.
_MIME = re.compile(
    r"xml|json|ttl|"
    r"[A-Za-z0-9][\w.+^!#$&-]*/[A-Za-z0-9*][\w.+^!#$&-]*(\s*;\s*[^;=\s]+=([^;\"]+|\"[^\"]*\"))*;?"
)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
# Value sets without a list of codes here, by the form that the standard behind them gives its codes.
_FORMS = {
    "http://hl7.org/fhir/ValueSet/mimetypes": (_MIME, "a MIME type"),
    "http://hl7.org/fhir/ValueSet/all-languages": (_LANGUAGE, "a language tag of BCP 47"),
    "http://hl7.org/fhir/ValueSet/currencies": (re.compile(r"[A-Z]{3}"), "a currency of ISO 4217"),
}


@cache
def _codes(value_set: str) -> frozenset[str] | None:
    pairs = definitions.valueset_codes(value_set)
    return None if pairs is None else frozenset(code for _, code in pairs)


def code_fault(value_set: str, code: str) -> str | None:
    """Why a `code` (or a bound string) is not of the value set; None where it is, or nobody can say."""
    if value_set in _FORMS:
        form, words = _FORMS[value_set]
        return None if form.fullmatch(code) else f"{quoted(code)} is not {words}"
    codes = _codes(value_set)
    return (
        None if codes is None or code in codes else f"{quoted(code)} is not of {value_set}, which is required"
    )


def concept_fault(value_set: str, concept: dict[str, Any]) -> str | None:
    """Why a CodeableConcept has no coding of a value set that is required; None where it has."""
    allowed = definitions.valueset_codes(value_set)
    codings = _codings(concept)
    if allowed is None or any((coding.get("system"), coding.get("code")) in allowed for coding in codings):
        return None
    return f"none of the codings is of {value_set}, which is required"


def _codings(concept: dict[str, Any]) -> list[dict[str, Any]]:
    codings = concept.get("coding")
    return [one for one in codings if isinstance(one, dict)] if isinstance(codings, list) else []


def coding_fault(value_set: str, coding: dict[str, Any]) -> str | None:
    """Why a Coding is not of the value set; None where it is, or none can say."""
    allowed = definitions.valueset_codes(value_set)
    if allowed is None or (coding.get("system"), coding.get("code")) in allowed:
        return None
    return f"{quoted(coding.get('code', ''))} is not of {value_set}, which is required"


def membership(coding: dict[str, Any], expression: str) -> Iterator[Issue]:
    """A code that its own code system lacks, where R4 packages that system whole; a display that differs."""
    system, code, display = (coding.get(name) for name in ("system", "code", "display"))
    if not isinstance(system, str) or not isinstance(code, str):
        return
    known = definitions.codesystem_codes(system)
    if known is None or coding.get("version"):
        return
    if code not in known:
        yield Issue(
            "error", "code-invalid", f"{expression}.code", f"{quoted(code)} is not a code of {system}"
        )
    elif isinstance(display, str) and _folded(display) != _folded(known[code]):
        words = f"{system} calls this code {quoted(known[code])}"
        yield Issue("warning", "code-invalid", f"{expression}.display", words)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
