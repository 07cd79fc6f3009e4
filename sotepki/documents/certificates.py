"""What a signer's certificate says about holder and purpose. Any certificate gives an answer, never an exception."""

from __future__ import annotations

from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from sotepki.documents.standing import Certificates, Standing
from sotepki.documents.vocabulary import SignatureKind
from sotepki.x509.names import readable

_NAMES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}

_UNREADABLE = (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
"""What pyca raises when the parts of a hostile certificate are asked for."""

_MOST_STANDINGS = 16


def required_key_usage(kind: SignatureKind) -> frozenset[str]:
    """Key usage by kind of signature (docs/field/kanta.md 4, row KU per signature type: confirmed)."""
    if kind is SignatureKind.PROFESSIONAL:
        return frozenset({"nonRepudiation"})
    return frozenset({"digitalSignature", "nonRepudiation"})


class SignerCertificate:
    """A certificate and what was read from it; one for all documents of the signer, and equal only to itself.

    Attributes:
        certificate: as it stands in the signature.
    """

    def __init__(self, certificate: x509.Certificate) -> None:
        self.certificate = certificate
        self._standings: dict[tuple[int, ...], Standing] = {}

    def among(self, trust: Certificates, intermediates: Certificates) -> Standing:
        """Where it stands among CAs; remembered as long as the very same certificates are given."""
        known = tuple(map(id, (*trust, None, *intermediates)))
        standing = self._standings.get(known)
        if standing is None:
            if len(self._standings) >= _MOST_STANDINGS:
                self._standings.clear()
            # It holds the certificates, so none of their identities can be given to another object.
            standing = self._standings[known] = Standing(self.certificate, trust, intermediates)
        return standing

    @cached_property
    def readable(self) -> bool:
        """Whether names, validity and extensions can be read; pyca reads them only when they are asked for."""
        certificate = self.certificate
        try:
            return all(
                part is not None
                for part in (
                    certificate.subject.rfc4514_string(),
                    certificate.issuer.rfc4514_string(),
                    certificate.not_valid_before_utc,
                    certificate.not_valid_after_utc,
                    certificate.extensions,
                )
            )
        except _UNREADABLE:
            return False

    @cached_property
    def key_usage(self) -> frozenset[str]:
        """The key usage bits by their X.509 names; empty if the extension is missing or cannot be read."""
        try:
            usage = self.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        except (x509.ExtensionNotFound, *_UNREADABLE):
            return frozenset()
        return frozenset(name for field, name in _NAMES.items() if getattr(usage, field))

    @cached_property
    def holder(self) -> str:
        """The subject's serialNumber: registration number or organisation OID; empty unless it is there once."""
        return self._subject_value(NameOID.SERIAL_NUMBER)

    @cached_property
    def prescriber(self) -> str:
        """The prescriber's identifier, which is the subject's pseudonym; empty unless it is there once."""
        return self._subject_value(NameOID.PSEUDONYM)

    def _subject_value(self, attribute: x509.ObjectIdentifier) -> str:
        try:
            values = self.certificate.subject.get_attributes_for_oid(attribute)
        except _UNREADABLE:
            return ""
        return str(values[0].value) if len(values) == 1 else ""


@lru_cache(maxsize=1024)
def signer_certificate(certificate: x509.Certificate) -> SignerCertificate:
    """What is known of a certificate; remembered, since archives hold many documents of one signer.

    Asked once for a document: pyca parses a certificate again whenever it is looked up by its value.
    """
    return SignerCertificate(certificate)


def subject_name(certificate: x509.Certificate) -> str:
    """The subject for a sentence, at most 200 characters; empty if it cannot be read."""
    try:
        return readable(certificate.subject)[:200]
    except _UNREADABLE:
        return ""
