"""Answers that are remembered for a moment: how long, by whom they are asked for anew, and what is not kept."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from sotepki.kela.memory import ShortMemory, remembering
from sotepki.x509.status import CertificateState, CertificateStatus

SECONDS = 0.3


def test_with_no_time_every_question_is_asked() -> None:
    memory: ShortMemory[int] = ShortMemory(0)
    answers = iter(range(3))
    assert [memory.get("key", lambda: next(answers)) for _ in range(3)] == [0, 1, 2]


def test_an_answer_is_used_no_longer_than_its_time() -> None:
    """A revocation counts a second later; it would otherwise count whenever the traffic happens to pause."""
    memory: ShortMemory[float] = ShortMemory(SECONDS)
    end = time.monotonic() + 4 * SECONDS
    while (now := time.monotonic()) < end:
        assert memory.get("key", time.monotonic) > now - SECONDS
        time.sleep(0.005)


def test_one_asks_anew_while_the_others_go_on() -> None:
    """The archive's threads would all ask the responder the same, every second, which costs it a signature each."""
    memory: ShortMemory[str] = ShortMemory(SECONDS)
    asking, most, asked, lock = 0, 0, 0, threading.Lock()

    def ask() -> str:
        nonlocal asking, most, asked
        with lock:
            asking, asked = asking + 1, asked + 1
            most = max(most, asking)
        time.sleep(0.03)
        with lock:
            asking -= 1
        return "good"

    memory.get("key", ask)
    end = time.monotonic() + 5 * SECONDS

    def work() -> None:
        while time.monotonic() < end:
            assert memory.get("key", ask) == "good"
            time.sleep(0.001)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for _ in range(4)]:
            done.result()
    assert most == 1 and 3 <= asked <= 9, (most, asked)


def test_an_answer_that_is_not_kept_replaces_the_one_that_was() -> None:
    """Who learns early that a certificate is revoked does not leave the others with its good state."""
    memory: ShortMemory[str] = ShortMemory(SECONDS)
    answers = iter(["good", "revoked", "revoked"])

    def get() -> str:
        return memory.get("key", lambda: next(answers), keep=lambda answer: answer == "good")

    assert get() == get() == "good"
    time.sleep(0.8 * SECONDS)
    assert [get(), get()] == ["revoked", "revoked"], "each asked for"
    with pytest.raises(StopIteration):
        get()


def test_a_question_that_fails_is_asked_again_by_the_next() -> None:
    memory: ShortMemory[str] = ShortMemory(SECONDS)
    memory.get("key", lambda: "good")
    time.sleep(0.8 * SECONDS)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            memory.get("key", lambda: str(1 // 0))


@dataclass(frozen=True)
class Named:
    """What ``remembering`` knows a certificate by."""

    subject: str
    serial_number: int


def test_a_good_certificate_says_nothing_of_another_and_only_good_is_remembered() -> None:
    """A revoked client would be let in as long as its neighbour's good answer is remembered."""
    asked: list[tuple[Named, Named]] = []

    def lookup(certificate: Named, issuer: Named) -> CertificateStatus:
        asked.append((certificate, issuer))
        return CertificateStatus(
            CertificateState.REVOKED if certificate.serial_number == 8 else CertificateState.GOOD
        )

    remembered = remembering(lookup, 60)  # type: ignore[arg-type]
    good, revoked, issuer = Named("x", 7), Named("x", 8), Named("CA", 1)
    pairs = [(good, issuer), (good, Named("CA", 2)), (good, Named("CA 2", 1)), (revoked, issuer)]
    for _ in range(2):
        states = [remembered(*pair).state for pair in pairs]  # type: ignore[arg-type]
        assert states == [CertificateState.GOOD] * 3 + [CertificateState.REVOKED]
    assert asked == [*pairs, pairs[-1]], "each good answer was asked for once, the other one again"
