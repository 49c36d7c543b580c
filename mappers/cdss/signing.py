"""Who signs a radiology report, and what that asks: the author stays its performer, the signer is named.

A resident writes a preliminary report and another radiologist signs it; the RIS has one column for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import and_, func

from mappers.cdss import links
from mappers.cdss.tables import accounts_user, ris_radiologyreport
from mappers.facade.tables import fhir_report_signature
from mappers.mapping import Id, Join
from mappers.upkeep import NOW, Caller, Changes, Held, Lines, Resource
from mappers.value import Cells, Writing
from mappers.values import FullName, ReferenceTo, Route

R = ris_radiologyreport.c
SIGNED = ("final", "amended")
#: what a report says, and who answers for it
WORDS = (
    "code",
    "conclusion",
    "conclusionCode",
    "presentedForm",
    "result",
    "media",
    "performer",
    "resultsInterpreter",
)
#: what says nothing of the findings
_ABOUT = ("resourceType", "id", "meta", "text")

SIGNATURE = fhir_report_signature.alias("signature_of_report")
# what was signed again past this server isn't what this signature was for
SIGNATURE_JOIN = Join(SIGNATURE, and_(SIGNATURE.c.report_id == R.id, SIGNATURE.c.signed_at == R.signed_at))
SIGNER = links.practitioner(SIGNATURE.c.signer_id)


def _interpreter() -> ReferenceTo:
    """Who signed it through us; else the radiologist, as the RIS knows no other."""
    user = accounts_user.alias("user_of_interpreter")
    who: Any = func.coalesce(SIGNATURE.c.signer_id, R.radiologist_id)
    join = Join(user, and_(user.c.id == who, user.c.role != "patient"), needs=(SIGNATURE,))
    route = Route(who, Id(links.PRACTITIONER_PREFIX, user.c.id), target="id")
    named = FullName(user.c.first_name, user.c.last_name)
    return ReferenceTo("Practitioner", route, display=named, joins=(join,))


INTERPRETER = _interpreter()


def signs(sent: Resource, current: Resource | None) -> bool:
    """Whether what is sent signs a report, or signs it again as amended."""
    if sent.get("status") not in SIGNED:
        return False
    return current is None or _without(sent, _ABOUT) != _without(current, _ABOUT)


def signed(sent: Resource, current: Resource | None, now: str) -> Cells:
    """A final or amended report is signed at the moment that makes it so."""
    return {R.signed_at: now} if signs(sent, current) else {}


def says_what_was_signed(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """A final report says something else only once it is amended."""
    if current is None or not current.get("status") == sent.get("status") == "final":
        return
    for name in WORDS:
        if sent.get(name) != current.get(name):
            yield name, "a final report is signed as it is: send it with the status amended"


def keeps_its_author(sent: Resource, current: Resource | None, caller: Caller) -> Iterator[tuple[str, str]]:
    """Who wrote a report that is released stays its performer."""
    if current is None or current.get("status") == "registered":
        return
    wrote = "performer" if current.get("performer") else "resultsInterpreter"
    if not {*_named(current, wrote, caller)} <= {*_named(sent, "performer", caller)}:
        yield "performer", "who wrote the report stays its performer: who signs it is its resultsInterpreter"


def names_its_signer(sent: Resource, current: Resource | None, caller: Caller) -> Iterator[tuple[str, str]]:
    """Nobody signs in another's name."""
    if caller.who is None or not signs(sent, current):
        return
    if [caller.leads(caller.who)] != _named(sent, _signer(sent), caller)[:1]:
        yield "resultsInterpreter", f"who signs a report is named first: {caller.who}"


def _signer(sent: Resource) -> str:
    return "resultsInterpreter" if sent.get("resultsInterpreter") else "performer"


def _named(report: Resource, name: str, caller: Caller) -> list[object]:
    return [caller.leads(one["reference"]) for one in report.get(name, ()) if "reference" in one]


def _without(resource: Resource, names: Sequence[str]) -> Resource:
    return {k: v for k, v in resource.items() if k not in names}


# the signature's row


def _signature(sent: Resource, w: Writing) -> Cells:
    named = (one["reference"] for one in sent.get(_signer(sent), ()) if "reference" in one)
    found = w.target(SIGNER, next(named, "")) or {}
    who = found.get(SIGNATURE.c.signer_id)
    return {fhir_report_signature.c.signer_id: who, fhir_report_signature.c.signed_at: NOW}


def _made(sent: Resource, w: Writing) -> list[Cells]:
    return [_signature(sent, w)] if signs(sent, None) else []


def _followed(sent: Resource | None, current: Resource, held: Sequence[Held], w: Writing) -> Changes:
    if sent is None or not signs(sent, current):
        return []
    return [(held[0]["id"] if held else None, _signature(sent, w))]


SIGNATURES = Lines(fhir_report_signature, fhir_report_signature.c.report_id, _made, _followed, SIGNATURE)
