"""Health for load balancers: live (the process answers) and ready (the database answers)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from mappers.database import Database


def router(database: Database, degraded: int = 0) -> APIRouter:
    """`/api/health/live` and `/api/health/ready` (503 while the database doesn't answer).

    `degraded`: how many things the databases lack; /metadata names them.
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
        return {"status": "up", "database": "up", "degraded": degraded}

    return routes
