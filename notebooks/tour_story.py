"""What the tour needs besides the public API: the registers as other systems ask them, and what is said of a card."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from sotepki.dvv import SOTE_PERSONS
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.journey.sending import client_context, post_frame
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.services import ATTRIBUTE_HOST, House, RunningServices, catalogue, chosen, running_house
from sotepki.valvira.attribute_interface import AttributeInterface
from sotepki.workspace import Workspace
from sotepki.x509.ocsp_client import ask_status

_SERVED = ("public-rights", "thl-registers", "attribute-service")
_SECONDS = 30


@dataclass
class Registers:
    """THL's register, Valvira's public service, and its role and attribute service, on free ports.

    Attributes:
        services: publication, which the attribute service asks about certificates.
    """

    workspace: Workspace
    services: RunningServices
    stack: ExitStack
    house: House = field(init=False)

    def __post_init__(self) -> None:
        ports = dict.fromkeys(_SERVED, 0) | {"publication": urlsplit(self.services.publication_url).port or 0}
        wanted = chosen(catalogue(), list(_SERVED))
        self.house = self.stack.enter_context(running_house(self.workspace, wanted, ports=ports))

    def organisation(self, oid: Oid) -> Any:
        """What THL's register says of an organisation, to anybody."""
        return _got(f"{self.house.url_of('thl-registers')}/organisations/{oid}")

    def public(self, number: RegistrationNumber) -> Any:
        """What JulkiSuosikki says of a professional, to anybody."""
        return _got(f"{self.house.url_of('public-rights')}/julkisuosikki/api/search?number={number}")

    def attributes(self, number: RegistrationNumber, identity: ServiceIdentity) -> Any:
        """What the role and attribute service says of a professional, to whoever shows an approved certificate."""
        interface = AttributeInterface.load()
        question = (
            f'<professionalQuery xmlns="{interface.namespace}">'
            f"<registrationNumber>{number}</registrationNumber></professionalQuery>"
        )
        answer = post_frame(
            question.encode(),
            url=self.house.url_of("attribute-service") + interface.path,
            context=client_context(self.house.trust_file.read_text(encoding="ascii"), identity),
            server_name=ATTRIBUTE_HOST,
        )
        return json.loads(answer.body)


def _got(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return json.loads(error.read())


def revocation(workspace: Workspace, services: RunningServices, certificate: x509.Certificate) -> dict[str, str]:
    """What the revocation list and the responder that a card's certificate names say of it."""
    workspace.authorities.publish_if_due(workspace.published)
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    (place,) = points[0].full_name or ()
    name = PurePosixPath(str(place.value)).stem
    listed = x509.load_der_x509_crl((workspace.published / "crl" / f"{name}.crl").read_bytes())
    entry = listed.get_revoked_certificate_by_serial_number(certificate.serial_number)
    issuer = workspace.authorities.certificate(SOTE_PERSONS)
    url = f"{services.publication_url}/{name}"
    answered = ask_status(url, certificate, issuer, at=workspace.clock.now()).status.state
    return {"revocation list": "revoked" if entry else "not listed", "OCSP responder": str(answered)}
