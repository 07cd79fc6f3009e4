"""The APDU door on real keys: the chip's process, SoftHSM behind the vault, and faults at the contacts."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from card_os_scripts import Script, load_scripts, run_on
from card_os_world import CODE, PIN1, PIN2, SoftwareStore, certificate, private_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.card import CardShelf, Credential, KeyUse, Personalisation
from sotepki.card.door import ChipDoor, Exchange, Faults, open_door
from sotepki.errors import Misuse, Refused
from sotepki.tokens.session import TokenDirectory
from sotepki.x509.lenient import DerCertificate

pytestmark = pytest.mark.integration

REAL = [
    script
    for script in load_scripts()
    if script.section in ("4.4", "4.6", "4.8", "4.9", "6") and not script.card.get("key", "").startswith("p-256")
]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cards of each kind, personalised once, one of each activated too."""
    home = tmp_path_factory.mktemp("stock")
    with CardShelf(home / "cards", patience=30) as shelf:
        for key in ("rsa-2048", "rsa-3072", "p-384"):
            for phase in ("personalised", "active"):
                number = f"{key}-{phase}"
                keys = {use: private_key(key, at) for at, use in enumerate(KeyUse)}
                issuers = [certificate("TEST issuing CA", "p-256", 7), certificate("TEST root CA", "p-256", 8)]
                shelf.personalise(
                    Personalisation(
                        number=number,
                        holder="TEST Holder",
                        keys=keys,
                        certificates={
                            use: x509.load_der_x509_certificate(certificate(f"TEST {use}", key, at))
                            for at, use in enumerate(KeyUse)
                        },
                        issuers=[x509.load_der_x509_certificate(issuer) for issuer in issuers],
                        activation_code=CODE,
                    )
                )
                if phase == "active":
                    with shelf.insert(number) as card:
                        card.activate(CODE, PIN1, PIN2)
    return home


@pytest.fixture
def shelf(stock: Path, tmp_path: Path) -> Iterator[CardShelf]:
    shutil.copytree(stock / "cards", tmp_path / "cards")
    with CardShelf(tmp_path / "cards", patience=30) as made:
        yield made


@dataclass
class CardAtTheDoor:
    """A door with what the scripts ask of a card."""

    door: ChipDoor
    shelf: CardShelf
    number: str
    key: str

    @property
    def system(self) -> Any:
        return SimpleNamespace(power=self.door.reset)

    @property
    def vault(self) -> Any:
        return SimpleNamespace(state=self.shelf.read(self.number).state)

    memory = vault

    @property
    def certificates(self) -> dict[KeyUse, bytes]:
        return {use: certificate(f"TEST {use}", self.key, at) for at, use in enumerate(KeyUse)}

    @property
    def store(self) -> SoftwareStore:
        return SoftwareStore({use: private_key(self.key, at) for at, use in enumerate(KeyUse)})

    def send(self, command: bytes) -> bytes:
        return self.door.transmit(command)


@pytest.mark.parametrize("script", REAL, ids=lambda script: f"{script.section} {script.name}")
def test_the_byte_sequences_hold_on_real_keys(script: Script, shelf: CardShelf) -> None:
    """The table must hold for the card that a developer inserts, not for a model of it."""
    options = dict(script.card)
    key, phase = options.pop("key", "rsa-2048"), options.pop("phase", "active")
    number = f"{key}-{phase}"
    with open_door(shelf, number, **options) as door:
        assert door.power_on() == door.atr
        assert run_on(CardAtTheDoor(door, shelf, number, key), script)


def send(door: ChipDoor, command: str) -> str:
    return door.transmit(bytes.fromhex(command)).hex().upper()


SIGN = ("00A4040C06452E5349474E", "0020000406323232323232", "002241B606800142840182", "002A9E9A20" + "11" * 32 + "00")


HERE = pytest.mark.parametrize("here", [False, True], ids=["own process", "reader's process"])


@HERE
def test_a_card_pulled_in_a_signature_is_well_afterwards(shelf: CardShelf, here: bool) -> None:
    """The reader loses the card between work and answer; nothing may be half done on it."""
    faults = Faults(pulled_in_signature=True)
    with open_door(shelf, "rsa-2048-active", faults=faults, in_this_process=here) as door:
        for command in SIGN[:3]:
            assert send(door, command) == "9000"
        assert send(door, SIGN[3]) == ""
        assert not door.present
        assert door.power_on() == b""
        assert send(door, SIGN[0]) == ""
    with open_door(shelf, "rsa-2048-active", in_this_process=here) as door:
        assert send(door, "00200004") == "63C5"
        assert send(door, SIGN[3]) == "6985"
        assert [send(door, command)[-4:] for command in SIGN] == ["9000"] * 4


def test_a_card_that_is_pulled_in_a_signature_hears_the_whole_chain_before(shelf: CardShelf) -> None:
    """A driver that chains met a card that was gone before it signed, which is another accident to test."""
    message = "0001" + "FF" * 254
    with open_door(shelf, "rsa-2048-active", faults=Faults(pulled_in_signature=True), in_this_process=True) as door:
        for command in (*SIGN[:2], "002241B606800100840182", "102A9E9A80" + message[:256]):
            assert send(door, command) == "9000"
        assert send(door, "002A9E9A80" + message[256:] + "00") == ""
        assert not door.present


@HERE
def test_a_card_pulled_after_a_few_commands(shelf: CardShelf, here: bool) -> None:
    """Middleware must cope with a card that goes at any moment; a wrong PIN before it stays counted."""
    with open_door(shelf, "rsa-2048-active", faults=Faults(pulled_after=2), in_this_process=here) as door:
        assert send(door, "002000030439393939") == "63C4"
        assert send(door, "00200003") == "63C4"
        assert send(door, "00200003") == ""
    assert shelf.read("rsa-2048-active").state.tries[Credential.PIN1] == 4


def test_a_chip_in_the_readers_process_has_its_card_alone_and_survives_other_tokens(shelf: CardShelf) -> None:
    """A reader that signs a faulty certificate with a CA's token meanwhile must not lose the card's verified PIN."""
    number = "rsa-2048-active"
    with open_door(shelf, number, in_this_process=True) as door:
        with pytest.raises(Refused) as refused:
            shelf.insert(number)
        assert refused.value.rule == "card.in-use"
        assert send(door, "002000030431323334") == "9000"
        assert send(door, SIGN[2].replace("82", "01")) == "9000"
        assert TokenDirectory(shelf.directory / "p-384-active").token_labels()
        assert send(door, SIGN[3])[-4:] == "9000"
        assert send(door, "002000030431323334") == "9000"
        card = shelf.read(number).state
    assert set(card.tries.values()) == {5}
    with shelf.insert(number):
        assert send(door, "00200003") == ""


def test_a_chip_that_is_killed_is_a_card_that_is_gone(shelf: CardShelf) -> None:
    """A crash of the chip must not crash the reader."""
    with shelf.insert("rsa-2048-active") as card:
        from sotepki.card.reader import CardDoor

        door = CardDoor(card)
        assert card.chip_process is not None
        os.kill(card.chip_process, signal.SIGKILL)
        assert send(door, "00200003") == ""
        assert not door.present


def test_faults_can_be_set_while_the_card_is_in_the_reader(shelf: CardShelf) -> None:
    """A tester locks the PIN in the middle of a session; what was selected and verified stays."""
    exchanges: list[Exchange] = []
    with open_door(shelf, "rsa-2048-active", trace=exchanges.append) as door:
        send(door, "002000030431323334")
        send(door, "00A4080C0450155032")
        sound = send(door, "00B0000010")
        door.set_faults(
            Faults(
                tries={Credential.PIN2: 0},
                corrupted_token_info=True,
                unreadable_ca_files=True,
                missing_signature_certificate=True,
                latency=0.05,
            )
        )
        assert send(door, "00B0000010") != sound
        assert send(door, "00200003") == "9000"
        assert send(door, "00200004") == "6983"
        assert send(door, "00A4080C0450164332") == "6A82"
        assert send(door, "00A4080C024333") == "9000"
        assert send(door, "00B0000010") == "6982"
        door.set_faults(Faults(missing_ca_files=True, latency=0.05))
        assert send(door, "00A4080C024333") == "6A82"
        started = time.monotonic()
        send(door, "00200003")
        assert time.monotonic() - started >= 0.05
    assert exchanges[-1].milliseconds >= 50
    assert exchanges[0].command.hex() == "002000030431323334"


def certificate_on(door: ChipDoor, path: str) -> x509.Certificate:
    fci = door.transmit(bytes.fromhex(f"00A4080004{path}00"))
    size = int.from_bytes(fci[4:6], "big")
    answer = door.transmit(bytes.fromhex(f"00B0000000{size:04X}"))
    return x509.load_der_x509_certificate(answer[:-2])


def test_certificates_with_faults(shelf: CardShelf) -> None:
    """Each fault changes what it says and nothing else; the true CA signs them if the caller lends it."""
    number, both = "p-384-active", frozenset(KeyUse)
    true = shelf.read(number).certificates
    authority = private_key("p-256", 9)

    def reissue(builder: x509.CertificateBuilder, true: DerCertificate) -> bytes:
        return builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.DER)

    with open_door(shelf, number, faults=Faults(expired=both), reissue=reissue) as door:
        expired = certificate_on(door, "50154331")
        assert expired.not_valid_after_utc < true[KeyUse.AUTHENTICATION].not_valid_before_utc
        assert expired.public_key() == true[KeyUse.AUTHENTICATION].public_key()
        authority.public_key().verify(
            expired.signature,
            expired.tbs_certificate_bytes,
            expired.signature_algorithm_parameters,  # type: ignore[arg-type]
        )
        door.set_faults(Faults(wrong_key=frozenset({KeyUse.SIGNATURE})))
        assert certificate_on(door, "50164332").public_key() != true[KeyUse.SIGNATURE].public_key()
        assert certificate_on(door, "50154331") == true[KeyUse.AUTHENTICATION]
        door.set_faults(Faults(mismatched=True))
        assert certificate_on(door, "50164332") == true[KeyUse.AUTHENTICATION]
        assert certificate_on(door, "50154331") == true[KeyUse.SIGNATURE]
        door.set_faults(Faults())
        assert certificate_on(door, "50164332") == true[KeyUse.SIGNATURE]


def test_one_card_has_one_power_for_all_its_doors(shelf: CardShelf) -> None:
    """The in-process door and the APDU door ask the same vault: counters cannot be played against each other."""
    from sotepki.card.reader import CardDoor

    with shelf.insert("rsa-2048-active") as card:
        door = CardDoor(card)
        card.verify_pin2(PIN2)
        assert [send(door, command)[-4:] for command in SIGN[2:]] == ["9000", "9000"]
        with pytest.raises(Refused) as refused:
            card.signature_key.sign(b"x", *_pkcs1())  # type: ignore[call-arg]
        assert refused.value.rule == "card.pin2.not-verified"
        send(door, "002000030439393939")
        assert card.tries()["pin1"] == 4
        door.power_off()
        assert send(door, "00200004") == "63C5"


def _pkcs1() -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.asymmetric import padding

    return padding.PKCS1v15(), hashes.SHA256()


def test_unknown_faces_are_refused_and_long_commands_answered(shelf: CardShelf) -> None:
    """A typing error is told before anything starts; a command of any length gets an answer."""
    with pytest.raises(Misuse, match="opensc"), open_door(shelf, "rsa-2048-active", profile="idemia"):
        pass
    with open_door(shelf, "rsa-2048-active") as door:
        for length in (0, 1, 4200, 70_000):
            assert len(door.transmit(b"\x00" * length)) == 2
        assert send(door, "00200003") == "63C5"
