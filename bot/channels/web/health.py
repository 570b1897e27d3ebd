"""Health for whoever watches over the process: it lives, it can answer, how it fares."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from bot.telemetry import metrics

Condition = Callable[[], Mapping[str, bool]]
"""What must be so for the bot to answer, by name."""


def health_routes(condition: Condition) -> APIRouter:
    """`/healthz`, `/readyz`, `/metrics`."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="It can answer", responses={503: {"description": "it cannot, and what is missing"}})
    async def readyz() -> JSONResponse:
        facts = dict(condition())
        return JSONResponse(facts, 200 if all(facts.values()) else 503)

    @router.get("/metrics", summary="Counters in Prometheus' text format", response_class=Response)
    async def prometheus() -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST)

    return router
