"""Health for load balancers: live (the process answers) and ready (the database answers)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from dicomweb.archives.watch import Watch
from mappers.database import Database


def router(database: Database, archive: Watch, degraded: int = 0) -> APIRouter:
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
        imaging = "up" if await archive.look() else "down"
        return {"status": "up", "database": "up", "imaging": imaging, "degraded": degraded}

    return routes
