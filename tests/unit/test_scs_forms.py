"""The forms that versions and implementations differ in: CMS, challenges, quirks, media types, repetition."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scs_world import ORIGIN, PIN1, PIN2, MemoryCard

from sotepki.errors import Fault, Misuse, Refused
from sotepki.scs import (
    ChallengeForm,
    PinKind,
    PinRequest,
    ScsSettings,
    SignatureService,
    challenge_content,
    load_settings,
    ports,
    quirks,
)
from sotepki.scs.answers import answer_rules, read_answer, read_version
from sotepki.scs.pins import PinDesk, scripted_pins
from sotepki.tokens import Pin

NONCE = "n" * 64
PINS = {PinKind.PIN1: PIN1, PinKind.PIN2: PIN2}


def service(settings: ScsSettings, card: MemoryCard | None = None) -> SignatureService:
    held = card or MemoryCard()
    return SignatureService(lambda: held, lambda asked: PINS[asked.kind], (), settings)


def body(octets: bytes, **fields: Any) -> bytes:
    row = {"content": base64.b64encode(octets).decode(), "selector": {"keyusages": ["nonRepudiation"]}}
    return json.dumps({**row, **fields}).encode()


def login(settings: ScsSettings, content: bytes, origin: str = ORIGIN, scs: SignatureService | None = None) -> Any:
    return (scs or service(settings)).sign(body(content, selector={"keyusages": ["digitalSignature"]}), origin)


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_every_version_answers_in_its_own_shape(version: str) -> None:
    shown = service(load_settings(version)).version()
    assert shown["version"] == version
    assert all(isinstance(value, str) for key, value in shown.items() if key != "selectorAvailable")
    assert ("signatureAlgorithms" in shown) is (version != "1.1")
    assert ("applicationOIDs" in shown) is (version == "1.3")
    assert shown["httpMethods"] == ("POST" if version == "1.3" else "GET, POST")
    assert read_version(json.dumps(shown).encode()).card_present is (None if version == "1.1" else True)


@pytest.mark.parametrize("kind", ["cms", "cms-pades"])
@pytest.mark.parametrize("digest", [False, True])
def test_cms_signatures_verify_over_data_and_digest(kind: str, digest: bool) -> None:
    content = b"asiakirja"
    sent = hashlib.sha384(content).digest() if digest else content
    row = service(load_settings()).sign(
        body(sent, signatureType=kind, contentType="digest" if digest else "data", hashAlgorithm="SHA384")
    )
    answer = read_answer(row)
    answer.verify(sent, is_digest=digest)
    with pytest.raises(Refused, match="does not verify"):
        answer.verify(hashlib.sha384(b"x").digest() if digest else b"asiakirjA", is_digest=digest)
    assert (content in answer.signature) is (kind == "cms" and not digest), "only cms over data carries the content"


def test_a_type_whose_format_is_not_public_is_refused_and_says_so() -> None:
    answer = service(load_settings("1.2")).sign(body(b"x", signatureType="xml"))
    assert answer["reasonCode"] == 501 and "scs.signature-type.unpublished" in answer["reasonText"]


def test_13_takes_the_semicolon_and_refuses_the_older_forms() -> None:
    settings = load_settings("1.3")
    assert login(settings, challenge_content(ORIGIN, NONCE, ChallengeForm.SEMICOLON))["status"] == "ok"
    for old in (f"{ORIGIN}\n{NONCE}", f"{ORIGIN} {NONCE}"):
        assert "scs.origin.challenge" in login(settings, old.encode())["reasonText"]
    assert "scs.origin.mismatch" in login(settings, f"{ORIGIN};{NONCE}".encode(), origin="")["reasonText"]
    assert login(settings.with_quirks(["origin-optional"]), f"{ORIGIN};{NONCE}".encode(), origin="")["status"] == "ok"


def test_a_challenge_is_signed_once_and_again_only_by_quirk() -> None:
    """A page that sends the same challenge twice accepts replays itself."""
    content = challenge_content(ORIGIN, NONCE, ChallengeForm.LINE)
    for names, second in (([], "failed"), (["takes-replays"], "ok")):
        settings = load_settings().with_quirks(names)
        scs = service(settings)
        assert login(settings, content, scs=scs)["status"] == "ok"
        again = login(settings, content, scs=scs)
        assert again["status"] == second
        assert second == "ok" or (again["reasonCode"] == 403 and "scs.origin.replayed" in again["reasonText"])


def test_a_challenge_that_was_not_signed_may_be_tried_again() -> None:
    """A wrong PIN must not cost the login."""
    card, pins = MemoryCard(), [Pin("9999"), PIN1]
    scs = SignatureService(lambda: card, lambda _asked: pins.pop(0), (), load_settings())
    content = challenge_content(ORIGIN, NONCE, ChallengeForm.LINE)
    assert login(load_settings(), content, scs=scs)["reasonCode"] == 401
    assert login(load_settings(), content, scs=scs)["status"] == "ok"


def test_a_second_request_is_told_that_the_user_is_busy() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slowly(_request: PinRequest) -> Pin:
        asked.set()
        go_on.wait(10)
        return PIN2

    card = MemoryCard()
    scs = SignatureService(lambda: card, slowly, (), load_settings())
    first: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: first.append(scs.sign(body(b"x"))))
    thread.start()
    assert asked.wait(10)
    second = scs.sign(body(b"y"))
    go_on.set()
    thread.join()
    assert second["reasonCode"] == 403 and "scs.busy" in second["reasonText"]
    assert first[0]["status"] == "ok"


def test_a_card_that_goes_while_the_pin_is_typed_signs_nothing() -> None:
    card: list[MemoryCard] = [MemoryCard()]

    def pulled(_request: PinRequest) -> Pin:
        card.clear()
        return PIN2

    scs = SignatureService(lambda: card[0] if card else None, pulled, (), load_settings())
    answer = scs.sign(body(b"x"))
    assert answer["reasonCode"] == 500 and "scs.card.removed" in answer["reasonText"]


@pytest.mark.parametrize(
    ("quirk", "request_fields", "expected"),
    [
        ("ignores-hash", {"hashAlgorithm": "SHA512"}, {"signatureAlgorithm": "SHA256withRSA"}),
        ("no-digest", {"contentType": "digest"}, {"reasonCode": 501}),
        ("only-500", {"content": "%"}, {"reasonCode": 500}),
        ("low-tries", {}, {"reasonCode": 401}),
    ],
)
def test_quirks_do_what_they_say(quirk: str, request_fields: dict[str, Any], expected: dict[str, Any]) -> None:
    card = MemoryCard()
    card.tries_left = 2
    answer = service(load_settings().with_quirks([quirk]), card).sign(body(b"d" * 32, **request_fields))
    assert {name: answer.get(name) for name in expected} == expected


def test_every_quirk_can_be_chosen_and_an_unknown_one_is_named() -> None:
    for name, quirk in quirks().items():
        changed = load_settings("1.3").with_quirks([name])
        assert {key: getattr(changed, key) for key in quirk.switches} == dict(quirk.switches)
        assert quirk.source.startswith("docs/field/scs.md")
    with pytest.raises(Misuse, match="no quirk 'perfect'"):
        load_settings().with_quirks(["perfect"])
    assert ports().https == 53952 and ports().old_http[0] == 8088


def test_scripted_pins_cancel_by_word_and_refuse_other_files() -> None:
    source = scripted_pins("1234\nCancel\n")
    assert source(PinRequest(PinKind.PIN1, "")) == Pin("1234")
    assert source(PinRequest(PinKind.PIN2, "")) is None
    with pytest.raises(Misuse, match="holds 1 of 2 lines: PIN1, then PIN2"):
        scripted_pins("1234")


def test_a_pin_desk_gives_the_answer_to_the_question_it_was_given_to() -> None:
    desk, got = PinDesk(), list[Pin | None]()
    thread = threading.Thread(target=lambda: got.append(desk(PinRequest(PinKind.PIN2, ORIGIN))))
    thread.start()
    while (question := desk.question) is None:
        thread.join(0.01)
    assert not desk.answer("guess", Pin("1111"))
    assert desk.answer(question.id, PIN2)
    thread.join()
    assert got == [PIN2] and desk.question is None
    assert not desk.answer(question.id, PIN2), "an answered question takes no second answer"


def test_a_question_ends_with_a_reader_that_fails() -> None:
    """It stayed open on the user's page, and took the PIN that was typed next for nobody."""
    desk, opened = PinDesk(), list[str]()

    def failing() -> bool:
        assert desk._question is not None  # the desk is held while the reader is asked
        opened.append(desk._question.id)
        raise Fault("The PC/SC service does not run.")

    with pytest.raises(Fault):
        desk(PinRequest(PinKind.PIN2, ORIGIN, present=failing))
    assert desk.question is None
    assert not desk.answer(opened[0], PIN2), "the PIN is kept for nobody"


def test_a_question_ends_with_the_card_and_with_patience() -> None:
    assert PinDesk()(PinRequest(PinKind.PIN1, "", present=lambda: False)) is None
    assert PinDesk(patience=0.1)(PinRequest(PinKind.PIN1, "")) is None


@given(
    st.binary(max_size=200)
    | st.dictionaries(
        st.sampled_from(["version", "status", "reasonCode", "chain", "signature", "signatureAlgorithm"]),
        st.none()
        | st.text(max_size=8)
        | st.integers()
        | st.just("ok")
        | st.just(200)
        | st.lists(st.text(), max_size=2),
    ).map(lambda row: json.dumps(row).encode())
)
def test_any_answer_of_a_foreign_service_is_read_or_refused(answer: bytes) -> None:
    for read in (read_answer, read_version):
        try:
            read(answer)
        except Refused as refused:
            assert refused.rule in answer_rules().rules
