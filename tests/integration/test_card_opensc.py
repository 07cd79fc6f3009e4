"""Stock OpenSC through pcscd and vpcd: it reads the card, signs with both keys, and meets its PINs."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from card_pcsc_world import PIN1, PIN2, RSA, Desk, card_keys, desk, send  # noqa: F401
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sotepki.card import CardShelf, KeyUse

pytestmark = pytest.mark.integration

ATR = "3b:9d:13:81:31:60:35:80:31:c0:69:4d:54:43:4f:53:73:02:00:00:44"


@pytest.fixture(scope="module")
def reader(desk: Desk) -> Iterator[Desk]:
    """A card that stays in the reader; the tests that use it leave its counters as they were."""
    desk.new_card(RSA)
    with desk.inserted(RSA):
        yield desk


def test_the_atr_is_the_profiles(reader: Desk) -> None:
    """Without this ATR stock OpenSC has no driver for the card."""
    assert reader.run("opensc-tool", "-a").said(ATR)


def test_everything_on_the_card_is_listed(reader: Desk) -> None:
    """A vendor looks at a card with pkcs15-tool first; labels, references and lengths must be the field's."""
    found = reader.run("pkcs15-tool", "-D")
    assert found.code == 0
    assert found.said("PIN [perustunnusluku]", "PIN [allekirjoitustunnusluku]", "PIN [aktivointitunnusluku]")
    assert found.said("Private RSA Key [todentamis- ja salausavain]", "Private RSA Key [allekirjoitusavain]")
    assert found.said("Reference      : 3 (0x03)", "Reference      : 4 (0x04)", "Reference      : 18 (0x12)")
    assert found.said("Key ref        : 130 (0x82)", "ModLength      : 3072", "min_len:4, max_len:8, stored_len:8")


@pytest.mark.parametrize(
    ("key_id", "which"), [("45", KeyUse.AUTHENTICATION), ("46", KeyUse.SIGNATURE), ("47", 0), ("48", 1)]
)
def test_certificates_are_read_byte_for_byte(reader: Desk, key_id: str, which: KeyUse | int) -> None:
    """One wrong byte and no signature of the card verifies for anybody."""
    content = CardShelf(reader.home / "cards").read(RSA)
    wanted = content.certificates[which] if isinstance(which, KeyUse) else content.issuers[which]
    found = reader.run("pkcs15-tool", "--read-certificate", key_id).output
    begin = found.index("-----BEGIN CERTIFICATE-----")
    assert x509.load_pem_x509_certificate(found[begin:].encode()) == wanted


def test_certificates_are_listed(reader: Desk) -> None:
    """``pkcs15-tool -c`` is how instructions tell a user to find the identifiers."""
    found = reader.run("pkcs15-tool", "-c")
    assert found.output.count("X.509 Certificate [") == 4
    assert found.output.count("Authority      : yes") == 2


def test_slots_tokens_and_objects_of_pkcs11(reader: Desk) -> None:
    """Programs choose slots by these labels; PIN2's slot must hold the signature key only."""
    assert reader.pkcs11("-L").said("TEST sote (perustunnusluku)", "TES... (allekirjoitustunnusluku)", "(empty)")
    assert reader.pkcs11("-T").said("TEST sote (perustunnusluku)", "TES... (allekirjoitustunnusluku)")
    first = reader.pkcs11("-O", "--slot-index", "0", "--login", "--pin", PIN1)
    assert first.said("todentamis- ja salausavain", "ID:         45", "ID:         47", "ID:         48")
    second = reader.pkcs11("-O", "--slot-index", "1", "--login", "--pin", PIN2)
    assert second.said("allekirjoitusavain", "ID:         46")
    assert not second.said("todentamis- ja salausavain")


@pytest.mark.parametrize("bits", ["256", "384", "512"])
@pytest.mark.parametrize("use", KeyUse)
def test_both_keys_sign_and_openssl_verifies(reader: Desk, use: KeyUse, bits: str) -> None:
    """Login and signature with stock middleware: what the card is for."""
    signed = reader.sign(use, f"SHA{bits}-RSA-PKCS")
    assert signed.code == 0, signed.output
    assert reader.openssl_verifies(use, f"sha{bits}")


def test_the_authentication_key_deciphers(reader: Desk) -> None:
    """Encrypted mail to the card's holder must open."""
    certificate = CardShelf(reader.home / "cards").read(RSA).certificates[KeyUse.AUTHENTICATION]
    key_file = reader.home / "recipient.pem"
    key_file.write_bytes(certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    secret = reader.home / "secret"
    secret.write_bytes(b"TEST secret")
    subprocess.run(
        [
            "openssl",
            "pkeyutl",
            "-encrypt",
            "-pubin",
            "-inkey",
            key_file,
            "-in",
            secret,
            "-out",
            reader.home / "sealed",
        ],
        check=True,
    )
    opened = reader.pkcs11(
        "--decrypt", "--mechanism", "RSA-PKCS", "--slot-index", "0", "--id", "45", "--pin", PIN1,
        "--input-file", reader.home / "sealed", "--output-file", reader.home / "opened",
    )  # fmt: skip
    assert opened.code == 0, opened.output
    assert (reader.home / "opened").read_bytes() == b"TEST secret"


def test_a_second_signature_wants_pin2_again(reader: Desk) -> None:
    """Qualified signatures live from this: one PIN2, one signature."""
    digest = "11" * 32
    answers = send(
        reader, "00A4040C06452E5349474E", "0020000406323232323232", "002241B606800142840182",
        f"002A9E9A20{digest}00", f"002A9E9A20{digest}00",
    )  # fmt: skip
    assert answers[:3] == ["9000"] * 3
    assert answers[3] in ("6180", "9000")
    assert answers[4] == "6982"


def test_a_verified_pin1_is_seen_by_the_next_program_until_power_off(reader: Desk) -> None:
    """A finding to show: a second PC/SC client may use the authentication key without asking anybody."""
    assert send(reader, "00A4040C0CA000000063504B43532D3135", "002000030431313131")[-1] == "9000"
    assert send(reader, "00200003") == ["9000"]
    assert reader.run("opensc-tool", "--reset=cold").code == 0
    assert send(reader, "00200003") == ["63C5"]
