"""Cross-testing of systems that are attached by their descriptions: one over HTTP, one around xmlsec1."""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.bench import Bench
from conformance.crossing import DOCUMENTS, Leg, exchange
from conformance.sut.facets import SignatureKind, Trust
from conformance.sut.loading import attach
from conformance.sut.reference import Reference, reference_system
from conformance.verdicts import CaseVerdict
from sotepki.cli import run as sotepki

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "conformance" / "examples" / "python" / "verifier.py"
Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with Bench.temporary() as bench, reference_system(bench) as made:
        yield made


@contextmanager
def endpoint(answer: Answer) -> Iterator[str]:
    """A vendor's system behind an address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps(answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def over_http(reference: Reference) -> Answer:
    """The reference system as a vendor's endpoint would answer for it."""

    def pems(texts: list[str]) -> tuple[x509.Certificate, ...]:
        return tuple(x509.load_pem_x509_certificate(text.encode()) for text in texts)

    def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
        document = base64.b64decode(question["document"])
        if question["operation"] == "sign":
            signed = reference.signer.sign(document, SignatureKind(question["kind"]))
            return {"document": base64.b64encode(signed).decode()}
        if question["operation"] == "frame":
            return {"frame": base64.b64encode(reference.framer.frame(document)).decode()}
        crls = tuple(x509.load_pem_x509_crl(text.encode()) for text in question["crls"])
        said = reference.verifier.verify(
            document, Trust(pems(question["roots"]), pems(question["intermediates"]), crls)
        )
        return {"accepted": said.accepted, "reasons": list(said.reasons)}

    return answer


def description(reference: Reference, place: Path, name: str, tables: str) -> Path:
    """A vendor's directory with its certificates, its authorities and its description."""
    place.mkdir()
    for role, data in reference.certificates.held.items():
        (place / f"{role}.crt").write_bytes(data)
    trust = reference.bench.trust_now()
    for number, authority in enumerate(trust.issuers):
        (place / f"ca{number}.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    for number, crl in enumerate(trust.crls):
        (place / f"{number}.crl").write_bytes(crl.public_bytes(Encoding.DER))
    text = f"""
name = "{name}"
[trust]
certificates = ["ca*.pem"]
crls = ["*.crl"]
[certificates]
server = "server.crt"
system-signature = "system-signature.crt"
card-signature = "card-signature.crt"
{tables}"""
    (place / "system.toml").write_text(text, encoding="utf-8")
    return place / "system.toml"


def both(reference: Reference, tmp_path: Path, url: str) -> tuple[Path, Path]:
    kinds = 'kinds = ["professional", "system"]'
    one = "".join(f"[{part}]\nurl = '{url}'\n" for part in ("frame", "verify", "sign")) + kinds
    two = f"[verify]\ncommand = ['{sys.executable}', '{EXAMPLE}']\n[sign]\nurl = '{url}'\n{kinds}"
    return (
        description(reference, tmp_path / "one", "Over HTTP TEST", one),
        description(reference, tmp_path / "two", "Around xmlsec1 TEST", two),
    )


def test_documents_of_both_forms_go_both_ways_through_our_kanta(reference: Reference, tmp_path: Path) -> None:
    with endpoint(over_http(reference)) as url:
        first, second = both(reference, tmp_path, url)
        with attach(first) as one, attach(second) as two:
            legs = exchange(one.sut, two.sut, reference.bench)
    shown = [(leg.verdict, leg.reader, leg.document, leg.reason, leg.kanta) for leg in legs]
    assert {leg.verdict for leg in legs} == {CaseVerdict.PASS}, shown
    documents = {name for names in DOCUMENTS.values() for name in names}
    for reader in ("Over HTTP TEST", "Around xmlsec1 TEST"):
        assert {leg.document for leg in legs if leg.reader == reader} == documents
    assert {leg.kanta for leg in legs} == {"AA"}, shown


def test_a_reader_that_does_not_see_a_changed_xml_body_is_found(reference: Reference, tmp_path: Path) -> None:
    """Only the document with the XML body is believed: the leg of that document fails and no other."""

    def careless(question: Mapping[str, Any]) -> Mapping[str, Any]:
        if question["operation"] == "verify" and b"structuredBody" in base64.b64decode(question["document"]):
            return {"accepted": True}
        return over_http(reference)(question)

    with endpoint(careless) as url:
        first, second = both(reference, tmp_path, url)
        with attach(first) as one, attach(second) as two:
            legs = exchange(one.sut, two.sut, reference.bench)
    failed = [leg for leg in legs if leg.verdict is CaseVerdict.FAIL]
    assert [(leg.reader, leg.document) for leg in failed] == [("Over HTTP TEST", "visit-note")]
    assert "after its body was changed" in failed[0].reason


def test_strangers_to_our_kanta_exchange_documents_directly(
    reference: Reference, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line has a Kanta of its own, which knows neither system; each still reads what the other signs."""
    with endpoint(over_http(reference)) as url:
        first, second = both(reference, tmp_path, url)
        code = sotepki(["conformance", "cross", str(first), str(second), "--report", str(tmp_path / "x")])
    legs = json.loads((tmp_path / "x" / "cross.json").read_text(encoding="utf-8"))["legs"]
    assert (code, {leg["verdict"] for leg in legs}) == (0, {"pass"}), [leg["reason"] for leg in legs]
    assert all(leg["kanta"] and not leg["kanta"].startswith("AA") for leg in legs)
    assert "visit-note" in capsys.readouterr().out


def test_a_dead_endpoint_is_an_error_of_its_own_legs(reference: Reference, tmp_path: Path) -> None:
    first, second = both(reference, tmp_path, "http://127.0.0.1:9/")
    with attach(first) as one, attach(second) as two:
        legs: list[Leg] = exchange(one.sut, two.sut, reference.bench)
    assert {leg.verdict for leg in legs} == {CaseVerdict.ERROR}
    assert all("cannot be reached" in leg.reason for leg in legs)
