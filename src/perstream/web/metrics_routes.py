"""GET /metrics for Prometheus, and /readyz for whoever decides where questions go or what is restarted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from perstream.web.house import House
from perstream.web.metrics import of_house, of_process, of_servers
from perstream.web.metrics_sources import of_sources
from perstream.web.metrics_upkeep import of_upkeep
from perstream.web.replies import JsonReply


class HouseCollector(Collector):
    """One scrape: asks the house once."""

    def __init__(self, house: House) -> None:
        self._house = house

    def collect(self) -> Iterable[Metric]:
        """All families."""
        status = self._house.status()
        yield from of_house(status)
        yield from of_sources(status.sources, datetime.now(timezone.utc))
        yield from of_servers(status.sent)
        yield from of_upkeep(status)


class _OwnProcess(Collector):
    """Where there is a /proc, what it says."""

    def __init__(self) -> None:
        self._from_proc = ProcessCollector(registry=None)

    def collect(self) -> Iterable[Metric]:
        """process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, …"""
        return list(self._from_proc.collect()) or of_process()


def _registry(*collectors: Collector) -> CollectorRegistry:
    """One of this scrape alone, which asks each collector once."""
    registry = CollectorRegistry(auto_describe=False)
    for one in collectors:
        registry.register(one)
    return registry


def metrics_routes(house: House) -> APIRouter:
    """/metrics (a token that may read) and /readyz (nobody's secret)."""
    router = APIRouter(tags=["daemon"])

    @router.get("/metrics", response_class=Response)
    def metrics(request: Request) -> Response:
        """Everything that can be counted, as Prometheus or OpenMetrics text."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(_registry(HouseCollector(house), _OwnProcess())), headers={"content-type": content_type})

    @router.get("/readyz", response_model=None)
    async def readyz() -> Response:
        """200 when questions can be answered, 503 with a reason when not. It waits for nothing and holds no data."""
        found = house.readiness()
        if found.ready:
            return JsonReply({"ready": True, "warming": found.warming})
        return JsonReply({"ready": False, "reason": found.reason}, 503)

    return router
