"""The Signature Creation Service over https on loopback: TLS, CORS, limits, and never a 500."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from scs_world import ORIGIN, PIN2, MemoryCard

from sotepki.errors import Fault, Misuse
from sotepki.scs import CertificateVariant, SignatureService, load_settings, local_certificate, running
from sotepki.scs.client import ScsClient
from sotepki.x509.tls import tls_of

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return local_certificate(tmp_path_factory.mktemp("scs") / "localhost.pem", NOW)


@pytest.fixture(scope="module")
def url(chain: Path) -> Iterator[str]:
    card = MemoryCard()
    service = SignatureService(lambda: card, lambda _request: PIN2, card.issuers, load_settings())
    with running(service, chain, port=0) as base:
        yield base


def call(
    url: str, chain: Path, method: str, path: str, body: bytes | Iterator[bytes] | None = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    context = ssl.create_default_context(cafile=str(chain.with_suffix(".crt")))
    host, port = url.removeprefix("https://").split(":")
    connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=10)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, names)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def test_version_is_read_over_tls_that_a_client_verifies_with_the_local_certificate(url: str, chain: Path) -> None:
    answer, content = call(url, chain, "GET", "/version?callback=x", Origin=ORIGIN)
    assert answer.status == 200 and json.loads(content)["version"] == "1.1"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers["Connection"] == "close"
    assert answer.headers["Content-Type"].startswith("application/json")
    assert call(url, chain, "GET", "/version")[0].headers["Access-Control-Allow-Origin"] == "*"


def test_a_page_signs_over_https(url: str, chain: Path) -> None:
    body = {"content": base64.b64encode(b"x").decode(), "selector": {"keyusages": ["nonrepudiation"]}}
    data = json.dumps(body).encode()
    answer, content = call(url, chain, "POST", "/sign", data, Origin=ORIGIN, Content_Type="application/json")
    assert answer.status == 200 and json.loads(content)["status"] == "ok"


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_long_document_is_signed_also_when_it_comes_in_pieces(url: str, chain: Path, in_pieces: bool) -> None:
    """Some HTTP clients do not say beforehand how long a body is; a picture has more than one megabyte."""
    body = {"content": base64.b64encode(bytes(2_000_000)).decode(), "selector": {"keyusages": ["nonrepudiation"]}}
    data = json.dumps(body).encode()
    sent = iter([data[:1000], data[1000:]]) if in_pieces else data
    _, content = call(url, chain, "POST", "/sign", sent, Origin=ORIGIN, Content_Type="application/json")
    assert json.loads(content)["status"] == "ok"


def test_preflight_offers_the_private_network_only_when_asked(url: str, chain: Path) -> None:
    plain, _ = call(url, chain, "OPTIONS", "/sign", Origin=ORIGIN)
    asked, _ = call(url, chain, "OPTIONS", "/sign", Origin=ORIGIN, Access_Control_Request_Private_Network="true")
    assert plain.status == asked.status == 200
    assert plain.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert plain.headers["Access-Control-Allow-Headers"] == "Accept, Content-Type"
    assert plain.headers["Access-Control-Max-Age"] == "3600"
    assert plain.headers["Access-Control-Allow-Private-Network"] is None
    assert asked.headers["Access-Control-Allow-Private-Network"] == "true"


@pytest.mark.parametrize("body", [b"", b"garbage", b"[1,2]", b"\x00" * 100, b"{" * 100_000])
def test_garbage_gets_200_with_a_failed_status(url: str, chain: Path, body: bytes) -> None:
    answer, content = call(url, chain, "POST", "/sign", body)
    assert answer.status == 200
    assert json.loads(content)["status"] == "failed"


def test_a_body_over_the_limit_fails_without_harm(url: str, chain: Path) -> None:
    _, content = call(url, chain, "POST", "/sign", b"a" * (16_777_216 + 1))
    assert json.loads(content)["reasonCode"] == 400
    assert call(url, chain, "GET", "/version")[0].status == 200


def test_other_paths_and_methods_are_plain_refusals(url: str, chain: Path) -> None:
    assert call(url, chain, "GET", "/")[0].status == 404
    assert call(url, chain, "GET", "/../etc/passwd")[0].status == 404
    assert call(url, chain, "GET", "/sign")[0].status == 405


def test_a_head_over_the_limit_is_refused(url: str, chain: Path) -> None:
    answer, _ = call(url, chain, "GET", "/version", X_Long="a" * 70_000)
    assert answer.status == 400


def test_an_untrusting_client_sees_a_tls_error_before_http(url: str) -> None:
    host, port = url.removeprefix("https://").split(":")
    with pytest.raises(ssl.SSLCertVerificationError), socket.create_connection((host, int(port))) as raw:
        ssl.create_default_context().wrap_socket(raw, server_hostname="127.0.0.1")


def test_no_tls_below_12(url: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    host, port = url.removeprefix("https://").split(":")
    with pytest.raises((ssl.SSLError, ConnectionError)), socket.create_connection((host, int(port))) as raw:
        context.wrap_socket(raw)


def test_a_taken_port_is_named(url: str, chain: Path) -> None:
    port = int(url.rsplit(":", 1)[1])
    service = SignatureService(lambda: None, lambda _request: None)
    with pytest.raises(Misuse, match=str(port)), running(service, chain, port=port):
        pass


def test_the_reply_without_a_content_type_is_available(chain: Path) -> None:
    settings: Any = dataclasses.replace(load_settings(), content_type=False)
    with running(SignatureService(lambda: None, lambda _request: None, (), settings), chain, port=0) as base:
        answer, content = call(base, chain, "GET", "/version")
    assert json.loads(content)["version"] == "1.1"
    assert answer.headers["Content-Type"] is None


def test_the_local_certificate_is_made_once_and_again_when_it_is_over(tmp_path: Path) -> None:
    path = local_certificate(tmp_path / "a.pem", NOW)
    first = path.read_bytes()
    assert local_certificate(path, NOW).read_bytes() == first
    assert local_certificate(path, NOW.replace(year=NOW.year + 11)).read_bytes() != first
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_two_forms_of_the_local_certificate(tmp_path: Path) -> None:
    clean = x509.load_pem_x509_certificate(local_certificate(tmp_path / "c.pem", NOW).read_bytes())
    seen = local_certificate(tmp_path / "o.pem", NOW, CertificateVariant.OBSERVED).read_bytes()
    observed = x509.load_pem_x509_certificate(seen)
    assert not clean.extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment
    assert not clean.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert observed.extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment
    names = clean.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jwt", "x"])
def test_a_type_that_browsers_send_unasked_is_refused(url: str, chain: Path, media_type: str) -> None:
    """text/plain needs no preflight: any page could send it without the user's browser asking."""
    body = {"content": base64.b64encode(b"x").decode(), "selector": {"keyusages": ["nonrepudiation"]}}
    answer, content = call(url, chain, "POST", "/sign", json.dumps(body).encode(), Content_Type=media_type)
    assert answer.status == 200
    row = json.loads(content)
    assert (row["status"], row["reasonCode"]) == ("failed", 400) and "scs.request.media-type" in row["reasonText"]


def test_a_page_that_names_no_type_is_refused_and_a_program_is_read(url: str, chain: Path) -> None:
    """A browser sends a Blob without a type and without a preflight; curl and old programs have no Origin."""
    body = json.dumps({"content": "eA==", "selector": {"keyusages": ["nonrepudiation"]}}).encode()
    _, content = call(url, chain, "POST", "/sign", body, Origin="https://foreign.example")
    assert "scs.request.media-type" in json.loads(content)["reasonText"]
    _, content = call(url, chain, "POST", "/sign", body)
    assert json.loads(content)["status"] == "ok"


def test_the_type_is_not_looked_at_by_quirk(chain: Path) -> None:
    card = MemoryCard()
    settings = load_settings().with_quirks(["any-media-type"])
    body = json.dumps({"content": "eA==", "selector": {"keyusages": ["nonrepudiation"]}}).encode()
    with running(SignatureService(lambda: card, lambda _request: PIN2, (), settings), chain, port=0) as base:
        _, content = call(base, chain, "POST", "/sign", body, Content_Type="text/plain")
    assert json.loads(content)["status"] == "ok"


def test_the_private_network_answer_is_off_by_quirk(chain: Path) -> None:
    settings = load_settings().with_quirks(["no-private-network"])
    with running(SignatureService(lambda: None, lambda _request: None, (), settings), chain, port=0) as base:
        asked, _ = call(base, chain, "OPTIONS", "/sign", Access_Control_Request_Private_Network="true")
    assert asked.headers["Access-Control-Allow-Private-Network"] is None


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:53952", "ftp://127.0.0.1", "https://x:99999", "https://[::1", "https://"]
)
def test_an_address_that_is_none_is_wrong_usage(address: str) -> None:
    """A port that is no number was told as a fault of ours; ftp was spoken to in plain HTTP."""
    with pytest.raises(Misuse, match="is no address of an SCS"):
        ScsClient(address)


@pytest.mark.parametrize("host", ["ä..fi", ".fi", "ä" * 64 + ".fi", "a b", "a\x7fb"])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_host_that_is_none_is_wrong_usage(scheme: str, host: str) -> None:
    """An empty label was told as a fault of ours: UnicodeError."""
    with pytest.raises(Misuse, match="is no address of an SCS"):
        ScsClient(f"{scheme}://{host}").version()


@pytest.mark.parametrize("origin", ["https://x\nHost: y", "https://ä.fi", "https://a.fi b"])
def test_an_origin_that_is_none_is_wrong_usage(origin: str) -> None:
    """A line end in it was told as a fault of ours."""
    with pytest.raises(Misuse, match="is no origin"):
        ScsClient(origin=origin)


def test_a_body_that_does_not_unpack_is_a_bad_request(url: str, chain: Path) -> None:
    _, content = call(
        url, chain, "POST", "/sign", b"no gzip", Content_Encoding="gzip", Content_Type="application/json"
    )
    assert json.loads(content)["reasonCode"] == 400


def test_the_client_reads_version_and_signs_and_says_when_nobody_is_there(url: str, chain: Path) -> None:
    client = ScsClient(url, tls_of(chain.with_suffix(".crt")), ORIGIN, 10)
    assert client.version().card_present is None
    answer = client.sign(b"asiakirja", hash_name="SHA512")
    answer.verify(b"asiakirja")
    with pytest.raises(Fault, match="is not reached"):
        ScsClient("https://127.0.0.1:1").version()
    with pytest.raises(Fault, match="certificate"):
        ScsClient(url).version()
