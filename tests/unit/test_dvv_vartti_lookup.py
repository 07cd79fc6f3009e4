"""Vartti's person query through real HTTP: the published client's request, every refusal, mutual TLS, any bytes."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from http_world import answer_to_dripping
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office_world import NOW, PHYSICIAN
from vartti_world import Office, make_office

from sotepki.dvv.vartti.lookup import PersonLookup, lookup_application
from sotepki.dvv.vartti.lookup_request import (
    ApprovedApplication,
    PersonQuery,
    UserContext,
    check_context,
    read_query,
    user_context,
)
from sotepki.errors import Refused
from sotepki.loopback import running
from sotepki.serving import bodies

NUMBER = "00900000001"
NOT_FOUND = "VarmennetiedotServiceError.HetuNotFound"
WRONG_ISSUER = "VarmennetiedotServiceError.CertificateIssuerCNInvalid"


def self_signed(name: str, key: rsa.RSAPrivateKey) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), 7, NOW - timedelta(days=1), NOW + timedelta(days=9000)
    )
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    return (
        builder.add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)
CERTIFICATE = self_signed("Suomi.fi TEST", KEY)
SUOMI_FI = ApprovedApplication("Suomi.fi", CERTIFICATE, frozenset({"HetuHaku"}))


class Asker:
    """An approved application and the card that it asks about."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.order = office.vartti.card(office.in_use(office.order(PHYSICIAN)))
        self.serial = int(self.order.authentication_serial, 16)

    def query(self, **changes: object) -> PersonQuery:
        context = user_context("Suomi.fi", NUMBER, self.office.world.clock.now()).signed(KEY)
        plain = PersonQuery("TEST CA", self.serial, NUMBER, context)
        return replace(plain, **changes)  # type: ignore[arg-type]

    @contextmanager
    def service(self, tls: ssl.SSLContext | None = None, *, with_client_certificate: bool = False) -> Iterator[str]:
        app = lookup_application(
            self.office.world.records,
            issuers=[self.office.world.authorities.ca],
            applications=[SUOMI_FI],
            with_client_certificate=with_client_certificate,
        )
        with running(app, tls) as url:
            yield url.replace("127.0.0.1", "localhost") + "/person-query"


def ask(url: str, body: bytes, context: ssl.SSLContext | None = None) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture
def asker(tmp_path: Path) -> Asker:
    return Asker(make_office(tmp_path))


def test_published_query_is_answered(asker: Asker) -> None:
    """The body of the published client gives the identity code; the journal has the query and not the code."""
    with asker.service() as url:
        status, answer = ask(url, asker.query().as_json())
    assert (status, answer) == (
        200,
        {
            "serialNumber": str(asker.serial), "henkilotunnus": PHYSICIAN.value, "httpStatusCode": 200,
            "errorCode": None, "errorMessage": None,
        },
    )  # fmt: skip
    actor, action, subject, details = asker.office.world.journal()[-1]
    assert (actor, action, subject) == (
        "application Suomi.fi", "vartti.person-query", f"registration number {NUMBER}",
    )  # fmt: skip
    assert "answered" in details
    assert PHYSICIAN.value not in repr(asker.office.world.journal())


def test_signature_certificate_finds_the_person_too(asker: Asker) -> None:
    """Both certificates of a card are its holder's."""
    with asker.service() as url:
        status, _ = ask(url, asker.query(serial_number=int(asker.order.signature_serial, 16)).as_json())
    assert status == 200


def test_a_query_that_drips_is_answered_as_one_that_cannot_be_read(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One application could hold all connections of Vartti."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    with asker.service() as url:
        answer = answer_to_dripping(url, "/person-query", "application/json")
    assert answer.startswith(b"HTTP/1.1 400")


def test_errors_of_the_facts(asker: Asker) -> None:
    """The two published error codes, both with 400: an unknown certificate or number, and a wrong issuer."""
    with asker.service() as url:
        for changes, code in (
            ({"serial_number": 99}, NOT_FOUND),
            ({"number": "00900000002"}, NOT_FOUND),
            ({"issuer": "VRK TEST CA for Healthcare Professionals"}, WRONG_ISSUER),
        ):
            status, answer = ask(url, asker.query(**changes).as_json())
            assert (status, answer["errorCode"], answer["httpStatusCode"]) == (400, code, 400)
            assert answer["henkilotunnus"] is None


def changed(context: UserContext, key: rsa.RSAPrivateKey = KEY, **changes: str) -> UserContext:
    return replace(context, **changes).signed(key)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda one: changed(one, OTHER_KEY), "lookup.signature"),
        (lambda one: replace(one, user="00900000002"), "lookup.signature"),
        (lambda one: replace(one, signature=b""), "lookup.signature"),
        (lambda one: changed(one, application="Toinen"), "lookup.application"),
        (lambda one: changed(one, role="Muu"), "lookup.application"),
        (lambda one: changed(one, expires_at="20260302090000Z"), "lookup.expired"),
        (lambda one: changed(one, expires_at="20260302093201Z"), "lookup.expired"),
        (lambda one: changed(one, expires_at="20261399999999Z"), "lookup.expired"),
    ],
)
def test_bad_user_context_is_refused(asker: Asker, change: object, rule: str) -> None:
    """An identity code goes out only to an approved application, for a query that it signed just now."""
    query = asker.query()
    query = replace(query, context=change(query.context))  # type: ignore[operator]
    body = query.as_json()
    if not query.context.signature:
        body = body.replace(b'"Signature": ""', b'"Signature": "AA=="')
    with asker.service() as url:
        status, answer = ask(url, body)
    assert (status, answer["henkilotunnus"]) == (403, None)
    assert any(rule in details for *_, details in asker.office.world.journal())
    with pytest.raises(Refused) as refused:
        check_context(read_query(body).context, {"Suomi.fi": SUOMI_FI}, NOW)
    assert refused.value.rule == rule


def test_signature_covers_the_published_bytes() -> None:
    """UTF-16LE of the four values, each with its semicolon: what a real client signs must verify here."""
    context = UserContext("Suomi.fi", NUMBER, "HetuHaku", "20161111015354Z")
    assert context.signed_bytes() == f"Suomi.fi;{NUMBER};HetuHaku;20161111015354Z;".encode("utf-16-le")
    signature = context.signed(KEY).signature
    KEY.public_key().verify(signature, context.signed_bytes(), padding.PKCS1v15(), hashes.SHA1())
    assert user_context("Suomi.fi", NUMBER, NOW).expires_at == "20260302093000Z"


def test_serial_number_may_be_a_json_number(asker: Asker) -> None:
    """The facts show the decimal serial without quotation marks."""
    body = json.loads(asker.query().as_json())
    body["Certificate"]["SerialNumber"] = asker.serial
    with asker.service() as url:
        assert ask(url, json.dumps(body).encode())[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"null", b"[1]", b"\xff\xfe", b"{" * 4000, b"[" * 15000, b'{"a":1,"a":2}', b"0" * 15000,
        b'{"Certificate":1,"SearchTerm":2,"UserContext":3}', b"x" * 20000,
    ],
)  # fmt: skip
def test_any_body_gets_a_json_refusal(asker: Asker, body: bytes) -> None:
    """Whatever is posted, the answer is JSON with an error code, never a fault and never an identity code."""
    with asker.service() as url:
        status, answer = ask(url, body)
    assert (status, answer["errorCode"]) == (400, "VarmennetiedotServiceError.RequestInvalid")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["Certificate", "SearchTerm", "UserContext", "IssuerCN", "SerialNumber", "Signature", "ExpiresAt", "RoleName"]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=st.lists(fields, min_size=1, max_size=2), value=json_values)
def test_reading_refuses_or_reads(path: list[str], value: object) -> None:
    """A field with any value is either what the interface has, or refused by the rule of the request."""
    context = UserContext("Suomi.fi", NUMBER, "HetuHaku", "20260302093000Z", b"x")
    body = json.loads(PersonQuery("TEST CA", 5, NUMBER, context).as_json())
    target = body
    for name in path[:-1]:
        target = target[name] if isinstance(target.get(name), dict) else target
    target[path[-1]] = value
    try:
        query = read_query(json.dumps(body).encode())
    except Refused as refused:
        assert refused.rule == "lookup.request"
    else:
        assert len(query.number) == 11
        assert query.serial_number > 0


def test_mutual_tls_ties_connection_and_context_together(asker: Asker, tmp_path: Path) -> None:
    """If the interface asks for client certificates, the connection must be the application's own."""
    server = self_signed("localhost", OTHER_KEY)
    pem = {}
    for name, key, certificate in (("server", OTHER_KEY, server), ("client", KEY, CERTIFICATE)):
        pem[name] = tmp_path / f"{name}.pem"
        pem[name].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem["server"])
    tls.verify_mode = ssl.CERT_OPTIONAL
    tls.load_verify_locations(pem["client"])
    with asker.service(tls, with_client_certificate=True) as url:
        plain = ssl.create_default_context(cafile=str(pem["server"]))
        assert ask(url, asker.query().as_json(), plain)[0] == 403
        plain.load_cert_chain(pem["client"])
        assert ask(url, asker.query().as_json(), plain)[0] == 200
    assert any("lookup.client" in details for *_, details in asker.office.world.journal())


LOOKUP_RULES = {
    "lookup.request", "lookup.signature", "lookup.expired", "lookup.application", "lookup.client",
}  # fmt: skip


def test_fault_in_the_books_gives_no_stack_trace(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the books cannot be read the caller gets an error code and status 500, and nothing of our insides."""
    from sotepki.errors import Fault

    def fail(*_: object) -> str:
        raise Fault("The disk is full.")

    monkeypatch.setattr(PersonLookup, "_hetu", fail)
    with asker.service() as url:
        status, answer = ask(url, asker.query().as_json())
    assert (status, answer["errorCode"]) == (500, "VarmennetiedotServiceError.InternalError")
    assert "disk" not in json.dumps(answer)
