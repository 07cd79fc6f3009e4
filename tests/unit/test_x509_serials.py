"""Serial numbers have the two forms of the field, and foreign ones of any length are measured rightly."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto.core import Integer
from hypothesis import given
from hypothesis import strategies as st

from sotepki.errors import Refused
from sotepki.x509.profile_values import SerialForm, SerialValue
from sotepki.x509.serials import has_form, octets, person_serial, service_serial

PERSON = SerialValue(4, SerialForm.PERSON)
SERVICE = SerialValue(15, SerialForm.SERVICE)


@given(st.integers(min_value=1, max_value=2_000_000_000))
def test_a_person_serial_has_four_octets(n: int) -> None:
    assert has_form(person_serial(n), PERSON)


def test_person_serials_grow_with_the_count() -> None:
    assert [person_serial(n) for n in (1, 2, 2_500_709)] == [100_000_001, 100_000_002, 102_500_709]


def test_the_last_person_serial_still_has_four_octets() -> None:
    last = (1 << 31) - 1 - 100_000_000
    assert has_form(person_serial(last), PERSON)
    with pytest.raises(Refused):
        person_serial(last + 1)


def test_a_negative_number_has_no_form_of_the_field() -> None:
    """It has four octets too, but RFC 5280 4.1.2.2 wants positive numbers."""
    assert octets(-1_000_000_000) == 4 and not has_form(-1_000_000_000, PERSON)


def test_a_clock_before_the_service_serials_is_refused() -> None:
    """The milliseconds would need one octet fewer, and the number would have another length."""
    with pytest.raises(Refused, match="2004"):
        service_serial(datetime(2004, 11, 3, tzinfo=UTC))
    assert has_form(service_serial(datetime(2004, 11, 4, tzinfo=UTC)), SERVICE)


@pytest.mark.parametrize("n", [0, -1, 3_000_000_000])
def test_a_count_without_a_number_is_refused(n: int) -> None:
    with pytest.raises(Refused):
        person_serial(n)


def test_a_service_serial_begins_with_the_milliseconds() -> None:
    """2021-05-25 is ``0179a3...`` in the published certificates."""
    serial = service_serial(datetime(2021, 5, 25, 12, 14, 24, tzinfo=UTC))
    assert has_form(serial, SERVICE) and f"{serial:030x}".startswith("0179a3")


def test_service_serials_of_one_moment_differ() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert len({service_serial(now) for _ in range(100)}) == 100


@given(st.integers(min_value=-(1 << 200), max_value=1 << 200))
def test_the_length_is_that_of_the_encoding(value: int) -> None:
    assert octets(value) == len(Integer(value).contents)
