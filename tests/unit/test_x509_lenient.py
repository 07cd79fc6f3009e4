"""Certificates that pyca refuses, read by their bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from sotepki.errors import Refused
from sotepki.x509.issuing import sign_der
from sotepki.x509.lenient import der_certificate, pem

KEY = ec.generate_private_key(ec.SECP384R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST KANSALAINEN")])
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
QUIRK = bytes.fromhex("300c06082a8648ce3d0403030500")


def made(explicit_null: bool) -> bytes:
    builder = x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 4711, BEGIN, BEGIN + timedelta(days=9))
    return sign_der(builder, KEY, explicit_null=explicit_null)


def test_a_certificate_with_null_parameters_shows_its_contents_and_keeps_its_bytes() -> None:
    """A citizen's test card must be readable; what is stored and sent stays as the CA signed it."""
    data = made(True)
    assert data.count(QUIRK) == 2
    with pytest.raises(ValueError):
        x509.load_der_x509_certificate(data)
    found = der_certificate(data)
    assert found.der == data and not found.strict
    assert (found.contents.subject, found.contents.serial_number) == (NAME, 4711)
    assert found.public_key == KEY.public_key()
    assert b"".join(pem(found).splitlines()[1:-1]) != b""
    with pytest.raises(Refused) as refused:
        found.exact()
    assert refused.value.rule == "cert.null-parameters"


@pytest.mark.parametrize("signer", [KEY, rsa.generate_private_key(65537, 2048)], ids=["ec", "rsa"])
def test_an_ordinary_certificate_is_itself(signer: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    """Nobody may get a changed certificate because some other kind needs it: NULL belongs to RSA."""
    builder = x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 4711, BEGIN, BEGIN + timedelta(days=9))
    certificate = builder.sign(signer, hashes.SHA384())
    for given_as in (certificate, certificate.public_bytes(Encoding.DER)):
        found = der_certificate(given_as)
        assert found.strict and found.exact() == certificate
        assert x509.load_pem_x509_certificate(pem(found)) == certificate


@settings(max_examples=200)
@given(st.integers(0, 400), st.integers(0, 255), st.booleans())
def test_any_bytes_are_a_certificate_or_refused(place: int, value: int, cut: bool) -> None:
    """A damaged card file is told in a sentence."""
    data = bytearray(made(True))
    data[place % len(data)] = value
    try:
        found = der_certificate(bytes(data[:place] if cut else data))
        assert found.der
    except Refused as refused:
        assert refused.rule in ("cert.not-a-certificate", "cert.private-key")
