"""The field around Valvira's registers, for one professional: a card, a hospital, and all who can be asked."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from register_pictures import ENDED, IN_FORCE, RESTRICTED

from sotepki.card import KeyUse
from sotepki.dvv import CardOrder, CardRequest
from sotepki.identifiers import Hetu, RegistrationNumber
from sotepki.journey import load_cast
from sotepki.journey.card_holder import card_in_hand, passport
from sotepki.journey.sending import client_context, post_frame
from sotepki.journey.service_provider import ProviderSystem, provider_system
from sotepki.journey.walk import Walk
from sotepki.provider import Provider
from sotepki.registers import Organisation
from sotepki.services import House, RunningServices, catalogue, chosen, running_house, running_services
from sotepki.services.catalogue import ATTRIBUTE_HOST
from sotepki.valvira.attribute_interface import AttributeInterface
from sotepki.workspace import Workspace


@dataclass
class Field:
    """Everything is made when it is first asked for; ``close`` stops the services."""

    workspace: Workspace
    hetu: Hetu
    interface: AttributeInterface = field(default_factory=AttributeInterface.load)
    _stack: ExitStack = field(default_factory=ExitStack)

    # --- who and what there is ---------------------------------------------------------------------------------

    @cached_property
    def number(self) -> RegistrationNumber:
        """The registration number of the professional."""
        professional = self.workspace.valvira.professional_of(self.hetu)
        assert professional is not None, "Valvira has not granted a right yet."
        return professional.registration_number

    @cached_property
    def card(self) -> CardOrder:
        """The professional's card, ordered by a registrar of the county, in hand and activated; ordered once."""
        for order in self.workspace.vartti.orders(hetu=self.hetu):
            if order.card_number:
                return order
        return card_in_hand(self.workspace, registrar=self._registrar, applicant=self.hetu)

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The signature certificate on the card."""
        return self.workspace.cards.read(self.card.card_number).certificates[KeyUse.SIGNATURE]

    @cached_property
    def organisation(self) -> Organisation:
        """The county's central hospital."""
        found = self.workspace.thl.organisation(load_cast().organisation("hospital"))
        assert found is not None, "The test world lacks its hospital."
        return found

    @cached_property
    def hospital(self) -> Provider:
        """The hospital seen from inside: what it lets its people do."""
        return self.workspace.provider(self.organisation.oid)

    @cached_property
    def system(self) -> ProviderSystem:
        """The hospital's information system with its service certificates."""
        return provider_system(self.workspace, self.organisation, user=load_cast().person("technical-contact"))

    @cached_property
    def services(self) -> RunningServices:
        """Publication and Kanta."""
        return self._stack.enter_context(running_services(self.workspace))

    @cached_property
    def house(self) -> House:
        """Valvira's services: the public one, and the role and attribute service."""
        publication = urlsplit(self.services.publication_url).port or 0
        ports = {"public-rights": 0, "attribute-service": 0, "publication": publication}
        wanted = chosen(catalogue(), ["public-rights", "attribute-service"])
        return self._stack.enter_context(running_house(self.workspace, wanted, ports=ports))

    def close(self) -> None:
        """Stop the services."""
        self._stack.close()

    # --- asking ------------------------------------------------------------------------------------------------

    def question(self, **fields: str) -> str:
        """A question to the role and attribute service about the professional, as XML."""
        named = {"registrationNumber": str(self.number), **fields}
        inside = "".join(f"<{name}>{value}</{name}>" for name, value in named.items())
        return f'<professionalQuery xmlns="{self.interface.namespace}">{inside}</professionalQuery>'

    def ask(self, **fields: str) -> tuple[int, Any]:
        """Ask as the hospital's system, in XML over mutual TLS; HTTP status, and the answer from JSON."""
        roots = self.house.trust_file.read_text(encoding="ascii")
        answer = post_frame(
            self.question(**fields).encode(),
            url=self.house.url_of("attribute-service") + self.interface.path,
            context=client_context(roots, self.system.server),
            server_name=ATTRIBUTE_HOST,
        )
        return answer.status, json.loads(answer.body)

    def look_up(self, **fields: str) -> Any:
        """Ask JulkiTerhikki as a program does; by default by the registration number."""
        url = self.house.url_of("public-rights") + "/julkiterhikki/api/search"
        body = json.dumps(fields or {"number": str(self.number)}).encode()
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=30
            ) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read())

    def everybody(self) -> dict[str, tuple[str, str]]:
        """What each of those who can be asked says now: a short word, and what it means for the picture."""
        workspace, number = self.workspace, self.number
        workspace.authorities.publish_if_due(workspace.published)
        professional = workspace.valvira.professional(number)
        assert professional is not None
        rights = workspace.valvira.rights_in_force(number, workspace.clock.now())
        told = [[limit["code"] for limit in one["restrictions"]] for one in self.ask()[1]["rights"]]
        seen = [[""] if one["rajoituksia"] else [] for entry in self.look_up() for one in entry["oikeudet"]]
        order = workspace.vartti.look_over(CardRequest(self.hetu, passport(workspace)), registrar=self._registrar)
        no_right = any(finding.rule == "order.right.none" for finding in order)
        document = self._walk.by_card(self.organisation, professional, self.card)
        answer = self._walk.send(document, self.system, self.services)
        return {
            "Terhikki": _right([list(right.restrictions) for right in rights], "no right"),
            "attribute service": _right(told, "no right"),
            "JulkiTerhikki": _right(seen, "not found"),
            "hospital: prescribing": _yes(self.hospital.may(number, "prescribing"), "may", "may not"),
            "hospital: records": _yes(self.hospital.may(number, "patient-records"), "may", "may not"),
            "hospital's own list": _yes(
                bool(self.hospital.access.held(self.organisation.oid)), "has access", "no access"
            ),
            "Vartti: a new card": _yes(not no_right, "right found", "no right"),
            "certificate on the card": _yes(self._certificate_state == "good", "good", self._certificate_state),
            "Kanta: a document": _yes(answer.accepted, "accepted", "refused"),
        }

    @property
    def _certificate_state(self) -> str:
        key = self.certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        return str(self.workspace.authorities.status(key or b"", self.certificate.serial_number).state)

    @cached_property
    def _walk(self) -> Walk:
        return Walk(self.workspace, print)

    @property
    def _registrar(self) -> Hetu:
        return load_cast().person("registrar-county-1")


def _yes(yes: bool, word: str, other: str) -> tuple[str, str]:
    return (word, IN_FORCE) if yes else (other, ENDED)


def _right(rights: list[list[str]], nobody: str) -> tuple[str, str]:
    """A word for rights, each given by its restrictions."""
    if not rights:
        return nobody, ENDED
    codes = sorted({code for restrictions in rights for code in restrictions})
    return (f"restricted {' '.join(codes)}".strip(), RESTRICTED) if codes else ("in force", IN_FORCE)
