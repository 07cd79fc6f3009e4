"""Publication over HTTP: lists, CA certificates and OCSP, for good and for bad requests."""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from authority_world import World, new_world
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from http_world import ask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sotepki.dvv.publication.request_history import RequestHistory, RequestRecord, Service, read_answer
from sotepki.dvv.publication.service import (
    LARGEST_REQUEST,
    NOT_PUBLISHED,
    REQUEST_TYPE,
    RESPONSE_TYPE,
    RunningPublication,
    publication_app,
    publication_trouble,
    serve_publication,
)
from sotepki.errors import Fault, Refused
from sotepki.loopback import running

Answer = tuple[int, str, bytes]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = new_world(tmp_path_factory.mktemp("publication"))
    yield world
    world.records.database.close()


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[RunningPublication]:
    with serve_publication(world.authorities, world.published, world.clock) as service:
        yield service


def _ask(url: str, method: str, path: str, body: bytes | None = None, content_type: str = REQUEST_TYPE) -> Answer:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, path, body, {"Content-Type": content_type} if body is not None else {})
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()
    finally:
        connection.close()


def _request(world: World, certificate: x509.Certificate, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    issuer = world.authorities.certificate("sote-persons")
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm or hashes.SHA256())
    return builder.build().public_bytes(Encoding.DER)


def _status(body: bytes) -> ocsp.OCSPCertStatus:
    return ocsp.load_der_ocsp_response(body).certificate_status


def test_lists_and_ca_certificates_are_served_with_their_types(world: World, service: RunningPublication) -> None:
    for authority_id in world.authorities.made():
        plan = world.authorities.plan.authorities[authority_id]
        code, kind, body = _ask(service.base_url, "GET", f"/crl/{plan.publication_id}.crl")
        assert (code, kind) == (200, "application/pkix-crl")
        assert x509.load_der_x509_crl(body).issuer == world.authorities.certificate(plan.id).subject
        code, kind, body = _ask(service.base_url, "GET", f"/ca/{plan.publication_id}.crt")
        assert (code, kind) == (200, "application/pkix-cert")
        assert x509.load_der_x509_certificate(body) == world.authorities.certificate(plan.id)


def test_the_bare_address_lists_what_is_published(world: World, service: RunningPublication) -> None:
    """It is what 'sotepki serve' prints; every address that it lists leads somewhere."""
    status, content_type, body = _ask(service.base_url, "GET", "/")
    assert (status, content_type) == (200, "text/plain")
    paths = [word for word in body.decode().split() if word.endswith((".crl", ".crt"))]
    assert paths
    assert {_ask(service.base_url, "GET", path)[0] for path in paths} == {200}


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()])
def test_ocsp_by_post_and_by_get_says_good_then_revoked(
    world: World, service: RunningPublication, algorithm: hashes.HashAlgorithm
) -> None:
    certificate = world.card_certificate()
    request = _request(world, certificate, algorithm)
    plain = base64.b64encode(request).decode()
    ways = [("POST", "/dvvtshp2rc", request), ("POST", "/dvvtshp2rc/", request)]
    paths = [quote(plain, safe=""), quote(plain), quote(plain.rstrip("="), safe="")]
    ways += [("GET", f"/dvvtshp2rc/{path}", None) for path in paths]  # type: ignore[misc]
    for expected in (ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED):
        for method, path, sent in ways:
            code, kind, body = _ask(service.base_url, method, path, sent)
            assert (code, kind) == (200, RESPONSE_TYPE)
            assert _status(body) is expected, (method, path)
        if expected is ocsp.OCSPCertStatus.GOOD:
            world.authorities.revoke(certificate, reason=x509.ReasonFlags.key_compromise, actor="test")


def test_the_history_tells_a_case_what_was_asked_and_answered(world: World, service: RunningPublication) -> None:
    service.history.clear()
    certificate = world.card_certificate(2)
    assert not service.history.asked(certificate.serial_number)
    _ask(service.base_url, "POST", "/dvvtshp2rc", _request(world, certificate))
    (record,) = service.history.asked(certificate.serial_number)
    assert (record.service, record.publication_id, record.method) == (Service.OCSP, "dvvtshp2rc", "POST")
    assert (record.outcome, record.answer, record.at) == ("successful", "good", world.clock.now())
    _ask(service.base_url, "GET", "/crl/dvvtshp2rc.crl")
    assert service.history.count(Service.CRL) == 1
    assert service.history.count() == 2


def test_the_history_is_bounded_and_its_counts_are_not(world: World) -> None:
    history = RequestHistory(longest=5)
    for number in range(12):
        history.add(RequestRecord(world.clock.now(), Service.OCSP, "x", "POST", "successful", (number,)))
    assert [record.serials for record in history.records()] == [(n,) for n in range(7, 12)]
    assert history.count(Service.OCSP, outcome="successful") == 12


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type", "expected"),
    [
        ("GET", "/crl/unknown.crl", None, "", 404),
        ("GET", "/crl/..%2f..%2fsotepki.db", None, "", 404),
        ("GET", "/crl/..%2f..%2fsotepki.crl", None, "", 404),
        ("GET", "/ca/unknown.crt", None, "", 404),
        ("PUT", "/", b"", "", 405),
        ("POST", "/unknown", b"x", REQUEST_TYPE, 404),
        ("POST", "/dvvtshp2rc", b"x", "text/plain", 415),
        ("POST", "/dvvtshp2rc", b"x" * (LARGEST_REQUEST + 1), REQUEST_TYPE, 413),
        ("PUT", "/dvvtshp2rc", b"x", REQUEST_TYPE, 405),
        ("DELETE", "/crl/dvvtshp2rc.crl", None, "", 405),
        ("GET", "/dvvtshp2rc/" + "A" * 20000, None, "", 400),
    ],
)
def test_a_wrong_request_gets_a_client_error(
    service: RunningPublication, method: str, path: str, body: bytes | None, content_type: str, expected: int
) -> None:
    assert _ask(service.base_url, method, path, body, content_type)[0] == expected


@pytest.mark.parametrize(
    "path", ["/dvvtshp2rc/", "/dvvtshp2rc/%FF%FE", "/dvvtshp2rc/not-base64!", "/dvvtshp2rc/AA//=="]
)
def test_a_get_without_a_request_is_answered_malformed(service: RunningPublication, path: str) -> None:
    code, kind, body = _ask(service.base_url, "GET", path)
    assert (code, kind) == (200, RESPONSE_TYPE)
    assert ocsp.load_der_ocsp_response(body).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), place=st.integers(0, 80), graft=st.booleans())
@example(data=b"\x80", place=14, graft=True)  # an object identifier that is not one was echoed
def test_no_bytes_make_the_responder_fail(
    world: World, service: RunningPublication, data: bytes, place: int, graft: bool
) -> None:
    body = data
    if graft:
        real = _request(world, world.authorities.certificate("sote-persons"))
        body = real[:place] + data[:4] + real[place + len(data[:4]) :]
    code, kind, answer = _ask(service.base_url, "POST", "/dvvtshp2rc", body)
    assert (code, kind) == (200, RESPONSE_TYPE)
    assert ocsp.load_der_ocsp_response(answer).response_status is not ocsp.OCSPResponseStatus.INTERNAL_ERROR


def test_a_responder_in_trouble_says_so_in_its_own_protocol(
    world: World, service: RunningPublication, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = world.card_certificate(3)

    def broken(_authority_id: str) -> None:
        raise RuntimeError("the token is gone")

    monkeypatch.setattr(world.authorities, "responder", broken)
    code, _kind, body = _ask(service.base_url, "POST", "/dvvtshp2rc", _request(world, certificate))
    assert code == 200
    assert read_answer(body) == ("internal_error", "")


def test_a_running_service_publishes_a_new_list_after_a_revocation_elsewhere(world: World) -> None:
    """``sotepki revoke`` in another process only writes the records; the service must notice."""
    app = publication_app(world.authorities, world.published, world.clock, refresh_seconds=0.05)
    certificate = world.card_certificate(4)
    with running(app) as url:
        world.authorities.revoke(certificate, reason=x509.ReasonFlags.key_compromise, actor="test")
        for _ in range(600):
            crl = x509.load_der_x509_crl(_ask(url, "GET", "/crl/dvvtshp2rc.crl")[2])
            if crl.get_revoked_certificate_by_serial_number(certificate.serial_number):
                break
            time.sleep(0.03)
        else:
            pytest.fail("the list was not renewed")


@pytest.mark.parametrize("error", [Fault("The disk is full."), RuntimeError("odd")])
def test_the_health_of_the_service_tells_that_lists_cannot_be_published(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The status page said 'ok' while the lists went stale; and an odd error ended the publishing for good."""
    broken: list[Exception] = []

    def publish(_directory: Path) -> dict[str, int]:
        for one in broken:
            raise one
        return {}

    monkeypatch.setattr(world.authorities, "publish_if_due", publish)
    app = publication_app(world.authorities, world.published, world.clock, refresh_seconds=0.02)
    with running(app):
        assert publication_trouble(app) == ""
        broken.append(error)
        expected = "The disk is full." if isinstance(error, Fault) else NOT_PUBLISHED
        _until(lambda: publication_trouble(app) == expected)
        broken.clear()
        _until(lambda: publication_trouble(app) == "")


def test_a_body_that_is_not_encoded_as_it_says_is_a_client_error_and_is_noted(service: RunningPublication) -> None:
    """A client's mistake was answered with 500, and neither history nor metrics knew of it."""
    headers = {"Content-Type": REQUEST_TYPE, "Content-Encoding": "gzip"}
    answer = ask(service.base_url, "/dvvtshp2rc", method="POST", headers=headers, body=b"garbage")
    assert answer.status == 400 and b"not encoded as its Content-Encoding says" in answer.body
    assert service.history.records()[-1].outcome == "unreadable"


def test_a_get_in_absolute_form_is_understood(world: World, service: RunningPublication) -> None:
    """A client that has the service as its proxy got malformedRequest for a good request (RFC 9112 3.2.2)."""
    request = base64.b64encode(_request(world, world.card_certificate(5))).decode()
    for encoded in (request, quote(request, safe="")):
        code, _, body = _ask(service.base_url, "GET", f"http://ocsp.fineid.fi/dvvtshp2rc/{encoded}")
        assert (code, _status(body)) == (200, ocsp.OCSPCertStatus.GOOD)


def test_an_authority_that_has_ended_is_one_line_in_the_log(
    world: World, service: RunningPublication, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every request wrote a trace, as if the service were broken."""

    def ended(_authority_id: str) -> None:
        raise Refused("The certificate of sote-persons has ended.", rule="authority.expired")

    monkeypatch.setattr(world.authorities, "responder", ended)
    _, _, body = _ask(service.base_url, "POST", "/dvvtshp2rc", _request(world, world.card_certificate(6)))
    assert read_answer(body) == ("internal_error", "")
    (record,) = [one for one in caplog.records if one.name == "sotepki.dvv.publication.ocsp"]
    assert record.exc_info is None and "[authority.expired]" in record.getMessage()


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_stale_list_stays_stale_when_refreshing_is_off(world: World) -> None:
    app = publication_app(world.authorities, world.published, world.clock, refresh_seconds=None)
    before = world.clock.moment
    with running(app) as url:
        first = _ask(url, "GET", "/crl/dvvtshp2rc.crl")[2]
        world.clock.advance(timedelta(days=3))
        assert _ask(url, "GET", "/crl/dvvtshp2rc.crl")[2] == first
    world.clock.moment = before


def test_a_list_that_was_never_published_is_not_found(world: World, tmp_path: Path) -> None:
    app = publication_app(world.authorities, tmp_path, world.clock, refresh_seconds=None)
    with running(app) as url:
        assert _ask(url, "GET", "/crl/dvvtshp2rc.crl")[0] == 404
