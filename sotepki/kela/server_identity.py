"""The key and certificate that a TLS server of this office shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sotepki.records import write_atomically

Certify = Callable[[rsa.RSAPublicKey], Sequence[x509.Certificate]]
"""Gets a server certificate for a public key: the certificate first, then its issuing CA's."""

_KEY_BITS = 2048
_RENEW_BEFORE = timedelta(days=30)


def server_chain(path: Path, certify: Certify, now: datetime) -> Path:
    """The PEM file with key, certificate and issuing CA's certificate; made when missing, or when near its end.

    The key is a file (mode 0600) and not in the token: OpenSSL, which speaks TLS for Python, takes it only so.

    Raises:
        Fault: the file cannot be written.
    """
    if _serves(path, now):
        return path
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    chain = certify(key.public_key())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_atomically(path, pem + b"".join(c.public_bytes(Encoding.PEM) for c in chain), private=True)
    return path


def _serves(path: Path, now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError):
        return False
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - _RENEW_BEFORE
