"""What stands on a card: files, PKCS#15 objects, labels, and faces."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce

import pytest
from asn1crypto import core
from card_os_world import NOW, Card, make_card, private_key
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from sotepki.card import Credential, KeyUse
from sotepki.card.door import Faults
from sotepki.card.fault_certificates import faulty_certificate
from sotepki.card.operating import card_profile, card_profiles, pkcs15
from sotepki.card.operating.contents import _damaged
from sotepki.errors import Misuse
from sotepki.x509.lenient import der_certificate

LAYOUTS = ("application", "master-file")


def read(card: Card, path: str) -> bytes:
    """A file as OpenSC reads it: SELECT by path with FCI, then as many bytes as the FCI says."""
    raw = bytes.fromhex(path.removeprefix("3F00"))
    fci = card.read_all(f"00A40800{len(raw):02X}{raw.hex()}00")
    size = int.from_bytes(fci[4:6], "big")
    content = b""
    while len(content) < size:
        count = min(256, size - len(content))
        content += card.read_all(f"00B0{len(content):04X}{count % 256:02X}")
    return content


def objects(spec: type, content: bytes) -> list[core.Asn1Value]:
    """Every object of a directory file, each DER and nothing between them."""
    found = []
    while content:
        value = spec.load(content)  # type: ignore[attr-defined]
        encoded = value.dump(force=True)
        assert content.startswith(encoded), "not DER"
        found.append(value)
        content = content[len(encoded) :]
    return found


def application(layout: str) -> str:
    return "3F005015" if layout == "application" else "3F00"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("key", ["rsa-3072", "p-384"])
def test_the_object_directory_leads_to_every_object(layout: str, key: str) -> None:
    """Middleware walks EF.ODF; a path that leads nowhere is a certificate that nobody finds."""
    card = make_card(layout=layout, key=key)
    home = application(layout)
    entries = {
        entry.name: entry.chosen.chosen["path"].native
        for entry in objects(pkcs15.DirectoryEntry, read(card, f"{home}5031"))
    }
    assert list(entries) == ["auth_objects", "private_keys", "certificates", "trusted_certificates"]
    paths = {name: path.hex().upper() for name, path in entries.items()}
    leaves = objects(pkcs15.CertificateObject, read(card, paths["certificates"]))
    assert [leaf["class_"]["id"].native for leaf in leaves] == [b"\x45", b"\x46"]
    for use, leaf in zip(KeyUse, leaves, strict=True):
        assert read(card, leaf["type"]["value"]["path"].native.hex().upper()) == card.certificates[use]
    trusted = objects(pkcs15.CertificateObject, read(card, paths["trusted_certificates"]))
    assert [authority["class_"]["authority"].native for authority in trusted] == [True, True]
    assert [authority["class_"]["id"].native for authority in trusted] == [b"\x47", b"\x48"]
    found = tuple(read(card, authority["type"]["value"]["path"].native.hex().upper()) for authority in trusted)
    assert found == card.issuers


def test_the_pins_are_published_as_measured() -> None:
    """OpenSC sends the digits as typed only if no padding is published, and refuses lengths that are not."""
    card = make_card()
    pins = objects(pkcs15.PinObject, read(card, "3F0050154401"))
    rows = [(pin["common"]["label"].native, pin["type"]["reference"].native) for pin in pins]
    assert rows == [("perustunnusluku", 3), ("allekirjoitustunnusluku", 4), ("aktivointitunnusluku", 0x12)]
    assert [pin["type"]["flags"].native for pin in pins] == [
        {"initialized"},
        {"local", "initialized"},
        {"initialized", "unblocking"},
    ]
    assert [pin["type"]["min_length"].native for pin in pins] == [4, 4, 8]
    assert {pin["type"]["stored_length"].native for pin in pins} == {8}
    assert {pin["type"]["pad_char"].native for pin in pins} == {None}
    assert [pin["common"]["auth_id"].native for pin in pins] == [b"\x03", b"\x03", None]
    assert [pin["type"]["path"]["path"].native.hex() for pin in pins] == ["3f00", "3f005016", "3f00"]
    assert b"\x80\x01\x12" in pins[2].dump(), "the reference is one byte"


def test_an_organisation_card_publishes_its_longer_pin2() -> None:
    """Software that takes the minimum from the card must let four digits through on sote cards only."""
    card = make_card(kind="organisation")
    pins = objects(pkcs15.PinObject, read(card, "3F0050154401"))
    assert [pin["type"]["min_length"].native for pin in pins] == [4, 6, 8]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_private_keys_are_published_as_measured(layout: str) -> None:
    """A key reference of one negative byte, or a bare 3F00 as path, makes OpenSC fail before it sends anything."""
    card = make_card(layout=layout, key="rsa-3072")
    content = read(card, f"{application(layout)}4402")
    authentication, signature = (entry.chosen for entry in objects(pkcs15.KeyObject, content))
    assert content[:1] == b"\x30"
    assert authentication["class_"]["usage"].native == {"decrypt", "sign", "unwrap"}
    assert signature["class_"]["usage"].native == {"non-repudiation"}
    assert b"\x02\x02\x00\x82" in signature.dump()
    assert authentication["class_"]["reference"].native == 1
    assert authentication["class_"]["access"].native == {
        "sensitive",
        "always-sensitive",
        "never-extractable",
        "local",
    }
    assert [key["common"]["auth_id"].native for key in (authentication, signature)] == [b"\x01", b"\x02"]
    assert authentication["type"]["size"].native == 3072
    path = authentication["type"]["value"]["path"].native.hex()
    assert path == ("3f005015" if layout == "application" else "")
    assert signature["type"]["value"]["path"].native.hex() == "3f005016"
    assert signature["common"]["user_consent"].native is None


def test_elliptic_curve_keys_have_their_own_tag() -> None:
    """OpenSC takes an untagged entry for an RSA key."""
    content = read(make_card(key="p-384"), "3F0050154402")
    assert content[:1] == b"\xa0"
    assert {entry.chosen["type"]["size"].native for entry in objects(pkcs15.KeyObject, content)} == {384}


def test_consent_is_published_only_where_it_is_asked_for() -> None:
    """With it, OpenSC asks for PIN2 each time; without, it takes PIN2 from its cache."""
    content = read(make_card(profile="opensc-consent"), "3F0050154402")
    authentication, signature = (entry.chosen for entry in objects(pkcs15.KeyObject, content))
    assert signature["common"]["user_consent"].native == 1
    assert authentication["common"]["user_consent"].native is None


def test_token_info_names_the_card() -> None:
    """Clients print the serial number and refuse a token without the flags."""
    info = pkcs15.TokenInfo.load(read(make_card(), "3F0050155032"), strict=True)
    assert info["serial_number"].native == b"TEST-000001"
    assert info["label"].native == "TEST sote"
    assert info["flags"].native == {"login-required", "eid-compliant"}
    algorithms = info["supported_algorithms"]
    assert [row["card_reference"].native for row in algorithms] == [0x10, 0x40, 0x12, 0x42, 0x02, 0x1A]
    with pytest.raises(ValueError):
        pkcs15.TokenInfo.load(_damaged(info.dump()), strict=True)["serial_number"].native  # noqa: B018


@pytest.mark.parametrize(
    ("language", "pin", "key"),
    [
        ("fi", "perustunnusluku", "todentamis- ja salausavain"),
        ("sv", "baskod", "autentiserings- och krypteringsnyckel"),
        ("en", "basic PIN", "authentication and encryption key"),
    ],
)
def test_labels_in_three_languages(language: str, pin: str, key: str) -> None:
    """Software that shows the labels must cope with each of them."""
    card = make_card(language=language)
    assert objects(pkcs15.PinObject, read(card, "3F0050154401"))[0]["common"]["label"].native == pin
    assert objects(pkcs15.KeyObject, read(card, "3F0050154402"))[0].chosen["common"]["label"].native == key


def test_citizen_pins_are_published_with_their_padding() -> None:
    """A client that sent bare digits to a citizen card would spend its tries."""
    card = make_card(profile="citizen")
    pins = objects(pkcs15.PinObject, read(card, "3F0050154401"))
    assert [pin["type"]["reference"].native for pin in pins] == [0x11, 0x82, 0x83]
    assert all("needs-padding" in pin["type"]["flags"].native for pin in pins)
    assert {pin["type"]["pad_char"].native for pin in pins} == {b"\0"}


@pytest.mark.parametrize("profile", sorted(card_profiles()))
def test_the_atr_of_every_profile_is_well_formed(profile: str) -> None:
    """A wrong check byte makes a real reader refuse the card (ISO 7816-3 8.2.5)."""
    atr = card_profile(profile).atr
    assert atr[0] == 0x3B
    at, indicator, protocols = 1, atr[1], []
    while True:
        at += (indicator & 0xF0).bit_count()
        if not indicator & 0x80:
            break
        indicator = atr[at]
        protocols.append(indicator & 0x0F)
    checked = any(protocols)
    assert len(atr) == at + 1 + (atr[1] & 0x0F) + checked
    if checked:
        assert reduce(lambda left, right: left ^ right, atr[1:]) == 0


def test_a_card_without_its_signature_certificate() -> None:
    """The directory still names it, and SELECT says that it is not there."""
    card = make_card(missing_signature_certificate=True)
    assert len(objects(pkcs15.CertificateObject, read(card, "3F0050154403"))) == 2
    assert card.send("00A4080C0450164332") == b"\x6a\x82"


def test_unknown_names_are_refused_with_what_there_is() -> None:
    """A typing error must not silently give another card."""
    for options in ({"profile": "idemia"}, {"layout": "root"}, {"language": "de"}):
        with pytest.raises(Misuse, match="A card has no"):
            make_card(**options)  # type: ignore[arg-type]


def test_the_counters_on_the_card_are_those_of_the_vault() -> None:
    """The file system has no rights of its own: counters exist once."""
    card = make_card()
    card.send("002000030439393939")
    assert card.vault.state.tries[Credential.PIN1] == 4
    assert card.send("00200003") == b"\x63\xc4"


def test_a_certificate_without_the_prescribers_identifier_is_otherwise_the_same() -> None:
    """Prescription software must refuse such a card for this reason and for no other."""
    key = private_key("p-256", 9)
    names = [
        x509.NameAttribute(NameOID.COMMON_NAME, "Testaaja Aino 00000000001"),
        x509.NameAttribute(NameOID.PSEUDONYM, "900001"),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, "00000000001"),
    ]
    public_key = private_key("p-384", 0).public_key()
    builder = x509.CertificateBuilder(x509.Name(names), x509.Name(names), public_key, 4711, NOW, NOW + timedelta(365))
    true = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False).sign(key, SHA256())
    leaf = der_certificate(true)
    faulty = x509.load_der_x509_certificate(
        faulty_certificate(leaf, KeyUse.SIGNATURE, Faults(missing_sv_number=True), None)
    )
    assert not faulty.subject.get_attributes_for_oid(NameOID.PSEUDONYM)
    assert len(faulty.subject.rdns) == 2
    assert (faulty.issuer, faulty.serial_number) == (true.issuer, 4711)
    assert faulty.public_key() == true.public_key()
    assert faulty.not_valid_after_utc == true.not_valid_after_utc
    assert list(faulty.extensions) == list(true.extensions)
    assert faulty_certificate(leaf, KeyUse.SIGNATURE, Faults(), None) == leaf.der


@pytest.mark.parametrize(("kind", "stored"), [("professional", 8), ("organisation", 8), ("citizen", 12)])
def test_the_card_says_that_it_keeps_as_many_digits_as_it_takes(kind: str, stored: int) -> None:
    """Middleware cuts or refuses a PIN that is longer than EF.AOD says is stored."""
    card = make_card(kind=kind)
    attributes = [one.native["type"] for one in objects(pkcs15.PinObject, read(card, "3F0050154401"))]
    assert [one["stored_length"] for one in attributes] == [stored, stored, 8]
    assert all(one["max_length"] <= one["stored_length"] for one in attributes)
    access = card.read_all("00CB3FFF0A4D087006BF818302A08000")
    assert access[-2:] == stored.to_bytes(2, "big")


def test_reading_beyond_the_end_is_told_with_an_extended_le_too() -> None:
    """A client that asks for 512 bytes of a short file took what it got for all that was asked for."""
    size = len(read(make_card(), "3F002F00"))
    for profile, beyond in (("opensc", b"\x62\x82"), ("authentic", bytes([0x6C, size]))):
        card = make_card(profile=profile)
        card.send("00A40800022F00")
        assert card.send("00B00000000200")[-2:] == beyond
        assert card.send(f"00B0000000{size:04X}")[-2:] == b"\x90\x00"
        assert card.send("00B00000000000")[-2:] == b"\x90\x00", "0000 asks for all there is"


def test_a_refused_extended_read_of_a_long_file_says_256_bytes() -> None:
    """6Cxx has room for one byte; an overflow would say that the card does not know READ BINARY."""
    card = make_card(profile="authentic")
    card.send("00A4040C0CA000000063504B43532D3135")
    card.send("00A4020C024331")
    assert card.send("00B00000004000") == b"\x6c\x00"
    assert len(card.send("00B0000000")) == 258


def test_reading_by_a_short_identifier_leaves_the_current_directory() -> None:
    """A client that reads the serial number in DF.ESIGN lost the signature certificate and key 82 there."""
    card = make_card(profile="authentic")
    card.send("00A4040C06452E5349474E")
    assert card.send("00B09C0002")[-2:] == b"\x90\x00"
    assert card.send("00B0000002")[:1] == b"\x5a", "the file that was read is current"
    assert card.send("002241B606840182800142") == b"\x90\x00"
    assert card.send("00A4020C024332") == b"\x90\x00"
