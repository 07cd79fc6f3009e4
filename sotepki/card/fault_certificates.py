"""Certificates that are wrong in one way each, for cards with faults."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sotepki.card.door import Faults, Reissue
from sotepki.card.kinds import KeyUse
from sotepki.x509.keys import PublicKey
from sotepki.x509.lenient import DerCertificate

_DER = serialization.Encoding.DER


def faulty_certificate(true: DerCertificate, use: KeyUse, faults: Faults, reissue: Reissue | None) -> bytes:
    """The certificate in DER with the faults that are asked for; the same one if none is.

    ``reissue`` signs it; without, a key that nobody trusts does, under the true issuer's name.
    """
    expired, wrong_key = use in faults.expired, use in faults.wrong_key
    if not (expired or wrong_key or faults.missing_sv_number):
        return true.der
    certificate = true.contents
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if expired:
        begin, end = begin - timedelta(days=366), begin - timedelta(days=1)
    subject = _without_sv_number(certificate.subject) if faults.missing_sv_number else certificate.subject
    public_key = _another_key(true.public_key) if wrong_key else true.public_key
    builder = x509.CertificateBuilder(certificate.issuer, subject, public_key, certificate.serial_number, begin, end)
    for extension in certificate.extensions:
        value = extension.value
        if wrong_key and isinstance(value, x509.SubjectKeyIdentifier):
            value = x509.SubjectKeyIdentifier.from_public_key(public_key)
        builder = builder.add_extension(value, extension.critical)
    return reissue(builder, true) if reissue else builder.sign(_nobodys_key(), hashes.SHA256()).public_bytes(_DER)


def _without_sv_number(name: x509.Name) -> x509.Name:
    return x509.Name([rdn for rdn in name.rdns if not rdn.get_attributes_for_oid(NameOID.PSEUDONYM)])


@cache
def _nobodys_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _another_rsa(size: int) -> rsa.RSAPublicKey:
    return rsa.generate_private_key(65537, size).public_key()


def _another_key(public_key: PublicKey) -> PublicKey:
    """A public key of the same kind and size whose private key nobody has."""
    if isinstance(public_key, rsa.RSAPublicKey):
        return _another_rsa(public_key.key_size)
    return _another_point(public_key.curve.name)


@cache
def _another_point(curve: str) -> ec.EllipticCurvePublicKey:
    return ec.generate_private_key(_CURVES[curve]).public_key()


_CURVES: dict[str, ec.EllipticCurve] = {curve.name: curve for curve in (ec.SECP256R1(), ec.SECP384R1())}
