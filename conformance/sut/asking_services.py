"""On request: sending to a Kanta, deciding by the rights of a professional, and pages that call an SCS."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.sut.asking import Asks, answered_member, answered_truth, packed, pems
from conformance.sut.facets import Delivery, Endpoint
from conformance.sut.facets_rights import AtWork, RightsDecision, RightsService, RightsTask, RightsTrouble
from conformance.sut.facets_scs import ScsAddress, ScsUse
from sotepki.identifiers import RegistrationNumber


@dataclass(frozen=True)
class AskedClient:
    """Sends a frame on request, with the certificate of the system itself."""

    asked: Asks

    def send(self, frame: bytes, endpoint: Endpoint) -> Delivery:
        certificate, key = endpoint.guest
        answer = self.asked.ask(
            {
                "operation": "send",
                "frame": packed(frame),
                "url": endpoint.url,
                "roots": pems(endpoint.trust.roots),
                "intermediates": pems(endpoint.trust.intermediates),
                **({"certificate": certificate, "key": key} if certificate else {}),
            }
        )
        accepted = None if answer.get("accepted") is None else answered_truth(answer, "accepted", self.asked)
        connected = answered_truth(answer, "connected", self.asked)
        return Delivery(connected, accepted, str(answer.get("detail") or ""))


@dataclass(frozen=True)
class AskedRights:
    """Opens working sessions on request; ``proceeds_unasked`` is the supplier's declaration."""

    asked: Asks
    proceeds_unasked: bool = False

    @contextmanager
    def session(self, number: RegistrationNumber, name: str, service: RightsService) -> Iterator[AtWork]:
        session = secrets.token_hex(8)
        yield _AskedWork(self.asked, session, number, name, service)
        self.asked.ask({"operation": "rights-end", "session": session})


@dataclass(frozen=True)
class _AskedWork:
    """One session; the questions of a session bear the same id."""

    asked: Asks
    id: str
    number: RegistrationNumber
    name: str
    service: RightsService

    def attempt(self, task: RightsTask) -> RightsDecision:
        certificate, key = self.service.guest
        answer = self.asked.ask(
            {
                "operation": "rights",
                "session": self.id,
                "task": str(task),
                "number": self.number.value,
                "name": self.name,
                "url": self.service.url,
                "roots": pems(self.service.trust.roots),
                "certificate": certificate,
                "key": key,
            }
        )
        return RightsDecision(
            answered_truth(answer, "allowed", self.asked),
            answered_member(RightsTrouble, answer, "trouble", self.asked),
        )


@dataclass(frozen=True)
class AskedScsUser:
    """Calls a Signature Creation Service on request, as the pages of the site ``origin`` would."""

    asked: Asks
    origin: str

    def log_in(self, scs: ScsAddress) -> ScsUse:
        return self._used("scs-log-in", scs, b"")

    def sign(self, scs: ScsAddress, content: bytes) -> ScsUse:
        return self._used("scs-sign", scs, content)

    def _used(self, operation: str, scs: ScsAddress, content: bytes) -> ScsUse:
        answer = self.asked.ask(
            {
                "operation": operation,
                "url": scs.url,
                "certificate": scs.certificate,
                "origin": self.origin,
                "content": packed(content),
                "roots": pems(scs.trust.roots) if scs.trust else [],
                "intermediates": pems(scs.trust.intermediates) if scs.trust else [],
            }
        )
        return ScsUse(answered_truth(answer, "accepted", self.asked), str(answer.get("reason") or ""))
