"""Readers of real cards without hardware: whose card it is, a PC/SC service that comes back, hashes of EC keys."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from card_os_world import PIN2, make_card
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import Attribute
from scs_world import START

from sotepki.card import Credential
from sotepki.card.client import CardClient, Role
from sotepki.card.pcsc import binding
from sotepki.errors import Fault, Misuse
from sotepki.scs import pcsc_reader, pkcs11_reader
from sotepki.scs.pcsc_reader import PcscReader
from sotepki.scs.selecting import holder_of
from sotepki.tokens import Pin

CA_KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(name: str, issuer: str = "TEST CA", *usages: str) -> x509.Certificate:
    """One whose key usage is ``usages``; without any it has no such extension."""
    subject, above = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in (name, issuer))
    builder = x509.CertificateBuilder(
        above, subject, CA_KEY.public_key(), x509.random_serial_number(), START, START.replace(year=2030)
    )
    if usages:
        known = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                 "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
        builder = builder.add_extension(x509.KeyUsage(**{one: one in usages for one in known}), critical=True)
    return builder.sign(CA_KEY, hashes.SHA256())


@dataclass(frozen=True)
class Token:
    """A token of a module, with certificates on it."""

    certificates: Sequence[x509.Certificate]

    @contextmanager
    def open(self) -> Iterator[Token]:
        yield self

    def get_objects(self, _template: object) -> list[dict[Attribute, bytes]]:
        octets = (one.public_bytes(Encoding.DER) for one in self.certificates)
        return [{Attribute.ID: b"\x01", Attribute.VALUE: one} for one in octets]


def card_of(*tokens: Sequence[x509.Certificate]) -> Any:
    library = SimpleNamespace(get_tokens=lambda **_: [Token(one) for one in tokens])
    return pkcs11_reader._found(library, threading.RLock())


def persons_on(card: Any) -> dict[str, str]:
    return {use: holder_of(place.certificate) for use, place in card._places.items()}


LOGIN, SIGN = "digital_signature", "content_commitment"


def test_two_persons_tokens_in_one_module_are_not_one_card() -> None:
    """A doctor's signature under a nurse's login would be in the patient record."""
    nurse = certificate("Hoitaja", "TEST CA", LOGIN)
    doctor = [certificate("Lääkäri", "TEST CA", LOGIN), certificate("Lääkäri", "TEST CA", SIGN)]
    root = certificate("TEST CA")
    only_login = card_of([nurse, root], doctor[1:], doctor[:1])
    assert persons_on(only_login) == {"authentication": "Hoitaja"}
    assert only_login.issuers == (root,), "another person's certificate is nobody's issuer"
    both = card_of([doctor[1], root], [nurse], doctor[:1])
    assert persons_on(both) == {"signature": "Lääkäri", "authentication": "Lääkäri"}


def test_persons_are_told_apart_also_where_certificates_restrict_no_use() -> None:
    """Cards without key usages were mixed in the order in which the module shows them."""
    own, other, root = certificate("Aino"), certificate("Eino"), certificate("TEST CA", "TEST CA")
    card = card_of([root, own], [other], [certificate("Aino")])
    assert persons_on(card) == {"authentication": "Aino", "signature": "Aino"}
    assert card.issuers == (root,)


def test_what_neither_logs_in_nor_signs_decides_no_person() -> None:
    """An authority that the module shows first, or a certificate for encryption, took the place of the login."""
    authority = certificate("TEST väli", "TEST CA", "key_cert_sign")
    secrecy = certificate("Eino", "TEST CA", "key_encipherment")
    card = card_of([authority, secrecy], [certificate("Aino", "TEST CA", SIGN)])
    assert persons_on(card) == {"signature": "Aino"}
    assert card_of([authority, secrecy]) is None
    person = [certificate("Aino", "TEST CA", LOGIN), certificate("Aino", "TEST CA", SIGN)]
    also_signs = certificate("TEST CA", "TEST CA", LOGIN, SIGN, "key_cert_sign", "crl_sign")
    card = card_of([also_signs, *person])
    assert persons_on(card) == {"authentication": "Aino", "signature": "Aino"}
    assert card.issuers == (also_signs,)


@dataclass
class Pcscd:
    """The PC/SC service of a machine: contexts of before its last start are dead."""

    running: bool = True
    starts: int = 1
    card: bool = True
    opened: int = 0
    reader: bool = True
    mute: bool = False
    power_ups: int = 0

    def restart(self) -> None:
        self.starts += 1

    def context(self) -> Any:
        self._check(self.running)
        self.opened += 1
        start = self.starts

        def connect(_reader: str) -> Any:
            self._check(self.running and self.starts == start)
            if not self.reader:
                raise Misuse("There is no reader.", rule="card.pcsc.reader")
            if not self.card:
                raise Fault("There is no card.", rule="card.pcsc.no-card")
            self.power_ups += 1
            if self.mute:
                raise Fault("The card does not answer the reset.", rule="card.pcsc.failed")
            return SimpleNamespace(close=lambda: None, alive=lambda: self.running and self.starts == start)

        return SimpleNamespace(connect=connect, close=lambda: None)

    @staticmethod
    def _check(runs: bool) -> None:
        if not runs:
            raise Fault("The PC/SC service does not run.", rule="card.pcsc.absent")


@dataclass
class SeenCard:
    """A card that was read."""

    connection: Any

    def there(self) -> bool:
        return bool(self.connection.alive())


@pytest.fixture
def pcscd(monkeypatch: pytest.MonkeyPatch) -> Pcscd:
    machine = Pcscd()
    monkeypatch.setattr(pcsc_reader, "PcscContext", machine.context)
    monkeypatch.setattr(pcsc_reader, "_PcscReadCard", SeenCard)
    return machine


@pytest.mark.parametrize("card", [True, False])
def test_a_pcsc_service_that_was_started_again_is_found(pcscd: Pcscd, card: bool) -> None:
    """After an update of pcscd the user was told that it does not run until the SCS was started anew."""
    pcscd.card = card
    reader = PcscReader()
    first = reader()
    pcscd.restart()
    pcscd.card = True
    found = reader()
    assert found is not None and found is not first


def test_a_pcsc_service_that_does_not_run_is_said_and_asked_again(pcscd: Pcscd) -> None:
    reader = PcscReader()
    reader()
    pcscd.running = False
    for _ in range(2):
        with pytest.raises(Fault, match="does not run"):
            reader()
    pcscd.running = True
    assert reader() is not None


def test_an_empty_or_missing_reader_keeps_the_context(pcscd: Pcscd) -> None:
    """Pages ask every second or so; each new context is a connection to pcscd."""
    pcscd.card, reader = False, PcscReader()
    assert [reader(), reader()] == [None, None]
    pcscd.reader = False
    with pytest.raises(Misuse, match="no reader"):
        reader()
    assert pcscd.opened == 1


def test_a_card_the_wrong_way_round_is_powered_up_once_a_look(pcscd: Pcscd) -> None:
    """Each look of a page made a new context for it and powered it up twice."""
    reader = PcscReader()
    assert reader() is not None
    pcscd.restart()
    pcscd.mute, pcscd.power_ups = True, 0
    for _ in range(3):
        with pytest.raises(Fault, match="does not answer"):
            reader()
    assert (pcscd.opened, pcscd.power_ups) == (2, 3), "one new context for the restart, none for the card"


@pytest.mark.parametrize("code", [0x80100003, 0x80100013, 0x8010001D, 0x8010001E])
def test_every_way_in_which_pcsc_says_that_its_service_is_lost_is_one_rule(code: int) -> None:
    """Readers make a new context by this rule alone; a restart that is told otherwise would never be found."""
    with pytest.raises(Fault, match="service") as caught:
        binding._check(code, "list the readers")
    assert caught.value.rule == "card.pcsc.absent"


class BreakingConnection:
    """A connection to a card whose line breaks once: at the first command of a kind after PIN2 was given."""

    def __init__(self, breaks: Callable[[bytes], bool]) -> None:
        self.card = make_card()
        self.inside = False
        self.given = False
        self._breaks: Callable[[bytes], bool] | None = breaks

    def transmit(self, command: bytes) -> bytes:
        if self.given and self._breaks is not None and self._breaks(command):
            self._breaks = None
            raise Fault("The line to the card broke.", rule="card.pcsc.failed")
        self.given |= command[1] == 0x20 and command[3] == 4 and len(command) > 5
        return self.card.send(command)

    def begin(self) -> None:
        self.inside = True

    def end(self) -> None:
        self.inside = False

    def reset(self) -> None:
        assert self.inside, "another program could be at the card"
        self.card.system.power()


@pytest.mark.parametrize(
    "breaks",
    [lambda command: command[1] == 0xA4, lambda command: command[1] == 0x20 and len(command) <= 5],
    ids=["selecting", "probing"],
)
def test_a_signature_that_breaks_before_the_second_pin_takes_the_first_back(breaks: Callable[[bytes], bool]) -> None:
    """PIN2 stayed verified, and any other program of the machine could sign without it."""
    connection = BreakingConnection(breaks)
    card = pcsc_reader._PcscReadCard(cast(binding.PcscCard, connection))
    card.verify_pin2(PIN2)
    assert connection.card.vault.verified(Credential.PIN2)
    with pytest.raises(Fault, match="line"):
        cast(rsa.RSAPrivateKey, card.signature_key).sign(b"asiakirja", padding.PKCS1v15(), hashes.SHA256())
    assert not connection.card.vault.verified(Credential.PIN2)


@dataclass
class EcCard:
    """The part of a card client that signs."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP384R1()))
    resets: int = 0

    def reset(self) -> None:
        self.resets += 1

    def certificate(self, _role: Role) -> Any:
        return SimpleNamespace(public_key=self.key.public_key())

    def sign_digest(self, digest: bytes, hash_name: str, _pin: Pin, *, role: Role) -> Any:
        algorithm = getattr(hashes, hash_name.upper())()
        return SimpleNamespace(signature=self.key.sign(digest, ec.ECDSA(utils.Prehashed(algorithm))))


def ec_handle(card: EcCard) -> pcsc_reader._CardKey:
    return pcsc_reader._CardKey(cast(CardClient, card), threading.Lock(), Role.PIN2, Pin("222222"))


@pytest.mark.parametrize("name", ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"])
def test_an_ec_card_signs_every_hash_that_version_lists(name: str) -> None:
    """A page that takes SHA1 or SHA224 from the list got a sentence with a hole in it instead of a signature."""
    card = EcCard()
    digest = hashlib.new(name.lower(), b"asiakirja").digest()
    pair = ec_handle(card).sign_ecdsa(digest)
    r, s = (int.from_bytes(half, "big") for half in (pair[:48], pair[48:]))
    algorithm = ec.ECDSA(utils.Prehashed(getattr(hashes, name)()))
    card.key.public_key().verify(utils.encode_dss_signature(r, s), digest, algorithm)


def test_an_ec_card_says_which_hash_it_does_not_sign() -> None:
    """The service makes 501 scs.hash.unknown of it, anything else is a failed card; PIN2 must not stay verified."""
    card = EcCard()
    with pytest.raises(UnsupportedAlgorithm, match="SHA-1 or SHA-2"):
        ec_handle(card).sign_ecdsa(bytes(16))
    assert card.resets == 1
