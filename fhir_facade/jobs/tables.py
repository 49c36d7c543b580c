"""The table of jobs. Times are seconds since 1970."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.dialects import mysql
from sqlmodel import Field, SQLModel

from smart_auth.store.tables import ID, NAME

LONG_TEXT = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
#: words of https://hl7.org/fhir/R4/valueset-task-status.html
REQUESTED, IN_PROGRESS, COMPLETED, FAILED = "requested", "in-progress", "completed", "failed"
CANCELLED = "cancelled"
PROGRESS_LENGTH = 100


class Job(SQLModel, table=True):
    """One job. `kind` says what `payload`, `checkpoint` and `result` (JSON) mean; `client` and `holder` whose
    it is.

    While it is in progress, `owner` may work on it until `lease_until`. Each owner has an `attempt` of its
    own: what a former one still writes is refused by it. `tries` are the attempts since the last checkpoint;
    none begins before `due`. `expires` is 0 until the job has ended.
    """

    __tablename__ = "fhir_job"
    __table_args__ = (
        Index("ix_fhir_job_state_due", "state", "due"),
        {"mysql_engine": "InnoDB", "mariadb_engine": "InnoDB"},
    )
    id: str = Field(primary_key=True, sa_type=ID)
    kind: str = Field(sa_type=String(32))
    state: str = Field(default=REQUESTED, sa_type=String(16))
    client: str = Field(default="", index=True, sa_type=NAME)
    holder: str = Field(default="", sa_type=ID)
    payload: str = Field(sa_type=LONG_TEXT)
    checkpoint: str = Field(default="", sa_type=LONG_TEXT)
    result: str = Field(default="", sa_type=LONG_TEXT)
    progress: str = Field(default="", sa_type=String(PROGRESS_LENGTH))
    owner: str = Field(default="", sa_type=ID)
    lease_until: int = Field(default=0, sa_type=BigInteger)
    attempt: int = 0
    tries: int = 0
    due: int = Field(default=0, sa_type=BigInteger)
    created: int = Field(sa_type=BigInteger)
    ended: int = Field(default=0, sa_type=BigInteger)
    expires: int = Field(default=0, index=True, sa_type=BigInteger)
