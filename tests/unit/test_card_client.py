"""The card client against a card of a few lines, and against cards that answer anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from sotepki.card.client import CardClient, PinStanding, Role, WrongPins
from sotepki.card.client.tlv import objects, read_header
from sotepki.errors import Fault, Refused, SotepkiError
from sotepki.tokens import Pin

APPLICATION, DIRECTORY = "a000000063504b43532d3135", "452e5349474e"
DIGEST = hashlib.sha256(b"data").digest()


def certificate_of(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST client")])
    at = datetime(2026, 3, 2, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, at, at + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


class SmallCard:
    """Just enough of an organisational card: files, two PINs, one signature at a time. Not the emulator's code."""

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate, *, certified: bool = True) -> None:
        self.key = key
        der = certificate.public_bytes(Encoding.DER)
        self.files = {
            b"\x43\x31": der,
            b"\x43\x32": der,
            b"\x50\x32": bytes.fromhex("3010020100040454455354800454455354"),
        }
        if not certified:
            del self.files[b"\x43\x32"]
        self.pins = {3: (b"1111", 5), 4: (b"222222", 5), 0x12: (b"12345678", 5)}
        self.verified: set[int] = set()
        self.current = b""
        self.pending = b""
        self.asked: list[str] = []
        self.wrong_length_once = False

    def transmit(self, command: bytes) -> bytes:
        self.asked.append(command.hex())
        answer, status = self.answer(command)
        return answer + status.to_bytes(2, "big")

    def answer(self, command: bytes) -> tuple[bytes, int]:
        _, ins, p1, p2 = command[:4]
        data = command[5 : 5 + command[4]] if len(command) > 5 else b""
        if ins == 0xA4:
            if p1 in (0, 2) and data not in (b"\x3f\x00", *self.files):
                return b"", 0x6A82
            self.current = data
            return b"", 0x9000
        if ins == 0xB0:
            content = self.files.get(self.current)
            if content is None:
                return b"", 0x6986
            if self.wrong_length_once:
                self.wrong_length_once = False
                return b"", 0x6C02
            offset, count = p1 << 8 | p2, command[4] or 256
            return (content[offset : offset + count], 0x9000) if offset + count <= len(content) else (b"", 0x6B00)
        if ins == 0x20:
            return b"", self.verify(p2, data)
        if ins == 0x22:
            return b"", 0x9000
        if ins == 0x2A:
            if 4 not in self.verified:
                return b"", 0x6982
            self.verified.discard(4)
            self.pending = self.key.sign(data, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
            return b"", 0x6100
        if ins == 0xC0:
            part, self.pending = self.pending[:200], self.pending[200:]
            return part, 0x6100 | len(self.pending) if self.pending else 0x9000
        return b"", 0x6D00

    def verify(self, reference: int, data: bytes) -> int:
        if reference not in self.pins:
            return 0x6A88
        right, left = self.pins[reference]
        if not left:
            return 0x6983
        if not data:
            return 0x9000 if reference in self.verified else 0x63C0 | left
        if data == right:
            self.pins[reference] = (right, 5)
            self.verified.add(reference)
            return 0x9000
        self.pins[reference] = (right, left - 1)
        return 0x63C0 | left - 1 if left > 1 else 0x6983


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def card(key: rsa.RSAPrivateKey) -> SmallCard:
    return SmallCard(key, certificate_of(key))


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.rule


def test_a_digest_is_signed_and_the_answer_joined(card: SmallCard, key: rsa.RSAPrivateKey) -> None:
    """61xx answers come in parts; a client that takes the first part has half a signature."""
    proof = CardClient(card).sign_digest(DIGEST, "sha256", Pin("222222"))
    key.public_key().verify(proof.signature, b"data", padding.PKCS1v15(), hashes.SHA256())
    assert "002241b606800142840182" in card.asked
    assert f"00a4040c06{DIRECTORY}" in card.asked


def test_looking_spends_no_tries(card: SmallCard) -> None:
    """``pins`` and reading must be free of cost however often they are done."""
    for _ in range(20):
        client = CardClient(card)
        client.objects()
        assert [one.tries for one in client.pins()] == [5, 5, 5]
    assert all(left == 5 for _, left in card.pins.values())
    assert not [one for one in card.asked if one.startswith("0020") and len(one) > 8]


def test_a_wrong_pin_is_offered_once(card: SmallCard, tmp_path: Path) -> None:
    """The memory is by card and PIN, outlives the program, and does not hold the digits."""
    memory = tmp_path / "wrong.json"
    for wanted in ("card.pin.wrong", "card.client.known-wrong", "card.client.known-wrong"):
        client = CardClient(card, wrong_pins=WrongPins(memory))
        assert refusal(lambda client=client: client.verify(Role.PIN1, Pin("9999"))) == wanted
    assert card.pins[3][1] == 4
    assert b"9999" not in memory.read_bytes()
    assert memory.stat().st_mode & 0o077 == 0
    CardClient(card, wrong_pins=WrongPins(memory)).verify(Role.PIN1, Pin("1111"))
    assert refusal(lambda: CardClient(card, wrong_pins=WrongPins(memory)).verify(Role.PIN1, Pin("9999"))) == (
        "card.pin.wrong"
    ), "after the right PIN the memory begins anew"


def test_a_damaged_memory_is_a_sentence(tmp_path: Path) -> None:
    """A half-written file must not look like an empty memory, nor crash."""
    path = tmp_path / "wrong.json"
    for content in (b"{", b"[]", b'{"a": 1}', b"\xff", b"[" * 100000):
        path.write_bytes(content)
        with pytest.raises(Fault, match="damaged"):
            WrongPins(path).known("card", 3, Pin("1234"))


def test_the_floor_keeps_two_tries(card: SmallCard) -> None:
    """Three wrong PINs of a program in a loop must leave the holder two tries."""
    client = CardClient(card)
    found = [refusal(lambda pin=pin: client.verify(Role.PIN2, Pin(str(pin)))) for pin in range(900000, 900010)]
    assert found == ["card.pin.wrong"] * 3 + ["card.client.few-tries"] * 7
    assert card.pins[4][1] == 2
    client.verify(Role.PIN2, Pin("222222"), insist=True)
    assert card.pins[4][1] == 5


def test_a_locked_pin_is_not_offered_anything(card: SmallCard) -> None:
    """Locked is told from the probe; VERIFY is not sent."""
    card.pins[3] = (b"1111", 0)
    client = CardClient(card)
    assert client.pins()[0].standing is PinStanding.LOCKED
    assert refusal(lambda: client.verify(Role.PIN1, Pin("1111"), insist=True)) == "card.pin.locked"


def test_a_signature_of_another_key_is_not_passed_on(key: rsa.RSAPrivateKey) -> None:
    """The card's certificate is not of its key: the client says so before anybody relies on it."""
    card = SmallCard(key, certificate_of(rsa.generate_private_key(65537, 2048)))
    assert refusal(lambda: CardClient(card).sign_digest(DIGEST, "sha256", Pin("222222"))) == "card.client.signature"


def test_a_missing_certificate_is_named(key: rsa.RSAPrivateKey) -> None:
    """Before a PIN is spent."""
    card = SmallCard(key, certificate_of(key), certified=False)
    assert refusal(lambda: CardClient(card).sign_digest(DIGEST, "sha256", Pin("222222"))) == (
        "card.client.no-certificate"
    )
    assert card.pins[4][1] == 5


def test_one_wrong_length_is_corrected(card: SmallCard) -> None:
    """6Cxx says what to ask for."""
    card.wrong_length_once = True
    assert CardClient(card).objects().certificate(Role.PIN2) is not None


def test_without_room_for_le_in_t0(card: SmallCard) -> None:
    """T=0 has no case 4; a Le behind data would be a wrong length there."""
    card.protocol = "T=0"  # type: ignore[attr-defined]
    CardClient(card).sign_digest(DIGEST, "sha256", Pin("222222"))
    assert any(one == "002a9e9a20" + DIGEST.hex() for one in card.asked)


def test_a_card_without_the_application_is_foreign() -> None:
    """A bank card in the reader is no FINEID card and must not be asked for PINs."""

    class Foreign:
        def transmit(self, command: bytes) -> bytes:
            assert command[1] != 0x20
            return b"\x6a\x82"

    assert refusal(lambda: CardClient(Foreign()).pins()) == "card.client.foreign"


class Babbler:
    """Answers from a list, for ever."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.count = 0

    def transmit(self, command: bytes) -> bytes:
        self.count += 1
        return self.answers[self.count % len(self.answers)]


ANSWERS = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([b"\x90\x00", b"\x61\x00", b"\x6c\x05", b"\x63\xc3", b"\x69\x83", b"\x30\x82\x10\x00\x90\x00"]),
    st.binary(max_size=200).map(lambda data: data + b"\x90\x00"),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ANSWERS, min_size=1, max_size=8))
def test_no_card_crashes_or_holds_the_client(answers: list[bytes]) -> None:
    """A broken card gives a sentence or an empty list, within a bounded number of commands."""
    babbler = Babbler(answers)
    for use in (
        lambda: CardClient(babbler).objects(),
        lambda: CardClient(babbler).pins(),
        lambda: CardClient(babbler).sign_digest(DIGEST, "sha256", Pin("222222")),
    ):
        try:
            use()
        except SotepkiError as error:
            assert "222222" not in str(error)
    assert babbler.count < 400_000


@given(st.binary(max_size=400))
def test_any_bytes_are_walked(data: bytes) -> None:
    """Card files are foreign bytes."""
    for one in objects(data):
        assert len(one.value) <= len(data)
        one.first(0x04, 0x0C)
    header = read_header(data)
    assert header is None or header[1] <= 6
