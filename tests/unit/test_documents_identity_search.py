"""The quick search for identity codes finds what the plain expression finds, in thin and in dense text."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sotepki.documents.identity_codes import _CODE, _matches

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
    plain = {(match.start(), match[0]) for match in _CODE.finditer(text)}
    assert {(match.start(1), match[1]) for match in _matches(text)} == plain
