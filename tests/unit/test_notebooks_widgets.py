"""The widgets of the notebooks, without a workspace: two dresses, words in three languages, sliders."""

from __future__ import annotations

from pathlib import Path

import pytest

from sotepki.rulebook import whole_book

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def _as_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks run in their own directory, and so import their modules from there; nobody listens."""
    monkeypatch.syspath_prepend(str(NOTEBOOKS))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("SOTEPKI_WIDGETS", raising=False)


def test_without_a_browser_a_widget_is_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a committed notebook would hold widgets that no reader's page can show."""
    from widgets import profile_slider

    slider = profile_slider()
    assert set(slider._repr_mimebundle_()) == {"text/plain", "text/markdown"}
    monkeypatch.setenv("JPY_SESSION_NAME", "notebook.ipynb")
    assert VIEW in slider._repr_mimebundle_()
    monkeypatch.setenv("SOTEPKI_WIDGETS", "off")
    assert VIEW not in slider._repr_mimebundle_()


def test_what_comes_from_outside_is_only_text() -> None:
    """A file name may hold HTML or a table bar; it must neither run in the page nor break the table."""
    from phrases import speaker
    from widgets.showing import Said, Sheet, as_html, as_markdown

    nasty = "<img src=x onerror=alert(1)>|\n[a](javascript:b)"
    sheet = Sheet(nasty, ("a", "b"), ((nasty, nasty),), (Said(nasty, good=False, advice=nasty),))
    shown = as_html(sheet, speaker("widgets", "en"))
    assert "<img" not in shown and "&lt;img" in shown
    markdown = as_markdown(sheet, speaker("widgets", "en"))
    assert "<img" not in markdown and "[a](" not in markdown
    assert markdown.splitlines()[4].replace("\\|", "").count("|") == 3


def test_every_refusal_that_is_translated_is_one_of_the_rule_book() -> None:
    """A rule that was renamed would be told in English in the middle of a Finnish page."""
    from widgets.showing import refusals

    book = whole_book()
    for rule, texts in refusals().items():
        assert book[rule], rule
        assert set(texts) == {"en", "fi", "sv"}


@pytest.mark.parametrize("language", ["en", "fi", "sv"])
def test_sliders_move_and_compare_with_the_profile(language: str) -> None:
    """The point of the slider: P-384 makes certificates smaller, and a shorter life the revocation list."""
    from widgets import profile_slider

    slider = profile_slider(language=language).set(key="p-256", years=2)
    assert slider.then.certificate.certificate_octets < slider.now.certificate.certificate_octets
    assert slider.then.list_octets < slider.now.list_octets
    profile, key, years = (row.children[0] for row in slider.widget.children[0].children)
    assert (profile.value, key.value, years.value) == ("professional-signature-rsa", "p-256", 2)
    key.value = "rsa-2048"
    years.value = 4
    assert slider.choice.key == "rsa-2048" and slider.choice.years == 4
    assert "rsa-2048" in slider.widget.children[1].value
    assert slider.reset().then == slider.now


@pytest.mark.parametrize(
    "wrong", [{"key": "rsa-1024"}, {"years": 99}, {"years": "x"}, {"profile": "test-root-rsa"}, {"profile": 3}]
)
def test_a_wrong_value_moves_nothing_and_is_told(wrong: dict[str, object]) -> None:
    """A reader who types nonsense gets a sentence, not a traceback."""
    from widgets import profile_slider

    slider = profile_slider()
    before = slider.choice
    slider.set(**wrong)  # type: ignore[arg-type]
    assert slider.choice == before
    assert not slider.said[0].good and slider.said[0].sentence
