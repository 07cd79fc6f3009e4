"""Refusals by a provider's own rules leave a trace in the journal; what a note may not hold."""

from __future__ import annotations

from functools import partial

from sotepki.identifiers import holds_identity_code, is_blank, is_plain_line
from sotepki.provider.task_list import provider_rules
from sotepki.records import refusals_journalled as _journalled

OFFICE = "provider"


refusals_journalled = partial(_journalled, office=OFFICE)


def refuse_note(text: str, longest: int) -> None:
    """Raise ``books.text`` for a text that says nothing, is too long, is not one line, or names a person by the code.

    The text is not repeated: what is wrong with it may be what nobody should read.
    """
    if is_blank(text):
        wrong = "The note is empty."
    elif len(text) > longest:
        wrong = f"The note has {len(text)} characters, at most {longest} are taken."
    elif not is_plain_line(text):
        wrong = "The note holds line breaks or other control characters."
    elif holds_identity_code(text):
        wrong = "The note holds a personal identity code."
    else:
        return
    raise provider_rules().refusal("books.text", wrong)
