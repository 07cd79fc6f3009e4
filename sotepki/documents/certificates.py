"""What a signer's certificate says about holder and purpose. Any certificate gives an answer, never an exception."""

from __future__ import annotations

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


def required_key_usage(kind: SignatureKind) -> frozenset[str]:
    """Key usage by kind of signature (docs/field/kanta.md 4, row KU per signature type: confirmed)."""
    if kind is SignatureKind.PROFESSIONAL:
        return frozenset({"nonRepudiation"})
    return frozenset({"digitalSignature", "nonRepudiation"})


def key_usage_of(certificate: x509.Certificate) -> frozenset[str]:
    """The key usage bits by their X.509 names; empty if the extension is missing or cannot be read."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return frozenset()
    return frozenset(name for field, name in _NAMES.items() if getattr(usage, field))


def subject_serial_number(certificate: x509.Certificate) -> str:
    """The subject's serialNumber: registration number or organisation OID; empty unless it is there once."""
    try:
        values = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    except ValueError:
        return ""
    return str(values[0].value) if len(values) == 1 else ""


def subject_name(certificate: x509.Certificate) -> str:
    """The subject for a sentence, at most 200 characters; empty if it cannot be read."""
    try:
        return certificate.subject.rfc4514_string()[:200]
    except ValueError:
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
