"""Reading what a client sent: a form, a JSON object, a number of a page. Whatever it is, the worst is a 400."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from sotepki.serving.desk import HttpRefusal, Refusal

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

BODY_SECONDS = 30.0

_MOST_FIELDS = 20
_LARGEST_NUMBER = 10**9


async def whole_body(request: web.Request) -> bytes:
    """The body, however slowly it comes, but not for ever: a client that drips octets holds its connection.

    Raises:
        HttpRefusal: it is not there within ``BODY_SECONDS`` (408), or it breaks off or cannot be decoded (400).
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise HttpRefusal(Refusal(408, "", f"The body did not arrive within {BODY_SECONDS:.0f} seconds.")) from None
    except (web.RequestPayloadError, HttpProcessingError):
        sentence = "The body broke off, or is not encoded as its Content-Encoding says."
        raise HttpRefusal(Refusal(400, "", sentence)) from None


def asked_path(request: web.Request) -> str:
    """Path and query as they came: a base64 OCSP request may not be decoded and encoded again.

    A client that takes this service for its proxy asks for a whole URL (RFC 9112 3.2.2).
    """
    asked = (request.raw_path, request.rel_url.raw_path_qs)
    return next((path for path in asked if path.startswith("/")), "/")


async def form_fields(request: web.Request) -> Mapping[str, str]:
    """The fields of a form in the body, the last of each name.

    Raises:
        HttpRefusal: it is not a form (415), too slow (408), or cannot be read (400).
    """
    expect_type(request, FORM)
    try:
        text = (await whole_body(request)).decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise HttpRefusal(Refusal(400, "", "The form cannot be read.")) from None


async def json_object(request: web.Request) -> Mapping[str, Any]:
    """The JSON object in the body.

    Raises:
        HttpRefusal: it is not JSON by its type (415), too slow (408), or not one object (400).
    """
    expect_type(request, JSON)
    try:
        found = json.loads(await whole_body(request))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise HttpRefusal(Refusal(400, "", "The body is not a JSON object."))
    return found


def text_fields(found: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, str]:
    """The text values of an object whose names are all known; names that are absent are empty.

    Raises:
        HttpRefusal: a name is unknown, or a value is not text (400).
    """
    for name, value in found.items():
        if name not in known:
            raise HttpRefusal(
                Refusal(400, "", f"The question has no field {name[:40]!a}; it has {', '.join(known)}.")
            )
        if not isinstance(value, str):
            raise HttpRefusal(Refusal(400, "", f"The field {name} is not text."))
    return {name: found.get(name, "") for name in known}


def expect_type(request: web.Request, *types: str) -> None:
    """Raise ``HttpRefusal`` (415) if the body is of another media type."""
    if request.content_type not in types:
        raise HttpRefusal(Refusal(415, "", f"The body is sent as {' or '.join(types)}."))


def count_in(request: web.Request, name: str, otherwise: int, *, most: int = _LARGEST_NUMBER) -> int:
    """A whole number of the query, between 0 and ``most``.

    Raises:
        HttpRefusal: it is not one (400).
    """
    asked = request.query.get(name)
    if asked is None:
        return otherwise
    if not (asked.isascii() and asked.isdigit() and len(asked) < 10 and int(asked) <= most):
        raise HttpRefusal(Refusal(400, "", f"{name} is a whole number from 0 to {most}."))
    return int(asked)
