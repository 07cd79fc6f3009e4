"""One request over plain HTTP, as publication services are asked: the answer is bounded in time and size."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from sotepki.errors import Misuse

_CHUNK = 65536


class HttpStatus(http.client.HTTPException):
    """The answer has another status than 200."""


class TooLong(http.client.HTTPException):
    """The answer is longer than the caller takes."""


def exchange(
    url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None, timeout: float, limit: int
) -> bytes:
    """The content of the answer to a GET, or to a POST if there is a ``body``.

    Args:
        timeout: seconds in all, not from packet to packet: a service that drips octets must not hold us.
        limit: the longest answer that is taken, in octets.

    Raises:
        Misuse: ``url`` is not an http address.
        HttpStatus, TooLong: the answer is of no use.
        OSError, http.client.HTTPException: there is no answer, or not in time.
    """
    deadline = time.monotonic() + timeout
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
    except (ValueError, http.client.InvalidURL):
        raise Misuse(f"{url!r} is not an http address.", subject=url) from None
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise HttpStatus(f"HTTP {answer.status}")
        received = bytearray()
        while chunk := answer.read1(_CHUNK):
            received += chunk
            if len(received) > limit:
                raise TooLong(f"the answer is longer than {limit >> 20} MiB")
            if time.monotonic() > deadline:
                raise TimeoutError("the answer took too long")
        return bytes(received)
    finally:
        connection.close()
