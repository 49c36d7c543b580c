"""Rights: what the facade's database user may do, and what it should not be able to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from fhir_facade.doctor.finding import Finding, Level, fine
from fhir_facade.settings import Settings

AREA = "rights"
#: rights that change data or tables
WRITING = frozenset(
    "INSERT UPDATE DELETE CREATE DROP ALTER INDEX TRIGGER REFERENCES".split()  # noqa: SIM905 - reads better
)
#: OpenEMR's tables of password hashes, keys and tokens; no mapping reads them
SECRETS = (
    "users_secure",
    "keys",
    "api_token",
    "api_refresh_token",
    "oauth_clients",
    "login_mfa_registrations",
    "patient_access_onsite",
    "session_tracker",
)
_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?P<what>\S+) TO ", re.IGNORECASE)


@dataclass(frozen=True)
class Grant:
    """Rights on a schema's pattern and a table ('*': all)."""

    rights: frozenset[str]
    schema: str
    table: str

    def covers(self, schema: str) -> bool:
        """Whether the grant's schema, which may be a LIKE pattern, is that schema."""
        pattern = "".join(_like(c) for c in re.findall(r"\\.|.", self.schema))
        return self.schema == "*" or re.fullmatch(pattern, schema, re.IGNORECASE) is not None


def _like(piece: str) -> str:
    return {"%": ".*", "_": "."}.get(piece) or re.escape(piece.removeprefix("\\"))


def parsed(statements: Sequence[str]) -> list[Grant]:
    """The grants in what SHOW GRANTS says; a column's rights count as its table's."""
    found = []
    for statement in statements:
        match = _GRANT.match(statement)
        if match:
            schema, _, table = match["what"].replace("`", "").rpartition(".")
            rights = re.sub(r"\([^)]*\)", "", match["rights"]).split(",")
            found.append(Grant(frozenset(r.strip().upper() for r in rights), schema or "*", table))
    return found


def examine_rights(connection: Connection, settings: Settings) -> list[Finding]:
    """SELECT alone on OpenEMR, without its secrets; at least SELECT on the CDSS."""
    statements = [str(row[0]) for row in connection.exec_driver_sql("SHOW GRANTS")]
    secrets = _secrets(connection, settings)
    return judged(parsed(statements), settings.db_name, settings.openemr_db_name, secrets)


def judged(grants: Sequence[Grant], cdss: str, openemr: str, secrets: Sequence[str]) -> list[Finding]:
    """What is to be said of a user's grants."""
    found = [*_reading(grants, cdss), *_reading(grants, openemr), *_writing(grants, openemr)]
    if secrets:
        found.append(
            Finding(
                Level.ADVICE,
                AREA,
                f"this user can read OpenEMR's secrets: {', '.join(secrets)}",
                remedy=f"REVOKE SELECT ON {openemr}.*, then grant it on the tables that the mappings read",
            )
        )
    return found or [fine(AREA, f"{cdss} can be read and {openemr} can only be read")]


def _reading(grants: Sequence[Grant], schema: str) -> Iterator[Finding]:
    able = [g for g in grants if g.covers(schema) and g.rights & {"SELECT", "ALL", "ALL PRIVILEGES"}]
    if not able:
        yield Finding(
            Level.BROKEN,
            AREA,
            f"nothing of {schema} may be read",
            remedy=f"GRANT SELECT ON {schema}.* TO the facade's user",
        )


def _writing(grants: Sequence[Grant], openemr: str) -> Iterator[Finding]:
    every = {"ALL", "ALL PRIVILEGES"}
    rights = sorted({r for g in grants if g.covers(openemr) for r in g.rights & (WRITING | every)})
    if rights:
        revoked = "ALL PRIVILEGES" if every & set(rights) else ", ".join(rights)
        yield Finding(
            Level.ADVICE,
            AREA,
            f"this user may change {openemr}: {', '.join(rights)}",
            ("OpenEMR is read only here; a fault or an intruder could write to it",),
            f"REVOKE {revoked} ON {openemr}.* FROM the facade's user; GRANT SELECT ON {openemr}.* TO it",
        )


def _secrets(connection: Connection, settings: Settings) -> list[str]:
    """The tables of secrets that this user can see (the catalogue shows only what may be used)."""
    rows = connection.exec_driver_sql(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s",
        (settings.openemr_db_name,),
    )
    return sorted({str(row[0]) for row in rows} & set(SECRETS))
