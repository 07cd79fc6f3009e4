"""What the e-service mails: the link to the technical contact, the certificate, a return, a revocation.

The certificate goes out as one message with its attachments, and each attachment also lies in the outbox as a file of
its own, so that nobody needs a mail program to use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from textwrap import fill

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.dvv.service_certificates.case import TechnicalContact
from sotepki.records import Channel, Posting
from sotepki.x509.serials import serial_text

SENDER = "DVV TEST service certificates <service-certificates@dvv.test.example>"


@dataclass(frozen=True)
class Delivery:
    """A service certificate as it is delivered: DER, PEM, and the issuing chain up to the root in PEM."""

    certificate: x509.Certificate
    chain: Sequence[x509.Certificate]

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def chain_pem(self) -> bytes:
        """The CA certificates in PEM, the issuer first."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in self.chain)

    def files(self, name: str) -> dict[str, bytes]:
        """The three files by their names."""
        return {f"{name}.der": self.der, f"{name}.pem": self.pem, f"{name}-chain.pem": self.chain_pem}


def link_message(application: str, contact: TechnicalContact, code: str, at: datetime) -> Posting:
    """The mail with which the technical contact can attach a CSR to this application and to no other."""
    text = (
        f"The application {application} waits for a certificate request (CSR).\n\n"
        f"Attach it with: sotepki service-certificate attach-csr {application} FILE --link {code}\n"
    )
    return _message(application, contact, f"{application}: certificate request wanted", text, at, name="link")


def certificate_messages(
    application: str, contact: TechnicalContact, delivery: Delivery, at: datetime
) -> list[Posting]:
    """The mail with the certificate, and each attachment as a file of its own."""
    files = delivery.files(application)
    text = (
        f"The certificate of the application {application} is attached in DER and PEM, with the CA certificates.\n\n"
        f"Serial number: {serial_text(delivery.certificate.serial_number)}\n"
        f"Valid to: {delivery.certificate.not_valid_after_utc.isoformat()}\n"
        "Revocation is requested in the e-service with this serial number; it cannot be undone.\n"
    )
    message = _message(
        application, contact, f"{application}: TEST certificate", text, at, name="delivery", files=files
    )
    return [message, *(Posting(Channel.EMAIL, message.recipient, name, data) for name, data in files.items())]


def return_message(application: str, contact: TechnicalContact, reason: str, at: datetime) -> Posting:
    """The mail that says why an application comes back."""
    text = f"The application {application} was returned to be completed.\n\nReason:\n{fill(reason, 76)}\n"
    return _message(application, contact, f"{application}: returned", text, at, name="returned")


def revocation_message(
    application: str, contact: TechnicalContact, serial: str, reason: str, at: datetime
) -> Posting:
    """The mail that confirms a revocation."""
    text = (
        f"The certificate {serial} of the application {application} was revoked at {at.isoformat()}.\n\n"
        f"Reason: {reason}. The revocation cannot be undone.\n"
    )
    return _message(application, contact, f"{application}: certificate revoked", text, at, name="revoked")


def _message(
    application: str,
    contact: TechnicalContact,
    subject: str,
    text: str,
    at: datetime,
    *,
    name: str,
    files: Mapping[str, bytes] | None = None,
) -> Posting:
    recipients = list(dict.fromkeys(address for address in (contact.email, contact.shared_mailbox) if address))
    message = EmailMessage(policy=SMTP)
    message["From"] = SENDER
    message["To"] = ", ".join(recipients)
    message["Subject"] = f"TEST {subject}"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{application}-{name}-{at:%Y%m%d%H%M%S}@dvv.test.example>"
    # Readable in the file as it stands, without quoted-printable: a code is copied from it.
    message.set_content(text, cte="8bit")
    for file_name, data in (files or {}).items():
        subtype = "x-pem-file" if file_name.endswith(".pem") else "pkix-cert"
        message.add_attachment(data, maintype="application", subtype=subtype, filename=file_name)
    return Posting(Channel.EMAIL, ", ".join(recipients), f"{application}-{name}.eml", message.as_bytes())
