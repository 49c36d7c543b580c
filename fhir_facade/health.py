"""Health for load balancers: live (the process answers) and ready (the database answers)."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from dicomweb.archives.archive import Archive, ArchiveDownError
from mappers.database import Database

#: seconds that the imaging archive may take to say that it is there
PATIENCE = 1.0


def router(database: Database, archive: Archive, degraded: int = 0) -> APIRouter:
    """`/api/health/live` and `/api/health/ready` (503 while the database doesn't answer).

    `degraded`: how many things the databases lack; /metadata names them. A server without its imaging
    archive is ready all the same: all but images is served.
    """
    routes = APIRouter(prefix="/api/health", tags=["health"])

    @routes.get("/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "up"}

    @routes.get("/ready")
    async def ready(response: Response) -> dict[str, str | int]:
        """The database answers."""
        try:
            await database.fetch("SELECT 1", ())
        except Exception:
            response.status_code = 503
            return {"status": "down", "database": "does not answer"}
        imaging = await _of_archive(archive)
        return {"status": "up", "database": "up", "imaging": imaging, "degraded": degraded}

    return routes


async def _of_archive(archive: Archive) -> str:
    try:
        await asyncio.wait_for(archive.alive(), PATIENCE)
    except (ArchiveDownError, TimeoutError):
        return "down"
    return "up"
