"""The reference system's small parts: sessions end, challenges are used once, the audit log cannot be edited."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from http_world import answer_to_dripping, ask
from scs_world import ORIGIN, START, MemoryCard

from sotepki import loopback
from sotepki.clock import SetClock
from sotepki.errors import Fault, Refused
from sotepki.reference_system import ReferenceSystem, Surroundings
from sotepki.reference_system.audit import AuditLog, check_audit_log
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


def test_a_form_that_drips_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages on loopback are built alike: those of the SCS and of the workstation have this guard too."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    world = cast("Surroundings", SimpleNamespace(directory=tmp_path, clock=SetClock(START)))
    with loopback.running(ReferenceSystem(world).application()) as url:
        answer = answer_to_dripping(url, "/login/challenge", "application/json", Origin=url)
    assert answer.startswith(b"HTTP/1.1 408") and b"did not arrive within" in answer


def signed(card: MemoryCard, content: bytes) -> ScsAnswer:
    import base64
    import json

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
