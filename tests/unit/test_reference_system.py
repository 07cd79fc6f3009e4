"""The reference system's parts: sessions end, challenges are used once, a document goes to Kanta once."""

from __future__ import annotations

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography import x509
from http_world import answer_to_dripping, ask
from kela_world import new_world
from scs_world import ORIGIN, START, MemoryCard

from sotepki import loopback
from sotepki.clock import SetClock
from sotepki.documents import open_frame
from sotepki.errors import Fault, Refused
from sotepki.journey.sending import HttpAnswer
from sotepki.kela import Kanta
from sotepki.reference_system import ReferenceSystem, Surroundings, casework
from sotepki.reference_system.audit import AuditLog, check_audit_log
from sotepki.reference_system.casework import Casework, State, Work
from sotepki.reference_system.sessions import IDLE, LONGEST, Sessions
from sotepki.scs.answers import ScsAnswer, read_answer
from sotepki.scs.explaining import Asked, Trusted, explain
from sotepki.scs.login_challenges import LIFE, LoginChallenges
from sotepki.serving import bodies
from sotepki.x509.status import CertificateState, CertificateStatus


def test_a_session_ends_by_rest_by_age_and_by_logout() -> None:
    sessions = Sessions()
    resting = sessions.begin(START)
    assert sessions.find(resting.id, START + IDLE) is resting
    assert sessions.find(resting.id, START + 2 * IDLE + timedelta(seconds=1)) is None
    busy, now = sessions.begin(START), START
    while now < START + LONGEST:
        assert sessions.find(busy.id, now) is busy
        now += IDLE
    assert sessions.find(busy.id, now + timedelta(seconds=1)) is None
    left = sessions.begin(START)
    sessions.end(left)
    assert sessions.find(left.id, START) is None


def test_a_challenge_is_the_visitors_own_is_used_once_and_grows_old() -> None:
    challenges = LoginChallenges()
    made = challenges.give(ORIGIN, "visitor", START)
    assert made.content.startswith(ORIGIN.encode()) and len(made.content) >= len(ORIGIN) + 65
    challenges.take(made.id, "visitor", START)
    stolen, old = challenges.give(ORIGIN, "visitor", START), challenges.give(ORIGIN, "visitor", START)
    for challenge, visitor, at in (
        (made, "visitor", START),
        (stolen, "other", START),
        (old, "visitor", START + LIFE + timedelta(seconds=1)),
    ):
        with pytest.raises(Refused) as refused:
            challenges.take(challenge.id, visitor, at)
        assert refused.value.rule == "scs.page.challenge"


def test_a_changed_or_missing_line_of_the_audit_log_shows(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for who in ("1", "2", "3"):
        AuditLog(path, SetClock(START)).note("logged in", who)
    assert check_audit_log(path) == 3
    lines = path.read_bytes().splitlines(keepends=True)
    for damaged in (b"".join([lines[0], lines[1].replace(b'"2"', b'"9"'), lines[2]]), lines[0] + lines[2], b"x\n"):
        path.write_bytes(damaged)
        with pytest.raises(Fault, match="does not follow"):
            check_audit_log(path)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-CSRF-Token": "\xff"},
        {"Content-Type": "application/x-www-form-urlencoded; charset=bogus"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "multipart/form-data; boundary=x"},
    ],
)
def test_a_token_that_cannot_be_read_is_a_wrong_one(tmp_path: Path, headers: dict[str, str]) -> None:
    """Octets of a foreign page ended as 500 with a traceback in the log instead of a sentence."""
    world = cast("Surroundings", SimpleNamespace(directory=tmp_path, clock=SetClock(START)))
    with loopback.running(ReferenceSystem(world).application()) as url:
        known = {"Origin": url, "Content-Type": "application/json"}
        reply = ask(url, "/login/challenge", method="POST", headers=known | headers, body=b"csrf=%ff")
    assert (reply.status, reply.json["rule"]) == (403, "ref.csrf")


def test_a_page_that_is_older_than_its_session_is_to_be_opened_anew(tmp_path: Path) -> None:
    """Who left the login page open for 15 minutes was told to go back to it and try again, which never helped."""
    world = cast("Surroundings", SimpleNamespace(directory=tmp_path, clock=SetClock(START)))
    with loopback.running(ReferenceSystem(world).application()) as url:
        known = {"Origin": url, "Content-Type": "application/json", "X-CSRF-Token": "of an ended session"}
        reply = ask(url, "/login/challenge", method="POST", headers=known, body=b"{}")
    assert reply.json["rule"] == "ref.csrf" and "Open the page anew" in reply.json["sentence"]


def test_a_form_that_drips_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages on loopback are built alike: those of the SCS and of the workstation have this guard too."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    world = cast("Surroundings", SimpleNamespace(directory=tmp_path, clock=SetClock(START)))
    with loopback.running(ReferenceSystem(world).application()) as url:
        answer = answer_to_dripping(url, "/login/challenge", "application/json", Origin=url)
    assert answer.startswith(b"HTTP/1.1 408") and b"did not arrive within" in answer


@dataclass
class KantaOnALine:
    """The Kanta of the tests, reached over a line that may lose an answer; each message that came is noted."""

    kanta: Kanta
    client: x509.Certificate
    loses: int = 0
    came: list[bytes] = field(default_factory=list)
    at_work: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.goes_on.set()

    def post(self, frame: bytes, **_: Any) -> HttpAnswer:
        self.came.append(frame)
        self.at_work.set()
        assert self.goes_on.wait(10)
        answer = self.kanta.archive(frame, self.client)
        if self.loses:
            self.loses -= 1
            raise ConnectionResetError("the line broke")
        return HttpAnswer(200, json.dumps(answer.as_dict()).encode())


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Casework, Work, KantaOnALine]:
    """A signed document in the reference system, and Kanta."""
    town = new_world(tmp_path)
    numbers = itertools.count(1)
    county = town.organisation()
    world = SimpleNamespace(
        directory=tmp_path / "reference",
        clock=town.clock,
        organisation=county,
        new_oid=lambda branch: county.oid.child(int(branch), next(numbers)),
        kanta_url="",
        kanta_name="",
        kanta_roots="",
        kanta_receiver=town.kanta().settings.receiver.value,
        server=None,
    )
    professional = town.professional()
    made = town.card_signed()
    client = town.population.person(town.cast.person("nurse"))
    assert client is not None
    oid, number = town.oid(), str(professional.registration_number)
    work = Work(oid, number, client, "Plan", (), town.clock.now(), b"", State.SIGNED, signed=made)
    kanta = KantaOnALine(town.kanta(), town.client().certificate)
    monkeypatch.setattr(casework, "client_context", lambda *_: None)
    monkeypatch.setattr(casework, "post_frame", kanta.post)
    return Casework(cast("Surroundings", world)), work, kanta


def test_a_message_is_addressed_to_the_receiver_of_its_archive(
    line: tuple[Casework, Work, KantaOnALine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive with a receiver of its own that refuses others would refuse every document of the system."""
    cases, work, kanta = line
    monkeypatch.setattr(cases.world, "kanta_receiver", "1.2.246.556.18007.99")
    cases.send(work)
    assert open_frame(kanta.came[0]).receiver == "1.2.246.556.18007.99"


def test_a_document_whose_answer_was_lost_is_sent_again_and_accepted(
    line: tuple[Casework, Work, KantaOnALine],
) -> None:
    """In a message of its own it would be refused: Kanta has the document already."""
    cases, work, kanta = line
    kanta.loses = 1
    cases.send(work)
    assert work.state is State.SIGNED and "the line broke" in work.trouble
    cases.send(work)
    assert work.acknowledgement is not None
    assert (work.state, work.acknowledgement.rules, work.trouble) == (State.ARCHIVED, (), "")
    assert len(kanta.came) == 2 and kanta.came[0] == kanta.came[1]
    (kept,) = (cases.world.directory / "documents").iterdir()
    assert kept.read_bytes() == kanta.came[0] and kept.stat().st_mode & 0o077 == 0
    with pytest.raises(Refused, match="not waiting to be sent"):
        cases.send(work)


def test_a_fault_of_the_service_is_no_refusal_of_the_document(
    line: tuple[Casework, Work, KantaOnALine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kanta has trouble of its own for a while; the document can be sent again, and is taken then."""
    cases, work, kanta = line
    broken = HttpAnswer(503, json.dumps({"code": "AR"}).encode())
    with monkeypatch.context() as patch:
        patch.setattr(casework, "post_frame", lambda *_, **__: broken)
        cases.send(work)
    assert (work.state, work.acknowledgement) == (State.SIGNED, None)
    assert "HTTP 503" in work.trouble
    cases.send(work)
    assert (work.state, work.trouble) == (State.ARCHIVED, "")
    assert len(kanta.came) == 1


@pytest.mark.parametrize("body", [b"[]", b"null", b'"AA"', b'{"code": "AA"}', b"<html>", b"", b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_that_is_no_acknowledgement_is_said_to_be_none(
    line: tuple[Casework, Work, KantaOnALine], monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    """A vendor whose archive answered otherwise saw "Kanta gave no answer: 'code'", or that the service failed."""
    cases, work, _ = line
    monkeypatch.setattr(casework, "post_frame", lambda *_, **__: HttpAnswer(status, body))
    cases.send(work)
    assert (work.state, work.trouble) == (State.SIGNED, f"Kanta's answer is no acknowledgement (HTTP {status}).")


def test_a_document_that_two_send_at_once_is_sent_once(line: tuple[Casework, Work, KantaOnALine]) -> None:
    """Who pressed the button twice is told what Kanta said, and not that the document is there already."""
    cases, work, kanta = line
    kanta.goes_on.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cases.send, work)
        assert kanta.at_work.wait(10)
        second = pool.submit(cases.send, work)
        with pytest.raises(TimeoutError):
            second.result(0.1)
        kanta.goes_on.set()
        first.result(10)
        second.result(10)
    assert work.state is State.ARCHIVED and len(kanta.came) == 1


def test_who_waited_for_a_message_without_an_answer_sends_it_again(
    line: tuple[Casework, Work, KantaOnALine],
) -> None:
    cases, work, kanta = line
    kanta.loses = 1
    kanta.goes_on.clear()
    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(cases.send, work) for _ in range(2)]
        assert kanta.at_work.wait(10)
        kanta.goes_on.set()
        for one in sent:
            one.result(10)
    assert work.state is State.ARCHIVED and len(set(kanta.came)) == 1


def signed(card: MemoryCard, content: bytes) -> ScsAnswer:
    import base64

    from scs_world import PIN2

    from sotepki.scs import SignatureService

    row = {"content": base64.b64encode(content).decode(), "selector": {"keyusages": ["nonRepudiation"]}}
    return read_answer(SignatureService(lambda: card, lambda _asked: PIN2).sign(json.dumps(row).encode()))


def test_an_answer_is_judged_by_signature_chain_use_and_revocation() -> None:
    card = MemoryCard()
    answer, good = signed(card, b"x"), CertificateStatus(CertificateState.GOOD)
    trusted = Trusted((card.root,), (card.issuer,), lambda _c, _i: good)

    def broken(asked: Asked, whom: Trusted = trusted) -> set[str]:
        return {finding.rule for finding in explain(asked, answer, whom, START).findings}

    assert broken(Asked(b"x")) == set()
    assert broken(Asked(b"y")) == {"scs.answer.signature"}
    assert broken(Asked(b"x", hash_name="SHA512")) == {"scs.answer.algorithm"}
    assert "scs.answer.usage" in broken(Asked(b"x", wants_signature_key=False))
    assert "scs.answer.chain" in broken(Asked(b"x"), Trusted((MemoryCard().root,)))
    revoked = CertificateStatus(CertificateState.REVOKED, START)
    assert broken(Asked(b"x"), Trusted((card.root,), (), lambda _c, _i: revoked)) == {"scs.answer.revoked"}
