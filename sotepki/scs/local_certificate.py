"""The self-signed certificate of the local listener, made once per workspace; the user must trust it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sotepki.records import write_atomically
from sotepki.tokens.storage import locked, private_directory

_NAME = "127.0.0.1"
_DAYS = 3650


class CertificateVariant(StrEnum):
    """``clean`` obeys RFC 5280; ``observed`` has the form of one open implementation (docs/field/scs.md 3)."""

    CLEAN = "clean"
    OBSERVED = "observed"


def local_certificate(path: Path, now: datetime, variant: CertificateVariant = CertificateVariant.CLEAN) -> Path:
    """The PEM file with key and certificate; made if it is missing or over. The certificate alone lies beside it, and
    is written again whenever it is missing or another.

    P-256, CN 127.0.0.1, names localhost and 127.0.0.1, ten years (docs/field/scs.md 3: confirmed). The observed form
    asserts keyEncipherment on an EC key and a path length without keyCertSign, both of which RFC 5280 and its lints
    object to; the clean form is an end-entity certificate with digitalSignature alone.

    Raises:
        Fault: the file cannot be written.
    """
    if _is_told(path, _served(path, now)):
        return path
    private_directory(path.parent)
    with locked(path.with_suffix(".lock")):  # services that start together serve one certificate
        served = _served(path, now)
        if served is None:
            key = ec.generate_private_key(ec.SECP256R1())
            served = _certificate(key, now, variant)
            secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_atomically(path, secret + served.public_bytes(Encoding.PEM), private=True)
        if not _is_told(path, served):
            write_atomically(path.with_suffix(".crt"), served.public_bytes(Encoding.PEM))
    return path


def _certificate(key: ec.EllipticCurvePrivateKey, now: datetime, variant: CertificateVariant) -> x509.Certificate:
    observed = variant is CertificateVariant.OBSERVED
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address(_NAME))])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=observed,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    start = now.replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=observed, path_length=0 if observed else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _served(path: Path, now: datetime) -> x509.Certificate | None:
    """The certificate beside the key, if it is in force."""
    certificate = _read(path)
    if certificate is None or not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        return None
    return certificate


def _is_told(path: Path, served: x509.Certificate | None) -> bool:
    """Whether the file that users trust holds the certificate that is served."""
    return served is not None and _read(path.with_suffix(".crt")) == served


def _read(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError):
        return None
