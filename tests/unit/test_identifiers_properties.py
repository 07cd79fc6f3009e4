"""Identifiers under any input: they come back as they went in, or are refused; nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotepki.errors import Refused
from sotepki.identifiers import (
    CHECK_CHARACTERS,
    BusinessId,
    Hetu,
    Oid,
    PrescriberId,
    RegistrationNumber,
    Satu,
    business_id_of,
    check_character,
    organisation_oid,
)
from sotepki.identifiers.hetu import CENTURY_OF_SIGN

PARSERS: list[Callable[[str], object]] = [
    Hetu.parse,
    Satu.parse,
    BusinessId.parse,
    RegistrationNumber.parse,
    PrescriberId.parse,
    Oid.parse,
]


def _sign_of(day: date) -> st.SearchStrategy[str]:
    return st.sampled_from([sign for sign, century in CENTURY_OF_SIGN.items() if century == day.year // 100 * 100])


@st.composite
def hetus(draw: st.DrawFn) -> Hetu:
    day = draw(st.dates(date(1800, 1, 1), date(2099, 12, 31)))
    return Hetu.of(day, draw(_sign_of(day)), draw(st.integers(900, 999)))


@given(hetus())
def test_a_hetu_comes_back_as_it_went_in(hetu: Hetu) -> None:
    again = Hetu.parse(str(hetu))
    assert again == hetu
    assert hash(again) == hash(hetu)
    assert Hetu.of(again.birth_date, str(again)[6], again.individual_number) == hetu


@given(hetus(), st.integers(0, 9), st.sampled_from("0123456789"))
def test_any_single_wrong_digit_in_a_hetu_is_noticed(hetu: Hetu, place: int, digit: str) -> None:
    """A typing mistake would name another person. The modulus is prime, so one changed digit always shows."""
    text = str(hetu)
    place = place if place < 6 else place + 1
    if place > 9 or text[place] == digit:
        return
    with pytest.raises(Refused):
        Hetu(text[:place] + digit + text[place + 1 :])


@given(hetus(), st.sampled_from(CHECK_CHARACTERS))
def test_only_one_check_character_fits(hetu: Hetu, character: str) -> None:
    if character != str(hetu)[-1]:
        with pytest.raises(Refused):
            Hetu(str(hetu)[:-1] + character)


@given(st.integers(0, 99_999))
def test_a_satu_comes_back_as_it_went_in(number: int) -> None:
    text = f"999{number:05d}{check_character(99_900_000 + number)}"
    assert str(Satu.parse(text)) == text


@given(st.integers(0, 9_999_999), st.integers(0, 2**40))
def test_a_business_id_comes_back_from_the_oid_of_any_of_its_units(number: int, unit: int) -> None:
    business_id = BusinessId.of(number)
    if business_id is not None:
        assert BusinessId.parse(str(business_id)) == business_id
        assert business_id_of(organisation_oid(business_id, unit)) == business_id


@given(st.integers(0, 9_999_999), st.integers(0, 6), st.integers(0, 9))
def test_any_single_wrong_digit_in_a_business_id_is_noticed(number: int, place: int, digit: int) -> None:
    business_id = BusinessId.of(number)
    if business_id is None or str(business_id)[place] == str(digit):
        return
    with pytest.raises(Refused):
        BusinessId(str(business_id)[:place] + str(digit) + str(business_id)[place + 1 :])


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=15))
def test_an_oid_comes_back_as_it_went_in(arcs: list[int]) -> None:
    text = ".".join(["2", *map(str, arcs)])
    assert str(Oid.parse(text)) == text
    assert str(Oid(text).child(7, 0)) == f"{text}.7.0"


@given(st.sampled_from(PARSERS), st.text() | st.text("0123456789-+.ABCY", max_size=14))
def test_any_text_is_read_as_written_or_refused_with_a_short_printable_sentence(
    parse: Callable[[str], object], text: str
) -> None:
    """A traceback, or a terminal upset by control characters, for a mistyped identifier."""
    try:
        assert str(parse(text)) == text
    except Refused as refused:
        assert refused.rule.startswith("identifier.")
        assert str(refused).isprintable()
        assert len(str(refused)) < 300
