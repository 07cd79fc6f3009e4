"""Our role and attribute service for the system under test: real answers over mutual TLS, and a history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509

from conformance.sut.facets_rights import RightsService
from sotepki import loopback
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.kela.transport import server_context
from sotepki.registers import Professional
from sotepki.serving.faults import Down, ServiceFaultBoard, ServiceFaults
from sotepki.serving.history import RequestHistory
from sotepki.valvira.approved_systems import ApprovedSystem
from sotepki.valvira.attribute_service import NAME, attribute_application

if TYPE_CHECKING:
    from conformance.bench import Bench

NOBODY = RegistrationNumber("00999999999")
_ACTOR, _REASON = "conformance bench", "conformance case"


@dataclass(frozen=True)
class _Everybody:
    """Approves whoever shows a certificate of the test hierarchy: approval is not what the cases are about."""

    organisation: Oid

    def approved(self, certificate: x509.Certificate, at: datetime) -> ApprovedSystem | None:
        return ApprovedSystem(1, "system.under.test.example", self.organisation, "system under test", at)


class RightsBench:
    """The service, its faults and its history, for the whole run."""

    def __init__(self, bench: Bench, resources: ExitStack) -> None:
        self._bench = bench
        self._valvira = bench.workspace.valvira
        self._faults, self._history = ServiceFaultBoard(), RequestHistory()
        application = attribute_application(
            self._valvira,
            approved=_Everybody(bench.organisation.oid),
            clock=bench.clock,
            faults=self._faults,
            history=self._history,
        )
        shown = bench.kanta_identity
        chain = bench.directory / "rights" / "service.pem"
        chain.parent.mkdir(parents=True, exist_ok=True)
        certificates, key = shown.pem()
        chain.write_text(key + certificates, encoding="ascii")
        tls = server_context(chain, bench.trust.issuers, lambda _refused: None)
        url = resources.enter_context(loopback.running(application, tls)).replace(loopback.LOOPBACK, "localhost")
        self.service = RightsService(f"{url}/attribute/v1/professional", bench.trust, bench.guest_identity.pem())

    def professional(self, part: str) -> Professional:
        """Whoever plays a part in the test world; the history begins anew."""
        self._history.clear()
        found = self._valvira.professional_of(self._bench.cast.person(part))
        assert found is not None, part
        return found

    def asked(self) -> int:
        """How many questions were answered since the case began."""
        return self._history.count(NAME, status=200)

    def refused_questions(self) -> list[str]:
        """The rules that questions broke; that nobody has a number is an answer, not a broken rule."""
        found = {record.rule for record in self._history.records(NAME) if record.rule}
        return sorted(found - {"attribute.number.known"})

    def log(self) -> str:
        """The requests, one a line."""
        rows = [f"{one.at:%H:%M:%S} {one.method} {one.status} {one.rule}" for one in self._history.records(NAME)]
        return "\n".join(rows) or "no request"

    @contextmanager
    def without_rights(self, professional: Professional) -> Iterator[None]:
        """The professional's rights are removed until the block ends."""
        number = professional.registration_number
        held = [right.code for right in self._valvira.rights_in_force(number, self._bench.clock.now())]
        for code in held:
            self._valvira.remove_right(number, code, actor=_ACTOR, reason=_REASON)
        try:
            yield
        finally:
            for code in held:
                self._valvira.restore_right(number, code, actor=_ACTOR, reason=_REASON)

    @contextmanager
    def down(self, how: Down = Down.UNAVAILABLE, *, slow_seconds: float = 0.0) -> Iterator[None]:
        """The service answers 503, cuts the line or is slow until the block ends."""
        self._faults.set(NAME, ServiceFaults(down=how, slow_seconds=slow_seconds))
        try:
            yield
        finally:
            self._faults.clear()
