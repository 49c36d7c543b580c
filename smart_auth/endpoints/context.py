"""The launch context of a request: what an EHR handed over, whose record a patient's is, what was chosen.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-context-data
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smart_auth.endpoints.authorize import Pending
from smart_auth.store.sessions import Login

Context = dict[str, Any]
PATIENT, ENCOUNTER = "launch/patient", "launch/encounter"


def known_context(pending: Pending, login: Login) -> Context:
    """What is known of it by now; raises RedirectFault for the launch of another user."""
    if pending.launch:
        if pending.launch["subject"] != login.user.subject:
            raise pending.fault("access_denied", "the launch is for another user", login)
        return {**pending.launch["context"], "launch": True}
    chosen = pending.session == login.id
    found = {"patient": own_patient(login) or (pending.patient if chosen else "")}
    found["encounter"] = pending.encounter if chosen else ""
    return {name: id_ for name, id_ in found.items() if id_}


def to_choose(pending: Pending, login: Login) -> str:
    """What the user has yet to choose: `patient`, then `encounter`, or nothing more."""
    wanted = {PATIENT, ENCOUNTER} & set(pending.scopes)
    if pending.launch or not wanted:
        return ""
    context = known_context(pending, login)
    if "patient" not in context:
        return "patient"
    visitless = pending.visitless and pending.session == login.id
    return "encounter" if ENCOUNTER in wanted and "encounter" not in context and not visitless else ""


def left_over(context: Context, offered: Sequence[str], scopes: Sequence[str], login: Login) -> Context:
    """The context once the user has decided on the scopes: who won't tell the patient tells no visit."""
    closed = PATIENT in offered and PATIENT not in scopes and not own_patient(login)
    return {n: v for n, v in context.items() if not (closed and n in ("patient", "encounter"))}


def told(context: Context, scopes: Sequence[str]) -> Context:
    """What of it the client is told, which was granted these scopes."""
    patient = any(t in ("launch", PATIENT) or t.startswith("patient/") for t in scopes)
    shown = {"launch": False, "patient": patient, "encounter": bool({"launch", ENCOUNTER} & set(scopes))}
    return {name: value for name, value in context.items() if shown.get(name, True)}


def own_patient(login: Login) -> str:
    """The id of a user who is a patient."""
    kind, _, id_ = login.user.fhir_user.partition("/")
    return id_ if kind == "Patient" else ""
