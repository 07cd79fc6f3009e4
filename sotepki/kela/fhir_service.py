"""The FHIR corner of the archive's port: transactions of disclosure notices, answered as the known errors are.

Nothing is stored and no signature is examined: the format of the Bundle's signature and the claims of the token are
not public (docs/field/kanta.md 8: unknown).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from cryptography import x509

from sotepki.errors import Refused
from sotepki.evidence import Finding
from sotepki.kela.fhir import MEDIA_TYPE, code_of, is_token, operation_outcome, read_bundle
from sotepki.kela.http_requests import client_of, expect_handler, read_body
from sotepki.kela.kanta import Kanta
from sotepki.kela.request_log import RequestKind
from sotepki.kela.rules import finding_of, rulebook

FHIR_PATH = "/fhir"

_TAKEN = frozenset({MEDIA_TYPE, "application/json"})


def is_fhir(path: str) -> bool:
    """Whether a request, right or not, goes to the FHIR corner."""
    return path == FHIR_PATH or path.startswith(f"{FHIR_PATH}/")


@dataclass(frozen=True)
class FhirCorner:
    """The handlers; ``work`` runs a function in a worker thread."""

    kanta: Kanta
    work: Callable[..., Awaitable[Any]]

    def add_to(self, app: web.Application) -> None:
        """Add the FHIR root to an application."""
        limit = self.kanta.settings.max_message_bytes
        app.router.add_post(FHIR_PATH, self._transaction, expect_handler=expect_handler(limit))

    async def _transaction(self, request: web.Request) -> web.StreamResponse:
        client = client_of(request)
        token = request.headers.get("Authorization", "")
        if token and not is_token(token):
            finding = rulebook().finding("fhir.token", "The token is no JSON Web Token.")
            return await self._bare(401, finding, client)
        settings = self.kanta.settings
        body = await read_body(request, limit=settings.max_message_bytes, seconds=settings.read_seconds)
        if request.content_type not in _TAKEN:
            finding = rulebook().finding("fhir.message.form", "The content type is not application/fhir+json.")
            return await self._bare(400, finding, client)
        return await self.work(self._judged, body, client)  # type: ignore[no-any-return]

    def _judged(self, body: bytes, client: x509.Certificate | None) -> web.Response:
        findings = self.kanta.judge.client(client)
        if not self.kanta.judge.refusing(findings):
            try:
                bundle = read_bundle(body)
            except Refused as error:
                finding = finding_of(error, otherwise="fhir.message.form")
                self._log("refused", (finding,), client)
                return web.Response(status=400, headers=_headers())
            findings += bundle.findings
        refused = self.kanta.judge.refusing(findings)
        self._log("refused" if refused else "examined", tuple(findings), client)
        status = code_of(refused[0].rule).status if refused else 200
        return _told(status, findings, self.kanta.settings.refuses)

    async def refuse(self, status: int, finding: Finding, client: x509.Certificate | None) -> web.Response:
        """The answer to a request that never became a message (too long, slow, empty, wrong address)."""
        answer = await self._bare(status, finding, client)
        # Of an invalid message it is known that it gets no body (docs/field/kanta.md 8.1); other statuses say why.
        return answer if status == HTTPStatus.BAD_REQUEST else _told(status, [finding], frozenset({finding.rule}))

    async def _bare(self, status: int, finding: Finding, client: x509.Certificate | None) -> web.Response:
        await self.work(self._log, "refused", (finding,), client)
        return web.Response(status=status, headers=_headers())

    def _log(self, outcome: str, findings: tuple[Finding, ...], client: x509.Certificate | None) -> None:
        self.kanta.log(self.kanta.entry(RequestKind.FHIR, outcome, findings, client))


def _told(status: int, findings: Sequence[Finding], refuses: frozenset[str]) -> web.Response:
    body = json.dumps(operation_outcome(findings, refuses), ensure_ascii=False).encode()
    return web.Response(body=body, status=status, content_type=MEDIA_TYPE, headers=_headers())


def _headers() -> dict[str, str]:
    """``x-request-id`` is an OID (docs/field/kanta.md 8.1: confirmed), here one under 2.25 (ITU-T X.667)."""
    return {"x-request-id": f"2.25.{secrets.randbits(127)}"}
