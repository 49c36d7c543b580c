"""Whether a code is in a value set, asked without a server: what bindings and searches need.

https://hl7.org/fhir/R4/terminologies.html#strength
"""

from __future__ import annotations

import re

from terminology import definitions, systems, ucum_grammar, verification

#: systems without a list of codes, whose codes are written by a grammar: RFC 6838 and RFC 5646
GRAMMARS = {
    systems.MIME_TYPE: re.compile(
        r"(?:[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}|\*)/(?:[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}|\*)"
        r"(?:\s*;\s*[A-Za-z0-9!#$&^_.+-]+=(?:[^\s\";,]+|\"[^\"]*\"))*"
    ),
    systems.BCP_47: re.compile(
        r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?"
        r"(?:-(?:[A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*(?:-[A-WY-Za-wy-z0-9](?:-[A-Za-z0-9]{2,8})+)*"
        r"(?:-[Xx](?:-[A-Za-z0-9]{1,8})+)?|[Xx](?:-[A-Za-z0-9]{1,8})+"
    ),
}
#: value sets that are the whole of such a system, by url
_WHOLE = {
    "http://hl7.org/fhir/ValueSet/mimetypes": systems.MIME_TYPE,
    "http://hl7.org/fhir/ValueSet/all-languages": systems.BCP_47,
    "http://hl7.org/fhir/ValueSet/ucum-units": systems.UCUM,
}


def codes_of(url: str) -> frozenset[tuple[str, str]] | None:
    """The (system, code) pairs of a value set of R4; None when it is unknown or can't be listed."""
    return definitions.valueset_codes(url)


def holds(url: str, system: str, code: str) -> bool | None:
    """Whether a value set of R4 has a code; `system` may be '' (a bare code). None: it can't be told."""
    listed = codes_of(url)
    if listed is not None:
        return (system, code) in listed if system else any(code == one for _, one in listed)
    whole = _WHOLE.get(url.split("|")[0])
    if whole is None:
        return None
    return well_formed(whole, code) if system in ("", whole) else False


def well_formed(system: str, code: str) -> bool | None:
    """Whether a code is one of a system that a grammar describes; None for any other system."""
    if system == systems.UCUM:
        # HL7's list of common units has annotations with blanks, which the grammar lacks
        return ucum_grammar.is_unit(code) or verification.is_known_unit(code)
    grammar = GRAMMARS.get(system)
    return None if grammar is None else grammar.fullmatch(code) is not None
