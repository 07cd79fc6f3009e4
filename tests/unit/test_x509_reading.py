"""Files as people hand them over: PEM, DER, bundles, and the wrong thing by mistake."""

from __future__ import annotations

import base64
import time

import pytest
import x509_world as w
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs7,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sotepki.errors import Refused
from sotepki.x509.crl import build_crl
from sotepki.x509.fetching import fetch
from sotepki.x509.reading import MAX_LISTS, read_certificates, read_crls, read_ocsp_responses

PEM = Encoding.PEM


def test_pem_der_and_bundles_give_the_same_certificates() -> None:
    chain = [w.server_certificate(), w.world().services_certificate]
    text = b"".join(b"a comment\n" + certificate.public_bytes(PEM) for certificate in chain)
    assert read_certificates(text) == chain
    assert read_certificates(text.replace(b"\n", b"\r\n")) == chain
    assert read_certificates(chain[0].public_bytes(Encoding.DER)) == chain[:1]
    for encoding in (Encoding.PEM, Encoding.DER):
        bundle = pkcs7.serialize_certificates(chain, encoding)
        assert sorted(c.serial_number for c in read_certificates(bundle)) == sorted(c.serial_number for c in chain)


KEY = w.rsa_key(2048, "service")


@pytest.mark.parametrize(
    "data",
    [
        KEY.private_bytes(PEM, PrivateFormat.PKCS8, NoEncryption()),
        KEY.private_bytes(PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        KEY.private_bytes(PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        KEY.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        w.ec_key().private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        w.server_certificate().public_bytes(PEM) + KEY.private_bytes(PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
)
def test_a_private_key_is_named_in_every_form(data: bytes) -> None:
    """People paste the wrong file into tickets; the answer must warn them and not repeat the key."""
    with pytest.raises(Refused) as refused:
        read_certificates(data, name="key.pem")
    assert refused.value.rule == "cert.private-key"
    assert str(refused.value).startswith("key.pem holds a private key.")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "public key"),
        (pkcs12.serialize_key_and_certificates(b"x", KEY, w.server_certificate(), None, NoEncryption()), "PKCS#12"),
        (
            build_crl(w.world().root, [], number=1, this_update=w.NOW).public_bytes(Encoding.DER),
            "revocation list, not a certificate",
        ),
        (b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", "PKCS#7"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "not a certificate"),
        (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----", "no certificate"),
    ],
)
def test_other_things_are_named_as_what_they_are(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read_certificates(data)
    assert words in refused.value.sentence and refused.value.rule == "cert.not-a-certificate"


def test_lists_and_responses_are_read_in_their_own_right() -> None:
    crl = build_crl(w.world().root, [], number=1, this_update=w.NOW)
    assert read_crls(crl.public_bytes(PEM)) == read_crls(crl.public_bytes(Encoding.DER)) == [crl]
    with pytest.raises(Refused) as refused:
        read_crls(w.server_certificate().public_bytes(PEM))
    assert refused.value.rule == "crl.not-a-crl"
    with pytest.raises(Refused) as refused:
        read_ocsp_responses(b"nonsense")
    assert refused.value.rule == "ocsp.response.form"


def test_a_file_that_was_cut_short_is_not_read_in_part() -> None:
    """A copy that ends within the second certificate must not pass for a file of one."""
    first, second = w.server_certificate().public_bytes(PEM), w.world().services_certificate.public_bytes(PEM)
    with pytest.raises(Refused, match="does not end") as refused:
        read_certificates(first + second[:200])
    assert "cut short" in refused.value.advice
    with pytest.raises(Refused, match="does not end"):
        read_certificates(first + second.rpartition(b"-----END")[0])


def test_a_certificate_with_openssl_notes_on_trust_is_read() -> None:
    """'openssl x509 -trustout' writes its own structure behind the certificate."""
    notes = b"\x30\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01"
    body = base64.encodebytes(w.server_certificate().public_bytes(Encoding.DER) + notes)
    text = b"-----BEGIN TRUSTED CERTIFICATE-----\n" + body + b"-----END TRUSTED CERTIFICATE-----\n"
    assert read_certificates(text) == [w.server_certificate()]
    with pytest.raises(Refused, match="not a certificate"):
        read_certificates(text.replace(body, b"MIIF\n"))


def test_a_list_may_be_longer_than_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of 430 000 entries has 17 MiB, of which no other file that a person hands over is."""
    crl = build_crl(w.world().root, [], number=1, this_update=w.NOW)
    long = b"-" * (17 * 1024 * 1024) + b"\n" + crl.public_bytes(PEM)
    with pytest.raises(Refused, match="longer than 16 MiB"):
        read_crls(long)
    assert read_crls(long, limit=MAX_LISTS) == [crl]
    monkeypatch.setattr("sotepki.x509.fetching.fetch_file", lambda *_, **__: long)
    fetched = fetch(w.server_certificate(), "http://127.0.0.1:1", at=w.NOW, trust=[w.world().services_certificate])
    assert fetched.crls == [crl]


def test_many_beginnings_without_an_end_cost_no_time() -> None:
    """A pattern that tries again at each beginning would take minutes for this file."""
    begun = time.process_time()
    with pytest.raises(Refused):
        read_certificates(b"-----BEGIN CERTIFICATE-----\n" * 500_000)
    assert time.process_time() - begun < 30


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_refused_in_a_sentence(data: bytes) -> None:
    for prefix in (b"", b"-----BEGIN CERTIFICATE-----\n"):
        with pytest.raises(Refused):
            read_certificates(prefix + data)
