"""Every part of a system attached by its description and met alive, and what a dead or mad one brings about."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from csharp_programs import compiled, needs_dotnet

from conformance import CaseVerdict, Selection, run
from conformance.bench import Bench
from conformance.bench.scs import running_service, typed
from conformance.catalogue import catalogue
from conformance.declaring import Area
from conformance.doctor import State, examine_description
from conformance.matrix import facets_of
from conformance.sut.addresses import WHAT_TO_DO
from conformance.sut.asking import Asks
from conformance.sut.asking_services import AskedClient
from conformance.sut.facets import Endpoint, Facet, SystemUnderTest, Trust
from conformance.sut.facets_scs import Situation
from conformance.sut.loading import attach
from conformance.sut.person import Operator
from conformance.sut.reference import Reference, reference_system
from sotepki.card import InsertedCard
from sotepki.scs import PinRequest, SignatureService
from sotepki.scs.settings import load_settings
from sotepki.tokens import Pin, find_softhsm

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "conformance" / "examples"
_END = "-----END CERTIFICATE-----\n"
PARTS = (Facet.CARD, Facet.CARD_DESK, Facet.SCS_USER, Facet.RIGHTS)


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with Bench.temporary() as bench, reference_system(bench) as made:
        yield made


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    command = [sys.executable, str(EXAMPLES / "python" / "workplace.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        process.terminate()


def cases_of(*facets: Facet) -> frozenset[str]:
    return frozenset(case.id for case in catalogue() if facets_of(case) & set(facets))


def verdicts(
    bench: Bench, description: Path, report: Path, cases: frozenset[str], operator: Operator | None = None
) -> dict[str, tuple[CaseVerdict, str]]:
    with attach(description, operator=operator) as attached:
        summary = run(attached.sut, report, selection=Selection(cases=cases), bench=bench)
    return {result.case: (result.verdict, result.reason) for result in summary.results}


def described(place: Path, text: str) -> Path:
    path = place / "system.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_a_workplace_passes_as_an_endpoint(
    reference: Reference, endpoint: str, tmp_path: Path
) -> None:
    """The example shares no code with us: what it meets at the door of the suite is what the documentation says."""
    text = "".join(f"[{part}]\nurl = '{endpoint}'\n" for part in PARTS)
    text = text.replace("[scs-user]\n", "[scs-user]\norigin = 'https://potilas.test.example'\n")
    found = verdicts(reference.bench, described(tmp_path, text), tmp_path / "report", cases_of(*PARTS))
    assert {case: said for case, said in found.items() if said[0] is not CaseVerdict.PASS} == {}
    assert len(found) > 40


def test_the_example_of_a_workplace_passes_as_a_command(reference: Reference, tmp_path: Path) -> None:
    program = str(EXAMPLES / "python" / "workplace.py")
    text = f"[card-desk]\ncommand = ['{sys.executable}', '{program}']\n"
    cases = frozenset({"card.login-key", "card.blocked", "card.several-cards"})
    found = verdicts(reference.bench, described(tmp_path, text), tmp_path / "report", cases)
    assert {said[0] for said in found.values()} == {CaseVerdict.PASS}


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node (Debian: nodejs)")
def test_the_example_of_a_client_in_node_passes(reference: Reference, tmp_path: Path) -> None:
    """Who copies it trusts the right Kanta, reads its acknowledgement, and believes no unverified signature."""
    for name in ("client.mjs", "system.toml"):
        shutil.copy(EXAMPLES / "node" / name, tmp_path)
    for name, pem in zip(("server.pem", "server.key"), reference.bench.guest_identity.pem(), strict=True):
        (tmp_path / name).write_text(pem, encoding="ascii")
    of_client = {"kanta.acknowledgement", "tls.client-certificate", "tls.refuses-foreign-authority"}
    of_pages = {"scs-use.signature-key", "scs-use.challenge", "scs-use.verifies-signature", "scs-use.verifies-issuer"}
    cases = frozenset(of_client | of_pages)
    found = verdicts(reference.bench, tmp_path / "system.toml", tmp_path / "report", cases)
    assert found == dict.fromkeys(cases, (CaseVerdict.PASS, ""))


@needs_dotnet
def test_the_example_of_a_client_in_csharp_passes(reference: Reference, tmp_path: Path) -> None:
    """Who copies it passes every case but those that docs/conformance.md names, which warn."""
    compiled(tmp_path / "Program.exe")
    for name, pem in zip(("server.pem", "server.key"), reference.bench.guest_identity.pem(), strict=True):
        (tmp_path / name).write_text(pem, encoding="ascii")
    (tmp_path / "password.txt").write_text("changeit\n", encoding="ascii")
    store = ["-in", "server.pem", "-inkey", "server.key", "-out", "server.p12", "-passout", "pass:changeit"]
    subprocess.run(["openssl", "pkcs12", "-export", *store], cwd=tmp_path, check=True)
    text = (EXAMPLES / "csharp" / "client.toml").read_text(encoding="utf-8")
    text = text.replace('["dotnet", "Example.dll", ', '["dotnet", "Program.exe", ')
    found = verdicts(reference.bench, described(tmp_path, text), tmp_path / "report", cases_of(Facet.CLIENT))
    told = {case: said[0] for case, said in found.items() if said[0] is not CaseVerdict.PASS}
    known = ("tls.refuses-revoked", "tls.sends-chain", "load.sends-again")
    assert told == dict.fromkeys(known, CaseVerdict.WARN)
    assert found.keys() >= {"kanta.acknowledgement", "tls.client-certificate", "tls.refuses-client-only"}


GARBAGE = ("print('{}')", "print('no')", "print('{\"allowed\": 1}')", "import time; time.sleep(9)")


@pytest.mark.parametrize("program", GARBAGE)
def test_a_workplace_that_answers_garbage_fails_its_own_cases_and_breaks_nothing(
    reference: Reference, tmp_path: Path, program: str
) -> None:
    (tmp_path / "bad.py").write_text(program, encoding="utf-8")
    asked = f"command = ['{sys.executable}', 'bad.py']\ntimeout = 0.5\n"
    text = "".join(f"[{part}]\n{asked}" for part in PARTS)
    text = text.replace("[scs-user]\n", "[scs-user]\norigin = 'https://potilas.test.example'\n")
    cases = frozenset({"card.wrong-pin2", "card.login-key", "rights.prescribes", "scs-use.untyped-answer"})
    found = verdicts(reference.bench, described(tmp_path, text), tmp_path / "report", cases)
    assert {said[0] for said in found.values()} <= {CaseVerdict.FAIL, CaseVerdict.WARN}, found


def test_a_dead_endpoint_is_a_matter_of_configuration_in_every_part(reference: Reference, tmp_path: Path) -> None:
    text = "".join(f"[{part}]\nurl = 'http://127.0.0.1:9/'\n" for part in (*PARTS, Facet.CLIENT))
    text = text.replace("[scs-user]\n", "[scs-user]\norigin = 'https://potilas.test.example'\n")
    cases = frozenset(
        {"card.wrong-pin2", "card.login-key", "rights.prescribes", "scs-use.untyped-answer", "load.waits"}
    )
    found = verdicts(reference.bench, described(tmp_path, text), tmp_path / "report", cases)
    assert {said[0] for said in found.values()} == {CaseVerdict.ERROR}
    assert all("cannot be reached" in said[1] for said in found.values())


class Scripted:
    """A person whose answers are known; the last one is given again."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.told = list(answers), list[str]()

    def tell(self, line: str) -> None:
        self.told.append(line)

    def choose(self, question: str, answers: Sequence[str], seconds: float) -> str:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        assert found in answers, (question, found)
        return found


WATCHED = [
    ("card.pin2-for-each-signature", ("2", "none", "2"), CaseVerdict.PASS),
    ("card.pin2-for-each-signature", ("1", "none", "2"), CaseVerdict.FAIL),
    ("card.wrong-pin2", ("2", "1", "1"), CaseVerdict.PASS),
    ("card.wrong-pin2", ("2", "3", "1"), CaseVerdict.FAIL),
    ("card.left-usable", ("1", "1", "none"), CaseVerdict.FAIL),
    ("card.login-key", ("it was done", "1", "none"), CaseVerdict.PASS),
    ("card.login-key", ("it was done", "none", "none", "1", "none"), CaseVerdict.FAIL),
    ("card.only-typed-pins", ("it was done", "1", "1", "none"), CaseVerdict.WARN),
    ("card.several-cards", ("it was done", "Reader 2", "1", "none"), CaseVerdict.PASS),
    ("card.several-cards", ("it was done", "Reader 1", "1", "none"), CaseVerdict.WARN),
    (
        "card.unblock-way",
        (
            "the system said that the PIN is locked",
            "none",
            "none",
            "none",
            "none",
            "to set a new PIN with the activation code",
        ),
        CaseVerdict.PASS,
    ),
    ("rights.prescribes", ("it was allowed",), CaseVerdict.PASS),
    ("rights.restricted", ("it was allowed",), CaseVerdict.FAIL),
    ("scs-use.cancelled", ("your system did not go on",), CaseVerdict.PASS),
    ("scs-use.cancelled", ("your system went on",), CaseVerdict.FAIL),
]


@pytest.mark.parametrize(("case", "answers", "verdict"), WATCHED)
def test_what_a_person_saw_is_judged(
    reference: Reference, tmp_path: Path, case: str, answers: tuple[str, ...], verdict: CaseVerdict
) -> None:
    text = "".join(f"[{part}]\noperator = true\n" for part in PARTS)
    text = text.replace("[scs-user]\n", "[scs-user]\norigin = 'https://potilas.test.example'\n")
    person = Scripted(*answers)
    found = verdicts(reference.bench, described(tmp_path, text), tmp_path / "r", frozenset({case}), person)
    weak = {CaseVerdict.FAIL, CaseVerdict.WARN}
    assert found[case][0] is verdict or {found[case][0], verdict} == weak, found
    assert any("Your turn" in line for line in person.told)


def test_without_a_person_at_the_terminal_the_cases_wait(reference: Reference, tmp_path: Path) -> None:
    text = "".join(f"[{part}]\noperator = true\n" for part in (Facet.CARD, Facet.CARD_DESK, Facet.RIGHTS))
    cases = frozenset({"card.wrong-pin2", "card.login-key", "rights.prescribes"})
    found = verdicts(reference.bench, described(tmp_path, text), tmp_path / "report", cases)
    assert {said[0] for said in found.values()} == {CaseVerdict.WAITING}
    assert all("--resume" in said[1] for said in found.values())
    assert (tmp_path / "handover" / "guest.key").stat().st_mode & 0o077 == 0


def test_a_client_that_is_asked_meets_every_case_of_the_connection(reference: Reference, tmp_path: Path) -> None:
    """What the question carries is enough to send as the reference system does."""

    class InThisProcess:
        name = "The program"

        def ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
            roots = tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in question["roots"])
            between = tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in question["intermediates"])
            endpoint = Endpoint(question["url"], Trust(roots, between))
            delivery = reference.client.send(base64.b64decode(question["frame"]), endpoint)
            return {"connected": delivery.connected, "accepted": delivery.accepted, "detail": delivery.detail}

    client: Asks = InThisProcess()
    sut = SystemUnderTest("Asked TEST", "files", client=AskedClient(client))
    summary = run(sut, tmp_path, selection=Selection(areas=frozenset({Area.TLS, Area.LOAD})), bench=reference.bench)
    found = {r.case: (r.verdict, r.reason) for r in summary.results}
    assert {c: v for c, v in found.items() if v[0] is not CaseVerdict.PASS}.keys() == {"tls.client-certificate"}


def test_a_client_with_a_certificate_of_its_own_authorities_is_let_in(reference: Reference, tmp_path: Path) -> None:
    """A vendor's certificates come from DVV's test service and not from the bench, which knows them by [trust]."""
    with Bench.temporary() as elsewhere, reference_system(elsewhere) as vendor:
        own = SystemUnderTest(
            "Vendor TEST", "files", trust=elsewhere.trust, certificates=vendor.certificates, client=vendor.client
        )
        cases = frozenset({"tls.client-certificate", "tls.sends-chain"})
        for sut, verdict in ((own, CaseVerdict.PASS), (replace(own, trust=None), CaseVerdict.FAIL)):
            summary = run(sut, tmp_path, selection=Selection(cases=cases), bench=reference.bench)
            found = {r.case: r.verdict for r in summary.results}
            assert found["tls.client-certificate"] is verdict, summary.results


def test_a_token_of_softhsm_is_met_through_its_module(tmp_path: Path) -> None:
    """A token made with SoftHSM's and OpenSC's own tools, and met by the command line in a process of its own."""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n", encoding="utf-8")
    (tmp_path / "pin.txt").write_text("123456\n", encoding="utf-8")
    module = str(find_softhsm())
    text = f"[token]\nmodule = '{module}'\nlabel = 'vendor TEST'\npin-file = 'pin.txt'\n"
    description = described(tmp_path, text)
    environment = {**os.environ, "SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf")}
    pkcs11 = ["pkcs11-tool", "--module", module, "--token-label", "vendor TEST", "--login", "--pin", "123456"]
    hsm = ["softhsm2-util", "--pin", "123456"]
    suite = [sys.executable, "-m", "sotepki", "conformance", "run", "--sut", str(description)]
    newkey = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-subj", "/CN=TEST"]
    for command in (
        [*hsm, "--init-token", "--free", "--label", "vendor TEST", "--so-pin", "1234"],
        [*newkey, "-outform", "DER", "-out", "certificate.der"],
        [*hsm, "--import", "key.pem", "--token", "vendor TEST", "--label", "system", "--id", "01"],
        [*pkcs11, "--write-object", "certificate.der", "--type", "cert", "--label", "system", "--id", "01"],
        [*suite, "--area", "token", "--report", str(tmp_path / "report")],
    ):
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command[0], done.stdout, done.stderr)
    data = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert {case["verdict"] for case in data["cases"]} == {"pass"} and len(data["cases"]) == 4
    assert "123456" not in (tmp_path / "report" / "report.json").read_text(encoding="utf-8")


def test_our_signature_service_is_met_at_its_address(reference: Reference, tmp_path: Path) -> None:
    """The person at the workstation does what the suite says; here the person is a function."""
    bench, cards = reference.bench, reference.bench.desk_cards
    now = {"situation": Situation.READY}

    class AtTheWorkstation(Scripted):
        def tell(self, line: str) -> None:
            super().tell(line)
            now["situation"] = next(one for one, words in WHAT_TO_DO.items() if line.startswith(words))

    def card() -> InsertedCard | None:
        return None if now["situation"] is Situation.NO_CARD else cards.inserted

    def person(request: PinRequest) -> Pin | None:
        return None if now["situation"] is Situation.CANCELS else typed(request)

    service = SignatureService(card, person, bench.trust.issuers, load_settings("1.1"))
    cases = frozenset(
        {"scs.version-shape", "scs.cors", "scs.key-by-usage", "scs.data", "scs.cancelled", "scs.no-card"}
    )
    with running_service(bench, service) as address:
        (tmp_path / "ca.pem").write_text(address.certificate, encoding="ascii")
        description = described(tmp_path, f"[scs]\nurl = '{address.url}'\nca = 'ca.pem'\n")
        assert {s.state for s in examine_description(description, bench.clock)} == {State.OK}
        workstation = AtTheWorkstation("")
        found = verdicts(bench, description, tmp_path / "report", cases, workstation)
    assert {said[0] for said in found.values()} == {CaseVerdict.PASS}, found
    assert any(line.startswith("Take every card out") for line in workstation.told)


def test_a_tls_endpoint_is_met_at_its_address(reference: Reference, tmp_path: Path) -> None:
    with reference.tls_server.open() as address:
        where = f"[tls-server]\naddress = '{address.host}:{address.port}'\n"
        description = described(tmp_path, f"{where}name = '{address.name}'\n")
        assert {s.state for s in examine_description(description, reference.bench.clock)} == {State.OK}
        found = verdicts(reference.bench, description, tmp_path / "right", cases_of(Facet.TLS_SERVER))
        assert {said[0] for said in found.values()} == {CaseVerdict.PASS}, found
        description = described(tmp_path, f"{where}name = 'another.test.example'\n")
        cases = frozenset({"tls-server.name", "tls-server.chain"})
        other = verdicts(reference.bench, description, tmp_path / "other", cases)
    assert other["tls-server.chain"][0] is CaseVerdict.PASS
    assert other["tls-server.name"][0] in {CaseVerdict.FAIL, CaseVerdict.WARN}


def test_the_tls_endpoint_of_openssl_is_judged_for_what_it_is(reference: Reference, tmp_path: Path) -> None:
    """A server that shares no code with us; its chain is right, and then it is not."""
    certificates, key = reference.bench.kanta_identity.pem()
    leaf, *issuers = (part + _END for part in certificates.split(_END)[:-1])
    (tmp_path / "server.pem").write_text(leaf + key, encoding="ascii")
    verdict = {}
    for name, chain in (("right", "".join(issuers)), ("wrong", leaf + "".join(issuers))):
        (tmp_path / "chain.pem").write_text(chain, encoding="ascii")
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            port = probe.getsockname()[1]
        server = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "server.pem"]
        command = [*server, "-cert_chain", "chain.pem", "-quiet", "-WWW"]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
            try:
                for _ in range(100):
                    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                        break
                    time.sleep(0.05)
                description = described(tmp_path, f"[tls-server]\naddress = 'localhost:{port}'\ntimeout = 4\n")
                cases = frozenset({"tls-server.chain"})
                found = verdicts(reference.bench, description, tmp_path / name, cases)
                verdict[name] = found["tls-server.chain"][0]
            finally:
                process.terminate()
    assert verdict == {"right": CaseVerdict.PASS, "wrong": CaseVerdict.FAIL}
