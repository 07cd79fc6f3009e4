"""Published and derived test vectors (docs/field/registration.md 11): judged as the field does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from sotepki.errors import Refused
from sotepki.evidence import RuleBook
from sotepki.identifiers import (
    BusinessId,
    Hetu,
    Oid,
    PrescriberId,
    RegistrationNumber,
    Satu,
    business_id_of,
    check_character,
    document_oid,
    holds_identity_code,
    organisation_oid,
    register_keeper_oid,
)
from sotepki.resources import package_file

HETUS = [
    *("010181-900C", "210281-9988", "311080-999X", "010594Y9032", "010594Y9021", "020594X903P", "020594X902N"),
    *("030594W903B", "030694W9024", "040594V9030", "040594V902Y", "050594U903M", "050594U902L", "010516B903X"),
    *("010516B902W", "020516C903K", "020516C902J", "030516D9037", "030516D9026", "010501E9032", "020502E902X"),
    *("020503F9037", "020504A902E", "020504B904H"),
]


@pytest.mark.parametrize("text", HETUS)
def test_a_published_test_identity_code_is_taken(text: str) -> None:
    """A vendor's test data with the new century signs would be refused."""
    hetu = Hetu.parse(text)
    assert str(hetu) == text
    assert hetu.is_test


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("131052-308T", "identifier.hetu.test-only"),
        ("010181-900D", "identifier.hetu.check-character"),
        ("010181G900C", "identifier.hetu.sign"),
        ("010181-900c", "identifier.hetu.form"),
        ("320181-900C", "identifier.hetu.date"),
        ("310281-900J", "identifier.hetu.date"),
        ("000181-900C", "identifier.hetu.date"),
        ("", "identifier.hetu.form"),
        ("010181-900", "identifier.hetu.form"),
        (" 010181-900C", "identifier.hetu.form"),
        ("010181-900C\n", "identifier.hetu.form"),
        ("٠١٠١٨١-900C", "identifier.hetu.form"),
        ("010181\n900C", "identifier.hetu.sign"),
    ],
)
def test_a_wrong_identity_code_is_refused_by_its_rule(text: str, rule: str) -> None:
    """A trainee would be told the wrong reason, or a real person's code would get in."""
    with pytest.raises(Refused) as caught:
        Hetu.parse(text)
    assert caught.value.rule == rule
    assert caught.value.advice


def test_a_real_code_is_read_where_a_caller_asks_for_it_and_a_refusal_never_prints_it() -> None:
    """A real hetu pasted by mistake would end up in a log."""
    assert not Hetu.parse("131052-308T", test_only=False).is_test
    with pytest.raises(Refused) as caught:
        Hetu.parse("131052-308T")
    assert "308T" not in str(caught.value)
    with pytest.raises(Refused) as caught:
        Hetu.parse("131052-308U")
    assert "308U" not in str(caught.value)
    with pytest.raises(Refused) as caught:
        Hetu.parse("010181\n900C")
    assert str(caught.value).isprintable()
    assert "900C" not in repr(Hetu.parse("010181-900C"))


@pytest.mark.parametrize(
    ("text", "held"),
    [
        *((f"asked for by {code}.", True) for code in HETUS),
        *((f"({code.lower()})", True) for code in HETUS),
        ("hetu010181-900C", True),
        *((f"asked by 010181{dash}900C", True) for dash in "\u2010\u2011\u2013\u2014\u2212"),
        *((f"asked by 010181{unseen}-900{unseen}C", True) for unseen in "\u00ad\u200b\u200d\u2060\ufeff"),
        ("asked by 010181\u00ad900C", True),
        ("asked by\u200b010181-900c", True),
        ("22.11.2026\u201323.11.2026, 1\u20132 cards", False),
        ("01a202b933123456a7890abcdef", False),
        ("550e8400-e29b-41d4-a716-446655440000", False),
        ("1.2.246.10.99000018.10.0, 00900000001, +358 40 000 0000, 2026-11-22", False),
        ("", False),
    ],
)
def test_an_identity_code_is_found_in_a_note_however_it_is_typed(text: str, held: bool) -> None:
    """A journal keeps it for good; a serial number or a UUID in a note is no reason to refuse it."""
    assert holds_identity_code(text) is held


@pytest.mark.parametrize(
    ("parse", "text", "shown"),
    [
        (Hetu.parse, "131052-308U", "'131052-****'"),
        (Hetu.parse, "131052-308T", "'131052-****'"),
        (Hetu.parse, "30U", "'***'"),
        (Hetu.parse, "131052-308T?" * 20, "'131052-308T?131052-308T?...'"),
        (Hetu.parse, "131052\x00308T", "'131052\\x00****'"),
        (Satu.parse, "100000006", "'1000000**'"),
        (Oid.parse, "1." * 12, f"'{'1.' * 12}'"),
        (Oid.parse, "1." * 12 + "1x", f"'{'1.' * 12}...'"),
    ],
)
def test_a_refusal_shows_what_was_refused_but_not_whose_code_it_is(
    parse: Callable[[str], object], text: str, shown: str
) -> None:
    """The sentence goes to a screen and a log: readable, of bounded length, without the end of a person's code."""
    with pytest.raises(Refused) as caught:
        parse(text)
    assert f" {shown} " in f" {caught.value.sentence} "


def test_individual_numbers_000_and_001_are_no_codes() -> None:
    for number in (0, 1):
        with pytest.raises(Refused) as caught:
            Hetu.parse(f"010181-{number:03d}{check_character(10181000 + number)}", test_only=False)
        assert caught.value.rule == "identifier.hetu.individual-number"


def test_the_century_sign_decides_the_birth_year_and_is_part_of_the_identity() -> None:
    """Two people with the same digits would be taken for one."""
    assert Hetu.parse("010501E9032").birth_date == date(2001, 5, 1)
    assert Hetu.parse("010594Y9032").birth_date == date(1994, 5, 1)
    assert Hetu.parse(f"010199+900{check_character(10199900)}").birth_date == date(1899, 1, 1)
    assert Hetu.parse("010594Y9032") != Hetu.parse("010594-9032")


def test_a_leap_day_exists_only_in_its_own_century() -> None:
    """29.2.2000 exists, 29.2.1900 does not, and both have the digits 290200."""
    assert Hetu.of(date(2000, 2, 29), "A", 901).birth_date == date(2000, 2, 29)
    with pytest.raises(Refused) as caught:
        Hetu(f"290200-901{check_character(290200901)}")
    assert caught.value.rule == "identifier.hetu.date"


def test_building_a_code_with_the_sign_of_another_century_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        Hetu.of(date(1994, 5, 1), "A", 903)
    assert caught.value.rule == "identifier.hetu.sign"


@pytest.mark.parametrize("text", ["99902038C", "99900335E"])
def test_a_published_satu_is_taken(text: str) -> None:
    assert str(Satu.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("99902038D", "identifier.satu.check-character"),
        ("9990203C", "identifier.satu.form"),
        ("", "identifier.satu.form"),
        (f"10000000{check_character(10000000)}", "identifier.satu.test-only"),
    ],
)
def test_a_wrong_satu_is_refused_by_its_rule(text: str, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        Satu.parse(text)
    assert caught.value.rule == rule


@pytest.mark.parametrize("text", ["0245437-2", "0202637-8", "0828618-9", "3221308-6", "0246246-0", "0160225-7"])
def test_a_published_business_id_is_taken(text: str) -> None:
    assert str(BusinessId.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("0245437-3", "identifier.business-id.check-digit"),
        ("245437-2", "identifier.business-id.form"),
        ("02454372", "identifier.business-id.form"),
        ("", "identifier.business-id.form"),
        *((f"0000006-{digit}", "identifier.business-id.never-issued") for digit in range(10)),
    ],
)
def test_a_wrong_business_id_is_refused_by_its_rule(text: str, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        BusinessId.parse(text)
    assert caught.value.rule == rule


def test_business_ids_with_remainder_1_do_not_come_from_the_builder_either() -> None:
    assert BusinessId.of(6) is None
    assert BusinessId.of(245437) == BusinessId("0245437-2")


@pytest.mark.parametrize("text", ["00098705718", "00198705840"])
def test_a_registration_number_keeps_its_leading_zeros(text: str) -> None:
    """A number without its zeros matches no certificate."""
    assert str(RegistrationNumber.parse(text)) == text


@pytest.mark.parametrize("text", ["", "98705718", "000987057180", "0009870571A", "00098705718 "])
def test_a_wrong_registration_number_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        RegistrationNumber.parse(text)
    assert caught.value.rule == "identifier.registration-number.form"


@pytest.mark.parametrize("text", ["032680", "000018"])
def test_a_prescriber_id_keeps_its_leading_zeros(text: str) -> None:
    assert str(PrescriberId.parse(text)) == text


@pytest.mark.parametrize("text", ["", "32680", "0326800", "03268x"])
def test_a_wrong_prescriber_id_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        PrescriberId.parse(text)
    assert caught.value.rule == "identifier.prescriber-id.form"


@pytest.mark.parametrize(
    ("oid", "business_id"),
    [
        ("1.2.246.10.8286189.10.100012", "0828618-9"),
        ("1.2.246.10.32213086.10.0", "3221308-6"),
        ("1.2.246.10.2462460.19.1", "0246246-0"),
    ],
)
def test_the_business_id_comes_back_from_a_published_organisation_oid(oid: str, business_id: str) -> None:
    assert business_id_of(Oid.parse(oid)) == BusinessId(business_id)


def test_organisation_oids_are_built_as_published() -> None:
    assert str(organisation_oid(BusinessId("0828618-9"), 100012)) == "1.2.246.10.8286189.10.100012"
    assert str(organisation_oid(BusinessId("3221308-6"))) == "1.2.246.10.32213086.10.0"
    assert str(register_keeper_oid(BusinessId("0246246-0"), 1)) == "1.2.246.10.2462460.19.1"
    assert str(document_oid(BusinessId("0160225-7"), 2019, 855)) == "1.2.246.10.1602257.93.2019.855"


@pytest.mark.parametrize(
    "oid",
    [
        "1.2.246.537.26",
        "1.2.246.10.999999999.10.0",
        "1.2.246.10.322130865.10.0",
        "1.2.246.10.2454373.10.0",
        "1.2.246.10",
    ],
)
def test_an_oid_without_a_business_id_says_so(oid: str) -> None:
    assert business_id_of(Oid.parse(oid)) is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "identifier.oid.form"),
        ("1", "identifier.oid.form"),
        ("3.1", "identifier.oid.form"),
        ("1.2.", "identifier.oid.form"),
        ("1..2", "identifier.oid.form"),
        ("1.02", "identifier.oid.form"),
        ("urn:oid:1.2.246", "identifier.oid.form"),
        ("1.40", "identifier.oid.arc"),
        ("0.40.1", "identifier.oid.arc"),
        ("1." + "2" * 300, "identifier.oid.length"),
    ],
)
def test_a_wrong_oid_is_refused_by_its_rule(text: str, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        Oid.parse(text)
    assert caught.value.rule == rule


def test_an_oid_is_written_as_a_urn_too() -> None:
    assert Oid("2.999").urn == "urn:oid:2.999"


def test_every_rule_that_an_identifier_names_is_in_its_rule_book() -> None:
    """A refusal would name a rule that nobody can look up."""
    book = RuleBook.load(package_file("identifiers", "rules.yaml"))
    named = set()
    for path in package_file("identifiers").glob("*.py"):
        named |= {word for word in path.read_text(encoding="utf-8").split('"') if word.startswith("identifier.")}
    assert named == set(book.rules)
