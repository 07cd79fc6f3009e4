"""The role and attribute service (rooli- ja attribuuttitietopalvelu) over HTTP, for approved systems only.

A system asks for one registration number and gets the rights in force at a moment, with their restrictions, in XML or
JSON as it accepts (docs/field/registration.md 9.2). Run it over mutual TLS: the handshake checks the chain, this
application the time (by the workspace's clock), the revocation and the register of approved users.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from cryptography import x509

from sotepki.clock import Clock
from sotepki.errors import Refused
from sotepki.serving.bodies import whole_body
from sotepki.serving.desk import CLIENT, MOMENT, STALE, Desk, HttpRefusal, Refusal
from sotepki.serving.faults import ServiceFaultBoard
from sotepki.serving.history import RequestHistory
from sotepki.valvira.approved_systems import Approvals, ApprovedSystem
from sotepki.valvira.attribute_interface import AttributeInterface
from sotepki.valvira.attribute_message import (
    LARGEST_QUESTION,
    Answer,
    Question,
    answer_json,
    answer_xml,
    read_fields,
    read_json,
    read_xml,
    refusal_json,
    refusal_xml,
)
from sotepki.valvira.office import Valvira
from sotepki.valvira.rules import attribute_rules
from sotepki.x509.chains import in_time
from sotepki.x509.reading import load_certificate
from sotepki.x509.status import CertificateState, CertificateStatus

NAME = "attribute-service"
"""The service, as the fault board and the history know it."""

JSON, XML = "application/json", "application/xml"

StatusLookup = Callable[[x509.Certificate], CertificateStatus]
CertificateOf = Callable[[web.Request], x509.Certificate | None]


def attribute_application(
    valvira: Valvira,
    *,
    approved: Approvals,
    clock: Clock,
    status: StatusLookup | None = None,
    interface: AttributeInterface | None = None,
    faults: ServiceFaultBoard | None = None,
    history: RequestHistory | None = None,
    certificate_of: CertificateOf | None = None,
) -> web.Application:
    """The application: ``GET`` and ``POST`` at the interface's path.

    Args:
        approved: the register of approved users.
        status: asks whether a client certificate is revoked; None asks nobody.
        interface: the outer form; None takes the one of the package.
        certificate_of: the client certificate of a request; None takes the one of the TLS connection.
    """
    service = _AttributeService(
        valvira, approved, status, interface or AttributeInterface.load(), certificate_of or peer_certificate
    )
    desk = Desk(NAME, clock, faults or ServiceFaultBoard(), history or RequestHistory(), service.refuse)
    path = service.interface.path
    return desk.application([web.get(path, service.get), web.post(path, service.post)], largest_body=LARGEST_QUESTION)


def peer_certificate(request: web.Request) -> x509.Certificate | None:
    """The client certificate of a request's TLS connection; None if there is none or it cannot be read."""
    tls = request.get_extra_info("ssl_object")
    der = tls.getpeercert(True) if tls is not None else None
    try:
        return load_certificate(der, name="The client's certificate") if der else None
    except Refused:
        return None


@dataclass(frozen=True)
class _AttributeService:
    """The handlers."""

    valvira: Valvira
    approvals: Approvals
    status: StatusLookup | None
    interface: AttributeInterface
    certificate_of: CertificateOf

    async def get(self, request: web.Request) -> web.Response:
        await self._admit(request)
        return await self._answer(request, read_fields(dict(request.query), self.interface))

    async def post(self, request: web.Request) -> web.Response:
        await self._admit(request)
        if request.content_type not in (JSON, XML, "text/xml"):
            raise HttpRefusal(_refusal(415, "attribute.query.form", f"The question is sent as {XML} or {JSON}."))
        read = read_json if request.content_type == JSON else read_xml
        return await self._answer(request, read(await whole_body(request), self.interface))

    def refuse(self, request: web.Request, refusal: Refusal) -> web.Response:
        if self._wants_json(request):
            return _response(refusal_json(refusal, self.interface), JSON, refusal.status)
        return _response(refusal_xml(refusal, self.interface), XML, refusal.status)

    async def _admit(self, request: web.Request) -> None:
        certificate = self.certificate_of(request)
        if certificate is None:
            raise HttpRefusal(_refusal(403, "attribute.client.certificate", "The client showed no certificate."))
        system = await asyncio.to_thread(self._admitted, certificate)
        request[CLIENT] = system.host

    def _admitted(self, certificate: x509.Certificate) -> ApprovedSystem:
        now = self.valvira.records.clock.now()
        if not in_time(certificate, now):
            raise HttpRefusal(_refusal(403, "attribute.client.validity", "The client certificate is not in force."))
        if self.status is not None and self._state(certificate) is not CertificateState.GOOD:
            raise HttpRefusal(_refusal(403, "attribute.client.validity", "The client certificate is not good."))
        system = self.approvals.approved(certificate, now)
        if system is None:
            raise HttpRefusal(_refusal(403, "attribute.client.approved", "The system is not approved."))
        return system

    def _state(self, certificate: x509.Certificate) -> CertificateState:
        assert self.status is not None
        try:
            return self.status(certificate).state
        except Refused as error:
            # Nothing is wrong with the client, so this is no 4xx; the rule is the responder's.
            sentence = f"Whether the client certificate is revoked could not be asked. {error.sentence}"
            raise HttpRefusal(Refusal(503, error.rule, sentence, "Ask again later.")) from error

    async def _answer(self, request: web.Request, question: Question) -> web.Response:
        answer = await asyncio.to_thread(self._ask, question, request)
        if self._wants_json(request):
            return _response(answer_json(answer, self.interface), JSON, 200)
        return _response(answer_xml(answer, self.interface), XML, 200)

    def _ask(self, question: Question, request: web.Request) -> Answer:
        known_at = request[MOMENT]
        number = question.registration_number
        professional = self.valvira.professional(number)
        if professional is None:
            status = self.interface.unknown_number_status
            raise HttpRefusal(_refusal(status, "attribute.number.known", "Nobody has the registration number."))
        at = question.at or known_at
        if request[STALE]:
            rights = self.valvira.rights_in_force(number, min(at, known_at), known_at=known_at)
        else:
            rights = self.valvira.rights_in_force(number, at)
        wanted = [right for right in rights if question.right in ("", right.code)]
        return Answer(number, at, professional.prescriber_id, wanted)

    def _wants_json(self, request: web.Request) -> bool:
        """What the client accepts; otherwise what it sent; otherwise the interface's default form."""
        accepted = request.headers.get("Accept", "").lower()
        if ("json" in accepted) != ("xml" in accepted):
            return "json" in accepted
        if request.method == "POST" and request.content_type in (JSON, XML, "text/xml"):
            return request.content_type == JSON
        return self.interface.default_form == "json"


def _refusal(status: int, rule: str, sentence: str) -> Refusal:
    return Refusal(status, rule, sentence, attribute_rules()[rule].advice)


def _response(body: bytes, media_type: str, status: int) -> web.Response:
    return web.Response(
        body=body, content_type=media_type, charset="utf-8", status=status, headers={"Cache-Control": "no-store"}
    )
