"""What a write's headers ask: which version, whether there is one already, what to answer.

https://hl7.org/fhir/R4/http.html#concurrency, https://hl7.org/fhir/R4/http.html#ops
"""

from __future__ import annotations

import re

from fhir_facade.content import Request, parsed
from fhir_facade.outcome import FhirFault, parameter

RETURNS = {"minimal": "minimal", "representation": "representation", "operationoutcome": "OperationOutcome"}
_TAG = re.compile(r'(?:W/)?"([A-Za-z0-9\-.]{1,64})"')
#: an If-Match that any version fulfils
ANY = "*"


def if_match(request: Request) -> str | None:
    """The version that a write is meant for; None where none is stated. Raises 400 for what is none."""
    stated = request.headers.get("if-match")
    if stated is None or stated.strip() == ANY:
        return None
    if "," in stated:
        raise parameter("If-Match", "If-Match names one version here")
    found = _TAG.fullmatch(stated.strip())
    if found is None:
        raise parameter("If-Match", 'If-Match is W/"versionId", as the ETag says it')
    return found[1]


def only_if_absent(request: Request) -> bool:
    """Whether a write is meant only for what isn't there yet (`If-None-Match: *`)."""
    stated = request.headers.get("if-none-match")
    if stated is not None and stated.strip() != ANY:
        raise parameter("If-None-Match", "a write takes If-None-Match: * only")
    return stated is not None


def refuse_criteria(request: Request) -> None:
    """400 for criteria in a create's address: ignored, they would make a second resource."""
    if request.parameters:
        text = "a create takes no parameters: If-None-Exist (in a Bundle ifNoneExist) says when not to create"
        raise parameter(request.parameters[0][0], text, "not-supported")


def if_none_exist(request: Request, resource_type: str) -> list[tuple[str, str]] | None:
    """The criteria of a conditional create; None where there are none. Raises 400 for those of another type.

    They may stand behind `Type?`, as in an address: https://hl7.org/fhir/R4/http.html#ccreate
    """
    stated = request.headers.get("if-none-exist")
    if stated is None:
        return None
    address, mark, query = stated.strip().partition("?")
    if not mark or "=" in address:  # a ? of a value's own
        address, query = "", stated.strip()
    if address.rpartition("/")[2] not in ("", resource_type):
        raise parameter("If-None-Exist", f"the criteria are not of {resource_type}")
    try:
        query.encode("ascii")
    except UnicodeEncodeError:
        raise parameter("If-None-Exist", "criteria are percent-encoded UTF-8") from None
    found = parsed(query, "header If-None-Exist")
    if not found:
        raise FhirFault(412, "required", "If-None-Exist has no criteria", ("http.If-None-Exist",))
    return found


def returned(request: Request) -> str:
    """What a write answers: `minimal`, `representation` (unless asked otherwise) or `OperationOutcome`.

    https://hl7.org/fhir/R4/http.html#return
    """
    for preference in re.split(r"[,;]", request.headers.get("prefer", "")):
        name, _, value = preference.strip().partition("=")
        if name.strip().lower() == "return":
            asked = RETURNS.get(value.strip().strip('"').lower())
            if asked is not None:
                return asked
    return "representation"
