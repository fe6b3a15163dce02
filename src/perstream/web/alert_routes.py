"""Route to what needs the owner now."""

from __future__ import annotations

from fastapi import APIRouter

from perstream.jsonlines import Json, plain
from perstream.web.house import House


def alert_routes(house: House) -> APIRouter:
    """/v1/alerts."""
    router = APIRouter(prefix="/v1/alerts", tags=["daemon"])

    @router.get("")
    def alerts() -> Json:
        """What needs the owner now, the oldest first; empty when all is well. Waits for nothing."""
        return {"alerts": [plain(alert) for alert in house.alerts()]}

    return router
