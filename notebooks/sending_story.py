"""What stories need that send documents to Kanta: ids, signatures, frames, a connection, answers that are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from told import findings_told

from sotepki.clock import SetClock
from sotepki.documents import build_frame, sign_as_professional, sign_as_system
from sotepki.identifiers import Oid
from sotepki.journey import CertificateRequest
from sotepki.journey.card_holder import PIN2
from sotepki.journey.sending import send_frame
from sotepki.journey.service_provider import ProviderSystem, ServiceIdentity
from sotepki.kela import Acknowledgement
from sotepki.registers import Organisation, Professional
from sotepki.services import RunningServices
from sotepki.workspace import Workspace


@dataclass
class PostRoom:
    """Signs, frames and sends.

    Attributes:
        minutes: how many go by after each message, on a clock that is set.
        language: of what is told of the findings.
        events: when what was sent, and the code of the answer.
    """

    workspace: Workspace
    services: RunningServices
    minutes: int = 0
    language: str = "en"
    events: list[tuple[datetime, str, str]] = field(default_factory=list)
    _count: int = 0

    def new_oid(self, organisation: Organisation, branch: str = "93") -> Oid:
        """An OID under the organisation that nothing else bears; 93 for documents, 94 for messages."""
        self._count += 1
        root = str(organisation.oid).rpartition(".10.")[0]
        return Oid.parse(f"{root}.{branch}.{self.workspace.clock.now():%Y%j}.{self._count}")

    def by_card(self, document: bytes, professional: Professional, card_number: str) -> bytes:
        """The document signed with a card, in whose reader PIN2 is given for this one signature."""
        with self.workspace.cards.insert(card_number) as card:
            card.verify_pin2(PIN2)
            return sign_as_professional(
                document,
                key=card.signature_key,
                certificate=card.certificate("signature"),
                professional=professional,
                at=self.workspace.clock.now(),
            )

    def by_system(self, document: bytes, system: ProviderSystem) -> bytes:
        """The document signed by a provider's system."""
        identity = system.system_signature
        return sign_as_system(
            document, key=identity.key(), certificate=identity.certificate, at=self.workspace.clock.now()
        )

    def framed(
        self, document: bytes, sender: Organisation, *, message_id: Oid | None = None, request: str = ""
    ) -> bytes:
        """The document in a message frame of the sender's."""
        return build_frame(
            document,
            message_id=message_id or self.new_oid(sender, "94"),
            sender=sender.oid,
            at=self.workspace.clock.now(),
            service_request=request,
        )

    def ask(self, message: bytes, identity: ServiceIdentity) -> Acknowledgement:
        """What Kanta answers to a message over a connection that shows this server certificate."""
        return send_frame(
            message,
            kanta_url=self.services.kanta_url,
            identity=identity,
            trust_file=self.services.trust_file,
        )

    def send(self, what: str, message: bytes, identity: ServiceIdentity) -> Acknowledgement:
        """Ask, tell the answer with its findings, and remember it."""
        answer = self.ask(message, identity)
        print("\n".join([f"{what}: {answer.code}", *findings_told(answer.findings, self.language)]))
        self.events.append((self.workspace.clock.now(), what, str(answer.code)))
        if self.minutes and isinstance(self.workspace.clock, SetClock):
            self.workspace.clock.advance(timedelta(minutes=self.minutes))
        return answer


def identity_of(
    workspace: Workspace, application: str, request: CertificateRequest, directory: Path
) -> ServiceIdentity:
    """A delivered service certificate with its key, as a server uses it; the chain leaves out the root."""
    delivery, path = workspace.service_certificates.collect(application), directory / f"{application}.pem"
    shown = [delivery.certificate, *(one for one in delivery.chain if one.issuer != one.subject)]
    path.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in shown))
    return ServiceIdentity(application, delivery.certificate, shown, request.request, request.key, path)
