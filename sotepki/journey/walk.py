"""The whole journey in one workspace: what the demo shows. Each step says what must come out, and checks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography import x509

from sotepki.card import KeyUse
from sotepki.documents import build_frame, build_social_document, sign_as_professional, sign_as_system
from sotepki.dvv import SOTE_PERSONS, CardOrder
from sotepki.errors import Fault, Refused
from sotepki.identifiers import Oid
from sotepki.journey.card_holder import PIN2, card_in_hand, passport
from sotepki.journey.cast import Cast, load_cast
from sotepki.journey.sending import send_frame
from sotepki.journey.service_provider import ProviderSystem, provider_system
from sotepki.kela import Acknowledgement
from sotepki.registers import Organisation, Professional
from sotepki.services import RunningServices, running_services
from sotepki.tokens import Pin
from sotepki.workspace import Workspace
from sotepki.x509.ocsp_client import ask_status
from sotepki.x509.status import CertificateState

Say = Callable[[str], None]


@dataclass
class Walk:
    """One walk through the journey. ``say`` gets one line for each thing that happened."""

    workspace: Workspace
    say: Say
    cast: Cast = field(default_factory=load_cast)
    _documents: int = 0

    def all(self) -> None:
        """Walk the whole way.

        Raises:
            Fault: something came out otherwise than it must.
        """
        professional, card = self.become_a_card_holder()
        provider = self.become_a_kanta_client()
        with running_services(self.workspace) as services:
            self.say(
                f"Services answer on loopback: publication {services.publication_url}, Kanta {services.kanta_url}."
            )
            self.archive_documents(provider, professional, card, services)
            self.meet_the_consequences(provider, professional, card, services)

    # --- the offices -----------------------------------------------------------------------------------------

    def become_a_card_holder(self) -> tuple[Professional, CardOrder]:
        """Valvira grants a right; Vartti refuses without it and takes the order with it."""
        ws, cast = self.workspace, self.cast
        registrar, applicant = cast.person("registrar-county-1"), cast.person("employee-without-right")
        with self._refused("order.right.none", "An order for a person without a right"):
            ws.vartti.order_professional_card(registrar=registrar, applicant=applicant, identity=passport(ws))
        professional = ws.valvira.grant_right(applicant, "T40", actor="valvira")
        self.say(
            f"Valvira grants the right of a social worker; registration number {professional.registration_number}."
        )
        with self._refused("order.not-for-oneself", "A registrar's order for themself"):
            ws.vartti.order_professional_card(
                registrar=cast.person("registrar-county-2"),
                applicant=cast.person("registrar-county-2"),
                identity=passport(ws),
            )
        card = card_in_hand(ws, registrar=registrar, applicant=applicant)
        self.say(f"Vartti takes the order; the card {card.card_number} is made, handed over and activated.")
        with ws.cards.insert(card.card_number) as inserted:
            with self._refused("card.pin.wrong", "A wrong PIN2"):
                inserted.verify_pin2(Pin("999999"))
            self.say(f"Tries left after it: {inserted.tries()}.")
            inserted.verify_pin2(PIN2)
        return professional, card

    def become_a_kanta_client(self) -> ProviderSystem:
        """The county's social services get a server and a system signature certificate."""
        organisation = self.workspace.thl.organisation(self.cast.organisation("social-services"))
        if organisation is None:
            raise Fault("The test world lacks its social services.")
        provider = provider_system(self.workspace, organisation, user=self.cast.person("technical-contact"))
        self.say(f"DVV issues {provider.host_name} a server certificate and {organisation.name} a system signature.")
        return provider

    # --- Kanta -----------------------------------------------------------------------------------------------

    def archive_documents(
        self, provider: ProviderSystem, professional: Professional, card: CardOrder, services: RunningServices
    ) -> None:
        """A document signed by card and one signed by the system, both accepted."""
        for name, document in (
            ("signed by card", self.by_card(provider.organisation, professional, card)),
            ("signed by the system", self.by_system(provider)),
        ):
            self._expect(self.send(document, provider, services), f"A document {name}", accepted=True)

    def meet_the_consequences(
        self, provider: ProviderSystem, professional: Professional, card: CardOrder, services: RunningServices
    ) -> None:
        """A changed document, a removed right and a closed card: Kanta refuses each and names the rule."""
        ws = self.workspace
        altered = changed(self.by_system(provider))
        self._expect(
            self.send(altered, provider, services), "A document changed after signing", rule="doc.digest.body"
        )

        ws.valvira.remove_right(professional.registration_number, "T40", actor="valvira", reason="walk")
        late = self.by_card(provider.organisation, professional, card)
        self._expect(self.send(late, provider, services), "A document after the right ended", rule="doc.right")
        ws.valvira.grant_right(professional.person, "T40", actor="valvira")

        ws.vartti.close_card(card.card_number, "lost", professional.person.hetu)
        ws.authorities.publish(ws.published)
        self._say_status(card, services)
        stale = self.by_card(provider.organisation, professional, card)
        self._expect(
            self.send(stale, provider, services),
            "A document signed with the closed card",
            rule="doc.certificate.revoked",
        )

    # --- one document ----------------------------------------------------------------------------------------

    def by_card(self, organisation: Organisation, professional: Professional, card: CardOrder) -> bytes:
        """A client plan, written and signed by the professional; PIN2 is given for this one signature."""
        now = self.workspace.clock.now()
        document = self._document(organisation, professional)
        with self.workspace.cards.insert(card.card_number) as inserted:
            inserted.verify_pin2(PIN2)
            return sign_as_professional(
                document,
                key=inserted.signature_key,
                certificate=inserted.certificate("signature"),
                professional=professional,
                at=now,
            )

    def by_system(self, provider: ProviderSystem) -> bytes:
        """A client-relationship document, signed by the provider's system."""
        identity = provider.system_signature
        document = self._document(provider.organisation, None)
        return sign_as_system(
            document, key=identity.key(), certificate=identity.certificate, at=self.workspace.clock.now()
        )

    def send(self, document: bytes, provider: ProviderSystem, services: RunningServices) -> Acknowledgement:
        """Frame a document and send it to Kanta over mutual TLS."""
        frame = build_frame(
            document,
            message_id=self._next_oid(provider.organisation, "94"),
            sender=provider.organisation.oid,
            at=self.workspace.clock.now(),
            service_request="SP17",
            receiver=services.kanta.settings.receiver.value,
        )
        return send_frame(
            frame, kanta_url=services.kanta_url, identity=provider.server, trust_file=services.trust_file
        )

    def _document(self, organisation: Organisation, author: Professional | None) -> bytes:
        client = self.workspace.population.person(self.cast.person("client-adult"))
        if client is None:
            raise Fault("The test world lacks its client.")
        return build_social_document(
            client=client,
            organisation=organisation,
            author=author,
            document_oid=self._next_oid(organisation, "93"),
            created=self.workspace.clock.now(),
            kind="client-plan" if author else "client-relationship",
        )

    def _next_oid(self, organisation: Organisation, branch: str) -> Oid:
        """An OID under the organisation (docs/field/registration.md 11.6: documents), new in this workspace."""
        self._documents += 1
        moment = f"{self.workspace.clock.now():%Y%m%d%H%M%S%f}"
        root = str(organisation.oid).rpartition(".10.")[0]
        return Oid.parse(f"{root}.{branch}.{moment}.{self._documents}")

    # --- what must come out ----------------------------------------------------------------------------------

    def _say_status(self, card: CardOrder, services: RunningServices) -> None:
        ws = self.workspace
        certificate = ws.cards.read(card.card_number).certificates[KeyUse.SIGNATURE]
        issuer = ws.authorities.certificate(SOTE_PERSONS)
        url = f"{services.publication_url}/dvvtshp2rc"
        status = ask_status(url, certificate, issuer, at=ws.clock.now()).status
        listed = x509.load_der_x509_crl((ws.published / "crl" / "dvvtshp2rc.crl").read_bytes())
        on_list = listed.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
        if status.state is not CertificateState.REVOKED or not on_list:
            raise Fault(
                f"The closed card is {status.state} by OCSP and on the list: {on_list}; both must say revoked."
            )
        self.say(f"The lost card is closed: OCSP says {status.state}, and it is on the revocation list.")

    def _expect(self, answer: Acknowledgement, what: str, *, accepted: bool = False, rule: str = "") -> None:
        if answer.accepted is not accepted or (rule and rule not in answer.rules):
            found = "; ".join(f"{finding.rule}: {finding.message}" for finding in answer.findings)
            raise Fault(f"{what}: Kanta answered {answer.code} ({found or 'no reasons'}), which was not to be.")
        if accepted:
            self.say(f"{what}: Kanta answers {answer.code}, archived.")
        else:
            message = next(finding.message for finding in answer.findings if finding.rule == rule)
            self.say(f"{what}: Kanta answers {answer.code} [{rule}] {message}")

    @contextmanager
    def _refused(self, rule: str, what: str) -> Iterator[None]:
        try:
            yield
        except Refused as refusal:
            if refusal.rule != rule:
                raise Fault(f"{what} was refused by {refusal.rule}, not by {rule}: {refusal.sentence}") from refusal
            self.say(f"{what} is refused: {refusal.sentence} [{rule}]")
            return
        raise Fault(f"{what} was not refused, although {rule} says so.")


def changed(document: bytes) -> bytes:
    """The document with one character of its base64 text changed, as an accident would."""
    marker = b'representation="B64">'
    place = document.index(marker) + len(marker) + 40
    other = b"B" if document[place : place + 1] == b"A" else b"A"
    return document[:place] + other + document[place + 1 :]
