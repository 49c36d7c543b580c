"""Making the CDSS's tables, where a hospital begins with none."""

from __future__ import annotations

from sqlalchemy import Connection

from mappers.cdss.tables import CDSS


def create_cdss(connection: Connection) -> int:
    """Makes all of the CDSS's tables in the connection's schema; how many."""
    CDSS.create_all(connection, checkfirst=False)
    return len(CDSS.tables)
