"""What people write: reasons, notes, titles, paragraphs."""

from __future__ import annotations

import re
import unicodedata

_NOT_IN_A_LINE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def is_plain_line(text: str) -> bool:
    """Whether a text is one line of characters that XML 1.0 can carry (W3C XML 1.0, 2.2).

    No-break spaces, soft hyphens, tabs and the joiners in emoji are text: word processors write them of their own
    accord. ``str.isprintable`` refuses them all. Control characters are refused although XML takes those of C1, and
    those that turn the direction of writing: they would reorder what stands beside the text.
    """
    return _NOT_IN_A_LINE.search(text) is None


def is_blank(text: str) -> bool:
    """Whether nothing of a text is seen: it is empty, or only blanks, soft hyphens and joiners."""
    return all(character.isspace() or unicodedata.category(character) == "Cf" for character in text)
