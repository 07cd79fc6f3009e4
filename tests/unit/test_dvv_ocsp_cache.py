"""The cache never outlives a revocation, whoever makes it; faults are set live; numbers and history are told."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from authority_world import World, new_world, open_world
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from http_world import answer_to_dripping
from hypothesis import given
from hypothesis import strategies as st

from sotepki.dvv.publication.ocsp_fault_board import ALL, FaultBoard, read_board
from sotepki.dvv.publication.revocation_watch import RememberedStatus
from sotepki.dvv.publication.service import REQUEST_TYPE, RunningPublication, serve_publication
from sotepki.errors import Misuse, SotepkiError
from sotepki.serving import bodies
from sotepki.x509.ocsp_faults import NO_FAULTS, OcspFaults
from sotepki.x509.serials import serial_text
from sotepki.x509.status import CertificateState

ID = "dvvtshp2rc"
KEY_COMPROMISE = x509.ReasonFlags.key_compromise


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = new_world(tmp_path)
    yield world
    world.records.database.close()


@pytest.fixture
def service(world: World) -> Iterator[RunningPublication]:
    board = FaultBoard(world.directory / "services" / "ocsp-faults.json")
    with serve_publication(world.authorities, world.published, world.clock, faults=board) as service:
        yield service


def _request(world: World, certificate: x509.Certificate, *, nonce: bytes | None = None) -> bytes:
    issuer = world.authorities.certificate("sote-persons")
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), False)
    return builder.build().public_bytes(Encoding.DER)


def _call(
    service: RunningPublication, method: str, path: str, body: bytes | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(service.base_url.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, path, body, {"Content-Type": REQUEST_TYPE} if body is not None else {})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def _ask(service: RunningPublication, body: bytes) -> tuple[ocsp.OCSPResponse, dict[str, str], bytes]:
    status, headers, data = _call(service, "POST", f"/{ID}", body)
    assert status == 200
    return ocsp.load_der_ocsp_response(data), headers, data


def test_the_same_request_gets_the_same_bytes_and_may_be_kept_until_next_update(
    world: World, service: RunningPublication
) -> None:
    request = _request(world, world.card_certificate())
    _, _, first = _ask(service, request)
    world.clock.advance(timedelta(minutes=10))
    _, headers, second = _ask(service, request)
    assert second == first
    assert "max-age=3000, public" in headers["Cache-Control"]
    assert headers["ETag"].startswith('"')
    assert [record.answer for record in service.history.records()] == ["good", "good"]


def test_an_old_answer_is_made_anew_and_a_clock_that_went_back_too(world: World, service: RunningPublication) -> None:
    request = _request(world, world.card_certificate())
    first, _, _ = _ask(service, request)
    world.clock.advance(timedelta(minutes=31))
    later, _, _ = _ask(service, request)
    assert later.this_update_utc == first.this_update_utc + timedelta(minutes=31)
    world.clock.advance(timedelta(minutes=-20))
    back, _, _ = _ask(service, request)
    assert back.this_update_utc < later.this_update_utc


def test_a_revocation_by_another_process_drops_every_cached_answer(world: World, service: RunningPublication) -> None:
    mine, other = world.card_certificate(1), world.card_certificate(2)
    requests = [_request(world, mine), _request(world, other)]
    assert [_ask(service, one)[0].certificate_status for one in requests] == [ocsp.OCSPCertStatus.GOOD] * 2
    elsewhere = open_world(world.directory, world.clock)
    elsewhere.authorities.revoke(mine, reason=KEY_COMPROMISE, actor="test")
    elsewhere.records.database.close()
    states = [_ask(service, one)[0].certificate_status for one in requests]
    assert states == [ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.GOOD]


def test_a_request_with_a_nonce_is_always_answered_anew(world: World, service: RunningPublication) -> None:
    certificate = world.card_certificate()
    answers = [_ask(service, _request(world, certificate, nonce=bytes([number] * 32))) for number in (1, 1)]
    assert answers[0][2] != b"" and answers[0][1]["Cache-Control"] == "no-cache"
    text = _call(service, "GET", "/metrics")[2].decode()
    assert "sotepki_ocsp_cache_hits_total 0" in text
    assert "sotepki_ocsp_signed_total 2" in text


def test_a_request_that_drips_is_not_waited_for(service: RunningPublication, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few clients could hold all connections of the responder, and every Kanta would find it silent."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    answer = answer_to_dripping(service.base_url, f"/{ID}", REQUEST_TYPE)
    assert answer.startswith(b"HTTP/1.1 408") and b"did not arrive within" in answer
    assert service.history.records()[-1].outcome == "too-slow"


def test_what_is_unknown_today_may_be_issued_tomorrow(world: World, service: RunningPublication) -> None:
    # The serial number that the next card will get is asked about before it is issued.
    issuer = world.authorities.certificate("sote-persons")
    issued = world.card_certificate(1)
    builder = ocsp.OCSPRequestBuilder()
    name = ocsp.OCSPRequestBuilder().add_certificate(issued, issuer, hashes.SHA256()).build()
    following = builder.add_certificate_by_hash(
        name.issuer_name_hash, name.issuer_key_hash, issued.serial_number + 1, hashes.SHA256()
    )
    request = following.build().public_bytes(Encoding.DER)
    assert _ask(service, request)[0].certificate_status is ocsp.OCSPCertStatus.UNKNOWN
    assert _ask(service, request)[0].certificate_status is ocsp.OCSPCertStatus.UNKNOWN
    watch = world.authorities.revocation_watch()
    remembered = RememberedStatus(world.authorities, watch)
    key_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    unknown = remembered.status(key_id, 12345)
    assert unknown.state is CertificateState.UNKNOWN
    assert remembered.status(key_id, issued.serial_number).state is CertificateState.GOOD
    world.authorities.revoke(issued, reason=KEY_COMPROMISE, actor="test")
    assert remembered.status(key_id, issued.serial_number).state is CertificateState.REVOKED
    watch.close()


def test_faults_set_by_another_process_show_in_the_next_answer_and_pass_by_the_cache(
    world: World, service: RunningPublication
) -> None:
    request = _request(world, world.card_certificate())
    honest = _ask(service, request)[2]
    elsewhere = FaultBoard(world.directory / "services" / "ocsp-faults.json")
    elsewhere.set(ALL, OcspFaults(certificate_status=CertificateState.REVOKED))
    assert _ask(service, request)[0].certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert service.history.records()[-1].faulty
    elsewhere.set(ID, OcspFaults(http_status=418))
    assert _call(service, "POST", f"/{ID}", request)[0] == 418
    elsewhere.clear()
    assert _ask(service, request)[2] == honest


def test_a_damaged_board_leaves_the_service_as_it_was_and_tells_the_person(
    world: World, service: RunningPublication
) -> None:
    request = _request(world, world.card_certificate())
    path = world.directory / "services" / "ocsp-faults.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"*": {"no_such_knob": 1}}', encoding="utf-8")
    assert _ask(service, request)[0].certificate_status is ocsp.OCSPCertStatus.GOOD
    with pytest.raises(Misuse, match="no OCSP fault 'no_such_knob'"):
        FaultBoard(path).all()


def test_metrics_and_history_tell_what_was_asked(world: World, service: RunningPublication) -> None:
    certificate = world.card_certificate()
    for _ in range(3):
        _ask(service, _request(world, certificate))
    _, headers, text = _call(service, "GET", "/metrics")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = text.decode().splitlines()
    assert f'sotepki_requests_total{{service="ocsp",id="{ID}",outcome="successful"}} 3' in lines
    assert "sotepki_ocsp_cache_hits_total 2" in lines
    rows = json.loads(_call(service, "GET", "/history?service=ocsp&limit=2")[2])
    assert [row["serials"] for row in rows] == [[serial_text(certificate.serial_number)]] * 2
    assert _call(service, "GET", "/history?service=nonsense")[0] == 400


@given(st.binary(max_size=300))
def test_any_bytes_as_a_board_are_read_or_refused(data: bytes) -> None:
    try:
        read_board(data, "board")
    except SotepkiError as error:
        assert isinstance(error, Misuse)


def test_faults_travel_as_json_and_bad_values_are_refused() -> None:
    faults = OcspFaults(delay_seconds=1.5, produced_at_shift=timedelta(days=-2), certificate_missing=True)
    assert OcspFaults.from_dict(json.loads(json.dumps(faults.as_dict()))) == faults
    assert OcspFaults(body="empty") == OcspFaults.from_dict({"body": "empty"})  # type: ignore[arg-type]
    assert not NO_FAULTS and NO_FAULTS.as_dict() == {}
    for row in (
        {"delay_seconds": -1}, {"http_status": 200}, {"body": "odd"}, {"answers": "many"}, {"certificate_missing": 1},
        {"next_update_shift": 1e12}, {"content_type": "a\nb"},
    ):  # fmt: skip
        with pytest.raises(Misuse):
            OcspFaults.from_dict(row)
