"""What people write in their own words is taken as word processors make it; what XML 1.0 cannot carry is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pytest

from sotepki.dvv.registration.contract_guards import _details
from sotepki.dvv.vartti.guards import _delivery
from sotepki.errors import Refused
from sotepki.identifiers import Oid, is_plain_line
from sotepki.kela import joint_testing_data
from sotepki.provider.plans.guards import _text
from sotepki.provider.refusals import refuse_note
from sotepki.reference_system import casework
from sotepki.reference_system.casework import Casework
from sotepki.valvira.holdings import check_reason
from sotepki.valvira.supervision import guards

WRITTEN = [
    "Tuki on 100\u00a0€ kuukaudessa, sosiaalihuoltolain 14\u00a0§.",
    "Lasten\u00adsuojelun asiakassuunnitelma",
    "Lääke:\t2 kertaa päivässä",
    "Perheen 👨‍👩‍👧 suunnitelma",
    "Välissä\u202fkapea väli",
]
NOT_TEXT = [f"Suunni{unfit}telma" for unfit in "\x00\x08\x1b\x7f\x9b\ud800\udfff\ufffe\uffff\u202e\u2066"]


def _objected(objection: object) -> None:
    assert objection is None, objection


TAKING: dict[str, Callable[[str], None]] = {
    "reason of Valvira": check_reason,
    "note of a provider": lambda text: refuse_note(text, 300),
    "reason of supervision": lambda text: _objected(guards.text_objection(text, "The reason")),
    "text for joint testing": lambda text: _objected(joint_testing_data.text_objection(text, "The text")),
    "plan": lambda text: _objected(_text(cast(Any, SimpleNamespace(text=f"{text}\r\n\n{text}")))),
    "contract": lambda text: _objected(
        _details(cast(Any, SimpleNamespace(data=None, details={"delivery address": text})))
    ),
    "address of a letter": lambda text: _objected(_delivery(cast(Any, SimpleNamespace(letter_address=text)))),
}


@pytest.mark.parametrize("taking", TAKING)
@pytest.mark.parametrize("text", WRITTEN)
def test_what_a_word_processor_writes_is_text(taking: str, text: str) -> None:
    """An official who pasted a reason with "14 §" from the law was told that it is not text."""
    TAKING[taking](text)


@pytest.mark.parametrize("taking", TAKING)
@pytest.mark.parametrize("text", NOT_TEXT)
def test_what_no_document_can_carry_is_refused(taking: str, text: str) -> None:
    """A control character in a reason would break every XML document and terminal that shows it."""
    with pytest.raises((Refused, AssertionError)):
        TAKING[taking](text)


@pytest.mark.parametrize("taking", ["reason of Valvira", "note of a provider", "reason of supervision",
                                    "text for joint testing", "plan"])  # fmt: skip
@pytest.mark.parametrize("text", ["\u200b", "\u00ad\u2060", " \u00a0\t"])
def test_a_text_that_nobody_sees_is_none(taking: str, text: str) -> None:
    """A right would be taken away for a reason that no page shows."""
    with pytest.raises((Refused, AssertionError)):
        TAKING[taking](text)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\u2028b", "a\u2029b", "a\x85b"])
def test_one_line_is_one_line(text: str) -> None:
    """A reason of two lines would forge a line in a list."""
    assert not is_plain_line(text)


def test_all_that_is_taken_is_read_back_from_xml() -> None:
    """A document that was taken and signed would be no XML for Kanta."""
    taken = "".join(one for one in map(chr, range(0x3000)) if is_plain_line(one)) + "\ufffd\U0001f468\U000e0001"
    element = ElementTree.Element("text")
    element.text = taken
    assert ElementTree.fromstring(ElementTree.tostring(element, "utf-8")).text == taken


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> Casework:
    """The casework of a reference system whose documents have no content."""
    monkeypatch.setattr(casework, "build_social_document", lambda **_: b"<document/>")
    world = SimpleNamespace(
        clients={"client-adult": None},
        organisation=None,
        clock=SimpleNamespace(now=lambda: date(2026, 3, 2)),
        new_oid=lambda _branch: Oid("1.2.246.10.99000018.93.1"),
    )
    return Casework(cast(Any, world))


@pytest.mark.parametrize("text", WRITTEN)
def test_a_professional_writes_finnish(cases: Casework, text: str) -> None:
    """A social worker who wrote "100 €" as Finnish is written lost the whole text to a page that refused it."""
    user = cast(Any, SimpleNamespace(professional=None, number="00900000005"))
    made = cases.write(user, "client-adult", text, f"{text}\r\n\u00a0\r\n{text}")
    assert (made.title, made.paragraphs) == (text, (text, text))
    for part in NOT_TEXT:
        with pytest.raises(Refused, match="control characters") as refused:
            cases.write(user, "client-adult", "Suunnitelma", part)
        assert refused.value.rule == "ref.request"
