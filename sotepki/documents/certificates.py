"""What a signer's certificate says about holder and purpose. Any certificate gives an answer, never an exception.

Answers are remembered, since archives hold many documents of one signer.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from sotepki.documents.vocabulary import SignatureKind

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


def required_key_usage(kind: SignatureKind) -> frozenset[str]:
    """Key usage by kind of signature (docs/field/kanta.md 4, row KU per signature type: confirmed)."""
    if kind is SignatureKind.PROFESSIONAL:
        return frozenset({"nonRepudiation"})
    return frozenset({"digitalSignature", "nonRepudiation"})


@lru_cache(maxsize=1024)
def key_usage_of(certificate: x509.Certificate) -> frozenset[str]:
    """The key usage bits by their X.509 names; empty if the extension is missing or cannot be read."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return frozenset()
    return frozenset(name for field, name in _NAMES.items() if getattr(usage, field))


def subject_serial_number(certificate: x509.Certificate) -> str:
    """The subject's serialNumber: registration number or organisation OID; empty unless it is there once."""
    return subject_value(certificate, NameOID.SERIAL_NUMBER)


@lru_cache(maxsize=1024)
def subject_value(certificate: x509.Certificate, attribute: x509.ObjectIdentifier) -> str:
    """One attribute of the subject; empty unless it is there once and can be read."""
    try:
        values = certificate.subject.get_attributes_for_oid(attribute)
    except _UNREADABLE:
        return ""
    return str(values[0].value) if len(values) == 1 else ""


@lru_cache(maxsize=1024)
def is_readable(certificate: x509.Certificate) -> bool:
    """Whether names, validity and extensions can be read; pyca reads them only when they are asked for."""
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


def subject_name(certificate: x509.Certificate) -> str:
    """The subject for a sentence, at most 200 characters; empty if it cannot be read."""
    try:
        return certificate.subject.rfc4514_string()[:200]
    except _UNREADABLE:
        return ""


def issuer_among(certificate: x509.Certificate, candidates: tuple[x509.Certificate, ...]) -> x509.Certificate | None:
    """The candidate that issued ``certificate``: its name fits and its key verifies the signature."""
    for candidate in candidates:
        try:
            certificate.verify_directly_issued_by(candidate)
        except Exception:  # noqa: BLE001 - pyca raises many kinds for hostile certificates; each means "not this one"
            continue
        return candidate
    return None
