"""The card client on cards of both kinds and both keys, and the bytes that it finds its way in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from card_os_world import CODE, PIN1, PIN2, Card, make_card
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from sotepki.card import Credential, KeyUse
from sotepki.card.client import CardClient, PinStanding, Role
from sotepki.card.client.tlv import objects
from sotepki.errors import Misuse, Refused
from sotepki.tokens import Pin

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
KINDS = [
    (profile, key, scheme, name)
    for profile in ("opensc", "authentic", "citizen")
    for key, scheme, names in (
        ("rsa-2048", "pkcs1", ("sha256", "sha384", "sha512")),
        ("rsa-2048", "pss", ("sha256", "sha384", "sha512")),
        ("p-384", "ecdsa", ("sha384",)),
    )
    for name in names
]


class Reader:
    """The way to a card in memory; remembers the commands."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.sent: list[str] = []

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command.hex())
        return self.card.send(command)


@pytest.mark.parametrize(("profile", "key", "scheme", "name"), KINDS)
def test_both_keys_of_every_kind_of_card_sign(profile: str, key: str, scheme: str, name: str) -> None:
    """A wrong number for key, algorithm or PIN makes the client useless on that kind of card."""
    card, digest = make_card(profile=profile, key=key), hashlib.new(name, b"data").digest()
    client, algorithm = CardClient(Reader(card)), HASHES[name]
    for role, pin, use in ((Role.PIN2, PIN2, KeyUse.SIGNATURE), (Role.PIN1, PIN1, KeyUse.AUTHENTICATION)):
        proof = client.sign_digest(digest, name, pin, role=role, scheme=scheme)
        certificate = x509.load_der_x509_certificate(card.certificates[use])
        public = certificate.public_key()
        assert proof.certificate.der == card.certificates[use]
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(proof.signature, digest, ec.ECDSA(Prehashed(algorithm)))
        else:
            assert isinstance(public, rsa.RSAPublicKey)
            pss = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
            filling = pss if scheme == "pss" else padding.PKCS1v15()
            public.verify(proof.signature, digest, filling, Prehashed(algorithm))


@pytest.mark.parametrize(("profile", "wire"), [("opensc", "0020000306363636363636"), ("citizen", None)])
def test_a_pin_is_set_changed_and_looked_at(profile: str, wire: str | None) -> None:
    """Citizen cards want the digits filled up with zero bytes to twelve, the others want them alone."""
    card = make_card(profile=profile)
    reader = Reader(card)
    client = CardClient(reader)
    client.unblock(Role.PIN1, CODE, Pin("5555"))
    client.change_pin(Role.PIN1, Pin("5555"), Pin("666666"))
    client.verify(Role.PIN1, Pin("666666"))
    assert card.store.pins[Credential.PIN1] == Pin("666666")
    assert [(one.role, one.tries) for one in client.pins()][1:] == [(Role.PIN2, 5), (Role.PUK, 5)]
    assert reader.sent.count(wire or f"002000110c363636363636{'00' * 6}") == 1


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("", []),
        ("3003020105", [(0x30, "020105")]),
        ("0401AA0402BBCC", [(0x04, "AA"), (0x04, "BBCC")]),
        ("0401AA000401BB", [(0x04, "AA")]),
        ("0401AAFF0401BB", [(0x04, "AA")]),
        ("7F490201AA", [(0x7F49, "01AA")]),
        ("5F810101AA", [(0x5F8101, "AA")]),
        ("5F81820101AA", []),
        ("048180" + "11" * 128, [(0x04, "11" * 128)]),
        ("0482008011" + "11" * 127, [(0x04, "11" * 128)]),
        ("0483000001AA", [(0x04, "AA")]),
        ("048400000001AA", []),
        ("0480" + "11" * 128, []),
        ("0402AA", []),
        ("048201", []),
        ("04", []),
        ("1F", []),
    ],
)
def test_data_objects_are_found_and_nothing_else(data: str, found: list[tuple[int, str]]) -> None:
    """The files of a card end in padding of zeros or ones; what does not fit must not be half read."""
    assert [(one.tag, one.value.hex().upper()) for one in objects(bytes.fromhex(data))] == found


class ResettableReader(Reader):
    """A reader that can reset the card; ``broken`` names an instruction during which the program is ended."""

    broken = 0x00

    def transmit(self, command: bytes) -> bytes:
        answer = super().transmit(command)
        if command[1] == self.broken and len(command) > 5:
            raise KeyboardInterrupt
        return answer

    def reset(self) -> None:
        self.card.system.power()


@pytest.mark.parametrize("broken", [0x20, 0x22])
@pytest.mark.parametrize("profile", ["opensc", "citizen"])
def test_a_signature_that_fails_takes_the_pin_back(profile: str, broken: int) -> None:
    """PIN2 stayed verified after Ctrl-C or a broken reader, and any other program could sign without it."""
    card = make_card(profile=profile)
    reader = ResettableReader(card)
    client = CardClient(reader)
    client.objects()
    reader.broken = broken
    with pytest.raises(KeyboardInterrupt):
        client.sign_digest(bytes(32), "sha256", PIN2)
    reader.broken = 0
    assert client.pins()[1].standing is PinStanding.READY
    assert client.sign_digest(bytes(32), "sha256", PIN2).algorithm == "pkcs1-sha256"


def test_an_unblocking_that_fails_takes_the_activation_code_back() -> None:
    """With the code left verified, whoever came next could set a PIN of his own."""
    card = make_card()
    client = CardClient(ResettableReader(card))
    with pytest.raises(Refused, match="new PIN"):
        client.unblock(Role.PIN1, CODE, Pin("1"))
    assert not card.vault.verified(Credential.PUK)
    assert card.send("002C02030435353535") == b"\x69\x82"


def test_a_wrong_pin_resets_nothing() -> None:
    """A reset ends the logins of other programs; a PIN that the card refused leaves nothing to take back."""
    card = make_card()
    client = CardClient(ResettableReader(card))
    client.verify(Role.PIN1, PIN1)
    with pytest.raises(Refused, match="Wrong PIN2"):
        client.sign_digest(bytes(32), "sha256", Pin("999999"))
    assert card.vault.verified(Credential.PIN1)


@pytest.mark.parametrize(("key", "scheme"), [("rsa-2048", "ecdsa"), ("p-384", "pkcs1"), ("p-384", "pss")])
def test_a_scheme_that_does_not_fit_the_key_is_refused_before_the_pin(key: str, scheme: str) -> None:
    """The card says no only after VERIFY, and then PIN2 is open."""
    reader = Reader(make_card(key=key))
    with pytest.raises(Misuse, match=scheme):
        CardClient(reader).sign_digest(bytes(48), "sha384", PIN2, scheme=scheme)
    assert not [one for one in reader.sent if one.startswith("00200004") and len(one) > 10]


@pytest.mark.parametrize("insist", [False, True])
def test_pin2_is_given_in_the_signature_directory(insist: bool) -> None:
    """The card was read after DF.ESIGN was entered, and real cards know PIN2 only there."""
    uses: list[Callable[[CardClient], object]] = [
        lambda client: client.verify(Role.PIN2, PIN2, insist=insist),
        lambda client: client.change_pin(Role.PIN2, PIN2, PIN2, insist=insist),
        lambda client: client.unblock(Role.PIN2, CODE, PIN2, insist=insist),
    ]
    for use in uses:
        reader = Reader(make_card(profile="authentic"))
        use(CardClient(reader))
        selects = [one for one in reader.sent if one.startswith("00a4")]
        assert selects[-1] == "00a4040c06452e5349474e"
        given = next(at for at, one in enumerate(reader.sent) if one[2:4] in ("20", "24") and len(one) > 10)
        assert reader.sent.index(selects[-1]) < given


@pytest.mark.parametrize("profile", ["opensc", "citizen"])
@pytest.mark.parametrize("layout", ["application", "master-file"])
def test_each_certificate_is_listed_once(profile: str, layout: str) -> None:
    """With the files under 3F00 a vendor saw two authentication certificates on a card that has one."""
    client = CardClient(Reader(make_card(profile=profile, layout=layout)))
    assert [one.id.hex() for one in client.objects().certificates] == ["45", "46", "47", "48"]
    assert client.certificate(Role.PIN1).der != client.certificate(Role.PIN2).der
