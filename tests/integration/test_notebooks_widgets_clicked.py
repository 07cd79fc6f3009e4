"""The widgets of the notebooks over a real workspace, by their traits: what a click does, and what nonsense does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.clock import SetClock
from sotepki.journey import load_cast
from sotepki.journey.card_holder import activation_code, passport
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CAST = load_cast()
REGISTRAR = CAST.person("registrar-county-1")


@pytest.fixture(scope="module", autouse=True)
def _as_in_a_notebook() -> Iterator[None]:
    """Notebooks run in their own directory, and so import their modules from there."""
    sys.path.insert(0, str(NOTEBOOKS))
    yield
    sys.path.remove(str(NOTEBOOKS))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    clock = SetClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    with Workspace.create(tmp_path_factory.mktemp("widgets") / "workspace", clock=clock, card_keys=0) as made:
        yield made


@pytest.fixture(scope="module")
def card(workspace: Workspace) -> str:
    """A card that was handed over, with its letter; nobody has used the code yet."""
    vartti, applicant = workspace.vartti, CAST.person("physician")
    order = vartti.order_professional_card(registrar=REGISTRAR, applicant=applicant, identity=passport(workspace))
    number = vartti.personalise(order.id).card_number
    vartti.hand_over(number, registrar=REGISTRAR, identity=passport(workspace))
    vartti.post_letter(number)
    return number


def fields(form: Any) -> dict[str, Any]:
    """The live fields of an order form, by name."""
    form.widget  # noqa: B018  shows itself
    return dict(form._inputs)


def keys(pad: Any) -> dict[str, Any]:
    """The buttons of a PIN pad, by what stands on them."""
    found, waiting = {}, [pad.widget]
    while waiting:
        widget = waiting.pop()
        waiting += getattr(widget, "children", ())
        if type(widget).__name__ == "Button":
            found[widget.description] = widget
    return found


def typed(pad: Any, *numbers: str) -> None:
    buttons = keys(pad)
    for number in numbers:
        for digit in number:
            buttons[digit].click()
        buttons["OK"].click()


def test_the_form_refuses_while_it_is_typed_and_orders_in_the_end(workspace: Workspace) -> None:
    """The registrar sees rule and advice beside the field, before anything is ordered."""
    from widgets import order_form

    form = order_form(workspace, REGISTRAR)
    boxes = fields(form)
    boxes["applicant"].value = CAST.person("nurse").value
    boxes["document"].value = "driving-licence"
    boxes["valid_to"].value = "31.12.2024"
    assert [finding.rule for finding in form.objections()] == ["order.identity.kind", "order.identity.expired"]
    beside = {name: line.children[1].value for name, line in form._lines.items()}
    assert "order.identity.kind" in beside["document"] and "order.identity.expired" in beside["valid_to"]
    assert "Lumi" in beside["applicant"] and "T06" in beside["right"]
    assert form._lines["task"].layout.display == "none"
    boxes["document"].value = "passport"
    boxes["valid_to"].value = "2030-12-31"
    assert form.objections() == []
    order = next(button for button in form.widget.children[0].children[-1].children if button.button_style)
    order.click()
    assert form.placed is not None and form.placed.state == "ordered"
    order.click()
    assert form.placed is None and form.said[0].rule == "order.one-card"


def test_a_card_for_staff_is_ordered_with_its_own_fields(workspace: Workspace) -> None:
    """Personnel cards want organisation, title and task."""
    from widgets import order_form

    form = order_form(workspace, REGISTRAR, language="sv").fill(
        applicant=CAST.person("employee-without-right"), valid_to="2030-12-31", kind="personnel"
    )
    assert {finding.rule for finding in form.objections()} == {"staff.organisation", "staff.job-title"}
    form.fill(employer=CAST.organisation("county"), job_title="Osastosihteeri").order()
    assert form.placed is not None and form.placed.kind == "personnel"


@pytest.mark.parametrize(
    "wrong",
    [
        {"applicant": "131052-308T"}, {"applicant": "x" * 5000}, {"applicant": None}, {"registrar": "010181-900C"},
        {"registrar": ""}, {"valid_to": "31.2.2030"}, {"kind": "gold"}, {"document": ""}, {"employer": "1.2.x"},
        {"country": "Suomi", "document": "identity-card"}, {"task": "\x00", "kind": "actor"}, {"right": "999"},
        {"colour": "blue"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "fi", "sv"])
def test_nonsense_in_the_form_is_answered_kindly(
    workspace: Workspace, wrong: dict[str, object], language: str
) -> None:
    """A trainee types what he likes; the notebook goes on, and nothing is ordered."""
    from widgets import order_form

    form = order_form(workspace, REGISTRAR, language=language)
    good = {"applicant": CAST.person("dentist"), "valid_to": "2030-12-31"}
    form.fill(**{**good, **wrong})
    assert form.widget is not None
    markdown = form._repr_mimebundle_()["text/markdown"]
    assert "Traceback" not in markdown
    if "colour" not in wrong:
        assert form.objections()
        assert form.order().placed is None and not form.said[0].good


def test_pins_are_typed_at_the_keys_and_shown_nowhere(workspace: Workspace, card: str) -> None:
    """The way of every card: activation, a wrong PIN, one signature for one PIN2, a locked PIN, the code."""
    from widgets import pin_pad

    pad = pin_pad(workspace, card, language="fi")
    code = activation_code(workspace, card).reveal()
    pad.choose("activate")
    typed(pad, code, "4711", "4712")
    assert not pad.said[0].good  # the second PIN1 is another one; it is chosen again
    typed(pad, "4711", "4711", "192837", "192837")
    assert pad.said[0].good and workspace.cards.read(card).state.phase == "active"

    pad.choose("give pin2")
    keys(pad)["Allekirjoita jotakin"].click()
    assert pad.said[0].rule == "card.pin2.not-verified"
    typed(pad, "192837")
    keys(pad)["Allekirjoita jotakin"].click()
    assert pad.said[0].good
    keys(pad)["Allekirjoita jotakin"].click()
    assert pad.said[0].rule == "card.pin2.not-verified"

    pad.choose("give pin1")
    for left in (4, 3, 2, 1, 0):
        typed(pad, "0000")
        assert pad.tries["pin1"] == left
    typed(pad, "4711")
    assert pad.said[0].rule == "card.pin.locked" and "LUKKIUTUNUT" in pad.widget.children[1].value
    pad.choose("unlock pin1")
    typed(pad, code, "5813", "5813")
    assert pad.tries == {"pin1": 5, "pin2": 5, "puk": 5}
    keys(pad)["Kirjaudu kortilla"].click()
    assert pad.said[0].rule == "card.pin1.not-verified"
    assert pad.give("pin1", "5813").use("authentication").said[0].good
    shown = str([pad._repr_mimebundle_(), pad.widget.children[1].value, pad._display.value])
    assert not any(secret in shown for secret in (code, "4711", "192837", "5813"))
    pad.remove()


def test_what_is_typed_is_masked_and_can_be_taken_back(workspace: Workspace, card: str) -> None:
    """A colleague looks over the shoulder."""
    from widgets import pin_pad

    pad = pin_pad(workspace, card)
    buttons = keys(pad)
    for key in ("1", "2", "3", "C"):
        buttons[key].click()
    assert pad._display.value.endswith("●●") and "12" not in pad._display.value
    pad.choose("give pin2")
    assert "●" not in pad._display.value


@pytest.mark.parametrize(
    ("method", "arguments", "rule"),
    [
        ("give", ("pin1", "abcd"), "token.pin.digits"), ("give", ("pin1", ""), "token.pin.digits"),
        ("give", ("pin9", "1234"), ""), ("give", (None, None), "token.pin.digits"), ("use", ("printer",), ""),
        ("change", ("pin1", "1", "12345678901"), "card.pin.form"), ("unlock", ("puk", "1", "1"), ""),
        ("activate", ("1", "1", "1"), "card.already-active"),
    ],
)  # fmt: skip
def test_nonsense_at_the_keys_is_answered_kindly(
    workspace: Workspace, card: str, method: str, arguments: tuple[Any, ...], rule: str
) -> None:
    """Whatever is typed, the notebook goes on and no try is lost."""
    from widgets import pin_pad

    pad = pin_pad(workspace, card)
    before = pad.tries
    getattr(pad, method)(*arguments)
    assert not pad.said[0].good and pad.said[0].rule == rule and pad.said[0].sentence
    assert pad.tries == before
    pad.remove()


def test_a_card_that_is_not_there_or_elsewhere_is_told(workspace: Workspace, card: str) -> None:
    """Cells are run in any order: the card may be in another reader, or never made."""
    from widgets import pin_pad

    with workspace.cards.insert(card):
        assert pin_pad(workspace, card).give("pin1", "4711").said[0].rule == "card.in-use"
    gone = pin_pad(workspace, "9900009999")
    assert gone.give("pin1", "4711").said[0].rule == "card.unknown"
    assert "9900009999" in gone._repr_mimebundle_()["text/markdown"] and gone.widget is not None


def test_dropped_files_are_judged_by_what_stands_in_them(workspace: Workspace, tmp_path: Path) -> None:
    """A vendor drops what lies at hand; each file is told for what it is."""
    from widgets import document_drop

    root = workspace.authorities.root
    folder = tmp_path / "my-files"
    drop = document_drop(workspace, folder)
    assert not drop.look().said[0].good
    folder.mkdir()
    workspace.authorities.publish_if_due(workspace.published)
    for name, data in {
        "a.bin": root.public_bytes(Encoding.DER),
        "b.txt": root.public_bytes(Encoding.PEM),
        "c.key": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "d.xml": b"<a/>",
        "e.crl": next((workspace.published / "crl").iterdir()).read_bytes(),
        "f.png": b"\x89PNG\r\n\x1a\n",
        "g": b"",
        "<b>h</b>": b"\x30\x80\xff",
    }.items():
        (folder / name).write_bytes(data) if "/" not in name else drop.judge(name, data)
    told = {one.name: (one.what, one.verdict) for one in drop.look().judged}
    assert told["a.bin"] == told["b.txt"] == ("certificate: test-root-rsa", "nothing speaks against it")
    assert told["c.key"][0] == "neither document nor certificate"
    assert told["d.xml"][0] == told["f.png"][0] == "no signed document"
    assert told["e.crl"][0].startswith("revocation list")
    assert told["g"] == ("an empty file", "not judged")
    assert [one.findings[0].rule for one in drop.judged if one.name == "c.key"] == ["cert.private-key"]


def test_the_upload_button_takes_files(workspace: Workspace) -> None:
    """What a browser hands over: a name, a content as a memory view; any name, any bytes."""
    from widgets import document_drop

    drop = document_drop(workspace, language="sv")
    upload = drop.widget.children[0].children[0]
    about = {"type": "", "size": 4, "last_modified": datetime(2026, 3, 2, tzinfo=UTC)}
    upload.value = ({"name": "<b>x</b>.xml", "content": memoryview(b"<a/>"), **about},)
    assert drop.judged[0].verdict == "inte i sin ordning"
    assert "<b>x" not in drop.widget.children[1].value
    assert drop.judge("text", "not bytes").judged[0].findings  # type: ignore[arg-type]
