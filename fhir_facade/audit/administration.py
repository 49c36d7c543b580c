"""What an administrator changes by a command, as events of the trail: DICOM's security alerts.

https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.3.11.html
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pwd
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from functools import wraps
from typing import Any, NamedTuple

from fhir_facade.audit.event import Event
from fhir_facade.audit.masking import hidden
from fhir_facade.audit.trail import Trail, TrailDownError
from fhir_facade.audit.wiring import trail_of
from fhir_facade.set_up import migrate_embedded
from fhir_facade.settings import SettingFault, Settings
from mappers.mapping import LOGICAL_ID
from smart_auth.access.caller import Caller, User

CLIENT = "fhir-facade"
Run = Callable[[Settings, argparse.Namespace], int]
UNDONE = (
    "the audit trail can't be written, so nothing is changed; why stands above "
    "(a database without its tables: run `fhir-facade migrate`)"
)
UNTOLD = "this is done, but the audit trail doesn't have it: it could not be written any more"


class Act(NamedTuple):
    """A command that changes who may do what.

    `event` is a word of terminology/maps/facade_audit_*.csv, `about` the argument that names what is changed
    (or its name), `kept` are the arguments that say how: none of them may be a secret. An argument `patient`
    names whom it concerns; where only the command finds out, it sets that.
    """

    event: str
    command: str
    about: str
    kept: tuple[str, ...] = ()

    def told(self, chosen: argparse.Namespace, outcome: str) -> Event:
        """The event, with who runs the command and on which host."""
        who, patient = operator(), str(getattr(chosen, "patient", "") or "")
        return Event(
            self.event,
            outcome,
            id=hidden(str(getattr(chosen, self.about, self.about))),
            address=socket.gethostname(),
            client=CLIENT,
            caller=Caller(CLIENT, (), User(who, who, who)),
            patients=[patient] if LOGICAL_ID.fullmatch(patient) and hidden(patient) == patient else [],
            details=dict(self._details(chosen)),
        )

    def _details(self, chosen: argparse.Namespace) -> Iterator[tuple[str, str]]:
        yield "command", self.command
        for name in self.kept:
            if value := getattr(chosen, name, None):
                yield name, hidden(" ".join(value) if isinstance(value, list) else str(value))


def recorded(act: Act, run: Run) -> Run:
    """The command, which leaves an event, of a refusal too; SettingFault where the trail can't be written."""

    @wraps(run)
    def told(settings: Settings, chosen: argparse.Namespace) -> int:
        _done(settings, lambda trail: trail.ready(), UNDONE)
        try:
            code = run(settings, chosen)
        except SettingFault:
            _failed(settings, act.told(chosen, "4"))
            raise
        except BaseException:  # broken off, too: how far it came is open
            _failed(settings, act.told(chosen, "8"))
            raise
        event = act.told(chosen, "0" if code == 0 else "4")
        _done(settings, lambda trail: trail.record(event), UNTOLD)
        return code

    return told


def _failed(settings: Settings, event: Event) -> None:
    """Records it, as far as that can be done: why it failed is what has to be said."""
    with suppress(SettingFault):
        _done(settings, lambda trail: trail.record(event), UNTOLD)


def _done(settings: Settings, work: Callable[[Trail], Coroutine[Any, Any, None]], otherwise: str) -> None:
    """Does it with the trail, if there is one; SettingFault with the text where it can't be written."""
    if (trail := _trail(settings)) is None:
        return
    try:
        asyncio.run(_closed(trail, work(trail)))
    except TrailDownError:
        raise SettingFault(otherwise) from None


async def _closed(trail: Trail, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    finally:
        await trail.close()


def _trail(settings: Settings) -> Trail | None:
    from fhir_facade.app import database_of, site_of

    if settings.embedded:
        migrate_embedded(settings)
    return trail_of(settings, site_of(settings), database_of(settings))


def operator() -> str:
    """Who runs this, as the host knows them, whatever the environment says; a number where they have no name
    (as in containers). Of who became somebody by sudo, both.
    """
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER", "")
    return f"{behind} as {name}" if behind else name
