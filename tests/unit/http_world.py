"""A blocking HTTP client for the tests of the offices' services: it sends what it is told, sensible or not."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    base_url: str,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = 10.0,
) -> Reply:
    """One request; ``path`` goes out as it is, so it must be encoded already."""
    where = urlsplit(base_url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=timeout)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def answer_to_dripping(base_url: str, path: str, media_type: str, **headers: str) -> bytes:
    """What comes back, with its head, to a body that comes an octet now and then.

    Raises:
        AssertionError: nobody answers for ten seconds.
    """
    where = urlsplit(base_url)
    told = {"Host": where.netloc, "Content-Type": media_type, "Content-Length": "1000", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=0.1) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode())
        began, answer = time.monotonic(), b""
        while b"\r\n\r\n" not in answer or answer.endswith(b"\r\n\r\n"):
            assert time.monotonic() - began < 10, "The service waits for a body that does not come."
            connection.sendall(b" ")
            with suppress(TimeoutError):
                answer += connection.recv(4096)
        return answer


def post_form(base_url: str, path: str, **fields: str) -> Reply:
    return ask(
        base_url,
        path,
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields).encode(),
    )


def post_json(base_url: str, path: str, content: Any, **headers: str) -> Reply:
    return ask(
        base_url,
        path,
        method="POST",
        headers={"Content-Type": "application/json", **headers},
        body=json.dumps(content).encode(),
    )


RUBBISH_PATHS = (
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%ff%fe",
    "/%00",
    "//",
    "/" + "a" * 6000,
    "/organisations/..%2f..%2f",
    "/organisations/%ff",
    "/codesystems/1.2.3/versions/%ff",
    "/codesystems/1.2.3/versions/%00",
    "/codesystems/1.2.246.537.6.147.2008/codes/%F0%9F%98%80%00",
    "/julkiterhikki/",
    "/julkiterhikki/api/search?number=%ff",
    "/julkiterhikki/api/search?number=%00",
    "/julkiterhikki/api/search?surname=%00&given_names=a",
    "/julkiterhikki/api/search?surname=%ED%A0%80&given_names=a",
    "/julkiterhikki?lang=%00%ff",
    "/julkiterhikki/api/search?" + "&".join(f"x{n}=1" for n in range(300)),
    "/organisations?offset=-1",
    "/organisations?offset=9999999999999999999999",
    "/organisations?limit=1e9",
    "/organisations?name=%00",
    "/organisations?name=%25%5f%5c",
    "/organisations?kind=" + "x" * 5000,
    "/attribute/v1/professional?registrationNumber=%ff",
    "/attribute/v1/professional?registrationNumber=00900000001&at=0001-01-01T00:00:00%2B14:00",
    "/attribute/v1/professional?registrationNumber=00900000001&at=9999-12-31T23:59:59-14:00",
    "/attribute/v1/professional?registrationNumber=00900000001&at=x",
    "/attribute/v1/professional?registrationNumber=00900000001&right=%00",
    "/attribute/v1/professional",
)

RUBBISH_BODIES = (
    b"",
    b"\x00",
    b"\xff" * 100,
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"{}",
    b'{"number": 5}',
    b'{"number": null}',
    b'{"number": "\\ud800"}',
    b'{"surname": "\\ud800", "given_names": "x"}',
    b'{"surname": "\\u0000", "given_names": "x"}',
    b'{"registrationNumber": "\\ud800"}',
    b'{"registrationNumber": "00900000001", "right": "\\ud800"}',
    b'{"registrationNumber": "00900000001", "at": "\\ud800"}',
    b'{"registrationNumber": ["00900000001"]}',
    b"[" * 20_000,
    b"9" * 10_000,
    b'{"surname": "' + b"a" * 10_000 + b'", "given_names": "x"}',
    b"surname=" + b"a" * 10_000 + b"&given_names=x",
    b"surname=%ff&given_names=x",
    b"surname=%00&given_names=x",
    b"&" * 5000,
    b"x" * 100_000,
    b"<a/>",
    b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    b"<professionalQuery xmlns='urn:sotepki:test:attribute-service:1'/>",
    b"<professionalQuery xmlns='urn:sotepki:test:attribute-service:1'><registrationNumber><a/></registrationNumber>"
    b"</professionalQuery>",
    b"<professionalQuery xmlns='urn:sotepki:test:attribute-service:1'><!-- c --><registrationNumber>1"
    b"</registrationNumber><registrationNumber>2</registrationNumber></professionalQuery>",
)

RUBBISH_TYPES = (
    "application/json",
    "application/json; charset=nonsense",
    "application/x-www-form-urlencoded",
    "application/xml",
    "text/xml; charset=utf-16",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "a",
    "/",
    "",
)


def worst_status(base_url: str, post_paths: tuple[str, ...]) -> tuple[int, str]:
    """The highest status of any answer to rubbish, and which rubbish it was."""
    worst = (0, "")
    for path in RUBBISH_PATHS:
        for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"):
            try:
                worst = max(worst, (ask(base_url, path, method=method).status, f"{method} {path[:80]}"))
            except (http.client.HTTPException, ConnectionError) as error:
                worst = max(worst, (999, f"{method} {path[:80]}: {error!r}"))
    for path in post_paths:
        for body in RUBBISH_BODIES:
            for media_type in RUBBISH_TYPES:
                try:
                    reply = ask(base_url, path, method="POST", headers={"Content-Type": media_type}, body=body)
                except (http.client.HTTPException, ConnectionError) as error:
                    worst = max(worst, (999, f"POST {path} {media_type} {body[:40]!r}: {error!r}"))
                    continue
                assert b"Traceback" not in reply.body
                worst = max(worst, (reply.status, f"POST {path} {media_type} {body[:40]!r}"))
    return worst
