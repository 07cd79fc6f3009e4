"""Transactions of 1.3: beginning, one execution, and everything that must not get a signature."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from scs_world import PIN1, PIN2, MemoryCard, rsa_key

from sotepki.errors import Misuse, Refused
from sotepki.scs import (
    ChallengeForm,
    PinKind,
    ScsHttp,
    SignatureService,
    challenge_content,
    load_settings,
    local_certificate,
    running,
)
from sotepki.scs.client import AUTHENTICATION, SIGNATURE, ScsClient
from sotepki.scs.jose import read_jwe, read_jws, write_jwe, write_jws
from sotepki.scs.transactions import Transactions, jws_algorithm, jws_signature
from sotepki.x509.tls import tls_of

ORIGIN = "https://potilastieto.example"
NOW = datetime.now(UTC)
PINS = {PinKind.PIN1: PIN1, PinKind.PIN2: PIN2}


def server_certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )


KEY = ec.generate_private_key(ec.SECP256R1())
CERTIFICATE = server_certificate(KEY, "potilastieto.example")
PUBLIC = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(params=["rsa", "ec"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ScsClient]:
    card = MemoryCard()
    if request.param == "ec":
        card = MemoryCard(ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1()))
    service = SignatureService(lambda: card, lambda asked: PINS[asked.kind], (), load_settings("1.3"))
    chain = local_certificate(tmp_path / "localhost.pem", NOW)
    with running(service, chain, port=0) as url:
        yield ScsClient(url, tls_of(chain.with_suffix(".crt")), ORIGIN, 20)


def test_a_document_is_signed_in_a_transaction(client: ScsClient) -> None:
    transaction = client.begin(CERTIFICATE, KEY)
    answer = transaction.execute(b"asiakirja", hash_name="SHA384")
    answer.verify(b"asiakirja")
    assert answer.certificate == transaction.certificate


def test_a_login_in_a_transaction_names_the_key_of_the_server(client: ScsClient) -> None:
    nonce = "n" * 64
    bound = client.begin(CERTIFICATE, KEY, AUTHENTICATION)
    content = challenge_content(ORIGIN, nonce, ChallengeForm.SEMICOLON, bound.server_key)
    bound.execute(content).verify(content)
    loose = client.begin(CERTIFICATE, KEY, AUTHENTICATION)
    assert loose.execute(challenge_content(ORIGIN, nonce, ChallengeForm.SEMICOLON)).reason_code == 403


def test_execution_consumes_the_transaction(client: ScsClient) -> None:
    transaction = client.begin(CERTIFICATE, KEY)
    assert transaction.execute(b"x").ok
    again = transaction.execute(b"x")
    assert again.reason_code == 403 and "scs.jwt.transaction" in again.reason_text


def test_a_digest_is_signed_only_as_cms_pades_with_the_signature_key(client: ScsClient) -> None:
    assert client.begin(CERTIFICATE, KEY).execute(b"d" * 32, is_digest=True).reason_code == 501
    taken = client.begin(CERTIFICATE, KEY).execute(b"d" * 32, is_digest=True, signature_type="cms-pades")
    taken.verify(b"d" * 32, is_digest=True)


def test_another_server_or_key_begins_nothing(client: ScsClient) -> None:
    with pytest.raises(Refused, match="does not name the origin"):
        client.begin(server_certificate(KEY, "attacker.example"), KEY)
    with pytest.raises(Refused, match="does not verify"):
        client.begin(CERTIFICATE, ec.generate_private_key(ec.SECP256R1()))
    plain = ScsClient(client.url, client.tls, "http://potilastieto.example", 20)
    with pytest.raises(Refused, match="https origin"):
        plain.begin(CERTIFICATE, KEY)


def transactions(version: str = "1.3") -> Transactions:
    card = MemoryCard()
    return Transactions(SignatureService(lambda: card, lambda asked: PINS[asked.kind], (), load_settings(version)))


def begin(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY, header: dict[str, Any] | None = None, **changes: Any
) -> bytes:
    ephemeral = ec.generate_private_key(ec.SECP256R1()).public_key()
    octets = ephemeral.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    payload = {
        "version": "1.3",
        "serverKey": base64.b64encode(octets).decode(),
        "serverCert": base64.b64encode(CERTIFICATE.public_bytes(Encoding.DER)).decode(),
        "selector": {"keyusages": [SIGNATURE]},
        **changes,
    }
    named = {"alg": jws_algorithm(key), **(header or {})}
    return write_jws(named, payload, lambda octets: jws_signature(key, octets)).encode()


def test_the_beginning_is_answered_by_the_card_with_its_key_identifier() -> None:
    answer = transactions().answer(begin(), ORIGIN)
    assert isinstance(answer, str)
    jws = read_jws(answer)
    leaf = x509.load_der_x509_certificate(base64.b64decode(json.loads(jws.payload)["chain"][0]))
    jws.verify(leaf.public_key())
    assert jws.header["kid"] == leaf.fingerprint(hashes.SHA1()).hex().upper()
    assert jws.header["alg"] == "RS256"


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "1.2"},
        {"serverKey": "x"},
        {"serverKey": "!" + base64.b64encode(PUBLIC).decode()},
        {"serverCert": "AAAA"},
        {"serverCert": "!" + base64.b64encode(CERTIFICATE.public_bytes(Encoding.DER)).decode()},
        {"selector": 7},
        {"serverKey": None},
    ],
)
def test_a_faulty_beginning_is_a_bad_request(changes: dict[str, Any]) -> None:
    answer = transactions().answer(begin(**changes), ORIGIN)
    assert isinstance(answer, dict) and answer["reasonCode"] == 400


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"b64": False},
    ],
    ids=str,
)
def test_a_beginning_whose_header_asks_for_more_is_refused(header: dict[str, Any]) -> None:
    """RFC 7515 4.1.11: what must be understood and is not makes the JWS invalid."""
    answer = transactions().answer(begin(header=header), ORIGIN)
    assert isinstance(answer, dict) and "scs.jwt.form" in answer["reasonText"]
    assert isinstance(transactions().answer(begin(header={"x": 1}), ORIGIN), str), "others are ignored (RFC 7515 4)"


def test_only_the_reply_is_of_es384() -> None:
    """docs/field/scs.md 9: a page begins with RS256 or ES256; a key of P-384 is the card's."""
    for key, wanted in ((rsa_key(3), True), (ec.generate_private_key(ec.SECP384R1()), False)):
        shown = server_certificate(key, "potilastieto.example").public_bytes(Encoding.DER)
        answer = transactions().answer(begin(key, serverCert=base64.b64encode(shown).decode()), ORIGIN)
        assert isinstance(answer, str) is wanted
        assert wanted or "scs.jwt.signature" in answer["reasonText"]  # type: ignore[index]


def test_the_client_says_which_key_begins_no_transaction() -> None:
    """Before anything is sent: the service would only say that the JWS is wrong."""
    nobody = ScsClient("https://127.0.0.1:1", ssl.create_default_context(), ORIGIN, 1)
    for curve in (ec.SECP384R1(), ec.SECP521R1()):
        key = ec.generate_private_key(curve)
        with pytest.raises(Misuse, match=f"RS256 or ES256; the server's key is of {curve.name}"):
            nobody.begin(server_certificate(key, "potilastieto.example"), key)


@pytest.mark.parametrize("origin", ["https://[x", "https://[::1", "https://]", "https://", "", "null"])
def test_an_origin_that_is_no_address_begins_nothing(origin: str) -> None:
    """Brackets without an address between them ended in a traceback and HTTP 500."""
    answer = transactions().answer(begin(), origin)
    assert isinstance(answer, dict) and "scs.jwt.origin" in answer["reasonText"]


def test_another_origin_can_neither_execute_nor_end_a_transaction() -> None:
    begun = transactions()
    assert isinstance(begun.answer(begin(), ORIGIN), str)
    execution = write_jwe({"content": "eA=="}, bytes(32)).encode()
    answer = begun.answer(execution, "https://attacker.example")
    assert isinstance(answer, dict) and "scs.jwt.transaction" in answer["reasonText"]
    own = begun.answer(execution, ORIGIN)
    assert isinstance(own, dict) and "scs.jwt.transaction" not in own["reasonText"], "only the key was wrong"


def test_a_page_cannot_push_the_transaction_of_another_aside() -> None:
    """docs/field/scs.md 6, row 403: another transaction is active. The page that began it may begin anew."""
    elsewhere = "https://toinen.example"
    other = server_certificate(KEY, "toinen.example").public_bytes(Encoding.DER)
    begun = transactions()
    assert isinstance(begun.answer(begin(), ORIGIN), str)
    second = begun.answer(begin(serverCert=base64.b64encode(other).decode()), elsewhere)
    assert isinstance(second, dict) and second["reasonCode"] == 403
    assert "scs.jwt.transaction" in second["reasonText"]
    assert isinstance(begun.answer(begin(), ORIGIN), str)


def test_a_transaction_is_pending_on_all_ports_of_a_service(tmp_path: Path) -> None:
    """With --old-ports another page could begin one beside it, and a page execute its own only where it began it."""
    service, chain = transactions().service, local_certificate(tmp_path / "localhost.pem", NOW)
    with running(service, chain, port=0) as first, running(service, chain, port=0) as second:
        here, there = (ScsClient(url, tls_of(chain.with_suffix(".crt")), ORIGIN, 20) for url in (first, second))
        begun = here.begin(CERTIFICATE, KEY)
        with pytest.raises(Refused, match="another origin is pending"):
            replace(there, origin="https://toinen.example").begin(server_certificate(KEY, "toinen.example"), KEY)
        assert replace(begun, client=there).execute(b"x").ok


def test_a_wrong_key_does_not_execute() -> None:
    begun = transactions()
    assert isinstance(begun.answer(begin(), ORIGIN), str)
    answer = begun.answer(write_jwe({"content": "eA=="}, bytes(32)).encode(), ORIGIN)
    assert isinstance(answer, dict) and "scs.jwt.decryption" in answer["reasonText"]


def test_jwe_and_jws_come_back_as_they_went() -> None:
    key = bytes(range(32))
    assert json.loads(read_jwe(write_jwe({"a": 1}, key), key)) == {"a": 1}
    jws = read_jws(write_jws({"alg": "RS256"}, {"b": 2}, lambda octets: jws_signature(rsa_key(1), octets)))
    jws.verify(rsa_key(1).public_key())
    with pytest.raises(Refused, match="does not verify"):
        jws.verify(rsa_key(2).public_key())


def test_an_algorithm_of_none_or_of_a_shared_secret_verifies_nothing() -> None:
    for algorithm in ("none", "HS256", None, "ES384", ["ES256"]):
        jws = read_jws(write_jws({"alg": algorithm}, {}, lambda _octets: b""))
        with pytest.raises(Refused, match="does not verify"):
            jws.verify(KEY.public_key())


def test_what_is_no_base64url_is_not_read_past() -> None:
    """Two texts for one token would be two tokens to whoever remembers them."""
    for text in ("e30!!!!.e30.e30", "e30.e30=.e30", "e30.e3+/.e30"):
        with pytest.raises(Refused, match="base64url"):
            read_jws(text)


def test_every_end_of_a_transaction_is_told_to_the_users_page() -> None:
    ends: list[str] = []
    begun = transactions()
    begun.service = replace(begun.service, outcome=lambda _origin, text: ends.append(text))
    begun.answer(begin(), ORIGIN)
    begun.answer(begin(version="1.2"), ORIGIN)
    assert ends[0] == "Transaction answered" and "[scs.jwt.form]" in ends[1]


def test_a_jws_signature_has_one_form() -> None:
    """The same signature with a zero more would be another token to whoever remembers tokens."""
    good = read_jws(begin().decode())
    good.verify(KEY.public_key())
    half = len(good.signature) // 2
    longer = replace(good, signature=good.signature[:half] + b"\0" + good.signature[half:])
    with pytest.raises(Refused, match="does not verify"):
        longer.verify(KEY.public_key())


@pytest.mark.parametrize(
    "changes",
    [{"alg": "A256KW"}, {"alg": None}, {"enc": "A128GCM"}, {"zip": "DEF"}, {"crit": ["exp"]}],
    ids=lambda changes: "-".join(changes),
)
def test_a_jwe_of_another_header_is_not_decrypted(changes: dict[str, Any]) -> None:
    """A header that is not understood may change what the content means (RFC 7516 4.1)."""
    key = bytes(32)
    header = base64.urlsafe_b64encode(json.dumps({"alg": "dir", "enc": "A256GCM", **changes}).encode())
    first, iv = header.rstrip(b"=").decode(), bytes(12)
    sealed = AESGCM(key).encrypt(iv, b"{}", first.encode())
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (iv, sealed[:-16], sealed[-16:]))
    with pytest.raises(Refused, match="not of alg dir"):
        read_jwe(f"{first}..{'.'.join(parts)}", key)


def test_a_jwe_with_a_wrapped_key_or_a_cut_tag_is_not_decrypted() -> None:
    """A short tag is guessed in short time."""
    first, _, iv, content, tag = write_jwe({}, bytes(32)).split(".")
    for text, words in (
        (f"{first}.AAAA.{iv}.{content}.{tag}", "not of alg dir"),
        (f"{first}..{iv}.{content}.{tag[:8]}", "wrong length"),
        (f"{first}..{iv[:8]}.{content}.{tag}", "wrong length"),
        (f"{first}..{iv}.{content}.{tag[:-1]}!", "base64url"),
    ):
        with pytest.raises(Refused, match=words):
            read_jwe(text, bytes(32))


def test_a_beginning_that_the_card_did_not_sign_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens on the port could put its own key in; the page would sign documents for it."""

    def forged(_client: ScsClient, _method: str, _path: str, body: bytes, **_: Any) -> bytes:
        answer = transactions().answer(body, ORIGIN)
        assert isinstance(answer, str)
        return f"{answer.rpartition('.')[0]}.{'A' * 342}".encode()

    monkeypatch.setattr(ScsClient, "_exchange", forged)
    with pytest.raises(Refused, match="does not verify"):
        ScsClient("https://127.0.0.1:1", ssl.create_default_context(), ORIGIN, 1).begin(CERTIFICATE, KEY)


@given(st.binary(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{0,20}(\.[A-Za-z0-9_-]{0,20}){0,5}", fullmatch=True))
def test_any_text_gets_an_answer_and_never_an_exception(text: bytes | str) -> None:
    octets = text if isinstance(text, bytes) else text.encode()
    answer = transactions().answer(octets, ORIGIN)
    assert isinstance(answer, dict) and answer["status"] == "failed"


def test_the_application_of_an_older_version_takes_no_transactions() -> None:
    assert not ScsHttp(transactions("1.2").service).service.settings.transactions
