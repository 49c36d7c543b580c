"""Jobs in the database: taken by one worker at a time, whichever process and host it is in.

Every change is one conditional UPDATE, so that it is the same on every database: who finds the row as it
was wins. A worker that was thought dead finds its attempt over and can change nothing any more.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Collection
from string import ascii_lowercase
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlmodel import Session

from fhir_facade.jobs.tables import (
    CANCELLED,
    FAILED,
    IN_PROGRESS,
    PROGRESS_LENGTH,
    REQUESTED,
    Job,
)
from smart_auth.store.tables import columns
from smart_auth.store.transaction import Store, matched

#: jobs that a worker tries to get, the one that waits longest first
CANDIDATES = 8
#: attempts without a checkpoint after which a job is given up: it may be what kills its workers
MOST_TRIES = 5
GIVEN_UP = {"issue": [{"severity": "fatal", "code": "exception", "diagnostics": "it failed again and again"}]}
#: seconds that a job without files of its own is remembered after its end
REMEMBERED = 86400


class LeaseLostError(Exception):
    """The job isn't this worker's any more: cancelled, ended, or taken over after the lease ran out."""


class Jobs:
    """The jobs of all processes."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock

    def now(self) -> int:
        """Seconds since 1970."""
        return int(self._clock())

    def add(self, kind: str, payload: Any, client: str = "", holder: str = "") -> str:
        """Keeps a job to be done; its id, which nobody can guess.

        It has no digits, of which the trail would take thirteen in a row for a resident number.
        """
        job = Job(
            id="".join(secrets.choice(ascii_lowercase) for _ in range(32)),
            kind=kind,
            payload=json.dumps(payload),
            client=client,
            holder=holder,
            created=self.now(),
        )
        job_id = job.id
        with self._store.transaction() as session:
            session.add(job)
        return job_id

    def get(self, job_id: str) -> Job | None:
        """The job with exactly that id."""
        if not job_id.isascii():
            return None
        with self._store.transaction() as session:
            found = session.get(Job, job_id)
        # a database may take another spelling for the same, blanks at the end for instance
        return found if found is not None and found.id == job_id else None

    def active(self, kind: str, client: str) -> int:
        """How many jobs of a client have not ended."""
        job = columns(Job)
        living = and_(job.kind == kind, job.client == client, job.state.in_((REQUESTED, IN_PROGRESS)))
        with self._store.transaction() as session:
            return int(session.scalar(select(func.count()).where(living)) or 0)

    # a worker's

    def take(self, kinds: Collection[str], owner: str, seconds: int) -> Job | None:
        """A job that this worker may now work on for so long; None if there is nothing to do."""
        job, moment = columns(Job), self.now()
        free = or_(
            and_(job.state == REQUESTED, job.due <= moment),
            and_(job.state == IN_PROGRESS, job.lease_until < moment),
        )
        wanted = select(job.id, job.attempt, job.tries).where(job.kind.in_(kinds), free)
        with self._store.transaction() as session:
            found = session.execute(wanted.order_by(job.due, job.created).limit(CANDIDATES)).all()
            for job_id, attempt, tries in found:
                same = and_(job.id == job_id, job.attempt == attempt, free)
                if tries >= MOST_TRIES:
                    self._given_up(session, same)
                elif self._taken(session, same, owner, moment + seconds):
                    return session.get(Job, job_id)
        return None

    @staticmethod
    def _taken(session: Session, same: ColumnElement[bool], owner: str, until: int) -> bool:
        job = columns(Job)
        mine = {"state": IN_PROGRESS, "owner": owner, "lease_until": until}
        more = {"attempt": job.attempt + 1, "tries": job.tries + 1}
        return matched(session.execute(update(Job).where(same).values(**mine, **more))) == 1

    def _given_up(self, session: Session, same: ColumnElement[bool]) -> None:
        moment = self.now()
        ended = {"ended": moment, "expires": moment + REMEMBERED, "result": json.dumps(GIVEN_UP)}
        session.execute(update(Job).where(same).values(state=FAILED, **ended))

    def renew(self, job: Job, seconds: int) -> None:
        """Goes on for so long from now; raises LeaseLostError."""
        self._mine(job, lease_until=self.now() + seconds)

    def checkpoint(self, job: Job, seconds: int, checkpoint: Any, progress: str) -> None:
        """Keeps how far it has come, and goes on; raises LeaseLostError."""
        told = {"checkpoint": json.dumps(checkpoint), "progress": progress[:PROGRESS_LENGTH]}
        self._mine(job, lease_until=self.now() + seconds, tries=0, **told)

    def release(self, job: Job, seconds: int = 0, *, tried: bool = True) -> None:
        """Gives the job back, to be taken again in so many seconds; raises LeaseLostError.

        `tried`: whether that was an attempt of which a job has only so many.
        """
        tries = job.tries if tried else job.tries - 1
        self._mine(job, state=REQUESTED, owner="", due=self.now() + seconds, tries=tries)

    def end(self, job: Job, state: str, result: Any, seconds: int) -> None:
        """Ends the job, which expires in so many seconds; raises LeaseLostError."""
        moment = self.now()
        self._mine(
            job,
            state=state,
            result=json.dumps(result),
            owner="",
            ended=moment,
            expires=moment + seconds,
            progress="",
        )

    def _mine(self, job: Job, **changes: Any) -> None:
        c = columns(Job)
        mine = and_(c.id == job.id, c.attempt == job.attempt, c.owner == job.owner, c.state == IN_PROGRESS)
        with self._store.transaction() as session:
            if matched(session.execute(update(Job).where(mine).values(**changes))) != 1:
                raise LeaseLostError(job.id)

    # anybody's

    def cancel(self, job_id: str) -> bool:
        """Ends a job that isn't wanted any more, and what is left of it; False if it was cancelled before."""
        c, moment = columns(Job), self.now()
        there = and_(c.id == job_id, c.state != CANCELLED)
        over = update(Job).where(there).values(state=CANCELLED, ended=moment, expires=moment)
        with self._store.transaction() as session:
            return matched(session.execute(over)) == 1

    def expired(self) -> list[Job]:
        """The jobs whose time is over: what they left is to be removed, then they are to be forgotten."""
        c = columns(Job)
        over = select(Job).where(c.expires > 0, c.expires <= self.now()).limit(100)
        with self._store.transaction() as session:
            return list(session.scalars(over))

    def forget(self, job_id: str) -> None:
        """Removes an expired job."""
        c = columns(Job)
        with self._store.transaction() as session:
            session.execute(delete(Job).where(c.id == job_id, c.expires > 0, c.expires <= self.now()))
