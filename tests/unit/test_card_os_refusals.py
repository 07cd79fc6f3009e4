"""Commands that do not fit: each has its status word, none breaks the card, none does half of what it says."""

from __future__ import annotations

import pytest
from card_os_world import NOW, Card, make_card, private_key
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.card import KeyUse
from sotepki.card.operating import public_card
from sotepki.errors import Fault

PIN1 = "0020000304 31323334"
APPLICATION = "00A4040C0C A000000063504B43532D3135"
DECIPHER = "002241B806 80011A 840101"
OAEP = "002241B806 80014D 840101"
DIGEST = "11" * 32
STATE = "22" * 32


def answers(card: Card, *commands: str) -> str:
    """The status word of the last command."""
    return [card.send(command) for command in commands][-1][-2:].hex().upper()


@pytest.mark.parametrize(
    ("status", "commands"),
    [
        pytest.param("6A86", ["00C0010000"], id="get-response-p1"),
        pytest.param("6A86", ["00C0000100"], id="get-response-p2"),
        pytest.param("6985", ["00C0000000"], id="get-response-of-nothing"),
        pytest.param("6A86", ["0084010008"], id="challenge-p1"),
        pytest.param("6A86", ["0084000108"], id="challenge-p2"),
        pytest.param("6700", ["00840000"], id="challenge-of-no-length"),
        pytest.param("6700", ["0084000001AA08"], id="challenge-with-data"),
        pytest.param("6700", ["00A4040C 000000 0100"], id="extended-body-of-no-length"),
        pytest.param("6700", ["00A4040C 001001" + "00" * 4097], id="extended-body-too-long"),
        pytest.param("6A82", ["00A4010C025015", "00A4010C025015"], id="directory-of-another-directory"),
        pytest.param("6A80", ["002241B604 80014284"], id="environment-ends-in-a-tag"),
        pytest.param("6A80", ["002241B603 810250"], id="environment-ends-in-a-value"),
        pytest.param("6A80", ["002241B806 800101 840101"], id="unknown-decipherment"),
        pytest.param("9000", ["002241B806 800100 840101"], id="raw-decipherment"),
        pytest.param("6985", [PIN1, "002A808602 1122"], id="decipher-without-environment"),
        pytest.param("6A80", [PIN1, DECIPHER, "002A808602 1122"], id="cryptogram-too-short"),
        pytest.param("6A80", [PIN1, DECIPHER, "002A8086 000100" + "FF" * 256], id="cryptogram-above-the-modulus"),
        pytest.param("6A80", [PIN1, OAEP, "002A8086 00010000" + "5A" * 255], id="cryptogram-of-no-oaep"),
        pytest.param("6985", ["002A9080 03 616263"], id="hash-without-environment"),
        pytest.param("6985", ["002241AA", "002A9080 03 616263"], id="hash-without-algorithm"),
        pytest.param("6A80", ["002A90A001 90"], id="digest-without-length"),
        pytest.param("6A80", ["002A90A022 8020" + DIGEST], id="digest-of-another-tag"),
        pytest.param("6A80", ["002A90A005 9014112233"], id="digest-cut"),
        pytest.param("6A80", ["002A90A012 9010" + "11" * 16], id="digest-of-no-hash"),
        pytest.param("6A80", ["002A90A023 9020" + DIGEST + "80"], id="rest-without-length"),
        pytest.param("6A80", [f"002A90A02D 9028{STATE}0000000000000200 810161"], id="rest-of-another-tag"),
        pytest.param("6A80", [f"002A90A02D 9028{STATE}0000000000000200 800261"], id="rest-cut"),
        pytest.param("6A80", [f"002A90A02D 9028{STATE}0000000000000208 800161"], id="begun-in-the-middle-of-a-block"),
        pytest.param("6A80", [f"002A90A02D 9028{STATE}2000000000000000 800161"], id="longer-than-a-hash-may-be"),
        pytest.param("6A80", [f"002A90A06D 9028{STATE}0000000000000200 8041" + "61" * 65], id="rest-of-two-blocks"),
        pytest.param("6A80", ["002A90A029 9024" + "22" * 36 + "800161"], id="state-of-no-hash"),
        pytest.param("6A80", [PIN1, "002241B603 840101", "002A9E9A01 30"], id="one-byte-to-sign"),
        pytest.param("6A80", ["00CB3FFF0B 4D097007BF8103037F4181 00"], id="unknown-question-about-a-pin"),
        pytest.param("6A80", ["00CB3FFF0B 4D097007BF9001037F4181 00"], id="unknown-question-about-a-key"),
        pytest.param("6A88", ["00CB3FFF0B 5D097007BF8103037F4180 00"], id="question-of-another-tag"),
    ],
)
def test_a_command_that_does_not_fit_gets_its_status_word(status: str, commands: list[str]) -> None:
    """A driver under work sends such things; a card that falls over, or says yes, hides its mistake."""
    assert answers(make_card(), *commands) == status


def test_a_chain_of_commands_has_an_end() -> None:
    """A reader that never ends its chain must not fill the card's memory."""
    card = make_card()
    assert {answers(card, "102A8086FF" + "00" * 255) for _ in range(16)} == {"9000"}
    assert answers(card, "102A808610" + "00" * 16) == "9000", "4096 bytes are what the card takes"
    assert answers(card, "102A808601 00") == "6700"


@pytest.mark.parametrize("between", ["00C0000000", "00C0000100", "00A4", "00A4040C05 3F00", "00B0000000", "80CA0000"])
def test_any_other_command_ends_a_chain(between: str) -> None:
    """Also GET RESPONSE and what cannot be read (ISO 7816-4 5.1.1.1): the rest would be of another cryptogram."""
    card = make_card(key="rsa-2048")
    key = private_key("rsa-2048", 0).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    cryptogram = b"\x81" + key.encrypt(b"secret", padding.PKCS1v15())
    first = bytes.fromhex("102A8086C8") + cryptogram[:200]
    last = bytes.fromhex("002A808639") + cryptogram[200:] + b"\0"
    for command in (PIN1, "002241B80680011A840101", first):
        assert card.send(command) == b"\x90\x00"
    assert card.send(last) == b"secret\x90\x00"
    card.send(first)
    card.send(between)
    assert b"secret" not in card.send(last)


def test_get_response_without_a_length_gives_everything() -> None:
    """A reader of T=0 that leaves the length out means: all there is."""
    card = make_card()
    whole = card.send("00A404000C A000000063504B43532D3135 00")
    assert card.send("00A404000C A000000063504B43532D3135") == b"\x61" + bytes([len(whole) - 2])
    assert card.send("00C00000") == whole


def test_the_citizen_container_is_asked_by_its_own_instruction() -> None:
    """GET DATA with a short tag has no such object; a driver that mixes the two up learns it here."""
    citizen = make_card(profile="citizen")
    assert answers(citizen, APPLICATION, "00CA00FF05 A003830111 00") == "6A88"
    assert answers(citizen, APPLICATION, "00CB00FF05 A003830111 00") == "9000"
    puk = citizen.read_all("00CB00FF05 A003830183 00")
    assert puk.endswith(b"\xdf\x2f\x01\x01"), "a PUK is never one that its holder has still to set"


def test_a_certificate_that_no_card_can_use_is_named() -> None:
    """A card made of such a file would fail at its first use, far from the mistake."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST Ed25519")])
    strange = x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW.replace(year=2027)).sign(key, None)
    for der, words in ((b"junk", "not readable"), (strange.public_bytes(Encoding.DER), "strange kind of key")):
        with pytest.raises(Fault, match=words):
            public_card({KeyUse.SIGNATURE: der})
