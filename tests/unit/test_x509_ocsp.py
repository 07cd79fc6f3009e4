"""The responder answers any bytes; the client believes only what the CA stands for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import x509_world as w
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from sotepki.clock import SetClock
from sotepki.errors import Fault, Misuse, Refused
from sotepki.x509 import der
from sotepki.x509.issuing import Issuer
from sotepki.x509.ocsp import Responder
from sotepki.x509.ocsp_client import ask_status, ocsp_urls, request_ocsp, verified_status
from sotepki.x509.ocsp_message import CertificateId, read_request
from sotepki.x509.status import CertificateState, CertificateStatus


def responder(records: w.Records | None = None, **changes: object) -> Responder:
    arguments: dict[str, object] = {
        "issuer_certificate": w.world().services_certificate,
        "responder_certificate": w.responder_certificate(),
        "key": w.rsa_key(2048, "responder"),
        "status": records or w.Records(),
        "clock": SetClock(w.LATER),
        "validity": timedelta(hours=1),
    }
    return Responder(**(arguments | changes))  # type: ignore[arg-type]


def request(
    certificate: x509.Certificate | None = None,
    issuer: x509.Certificate | None = None,
    *,
    algorithm: hashes.HashAlgorithm | None = None,
    nonce: bytes | None = None,
) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate or w.server_certificate(), issuer or w.world().services_certificate, algorithm or hashes.SHA256()
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def answer(data: bytes, by: Responder | None = None) -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response((by or responder()).respond(data))


def revoked(certificate: x509.Certificate) -> w.Records:
    state = CertificateStatus(CertificateState.REVOKED, w.NOW, x509.ReasonFlags.key_compromise)
    return w.Records({certificate.serial_number: state})


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_good_is_answered_in_the_hash_that_was_asked(algorithm: hashes.HashAlgorithm) -> None:
    found = answer(request(algorithm=algorithm))
    assert found.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert found.hash_algorithm.name == algorithm.name
    assert found.this_update_utc == found.produced_at_utc == w.LATER, "the time is the workspace's, not the machine's"
    assert found.next_update_utc == w.LATER + timedelta(hours=1)
    assert found.responder_key_hash is not None and found.certificates == [w.responder_certificate()]


def test_a_ca_without_a_key_identifier_is_asked_about_by_the_hash_of_its_key() -> None:
    """The records of such a CA are kept under that hash; without it every certificate would be unknown."""
    asked: list[bytes] = []

    class Watched(w.Records):
        def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
            asked.append(issuer_key_id)
            return super().status(issuer_key_id, serial_number)

    key = w.ec_key("plain CA")
    ca = w.odd_certificate(key=key, issuer=w.world().root)
    by = responder(Watched(), issuer_certificate=ca, responder_certificate=ca, key=key)
    certificate = w.odd_certificate(issuer=Issuer(ca, key))
    assert answer(request(certificate, ca), by).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert asked == [x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest]


def test_revoked_is_answered_with_time_and_reason() -> None:
    found = answer(request(), responder(revoked(w.server_certificate())))
    assert found.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert (found.revocation_time_utc, found.revocation_reason) == (w.NOW, x509.ReasonFlags.key_compromise)


UNTOLD = (x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl)  # the second is for delta lists


@pytest.mark.parametrize("reason", [one for one in x509.ReasonFlags if one not in UNTOLD])
def test_every_reason_of_a_revocation_is_told(reason: x509.ReasonFlags) -> None:
    """Whether a card was lost or its holder lost the right decides what the asking system does."""
    state = CertificateStatus(CertificateState.REVOKED, w.NOW, reason)
    found = answer(request(), responder(w.Records({w.server_certificate().serial_number: state})))
    assert (found.certificate_status, found.revocation_reason) == (ocsp.OCSPCertStatus.REVOKED, reason)


def test_a_certificate_never_issued_and_one_of_another_ca_are_unknown() -> None:
    records = w.Records()
    records.known = set()
    assert answer(request(), responder(records)).certificate_status is ocsp.OCSPCertStatus.UNKNOWN
    foreign = request(w.signature_certificate(), w.world().persons_certificate)
    assert answer(foreign).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


@pytest.mark.parametrize("nonce", [b"1", b"x" * 16, b"y" * 32, b"z" * 128])
def test_the_nonce_comes_back(nonce: bytes) -> None:
    found = answer(request(nonce=nonce))
    assert found.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce


@pytest.mark.parametrize("nonce", [b"", b"z" * 129])
def test_a_nonce_outside_the_limits_is_malformed(nonce: bytes) -> None:
    """RFC 9654 2.1."""
    assert answer(request(nonce=nonce)).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_several_certificates_are_answered_in_one_response() -> None:
    ids = [der.parse(request(c)).children()[0].children()[0].children()[0].raw for c in both()]
    many = der.sequence(der.sequence(der.sequence(*ids)))
    found = list(answer(many, responder(revoked(w.system_certificate()))).responses)
    assert [single.certificate_status.name for single in found] == ["GOOD", "REVOKED"]
    assert [single.serial_number for single in found] == [c.serial_number for c in both()]


def both() -> tuple[x509.Certificate, x509.Certificate]:
    return w.server_certificate(), w.system_certificate()


def test_too_many_certificates_are_malformed() -> None:
    """Every one costs a look into the records; a request of a million must not."""
    one = der.parse(request()).children()[0].children()[0].children()[0].raw
    data = der.sequence(der.sequence(der.sequence(*[one] * 65)))
    assert answer(data).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_a_hash_with_parameters_is_malformed() -> None:
    """A hash that is not the plain one must not be answered as if it were."""
    plain = request()
    assert answer(plain).response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    named = der.oid("2.16.840.1.101.3.4.2.1")
    changed = plain.replace(named + der.NULL, named + b"\x04\x00")
    assert changed != plain
    assert answer(changed).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_get_a_response(data: bytes) -> None:
    assert answer(data).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
@settings(deadline=None, max_examples=200)
def test_a_request_with_one_byte_changed_gets_a_response(place: int, value: int) -> None:
    data = bytearray(request(nonce=b"n" * 16))
    data[place % len(data)] = value
    status = answer(bytes(data)).response_status
    assert status in (ocsp.OCSPResponseStatus.SUCCESSFUL, ocsp.OCSPResponseStatus.MALFORMED_REQUEST)


def test_broken_records_are_an_internal_error() -> None:
    class Broken:
        def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
            raise Fault("The database is gone.")

    found = answer(request(), responder(status=Broken()))
    assert found.response_status is ocsp.OCSPResponseStatus.INTERNAL_ERROR


def test_the_ca_may_answer_itself() -> None:
    services = w.world().services
    found = answer(request(), responder(responder_certificate=services.certificate, key=services.key))
    assert found.certificates == []
    status = verified_status(found, w.server_certificate(), w.world().services_certificate, at=w.LATER)
    assert status.state is CertificateState.GOOD


def test_requests_are_read_as_they_stand() -> None:
    (asked,) = read_request(request(nonce=b"abc")).certificates
    assert isinstance(asked, CertificateId) and asked.serial_number == w.server_certificate().serial_number


# ------------------------------------------------------------------------------------------------- the client


def judge(response: ocsp.OCSPResponse, **changes: object) -> CertificateStatus:
    arguments: dict[str, object] = {
        "certificate": w.server_certificate(),
        "issuer_certificate": w.world().services_certificate,
        "at": w.LATER,
    }
    return verified_status(response, **(arguments | changes))  # type: ignore[arg-type]


def test_a_genuine_answer_is_believed() -> None:
    assert judge(answer(request())).state is CertificateState.GOOD
    status = judge(answer(request(), responder(revoked(w.server_certificate()))))
    assert status == CertificateStatus(CertificateState.REVOKED, w.NOW, x509.ReasonFlags.key_compromise)


def strange_responder() -> Responder:
    """A certificate of the right CA that is not for OCSP signing."""
    return responder(responder_certificate=w.server_certificate(), key=w.rsa_key(2048, "service"))


def forged() -> ocsp.OCSPResponse:
    data = bytearray(responder().respond(request()))
    place = data.rindex(w.LATER.strftime("%Y%m%d%H%M%SZ").encode())
    data[place + 3 : place + 4] = b"7"
    return ocsp.load_der_ocsp_response(bytes(data))


@pytest.mark.parametrize(
    ("make", "changes", "rule"),
    [
        (lambda: answer(b"nonsense"), {}, "ocsp.response.status"),
        (lambda: answer(request()), {"certificate": w.system_certificate()}, "ocsp.response.certificate"),
        (lambda: answer(request(), strange_responder()), {}, "ocsp.response.responder"),
        (lambda: answer(request(), responder(key=w.rsa_key(2048, "thief"))), {}, "ocsp.response.signature"),
        (forged, {}, "ocsp.response.signature"),
        (lambda: answer(request()), {"at": w.LATER + timedelta(hours=2)}, "ocsp.response.time"),
        (lambda: answer(request()), {"at": w.LATER - timedelta(hours=2)}, "ocsp.response.time"),
        (
            lambda: answer(request(), responder(clock=SetClock(w.NOW + timedelta(days=200)))),
            {"at": w.NOW + timedelta(days=200)},
            "ocsp.response.responder",
        ),
    ],
)
def test_an_answer_that_proves_nothing_is_refused(
    make: Callable[[], ocsp.OCSPResponse], changes: dict[str, object], rule: str
) -> None:
    with pytest.raises(Refused) as refused:
        judge(make(), **changes)
    assert refused.value.rule == rule


@contextmanager
def serving(reply: Callable[[bytes], tuple[int, bytes]]) -> Iterator[str]:
    """A responder over HTTP on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "application/ocsp-response")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dvvtshsp3rc"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_status_is_asked_over_http() -> None:
    with serving(lambda body: (200, responder().respond(body))) as url:
        asked = ask_status(url, w.server_certificate(), w.world().services_certificate, at=w.LATER)
    assert asked.status.state is CertificateState.GOOD


def old_answer(body: bytes) -> tuple[int, bytes]:
    return 200, responder().respond(request(nonce=b"another nonce of sixteen"))


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (lambda body: (500, b""), "ocsp.http"),
        (lambda body: (200, b"<html>login</html>"), "ocsp.response.form"),
        (lambda body: (200, b"\x30\x82" + b"\x00" * 2_000_000), "ocsp.response.form"),
        (old_answer, "ocsp.response.nonce"),
    ],
)
def test_a_responder_that_does_not_answer_rightly_is_refused(
    reply: Callable[[bytes], tuple[int, bytes]], rule: str
) -> None:
    with serving(reply) as url, pytest.raises(Refused) as refused:
        request_ocsp(url, w.server_certificate(), w.world().services_certificate, timeout=5)
    assert refused.value.rule == rule


def test_a_responder_that_keeps_silent_costs_the_timeout_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(Refused, match="does not answer") as refused:
            request_ocsp(url, w.server_certificate(), w.world().services_certificate, timeout=0.3)
    assert refused.value.rule == "ocsp.http"


@pytest.mark.parametrize("url", ["ldap://x/y", "file:///etc/passwd", "http:///x", "http://[::1", "x"])
def test_only_http_addresses_are_asked(url: str) -> None:
    with pytest.raises(Misuse):
        request_ocsp(url, w.server_certificate(), w.world().services_certificate)


def test_the_address_stands_in_the_certificate() -> None:
    assert ocsp_urls(w.server_certificate()) == ("http://ocsptest.fineid.fi/dvvtshsp3rc",)
    assert ocsp_urls(w.world().root_certificate) == ()


def test_without_a_validity_next_update_is_left_out() -> None:
    assert answer(request(), replace(responder(), validity=None)).next_update_utc is None


def test_a_responder_whose_certificate_has_no_end_is_believed() -> None:
    """notAfter 99991231235959Z (RFC 5280 4.1.2.5) and a minute is a time that no calendar has."""
    endless = w.odd_certificate(
        issuer=w.world().services,
        key=w.rsa_key(2048, "responder"),
        extensions=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)],
        end=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    )
    by = replace(responder(), responder_certificate=endless)
    assert judge(answer(request(), by)).state is CertificateState.GOOD
