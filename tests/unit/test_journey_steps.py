"""The steps of the journey tell when something came out otherwise than it must; else a demo would show nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sotepki.clock import SetClock
from sotepki.dvv import CardOrder
from sotepki.errors import Fault, Misuse, Refused
from sotepki.evidence import Finding, Severity
from sotepki.identifiers import Oid
from sotepki.journey import load_cast, sending
from sotepki.journey import walk as walking
from sotepki.journey.card_holder import activation_code, made
from sotepki.journey.service_provider import ProviderSystem, ServiceIdentity
from sotepki.journey.walk import Walk, changed
from sotepki.kela import Acknowledgement
from sotepki.kela.acknowledgement import AckCode
from sotepki.services import RunningServices
from sotepki.workspace import Workspace

CARD = "9900000007"


def walk() -> tuple[Walk, list[str]]:
    lines: list[str] = []
    return Walk(cast(Workspace, None), lines.append), lines


def answered(code: AckCode, *rules: str) -> Acknowledgement:
    findings = tuple(Finding(rule, Severity.ERROR, f"because of {rule}") for rule in rules)
    at = datetime(2026, 5, 4, tzinfo=UTC)
    return Acknowledgement(code, Oid("2.25.1"), "1", "2", "3", "4", at, findings)


def test_a_refusal_that_must_come_and_comes_is_told() -> None:
    one, lines = walk()
    with one._refused("order.one-card", "A second card"):
        raise Refused("She has one.", rule="order.one-card")
    assert lines == ["A second card is refused: She has one. [order.one-card]"]


def test_a_refusal_that_does_not_come_or_comes_by_another_rule_stops_the_walk() -> None:
    one, lines = walk()
    with pytest.raises(Fault, match="not refused"), one._refused("order.one-card", "A second card"):
        pass
    with pytest.raises(Fault, match=r"by card\.pin\.wrong"), one._refused("order.one-card", "A second card"):
        raise Refused("No.", rule="card.pin.wrong")
    assert not lines


def test_what_kanta_must_answer_is_told() -> None:
    one, lines = walk()
    one._expect(answered(AckCode.ACCEPTED), "A document", accepted=True)
    one._expect(answered(AckCode.ERROR, "doc.id", "doc.right"), "A late one", rule="doc.right")
    assert lines == [
        "A document: Kanta answers AA, archived.", "A late one: Kanta answers AE [doc.right] because of doc.right",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "found", "accepted", "rule"),
    [
        (AckCode.ERROR, "doc.right", True, ""),
        (AckCode.ACCEPTED, "", False, "doc.right"),
        (AckCode.ACCEPTED, "doc.right", False, "doc.right"),
        (AckCode.ERROR, "doc.id", False, "doc.right"),
    ],
)
def test_another_answer_of_kanta_stops_the_walk(code: AckCode, found: str, accepted: bool, rule: str) -> None:
    one, lines = walk()
    with pytest.raises(Fault, match="which was not to be"):
        one._expect(answered(code, *([found] if found else [])), "A document", accepted=accepted, rule=rule)
    assert not lines


def test_a_document_is_addressed_to_the_kanta_that_it_is_sent_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk to an archive with a receiver of its own that refuses others would stop at the first document."""
    sent: dict[str, object] = {}
    monkeypatch.setattr(walking, "build_frame", lambda _document, **parts: sent.update(parts) or b"")
    monkeypatch.setattr(walking, "send_frame", lambda _frame, **_way: answered(AckCode.ACCEPTED))
    own = Oid("1.2.246.556.18007.99")
    provider = SimpleNamespace(organisation=SimpleNamespace(oid=Oid("1.2.246.10.99000018.10.0")), server=None)
    services = SimpleNamespace(
        kanta=SimpleNamespace(settings=SimpleNamespace(receiver=own)), kanta_url="", trust_file=""
    )
    workspace = SimpleNamespace(clock=SetClock(datetime(2026, 5, 4, tzinfo=UTC)))
    one = Walk(cast(Workspace, workspace), lambda _line: None)
    assert one.send(b"", cast(ProviderSystem, provider), cast(RunningServices, services)).accepted
    assert sent["receiver"] == own.value


@pytest.mark.parametrize("letter", [b"A", b"B", b"z"])
def test_a_document_is_changed_by_an_accident_in_one_letter_of_its_body(letter: bytes) -> None:
    document = b'<text representation="B64">' + b"x" * 40 + letter + b"yyy</text>"
    other = changed(document)
    assert len(other) == len(document)
    assert [at for at, pair in enumerate(zip(document, other, strict=True)) if pair[0] != pair[1]] == [
        document.index(b">") + 41
    ]


def test_the_code_comes_from_the_last_letter_about_the_card(tmp_path: Path) -> None:
    """A second code letter makes the first one void; somebody else's letter, however new, has another code."""
    letters = tmp_path / "outbox" / "letters"
    letters.mkdir(parents=True)
    home = cast(Workspace, SimpleNamespace(directory=tmp_path))
    for name, card, code in (("1", CARD, "11111111"), ("2", CARD, "22222222"), ("3", "9900000008", "33333333")):
        (letters / name).write_text(f"Card {card}\n\n    {code}\n", encoding="utf-8")
    (letters / "4").write_text(f"Your card {CARD} is about to end.\n", encoding="utf-8")
    assert activation_code(home, CARD).reveal() == "22222222"
    with pytest.raises(Misuse, match="9900000009"):
        activation_code(home, "9900000009")


@pytest.mark.parametrize(
    ("state", "is_made"), [("ordered", True), ("in-production", True), ("delivered", False), ("activated", False)]
)
def test_a_card_is_made_once(state: str, is_made: bool) -> None:
    """A preparation that goes on after a kill finds the card on its way, or there."""
    order = SimpleNamespace(id="C000001", state=state)
    vartti = SimpleNamespace(personalise=lambda number: f"made {number}")
    found = made(cast(Workspace, SimpleNamespace(vartti=vartti)), cast(CardOrder, order))
    assert found == ("made C000001" if is_made else order)


def test_a_part_that_nobody_plays_is_told_with_those_there_are() -> None:
    parts = load_cast()
    assert parts.person("nurse") != parts.person("dentist")
    for ask, kind in ((parts.person, "person"), (parts.organisation, "organisation")):
        with pytest.raises(Misuse, match=f"no {kind} 'nobody'") as told:
            ask("nobody")
        assert ("nurse" if kind == "person" else "county") in told.value.advice


def test_a_key_file_with_another_kind_of_key_is_told(tmp_path: Path) -> None:
    file = tmp_path / "server.key"
    file.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    identity = ServiceIdentity("A1", cast(x509.Certificate, None), (), file, file, file)
    with pytest.raises(Fault, match="no RSA or EC key"):
        identity.key()


def test_an_answer_that_is_no_acknowledgement_stops_the_walk_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk to another address than the archive's ended with "gave no answer: 'code'"."""
    trust = tmp_path / "trust.pem"
    trust.touch()
    monkeypatch.setattr(sending, "client_context", lambda *_: None)
    monkeypatch.setattr(sending, "post_frame", lambda *_, **__: sending.HttpAnswer(404, b'{"rule": "x"}'))
    with pytest.raises(Fault, match=r"no acknowledgement \(HTTP 404\)"):
        sending.send_frame(b"", kanta_url="", identity=cast(ServiceIdentity, None), trust_file=trust)
