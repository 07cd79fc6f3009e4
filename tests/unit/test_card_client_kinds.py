"""The card client on cards of both kinds and both keys, and the bytes that it finds its way in."""

from __future__ import annotations

import hashlib

import pytest
from card_os_world import CODE, PIN1, PIN2, Card, make_card
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from sotepki.card import Credential, KeyUse
from sotepki.card.client import CardClient, Role
from sotepki.card.client.tlv import objects
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
