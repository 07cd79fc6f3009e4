"""The small DER writer and reader: exact where they write, unmoved by any bytes where they read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from sotepki.x509 import der


@given(st.integers(min_value=-(1 << 170), max_value=1 << 170))
def test_integers_are_written_as_others_write_them_and_read_back(value: int) -> None:
    encoded = der.integer(value)
    assert encoded == core.Integer(value).dump()
    assert der.read_integer(der.parse(encoded)) == value


@given(
    st.integers(min_value=0, max_value=2),
    st.integers(min_value=0, max_value=39),
    st.lists(st.integers(min_value=0, max_value=1 << 40), max_size=8),
)
def test_object_identifiers_are_written_as_others_write_them_and_read_back(
    first: int, second: int, rest: list[int]
) -> None:
    dotted = ".".join(map(str, (first, second, *rest)))
    encoded = der.oid(dotted)
    assert encoded == core.ObjectIdentifier(dotted).dump()
    assert der.read_oid(der.parse(encoded)) == dotted


def test_under_the_arc_2_numbers_have_no_end() -> None:
    """X.690 8.19.4: test arcs such as 2.999 are written in the first two octets."""
    assert der.oid("2.999.3") == bytes.fromhex("0603883703")
    assert der.read_oid(der.parse(bytes.fromhex("0603883703"))) == "2.999.3"


@pytest.mark.parametrize("text", ["", "1", "3.1", "1.40", "1..2", "1.2.x", "1.²"])
def test_what_is_no_object_identifier_is_refused(text: str) -> None:
    with pytest.raises(der.DerError):
        der.oid(text)


@given(st.binary(max_size=70_000))
def test_lengths_are_the_shortest(content: bytes) -> None:
    encoded = der.octet_string(content)
    assert encoded == core.OctetString(content).dump()
    assert der.parse(encoded).content == content


def test_a_time_is_written_to_the_second_in_utc() -> None:
    assert der.generalized_time(datetime(2026, 3, 2, 9, 5, 7, 999, tzinfo=UTC)) == b"\x18\x0f20260302090507Z"


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "30",
        "3080",  # indefinite length
        "308100",  # length not in its shortest form
        "30820001ff",
        "3005020101",  # cut short
        "30030201010000",  # bytes after the end
        "1f810102",  # tag of several octets
        "1f0100",
        "3f0100",
        "04820080" + "00" * 128,  # length with an empty octet before it
        "30850000000001ff",  # length of five octets
    ],
)
def test_what_is_not_der_is_an_error_and_nothing_else(broken: str) -> None:
    with pytest.raises(der.DerError):
        der.parse(bytes.fromhex(broken))


@pytest.mark.parametrize("broken", ["0200", "02020001", "0202007f", "0202ffff", "0202ff80"])
def test_an_integer_has_one_form(broken: str) -> None:
    """Two forms of one serial number would be two certificates to whoever compares bytes."""
    with pytest.raises(der.DerError):
        der.read_integer(der.parse(bytes.fromhex(broken)))


@pytest.mark.parametrize(("encoded", "value"), [("02020080", 128), ("0202ff7f", -129), ("0201ff", -1), ("020100", 0)])
def test_an_integer_that_needs_its_octets_is_read(encoded: str, value: int) -> None:
    assert der.read_integer(der.parse(bytes.fromhex(encoded))) == value


@pytest.mark.parametrize("broken", ["0600", "06032a8001", "06042a038001", "06022a83"])
def test_an_object_identifier_has_one_form(broken: str) -> None:
    with pytest.raises(der.DerError):
        der.read_oid(der.parse(bytes.fromhex(broken)))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (core.UTF8String, "UTF8String"),
        (core.NumericString, "NumericString"),
        (core.PrintableString, "PrintableString"),
        (core.TeletexString, "T61String"),
        (core.IA5String, "IA5String"),
        (core.VisibleString, "VisibleString"),
        (core.UniversalString, "UniversalString"),
        (core.BMPString, "BMPString"),
    ],
)
def test_every_string_type_is_read_and_named(kind: type[core.AbstractString], name: str) -> None:
    """Old certificates have the odd ones; the report names the type that stands there."""
    element = der.parse(kind("2026").dump())
    assert (der.read_text(element), der.string_type(element.tag)) == ("2026", name)


@given(st.binary(max_size=300))
def test_any_bytes_give_an_element_or_an_error(data: bytes) -> None:
    try:
        element = der.parse(data)
        for child in element.children():
            der.string_type(child.tag)
            der.read_text(child)
    except der.DerError:
        pass


def test_a_million_levels_of_nesting_are_no_deeper_than_one() -> None:
    """A reader that recurses would crash here."""
    data = b"\x30\x84\x00\x0f\x42\x40" + b"\x30\x80" * 500_000
    with pytest.raises(der.DerError):
        der.parse(data).children()
