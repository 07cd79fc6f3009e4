"""The quick search for identity codes finds what the plain expression finds, in thin and in dense text."""

from __future__ import annotations

import document_world as world
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sotepki.documents import verify_document
from sotepki.documents.identity_codes import _CODE, _LENGTH, _codes, _ends
from sotepki.identifiers import check_character

_PIECES = st.lists(
    st.sampled_from(
        [b"010181-123A", b"131052A308T", b"010181-900C", b"7", b"20260301", b"-", b"A", b" ", b"x", b"teksti "]
    ),
    max_size=40,
)


@settings(max_examples=400, deadline=None)
@given(_PIECES, st.integers(0, 5), st.sampled_from([0, 7_000]))
@example([b"010181-123A"], 1, 7_000)
def test_no_code_is_missed_and_none_is_invented(pieces: list[bytes], shift: int, padding: int) -> None:
    """A real person's code in a test document would pass unseen; it may stand at any distance from the beginning."""
    text = b"." * shift + b"".join(pieces) + b" teksti" * (padding // 7)
    plain = {match.end() for match in _CODE.finditer(text)}
    assert {end for end in _ends(text) if _CODE.match(text, end - _LENGTH)} == plain


@pytest.mark.parametrize("separator", "+-ABCDEFYXWVU")
@pytest.mark.parametrize(("number", "found"), [("002", True), ("899", True), ("900", False), ("999", False)])
def test_codes_of_every_century_and_number_are_found(separator: str, number: str, found: bool) -> None:
    """Whoever was born in 2001 or has a high number is a real person too."""
    code = f"010101{separator}{number}{check_character(int('010101' + number))}"
    assert list(_codes(f"({code})".encode())) == ([code] if found else [])


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (b"<title>131052-308T</title>", True),
        (b"<title>Nimi 131052-308T<?x?></title>", True),
        (b"<title><?x?>131052-308T</title>", True),
        (b"<title>131052-<?x y?>308T</title>", True),
        (b"<title>131052<?x?><?y?>-308<?z?>T</title>", True),
        (b"<title>131052-<!-- x -->308T</title>", True),
        (b"<title>131052<![CDATA[-]]>308T</title>", True),
        (b"<title>131052&#45;308T</title>", True),
        (b'<title x="131052&#45;308T"/>', True),
        (b'<title x="131052-308T"/>', True),
        (b"<title/>131052-308T", True),
        (b"<title><?x?></title>131052-308T", True),
        (b"<title>131052-<b/>308T</title>", False),
        (b"<title/><!-- 131052-308T -->", True),
        (b"<title/><?x 131052-308T?>", True),
        (b"<title><![CDATA[<!-- ]]>131052-308T</title>", True),
        (b"<title><?x?>010181-900C</title><!-- 010181-900C -->", False),
        (b"<title><?x?>131052-308U</title><!-- 131052-308U -->", False),
    ],
)
def test_a_code_is_found_however_the_markup_is_interrupted(written: bytes, found: bool) -> None:
    """A real person's code would be kept by Kanta because a comment or an instruction stands beside it."""
    document = world.unsigned()
    begin, end = document.index(b"<title>"), document.index(b"</title>") + len(b"</title>")
    signed = world.signed_by_professional(document[:begin] + written + document[end:])
    report = verify_document(signed, world.context())
    assert [finding.rule for finding in report.findings] == (["doc.hetu.test-only"] if found else [])
