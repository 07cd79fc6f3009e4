"""Keys in a real SoftHSM, used through pyca's interface and checked with pyca and openssl."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import copy
import pickle
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import AttributeSensitive
from tokens_softhsm_world import HASHES, NOW, ec_key, originals, rsa_key, session  # noqa: F401

from sotepki.errors import Refused
from sotepki.tokens import (
    TokenSession,
)

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("algorithm", [*HASHES, hashes.SHA3_256()], ids=lambda a: a.name)
def test_pkcs1_signatures_verify(session: TokenSession, algorithm: hashes.HashAlgorithm) -> None:
    """A wrong DigestInfo would give certificates that no other software accepts."""
    key = rsa_key(session)
    signature = key.sign(b"TEST", padding.PKCS1v15(), algorithm)
    key.public_key().verify(signature, b"TEST", padding.PKCS1v15(), algorithm)


def test_prehashed_data_is_not_hashed_again(session: TokenSession) -> None:
    """Large documents are hashed by the caller; hashing the digest again would break their signatures."""
    key = rsa_key(session)
    digest = hashes.Hash(hashes.SHA384())
    digest.update(b"TEST")
    value = digest.finalize()
    signature = key.sign(value, padding.PKCS1v15(), Prehashed(hashes.SHA384()))
    key.public_key().verify(signature, b"TEST", padding.PKCS1v15(), hashes.SHA384())
    curve_key = ec_key(session)
    curve_signature = curve_key.sign(value, ec.ECDSA(Prehashed(hashes.SHA384())))
    curve_key.public_key().verify(curve_signature, b"TEST", ec.ECDSA(hashes.SHA384()))
    with pytest.raises(ValueError, match="digest size"):
        key.sign(value[:-1], padding.PKCS1v15(), Prehashed(hashes.SHA384()))


@pytest.mark.parametrize("algorithm", HASHES, ids=lambda a: a.name)
@pytest.mark.parametrize("salt", ["digest", "max", 20])
def test_pss_signatures_verify(session: TokenSession, algorithm: hashes.HashAlgorithm, salt: str | int) -> None:
    """A salt of another length than asked for is refused by strict verifiers."""
    length = {"digest": padding.PSS.DIGEST_LENGTH, "max": padding.PSS.MAX_LENGTH}.get(str(salt), salt)
    scheme = padding.PSS(padding.MGF1(algorithm), length)  # type: ignore[arg-type]
    key = rsa_key(session)
    key.public_key().verify(key.sign(b"TEST", scheme, algorithm), b"TEST", scheme, algorithm)


@pytest.mark.parametrize("label", ["p-256", "p-384"])
@pytest.mark.parametrize("algorithm", HASHES, ids=lambda a: a.name)
def test_ecdsa_signatures_verify(session: TokenSession, label: str, algorithm: hashes.HashAlgorithm) -> None:
    """SoftHSM answers r and s side by side; pyca and X.509 want DER."""
    key = ec_key(session, label)
    for _ in range(20):
        key.public_key().verify(key.sign(b"TEST", ec.ECDSA(algorithm)), b"TEST", ec.ECDSA(algorithm))


def test_what_the_token_cannot_do_is_said(session: TokenSession) -> None:
    """A request outside the token's abilities must not become a wrong signature."""
    with pytest.raises(UnsupportedAlgorithm):
        rsa_key(session).sign(
            b"TEST", padding.PSS(padding.MGF1(hashes.SHA1()), padding.PSS.DIGEST_LENGTH), hashes.SHA256()
        )
    with pytest.raises(UnsupportedAlgorithm):
        rsa_key(session).sign(b"TEST", padding.PKCS1v15(), hashes.BLAKE2b(64))
    with pytest.raises(UnsupportedAlgorithm):
        ec_key(session).sign(b"TEST", ec.ECDSA(hashes.SHA384(), deterministic_signing=True))
    with pytest.raises(UnsupportedAlgorithm):
        ec_key(session).exchange(ec.ECDH(), ec_key(session).public_key())


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA512()], ids=lambda a: a.name)
def test_decryption(session: TokenSession, algorithm: hashes.HashAlgorithm) -> None:
    """The authentication key of a card also deciphers (PKCS#1 and OAEP)."""
    key = rsa_key(session)
    oaep = padding.OAEP(padding.MGF1(algorithm), algorithm, None)
    for scheme in (padding.PKCS1v15(), oaep):
        assert key.decrypt(key.public_key().encrypt(b"secret", scheme), scheme) == b"secret"
        assert key.decrypt(key.public_key().encrypt(b"", oaep), oaep) == b""
    cryptogram = bytearray(key.public_key().encrypt(b"secret", oaep))
    cryptogram[-1] ^= 1
    with pytest.raises(ValueError, match="failed"):
        key.decrypt(bytes(cryptogram), oaep)
    with pytest.raises(ValueError, match="length"):
        key.decrypt(b"short", oaep)


@pytest.mark.parametrize("label", ["rsa-2048", "p-384"])
def test_the_private_part_stays_in_the_token(session: TokenSession, label: str) -> None:
    """A key that can be exported is not in a token at all."""
    key = session.private_key(label)
    with pytest.raises(Refused) as refusal:
        key.private_numbers()
    assert refusal.value.rule == "token.key.not-extractable"
    with pytest.raises(Refused):
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(Refused):
        pickle.dumps(key)
    handle = session._login.find(ObjectClass.PRIVATE_KEY, label)
    assert handle[Attribute.EXTRACTABLE] is False
    assert handle[Attribute.SENSITIVE] is True
    assert handle[Attribute.PRIVATE] is True
    secret = Attribute.PRIVATE_EXPONENT if label.startswith("rsa") else Attribute.VALUE
    with pytest.raises(AttributeSensitive):
        handle[secret]
    assert copy.copy(key) is key
    assert copy.deepcopy(key) is key


@pytest.mark.parametrize("label", ["rsa-2048", "p-384"])
def test_pyca_builders_take_a_token_key(session: TokenSession, label: str) -> None:
    """Certificates, CSRs, CRLs, OCSP answers and CMS all come from the one key interface."""
    key = session.private_key(label)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA384())
    )
    certificate.verify_directly_issued_by(certificate)
    assert x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256()).is_signature_valid
    crl = x509.CertificateRevocationListBuilder(name, NOW, NOW + timedelta(days=1)).sign(key, hashes.SHA256())
    assert crl.is_signature_valid(key.public_key())
    response = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            certificate,
            certificate,
            hashes.SHA1(),
            ocsp.OCSPCertStatus.GOOD,
            NOW,
            NOW + timedelta(hours=1),
            None,
            None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
        .sign(key, hashes.SHA256())
    )
    assert response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    message = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(b"TEST")
        .add_signer(certificate, key, hashes.SHA256())
        .sign(serialization.Encoding.DER, [])
    )
    assert pkcs7.load_der_pkcs7_certificates(message) == [certificate]


def test_openssl_verifies_a_certificate_signed_in_the_token(session: TokenSession, tmp_path: Path) -> None:
    """The outside world, not only pyca, must accept what the token signs."""
    key = rsa_key(session, "rsa-3072")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST root")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256(), rsa_padding=padding.PSS(padding.MGF1(hashes.SHA256()), 32))
    )
    path = tmp_path / "root.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    answer = subprocess.run(
        ["openssl", "verify", "-check_ss_sig", "-attime", str(int(NOW.timestamp()) + 60), "-CAfile", path, path],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert answer.returncode == 0, answer.stderr
