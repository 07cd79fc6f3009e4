"""The lookup interface of Vartti over HTTP: the personal identity code of a certificate's holder.

Source: docs/field/registration.md 5.1. An approved application (Suomi.fi identification in the published client)
posts a JSON query with a signed user context. Every answer is journalled, without the identity code. What is not
known is set by the caller or stands in ``vartti.yaml``: the path, whether the connection shows a client certificate,
the error codes beyond the two that were seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import or_, select

from sotepki.dvv.vartti.data import LookupFailure, vartti_data, vartti_rules
from sotepki.dvv.vartti.lookup_request import ApprovedApplication, PersonQuery, check_context, read_query
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.errors import Refused, SotepkiError
from sotepki.records import Records
from sotepki.serving.bodies import whole_body
from sotepki.serving.desk import HttpRefusal
from sotepki.x509.serials import serial_text

LARGEST_REQUEST = 16 * 1024

_log = logging.getLogger(__name__)
_FAILURES = {"lookup.request": "request"}  # every other rule is about the user context


@dataclass(frozen=True)
class PersonLookup:
    """Answers queries from Vartti's books; ``issuers`` are the authorities that certify its cards."""

    records: Records
    issuers: Sequence[x509.Certificate]
    applications: Mapping[str, ApprovedApplication]
    with_client_certificate: bool = False

    def answer(self, body: bytes, client: bytes | None) -> tuple[int, dict[str, object]]:
        """HTTP status and JSON answer to a body; ``client`` is the DER of the connection's client certificate."""
        facts = vartti_data().lookup
        query: PersonQuery | None = None
        try:
            query = read_query(body)
            check_context(query.context, self.applications, self.records.clock.now())
            self._check_client(query, client)
        except Refused as refused:
            failure = facts.errors[_FAILURES.get(refused.rule, "user-context")]
            self._journal(query, refused.rule)
            return _failed(failure, str(refused.sentence), query)
        names = {_common_name(issuer) for issuer in self.issuers}
        if query.issuer not in names:
            self._journal(query, facts.errors["issuer"].code)
            return _failed(facts.errors["issuer"], "No authority of that name certifies cards here.", query)
        hetu = self._hetu(query)
        self._journal(query, "answered" if hetu else facts.errors["hetu-not-found"].code)
        if hetu is None:
            return _failed(facts.errors["hetu-not-found"], "No person was found.", query)
        return 200, _body(query, 200, hetu=hetu)

    def _check_client(self, query: PersonQuery, client: bytes | None) -> None:
        if not self.with_client_certificate:
            return
        approved = self.applications[query.context.application].certificate
        if client != approved.public_bytes(Encoding.DER):
            raise vartti_rules().refusal(
                "lookup.client",
                f"The connection shows no certificate of {query.context.application[:60]!r}.",
            )

    def _hetu(self, query: PersonQuery) -> str | None:
        serial = serial_text(query.serial_number)
        wanted = select(CardOrderRow.hetu).where(
            or_(CardOrderRow.authentication_serial == serial, CardOrderRow.signature_serial == serial),
            CardOrderRow.registration_number == query.number,
        )
        with self.records.look() as session:
            return session.scalars(wanted).first()

    def _journal(self, query: PersonQuery | None, outcome: str) -> None:
        application = query.context.application if query else "unreadable"
        subject = f"registration number {query.number}" if query else "person query"
        with self.records.change(office="dvv", actor=f"application {application[:60]}") as tx:
            tx.journal("vartti.person-query", subject, outcome=outcome)


def lookup_application(
    records: Records,
    *,
    issuers: Sequence[x509.Certificate],
    applications: Iterable[ApprovedApplication],
    path: str = "",
    with_client_certificate: bool = False,
) -> web.Application:
    """The application that answers person queries at ``path`` (default that of ``vartti.yaml``).

    Args:
        records: Vartti's books and clock.
        issuers: certificates of the authorities whose CN a query may name.
        applications: who may ask.
        with_client_certificate: the connection must show the application's own certificate; the server's TLS context
            has to ask for one. Whether the interface does so is not known.
    """
    by_name = {one.name: one for one in applications}
    service = _Service(PersonLookup(records, tuple(issuers), by_name, with_client_certificate))
    app = web.Application(client_max_size=LARGEST_REQUEST)
    app.add_routes([web.post(path or vartti_data().lookup.path, service.post)])
    return app


class _Service:
    """The handler. The books are read and written in worker threads."""

    def __init__(self, lookup: PersonLookup) -> None:
        self._lookup = lookup

    async def post(self, request: web.Request) -> web.Response:
        try:
            body = await whole_body(request)
        except (web.HTTPRequestEntityTooLarge, HttpRefusal):
            body = b""
        try:
            status, answer = await asyncio.to_thread(self._lookup.answer, body, _client_certificate(request))
        except SotepkiError as error:
            _log.error("A person query was not answered: %s", error)
            status, answer = _failed(vartti_data().lookup.errors["fault"], "Vartti cannot answer now.", None)
        return web.json_response(answer, status=status)


def _client_certificate(request: web.Request) -> bytes | None:
    tls: Any = request.transport.get_extra_info("ssl_object") if request.transport else None
    return tls.getpeercert(True) if tls is not None else None


def _failed(failure: LookupFailure, message: str, query: PersonQuery | None) -> tuple[int, dict[str, object]]:
    return failure.status, _body(query, failure.status, code=failure.code, message=message)


def _body(
    query: PersonQuery | None,
    status: int,
    *,
    hetu: str | None = None,
    code: str | None = None,
    message: str | None = None,
) -> dict[str, object]:
    return {
        "serialNumber": str(query.serial_number) if query else None,
        "henkilotunnus": hetu,
        "httpStatusCode": status,
        "errorCode": code,
        "errorMessage": message,
    }


def _common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
