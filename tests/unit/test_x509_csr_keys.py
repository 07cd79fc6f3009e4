"""The key and the signature of a request: what cannot be used is sent back, what is only weak is told as that."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import x509_world as w
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from test_x509_csr import csr, rules

from sotepki.cli.cert_bulk import _key
from sotepki.errors import Misuse
from sotepki.evidence import Severity, Verdict
from sotepki.x509 import der
from sotepki.x509.csr import CsrKind, check_csr

RSA, EC = w.rsa_key(2048, "service"), w.ec_key("service")
RSASSA_PSS = "1.2.840.113549.1.1.10"


def signed_anew(
    request: bytes, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: hashes.HashAlgorithm, oid: str
) -> bytes:
    """A request in PEM with a signature that pyca does not make."""
    signed = x509.load_pem_x509_csr(request).tbs_certrequest_bytes
    if isinstance(key, rsa.RSAPrivateKey):
        identifier, signature = der.sequence(der.oid(oid), der.NULL), key.sign(signed, padding.PKCS1v15(), algorithm)
    else:
        identifier, signature = der.sequence(der.oid(oid)), key.sign(signed, ec.ECDSA(algorithm))
    return _pem(der.sequence(signed, identifier, der.bit_string(signature)), "CERTIFICATE REQUEST")


def restricted() -> tuple[bytes, bytes]:
    """A request in PEM as 'openssl req -newkey rsa-pss' makes it, and its public key in PEM."""
    version, subject, key, *rest = der.parse(x509.load_pem_x509_csr(csr(key=RSA)).tbs_certrequest_bytes).children()
    pss = der.sequence(der.sequence(der.oid(RSASSA_PSS)), key.children()[1].raw)
    signed = der.sequence(version.raw, subject.raw, pss, *(part.raw for part in rest))
    signature = RSA.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    identifier = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.NULL)
    request = _pem(der.sequence(signed, identifier, der.bit_string(signature)), "CERTIFICATE REQUEST")
    return request, _pem(pss, "PUBLIC KEY")


def _pem(data: bytes, label: str) -> bytes:
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label.encode(), base64.encodebytes(data), label.encode())


def test_a_key_restricted_to_pss_is_sent_back() -> None:
    """The certificate would say that the key is an ordinary one, and no server could use the two together."""
    report = check_csr(restricted()[0], CsrKind.SERVER)
    assert rules(report) == {"csr.key.algorithm": Severity.ERROR}
    (finding,) = report.findings
    assert "RSASSA-PSS" in finding.message and "not rsa-pss" in finding.advice


@pytest.mark.parametrize("which", [0, 1], ids=["request", "public key"])
def test_a_key_restricted_to_pss_is_not_certified_in_bulk_either(tmp_path: Path, which: int) -> None:
    """The certificate would not fit the key."""
    (tmp_path / "key.pem").write_bytes(restricted()[which])
    with pytest.raises(Misuse, match="restricted to RSASSA-PSS"):
        _key(tmp_path / "key.pem")
    (tmp_path / "key.pem").write_bytes(csr(key=RSA))
    assert _key(tmp_path / "key.pem") == RSA.public_key()


@pytest.mark.parametrize(
    ("key", "algorithm", "oid"),
    [
        (RSA, hashes.MD5(), "1.2.840.113549.1.1.4"),
        (RSA, hashes.SHA1(), "1.2.840.113549.1.1.5"),
        (RSA, hashes.SHA224(), "1.2.840.113549.1.1.14"),
        (EC, hashes.SHA1(), "1.2.840.10045.4.1"),
    ],
    ids=["md5", "sha1", "sha224", "ecdsa-sha1"],
)
def test_a_weak_hash_is_a_warning_and_a_true_signature_is_not_called_false(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: hashes.HashAlgorithm, oid: str
) -> None:
    """A vendor with an old tool looks for a mistake that it did not make."""
    request = signed_anew(csr(key=key), key, algorithm, oid)
    report = check_csr(request, CsrKind.SERVER)
    assert (rules(report), report.verdict) == ({"csr.signature.weak": Severity.WARNING}, Verdict.VALID)
    assert report.findings[0].found == algorithm.name
    data = x509.load_pem_x509_csr(request).public_bytes(Encoding.DER)
    changed = check_csr(data.replace(b"Testipalvelu", b"Jestipalvelu"), CsrKind.SERVER)
    assert rules(changed) == {"csr.signature": Severity.ERROR, "csr.signature.weak": Severity.WARNING}


def test_an_algorithm_that_is_not_known_is_said_to_be_that() -> None:
    """'openssl req -sha512-224' signs truly; who is told that the signature does not verify signs again in vain."""
    report = check_csr(signed_anew(csr(key=RSA), RSA, hashes.SHA512_224(), "1.2.840.113549.1.1.15"), CsrKind.SERVER)
    (finding,) = report.findings
    assert (finding.rule, finding.found) == ("csr.signature", "1.2.840.113549.1.1.15")
    assert "not known here" in finding.message and "-sha256" in finding.advice
