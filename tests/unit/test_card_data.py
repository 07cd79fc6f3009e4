"""The card room's data, letter and messages."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import field_tables as field
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotepki.card import Credential, KeyUse, card_kind, card_kinds, check_number, new_activation_code, pin_letter
from sotepki.card.kinds import card_layout, token_label
from sotepki.card.wire import LENGTH_BYTES, body_length, decode, encode, error_message, raise_error
from sotepki.errors import Fault, Misuse, Refused, SotepkiError
from sotepki.evidence import RuleBook, load_yaml
from sotepki.resources import package_file
from sotepki.tokens import Pin

DAY = date(2026, 3, 2)


def letter(**changes: str) -> str:
    fields = {"holder": "TEST Eeva Esimerkki", "card_number": "TEST-000001", "address": "Katu 1, 00100 Helsinki"}
    return pin_letter(**{**fields, **changes}, activation_code=Pin("40718293"), sent=DAY).decode()


def test_the_letter_says_what_the_holder_needs() -> None:
    """Without the code, the name or the card number the holder cannot take the card into use."""
    text = letter()
    for wanted in ("40718293", "TEST Eeva Esimerkki", "TEST-000001", "00100 Helsinki", "2.3.2026", "4–8"):
        assert wanted in text
    assert text.index("aktivointitunnusluku") < text.index("aktiveringskoden") < text.index("activation code and")
    assert text.startswith("TEST")
    assert all(len(line) <= 84 for line in text.splitlines())


def test_a_letter_bears_an_address_as_word_processors_write_it() -> None:
    """The activation code was sent to Mannerheimintie?5."""
    text = letter(address="Lasten\u00adkatu\u00a05\u00a0A, 00100\u202fHelsinki")
    assert "Lastenkatu 5 A\n00100 Helsinki\n" in text


def test_the_address_stands_in_the_window_of_the_envelope() -> None:
    """Line by line from the holder's name, without gaps: the post reads it through the window."""
    lines = letter(address="Katu 1, , 00100 Helsinki,").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("TEST Eeva Esimerkki"))
    assert lines[first].endswith("2.3.2026")
    assert lines[first + 1 : first + 4] == ["Katu 1", "00100 Helsinki", ""]


def test_the_code_stands_at_the_lower_right_and_once() -> None:
    """Envelope windows show the upper part of a letter; a code there would be read through the envelope."""
    lines = letter().splitlines()
    (place,) = [number for number, line in enumerate(lines) if "40718293" in line]
    assert place > len(lines) * 0.8
    assert lines[place].endswith("40718293")
    assert lines[place].startswith(" " * 60)


def test_the_letter_knows_the_pin_lengths_of_the_kind() -> None:
    """An organisation card wants a longer PIN2 than a sote card."""
    assert "(PIN2, 6–8 numeroa)" in " ".join(letter(kind="organisation").split())


def test_names_cannot_smuggle_control_characters_into_a_letter() -> None:
    """Letters are shown on terminals; an escape sequence in a name could hide or fake a code."""
    assert "\x1b" not in letter(holder="TEST \x1b[8m\nEeva")


def test_kinds_hold_the_lengths_of_the_facts() -> None:
    """A PIN2 of four digits is allowed on sote cards and refused on organisation cards."""
    card_kind("professional").check_form(Credential.PIN2, Pin("1234"))
    with pytest.raises(Refused, match="6 to 8 digits"):
        card_kind("organisation").check_form(Credential.PIN2, Pin("1234"))
    with pytest.raises(Refused, match="has 8 digits; 7 were given"):
        card_kind("professional").check_form(Credential.PUK, Pin("1234567"))
    assert all(kind.tries == dict.fromkeys(Credential, 5) for kind in card_kinds().values())
    with pytest.raises(Misuse, match="bus-card"):
        card_kind("bus-card")


def test_labels_are_those_that_opensc_shows() -> None:
    """Software that looks for the slot 'perustunnusluku' must find it in the PKCS#11 view too."""
    places = card_layout().places
    assert places[KeyUse.AUTHENTICATION].token_label == "TEST sote (perustunnusluku)"
    assert places[KeyUse.SIGNATURE].token_label == "TES... (allekirjoitustunnusluku)"
    assert len(places[KeyUse.SIGNATURE].token_label) == 32
    assert (places[KeyUse.AUTHENTICATION].id, places[KeyUse.SIGNATURE].id) == (b"\x45", b"\x46")


# English words of the glossary, and what bears their name on a card and in its letter.
KIND_WORDS = {
    "professional": "professional card",
    "personnel": "personnel card",
    "actor": "actor card",
    "organisation": "organisation card",
    "citizen": "identity card (citizen certificate)",
}
LABEL_WORDS = {
    "pin1": "basic PIN (PIN1)",
    "pin2": "signature PIN (PIN2)",
    "puk": "activation code (acts as PUK)",
    "authentication_certificate": "authentication and encryption certificate",
    "signature_certificate": "signature certificate",
}


def glossary_words(english: str) -> tuple[set[str], set[str]]:
    """The Finnish and the Swedish words for an English one, in small letters."""
    _, finnish, swedish = field.row("README.md", "5", english)
    words = [{word.strip() for word in cell.replace("°", "").lower().split(",")} for cell in (finnish, swedish)]
    return words[0], words[1]


def test_names_of_cards_and_codes_are_those_of_the_glossary() -> None:
    """A holder who reads 'registerkort' or 'pinkod' here looks for it in vain on the authorities' pages."""
    for kind, english in KIND_WORDS.items():
        finnish, swedish = glossary_words(english)
        assert any(word in card_kind(kind).title_fi.lower() for word in finnish), kind
        assert any(word in card_kind(kind).title_sv.lower() for word in swedish), kind
    labels = load_yaml(package_file("card", "operating", "labels.yaml"))
    for label, english in LABEL_WORDS.items():
        finnish, swedish = glossary_words(english)
        assert labels["fi"][label] in finnish
        assert labels["sv"][label] in swedish


@given(st.text(max_size=60))
def test_slot_labels_keep_the_pin_label_whole(label: str) -> None:
    """The PIN's name tells the holder which PIN is asked for."""
    made = token_label(label, "allekirjoitustunnusluku")
    assert made.endswith("(allekirjoitustunnusluku)")
    assert len(made) <= 32


@pytest.mark.parametrize("number", ["", ".", "..", "../x", "a/b", "x.partial", "-x", "ä", "x" * 41, "a b", "a\0"])
def test_a_card_number_is_never_a_path(number: str) -> None:
    """A number is the name of a directory; one with dots or slashes would reach other files."""
    with pytest.raises(Misuse):
        check_number(number)


def test_activation_codes_have_eight_digits_and_differ() -> None:
    """A constant code would open every card."""
    codes = {new_activation_code().reveal() for _ in range(20)}
    assert len(codes) > 15
    assert {len(code) for code in codes} == {8}


@pytest.mark.parametrize("room", ["card", "tokens"])
def test_every_rule_that_a_refusal_names_is_in_the_rule_book(room: str) -> None:
    """A refusal that names a rule nobody can look up helps nobody."""
    book = RuleBook.join(RuleBook.load(file) for file in package_file(room).glob("rules*.yaml"))
    named: set[str] = set()
    for source in package_file(room).glob("*.py"):
        named |= set(
            re.findall(rf'"({room[:5].rstrip("s")}\.[a-z0-9.-]+[a-z0-9])"', source.read_text(encoding="utf-8"))
        )
    named -= {"card.json", "card.lock", "token.object"}
    assert named, "the search finds nothing"
    assert named <= set(book.rules), named - set(book.rules)


def test_errors_travel_whole() -> None:
    """The reader must show the chip's own sentence, rule and advice, and the exit code that goes with them."""
    for error in (Refused("No.", rule="card.pin.wrong", advice="Wait.", subject="1"), Misuse("So."), Fault("Ah.")):
        with pytest.raises(SotepkiError) as raised:
            raise_error(decode(encode(error_message(error))[LENGTH_BYTES:]))
        assert type(raised.value) is type(error)
        assert str(raised.value) == str(error)
        assert raised.value.subject == error.subject


def test_an_unmeant_error_does_not_carry_its_text() -> None:
    """The text of a Python error may quote a PIN."""
    message = error_message(ValueError("1234"))
    assert message["error"] == "Fault"
    assert "1234" not in message["sentence"]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_value_error(body: bytes) -> None:
    """A broken chip must not crash its reader."""
    try:
        assert isinstance(decode(body), dict)
    except ValueError:
        return


def test_messages_are_bounded() -> None:
    """A length of four gigabytes must not be waited for, nor a document be sent to a card."""
    with pytest.raises(ValueError, match="long"):
        body_length(b"\xff\xff\xff\xff")
    with pytest.raises(ValueError, match="nested"):
        decode(b"[" * 40000)
    with pytest.raises(Misuse):
        encode({"data": "x" * 50_000})


def test_rule_files_are_in_the_package() -> None:
    """The rule book of the documentation is made from these files."""
    assert Path(package_file("card", "rules.yaml")).is_file()
