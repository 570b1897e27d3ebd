"""Which language a request asks for. Nothing is guessed from an address, and a country never."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.requests import Request

RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")
LONGEST = 500
"""Characters of Accept-Language that are read."""


def language_of(request: Request, languages: Sequence[str]) -> str:
    """The language of the address, else the best of Accept-Language, else the first of ours."""
    asked = request.query_params.get("language", "")
    if asked in languages:
        return asked
    return accepted(request.headers.get("accept-language", ""), languages) or languages[0]


def accepted(header: str, languages: Sequence[str]) -> str | None:
    """The language of ours that Accept-Language (RFC 9110, 12.5.4) wants most; None where it wants none."""
    best, weight = None, 0.0
    for part in header[:LONGEST].split(","):
        found = RANGE.fullmatch(part)
        if found and found[1].lower() in languages and (quality := float(found[2] or 1)) > weight:
            best, weight = found[1].lower(), quality
    return best


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, and not a program."""
    path: str = request.scope["path"]
    return "text/html" in request.headers.get("accept", "") and not path.startswith("/api/")
