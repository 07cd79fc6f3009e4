"""What software sees of SCS, card, codes and Kanta, held against the tables of docs/field.

Signer and verifier, page and service read the same data here, so a wrong value in it is seen by none of our own
parts; a vendor would meet it first.
"""

from __future__ import annotations

import re
from typing import Any

import field_tables as field
import pytest

from sotepki.card import Credential, KeyUse
from sotepki.card.kinds import card_kinds
from sotepki.card.operating.profiles import card_profiles
from sotepki.documents.family import families
from sotepki.documents.multi_signing import middlewares
from sotepki.evidence import load_csv
from sotepki.kela.settings import SharkQuirk, WhenStatusUnavailable, load_environments, load_settings
from sotepki.resources import fixtures, package_file
from sotepki.scs import settings as scs
from sotepki.xmldsig.algorithms import Use, load_algorithms

CODE_COLUMNS = ("code", "name_fi", "name_sv", "name_en", "source", "grade", "basis")
SYSTEM_COLUMNS = ("oid", "version", "file", "name_fi", "name_sv", "name_en", "owner", "source", "grade", "basis")
WORLD = fixtures() / "world"


# --- the Signature Creation Service -------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "column"), [("1.1", 1), ("1.2", 2), ("1.3", 3)])
def test_each_version_of_the_scs_presents_itself_as_in_the_field(version: str, column: int) -> None:
    """Pages choose algorithms, and detect the card, by these very strings (docs/field/scs.md 4)."""
    settings = scs.load_settings(version)
    table = [row for row in field.rows("scs.md", "4") if len(row) == 5]
    described = {row[0]: row[column] for row in table if row[column] != "absent"}
    assert set(settings.fields) == set(described)
    for name, cell in described.items():
        found = settings.fields[name]
        if cell.startswith("list, **empty without a card**"):
            assert found and name in settings.lists_empty_without_card
        else:
            assert cell.strip("`").strip('"') == (str(found).lower() if isinstance(found, bool) else found), name
    algorithms = {"hashAlgorithms", "signatureAlgorithms"}
    assert settings.lists_empty_without_card == (set() if version == "1.1" else algorithms)
    assert {"SHA256", "SHA384", "SHA512"} <= set(settings.hash_algorithms)


@pytest.mark.parametrize(
    ("version", "form", "transactions"), [("1.1", "line", False), ("1.2", "line", False), ("1.3", "semicolon", True)]
)
def test_the_login_challenge_is_separated_as_the_version_wants(version: str, form: str, transactions: bool) -> None:
    """docs/field/scs.md 8: a page that joins with the wrong character cannot log anybody in; 9: only 1.3 has JWT."""
    settings = scs.load_settings(version)
    assert (settings.challenge, settings.transactions, settings.origin_required) == (form, transactions, transactions)


def test_the_ports_are_those_that_pages_try() -> None:
    names = ("HTTPS", "HTTPS partners of the old HTTP ports", "HTTP")
    told = {name: re.findall(r"\d{4,5}", field.row("scs.md", "2", name)[1]) for name in names}
    https, old_https, old_http = (tuple(int(port) for port in dict.fromkeys(told[name])) for name in names)
    assert scs.ports() == scs.Ports(https[0], old_https, old_http)


REASONS = {
    400: "request.json request.media-type request.size request.slow content.base64 content.type "
    "content.digest-length jwt.form",
    401: "pin.cancelled pin.refused pin.low-tries",
    403: "origin.challenge origin.mismatch origin.replayed busy jwt.signature jwt.decryption jwt.origin "
    "jwt.transaction",
    500: "selector.no-match card.missing card.removed card.failed",
    501: "content.digest-unsupported hash.unknown signature-type.unknown signature-type.unpublished "
    "signature-algorithm.mismatch",
}


def test_a_page_can_tell_the_kinds_of_failure_apart() -> None:
    """docs/field/scs.md 6: 401 is the user's doing, 403 the page's, 400 and 501 the request's, 500 the card's."""
    assert {row[0] for row in field.rows("scs.md", "6")} >= {str(code) for code in REASONS}
    wanted = {f"scs.{rule}": code for code, rules in REASONS.items() for rule in rules.split()}
    assert dict(scs.load_settings().reason_codes) == wanted


def test_quirks_are_off_and_change_what_they_name() -> None:
    """A quirk that changes nothing would let a page pass that fails with the software it was written for."""
    plain = scs.load_settings("1.3")
    named = {name: next(iter(quirk.switches.items())) for name, quirk in scs.quirks().items()}
    assert all(getattr(plain, switch) != value for switch, value in named.values()), named
    assert named == {
        "no-content-type": ("content_type", False),
        "leaf-only": ("leaf_only", True),
        "ignores-hash": ("ignores_hash", True),
        "no-digest": ("digests", False),
        "full-lists": ("lists_empty_without_card", frozenset()),
        "only-500": ("only_code", 500),
        "no-private-network": ("private_network", False),
        "ecdsa-der": ("ecdsa", "der"),
        "cms-detached": ("cms_attached", False),
        "any-media-type": ("any_media_type", True),
        "origin-optional": ("origin_required", False),
        "takes-replays": ("refuses_replays", False),
        "low-tries": ("keeps_tries", 2),
    }


# --- the card -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["professional", "personnel", "actor", "organisation", "citizen"])
def test_pin_lengths_and_tries_are_those_of_the_kind_of_card(kind: str) -> None:
    """Who trains with the wrong lengths chooses a PIN that the real card refuses (docs/field/card.md 6, 4.3)."""
    name = kind if kind in ("organisation", "citizen") else "sote"
    told = field.row("card.md", "6", f"PIN lengths, {name} card")[1]
    found = card_kinds()[kind]
    for credential in (Credential.PIN1, Credential.PIN2):
        assert f"{credential.upper()} {found.lengths[credential][0]} to {found.lengths[credential][1]}" in told
    assert f"{found.lengths[Credential.PUK][0]}-digit activation code" in field.row("card.md", "6", "delivery")[1]
    assert set(found.tries.values()) == {5}


@pytest.mark.parametrize(("profile", "column"), [("citizen", 1), ("authentic", 2), ("opensc", 2)])
def test_the_numbers_of_pins_keys_and_files_are_those_of_the_card(profile: str, column: int) -> None:
    """docs/field/card.md 3.3: a client that sends VERIFY to another number locks nothing and opens nothing."""
    numbering = card_profiles()[profile].numbering

    def told(name: str, form: str = r"\b\d\d\b") -> list[int]:
        return [int(one, 16) for one in re.findall(form, field.row("card.md", "3.3", name)[column])]

    assert [numbering.pins[one] for one in Credential] == [told(f"{one.upper()} P2")[0] for one in Credential]
    block = re.search(r"padded with 00 to (\d+) bytes", field.row("card.md", "3.3", "PIN block")[column])
    assert numbering.block == (int(block[1]) if block else 0)
    assert set(told("key references")) <= {one for use in KeyUse for one in numbering.keys[use]}
    assert numbering.keys[KeyUse.AUTHENTICATION] == ((1,) if profile == "citizen" else (0x01, 0x81))
    assert numbering.key_reference == {use: numbering.keys[use][0] for use in KeyUse}
    assert numbering.signature_certificates == tuple(told("signature certificate", r"(?<=EF\.|16/)43\d\d"))
    assert numbering.issuing_ca == told("issuing CA", r"\b43\d\d\b")[0]


@pytest.mark.parametrize(
    ("profile", "name"),
    [("authentic", "Idemia Cosmo X"), ("authentic-id-me", "Idemia ID.me"), ("authentic-v7", "Oberthur Cosmo v7")],
)
def test_the_answer_to_reset_is_that_of_the_card(profile: str, name: str) -> None:
    """A driver knows the card by these bytes alone."""
    assert field.row("card.md", "2.1", name)[3] == f"`{card_profiles()[profile].atr.hex(' ').upper()}`"


def test_faces_that_no_table_holds_have_the_published_bytes() -> None:
    """docs/field/card.md 1 (the face that stock OpenSC binds) and 2.1 (citizen card, below the tables)."""
    text = package_file().parent.joinpath("docs", "field", "card.md").read_text(encoding="utf-8")
    profiles = card_profiles()
    assert f"`opensc` (ATR `{profiles['opensc'].atr.hex(' ').upper()}`" in text
    assert f"Thales MultiApp v5.0 `{profiles['citizen'].atr.hex(' ').upper()}`" in text
    assert profiles["opensc-consent"].atr == profiles["opensc"].atr
    numberings = {name: one.numbering.id for name, one in profiles.items()}
    assert numberings == {name: "citizen" if name == "citizen" else "organisation" for name in profiles}


def test_the_directory_of_the_card_names_its_specification() -> None:
    """docs/field/card.md 3.1: S4-2 for organisational and sote cards, S4-1 for citizen cards."""
    found = {one.numbering.id: one.numbering for one in card_profiles().values()}
    named = {name: (one.directory_label, one.directory_oid, one.token_label) for name, one in found.items()}
    assert named == {
        "organisation": ("FINEID S4-2", "1.2.246.517.3.1", "TEST sote"),
        "citizen": ("FINEID S4-1", "1.2.246.517.4.1.1", "TEST FINEID"),
    }


def test_the_habits_of_the_faces_of_the_card() -> None:
    """docs/field/card.md 3.2: only the real cards are odd; 5.2: only one face has OpenSC ask at each signature."""
    faces = {name: (one.quirks, one.missing_file, one.user_consent) for name, one in card_profiles().items()}
    assert faces == {
        "opensc": (False, 0x6A82, False),
        "opensc-consent": (False, 0x6A82, True),
        "authentic": (True, 0x6A82, False),
        "authentic-id-me": (True, 0x6A82, False),
        "authentic-v7": (True, 0x6A88, False),
        "citizen": (False, 0x6A82, False),
    }


def test_how_often_a_signing_client_asks_for_pin2() -> None:
    """docs/field/card.md 5.2 (OpenSC: ten uses from its cache), 4.9 (ReFineID), docs/field/kanta.md 3.4 (Kelain)."""
    uses = {name: client.uses for name, client in middlewares().items()}
    assert uses == {"direct": 0, "opensc": 10, "opensc-user-consent": 1, "refineid": 1, "kelain": 1}


# --- signatures and codes -----------------------------------------------------------------------------------------


def test_what_is_signed_with_and_what_only_warns() -> None:
    """docs/field/kanta.md 3.2: SHA-256 is seen and safe, SHA-1 warns, inclusive canonicalisation is never written."""
    known = load_algorithms()
    uses: dict[Use, set[str]] = {use: set() for use in Use}
    tables: list[Any] = [known.digests, known.signatures, known.canonicalisations]
    for table in tables:
        for uri, method in table.items():
            uses[method.use].add(uri.rstrip("#").rpartition("#" if "#" in uri.rstrip("#") else "/")[2])
    assert uses == {
        Use.SIGN: {"sha256", "rsa-sha256", "ecdsa-sha384", "xml-exc-c14n"},
        Use.WEAK: {"sha1", "rsa-sha1"},
        Use.ACCEPT: {"sha384", "sha512", "rsa-sha384", "rsa-sha512", "ecdsa-sha256", "ecdsa-sha512"}
        | {"REC-xml-c14n-20010315"},
    }
    for uri, signature in known.signatures.items():
        assert uri.endswith(f"#{'rsa' if signature.key == 'rsa' else 'ecdsa'}-{signature.hash}")
    assert all(uri.endswith(f"#{digest.hash}") for uri, digest in known.digests.items())
    assert all(("exc-c14n" in uri) is one.exclusive for uri, one in known.canonicalisations.items())


def codes(oid: str) -> dict[str, str]:
    """Codes and English names of a code system of the test world."""
    (system,) = (one for one in load_csv(WORLD / "code_systems.csv", SYSTEM_COLUMNS) if one["oid"] == oid)
    return {one["code"]: one["name_en"] for one in load_csv(WORLD / "codes" / system["file"], CODE_COLUMNS)}


@pytest.mark.parametrize("oid", ["1.2.246.537.6.147.2008", "1.2.246.537.6.141.2008", "1.2.246.537.5.40172"])
def test_codes_mean_what_the_national_lists_say(oid: str) -> None:
    """A restriction of prescribing that is shown as one of handling medicines would let a system allow the wrong."""
    (told,) = (one[2] for one in field.rows("registration.md", "10") if len(one) > 2 and one[1] == oid)
    listed = dict(re.findall(r"(\d+) ([^;,]+?)(?= and more|[;,]|$)", told))
    letters = {code: re.sub("[^a-z]", "", name.lower()) for code, name in codes(oid).items()}
    assert set(letters) == set(listed)
    for code, name in listed.items():
        assert letters[code].startswith(re.sub("[^a-z]", "", name.lower())), code


def test_the_types_of_signature_are_those_of_the_code_system() -> None:
    """docs/field/kanta.md 3.3: 2 is not known, so nothing may bear it."""
    oid = "1.2.246.537.5.40127.2006"
    (system,) = (one for one in load_csv(WORLD / "code_systems.csv", SYSTEM_COLUMNS) if one["oid"] == oid)
    named = {one["code"]: one["name_fi"] for one in load_csv(WORLD / "codes" / system["file"], CODE_COLUMNS)}
    assert named == {row[0]: row[1].partition(" (")[0] for row in field.rows("kanta.md", "3.3") if row[1] != "?"}


@pytest.mark.parametrize(
    ("oid", "page", "section", "name", "wanted"),
    [
        ("1.2.246.537.5.40128.2006", "registration.md", "10", "Authentication method", {"1"}),
        ("1.2.246.537.5.40154.2008", "kanta.md", "5", "recordStatus", {"3"}),
        ("1.2.246.537.5.40179.2008", "kanta.md", "5", "structuredFileFormat", {"5"}),
        ("1.2.246.537.6.1502.201601", "kanta.md", "5", "fileFormat", {"2"}),
        ("1.2.246.537.6.1503.201601", "kanta.md", "6", "reasonCode (1)", {"SP1", "SP17"}),
        ("1.2.246.537.6.1289.201901", "kanta.md", "6", "reasonCode (2)", {"1"}),
        ("1.2.246.537.6.140.2008", "registration.md", "10", "Valvira - Ammattioikeudet", {"001", "034"}),
    ],
)
def test_codes_of_documents_and_frames_stand_in_the_system_of_the_field(
    oid: str, page: str, section: str, name: str, wanted: set[str]
) -> None:
    """Of the rights only two codes are known; the stand-ins beside them begin with T."""
    told = " ".join(field.row(page, section, name))
    assert oid in told and all(re.search(rf"\b{code}\b", told) for code in wanted)
    assert {code for code in codes(oid) if not code.startswith("T")} == wanted


def test_error_codes_are_those_of_kanta() -> None:
    told = {row[0].strip("`"): row[1].partition(" (")[0] for row in field.rows("kanta.md", "8.1")}
    oid = "1.2.246.537.5.40112.2006"
    assert oid in told["code system"]
    rows = load_csv(WORLD / "codes" / "error-codes.csv", CODE_COLUMNS)
    assert {row["code"]: row["name_fi"] for row in rows} == {code: told[code] for code in ("5Y00009", "4Y00007")}
    assert set(codes(oid)) == {"5Y00009", "4Y00007"}


def test_what_is_known_of_a_family_is_no_firmer_than_its_row() -> None:
    """docs/field/kanta.md 3.1: no patient record was at hand, so its structure must not fail anybody as confirmed."""
    rows = {"patient-record": "patient record CDA", "prescription": "ePrescription CDA"}
    for name, row in rows.items():
        known, told = families()[name], field.row("kanta.md", "3.1", row)[-1]
        assert {known.header.grade, known.carrier.grade, known.body.grade} == {told.partition(" ")[0]}, name


def test_metadata_of_social_welfare_are_those_of_the_field() -> None:
    """A code system that was mistyped would warn every vendor, or let another one through."""
    known = families()["social-welfare"].metadata
    assert known is not None and families()["patient-record"].metadata is None
    named = " ".join(row[0] for row in field.rows("kanta.md", "5"))
    assert all(tag.rpartition("}")[2] in named for tag in known.required)
    for tag, system in known.code_systems.items():
        assert system in field.row("kanta.md", "5", tag.rpartition("}")[2])[1], tag
    told = {oid for row in field.rows("kanta.md", "5") for oid in re.findall(r"1\.2\.246[\d.]+\d", row[1])}
    assert set(known.code_systems.values()) == told


# --- Kanta --------------------------------------------------------------------------------------------------------


def test_kanta_takes_what_the_field_shows_and_refuses_by_default() -> None:
    """An emulator that lets more through than Kanta gives a vendor a green light that is none."""
    settings = load_settings()
    assert str(settings.receiver) in field.row("kanta.md", "6", "receiver/device/id")[1]
    assert settings.acknowledgement == "MCCI_IN000002FI01"
    requests = field.row("kanta.md", "6", "reasonCode (1)")[1]
    assert settings.service_requests == set(re.findall(r"`(SP\d+)`", requests))
    assert settings.usage_situations == set(re.findall(r"`(\d+)` ", field.row("kanta.md", "6", "reasonCode (2)")[1]))
    assert settings.server_policies == {f"1.2.246.517.{arc}.10.3{tree}8.1" for arc in (1, 99) for tree in (0, 5)}
    assert settings.server_authorities == ("sote-services", "sote-services-ec")
    persons, services = ("sote-persons", "sote-persons-ec", "sote-temporary"), ("sote-services", "sote-services-ec")
    assert set(settings.signing_authorities) == {*persons, *services}
    assert settings.when_status_unavailable is WhenStatusUnavailable.REFUSE
    assert (settings.shark_checks_signatures, settings.shark_quirks) == (False, frozenset())
    assert {quirk.value for quirk in SharkQuirk} == {"missing-declaration", "crlf"}
    assert (settings.memory_seconds, settings.hang_seconds, settings.processes) == (0, 30, 1)
    assert (settings.max_message_bytes, settings.read_seconds, settings.workers) == (20 * 1024 * 1024, 30, 4)


def test_the_two_environments_differ_as_their_pages_say() -> None:
    """docs/field/kanta.md 10.1: TK runs the current version, AT the next one, which is stricter here (a choice)."""
    current, following = load_environments()["current"], load_environments()["next"]
    assert current.settings.refuses_by_choice == load_settings().refuses_by_choice
    added = following.settings.refuses_by_choice - current.settings.refuses_by_choice
    assert added == {"kanta.message.service-request", "kanta.message.usage", "frame.receiver"}
    assert "TK)" in current.title and "AT)" in following.title
    assert current.settings.memory_seconds == following.settings.memory_seconds == 1
    assert (current.version, following.version) == ("current", "next")
    assert "next" in field.row("kanta.md", "10.1", "client test environment")[1]
    assert "current" in field.row("kanta.md", "10.1", "production image")[1]
