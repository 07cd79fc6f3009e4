"""What the professional's notebook does again and again: logging in with a card, and having a document judged."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from sotepki.card.inserted import InsertedCard
from sotepki.documents import VerificationContext, verify_document
from sotepki.errors import Misuse
from sotepki.evidence import Severity
from sotepki.identifiers import RegistrationNumber
from sotepki.tokens.keys import PrivateKey
from sotepki.workspace import Workspace
from sotepki.x509.path import validate_path
from sotepki.x509.purposes import Purpose
from sotepki.x509.status import CertificateState, CertificateStatus


@dataclass(frozen=True)
class Login:
    """What a system finds out when somebody logs in with a card.

    Attributes:
        key: the card holds the key of the certificate that it shows.
        certificate: the certificate leads to the root that is trusted, and is meant for logging in.
        state: what DVV says of it now: ``good``, ``revoked`` ...
        rights: codes of the rights in force, by the register; empty if there are none.
    """

    key: bool
    certificate: bool
    state: str
    rights: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether every question was answered as it must be."""
        return self.key and self.certificate and self.state == CertificateState.GOOD and bool(self.rights)


def log_in(workspace: Workspace, card: InsertedCard) -> Login:
    """Log in as a system has it done: a new challenge, then the certificate, then the register.

    Raises:
        Refused: rule ``card.pin1.not-verified``: PIN1 comes first.
    """
    challenge = secrets.token_bytes(32)
    answer = signature_over(card.authentication_key, challenge)
    certificate = card.certificate("authentication")
    now = workspace.clock.now()
    path = validate_path(
        certificate,
        trust=[workspace.authorities.root],
        intermediates=_issuers(workspace),
        at=now,
        purpose=Purpose.CARD_AUTHENTICATION,
        revocation=False,
    )
    number = RegistrationNumber.parse(str(certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value))
    return Login(
        key=_verifies(certificate, challenge, answer),
        certificate=path.valid,
        state=state_of(workspace, certificate),
        rights=tuple(right.code for right in workspace.valvira.rights_in_force(number, now)),
    )


def signature_over(key: PrivateKey, challenge: bytes) -> bytes:
    """What a key of a card makes of a challenge: RSA with PKCS#1 v1.5 and SHA-256.

    Raises:
        Refused: rule ``card.pin1.not-verified``.
    """
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Misuse("The notebook logs in with cards of the RSA tree.")
    return key.sign(challenge, padding.PKCS1v15(), hashes.SHA256())


def state_of(workspace: Workspace, certificate: x509.Certificate) -> str:
    """What DVV says of a certificate now: ``good``, ``revoked``, ``unknown``."""
    return str(_status(workspace, certificate).state)


def judged(workspace: Workspace, document: bytes) -> tuple[str, tuple[str, ...]]:
    """What a receiver says of a document now: its verdict, and the rules that it names, the heaviest first."""
    report = verify_document(
        document,
        VerificationContext(
            trust=[workspace.authorities.root],
            intermediates=_issuers(workspace),
            at=workspace.clock.now(),
            rights=workspace.valvira,
            status=lambda certificate, _issuer: _status(workspace, certificate),
        ),
    )
    heavy = [one.rule for one in report.findings if one.severity is Severity.ERROR]
    light = [one.rule for one in report.findings if one.severity is Severity.WARNING]
    return str(report.verdict), tuple(dict.fromkeys([*heavy, *light]))


def _issuers(workspace: Workspace) -> Sequence[x509.Certificate]:
    authorities = workspace.authorities
    return [authorities.certificate(one) for one in authorities.made()]


def _status(workspace: Workspace, certificate: x509.Certificate) -> CertificateStatus:
    """What DVV's books say, as its responder would."""
    key = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    if key is None:
        return CertificateStatus(CertificateState.UNKNOWN)
    return workspace.authorities.status(key, certificate.serial_number)


def _verifies(certificate: x509.Certificate, challenge: bytes, answer: bytes) -> bool:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(answer, challenge, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
