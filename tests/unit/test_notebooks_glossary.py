"""The glossary's notebook: a word that it lacks or spells otherwise than the domain glossary would end on a form."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from notebooks.editions import Edition, editions
from notebooks.pairs import HERE
from sotepki.errors import Fault

DOCS = HERE.parent / "docs" / "field" / "README.md"


@pytest.fixture(autouse=True)
def _as_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks run in their own directory, with its modules beside them."""
    monkeypatch.syspath_prepend(str(HERE))


def rows_of_the_docs() -> list[list[str]]:
    """The cells of the table as they stand in the docs, without head and section rows; read here independently."""
    lines = DOCS.read_text(encoding="utf-8").partition("## 5. Glossary")[2].splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    return [row for row in rows[2:] if not row[0].startswith("**")]


def test_the_terms_are_those_of_the_docs() -> None:
    from glossary import LANGUAGES, load_glossary

    def plain(cell: str) -> str:
        return cell.replace("°", "")

    rows = rows_of_the_docs()
    terms = load_glossary()
    assert len(rows) > 100
    assert [[term.words[language] for language in LANGUAGES] for term in terms] == [
        [plain(cell) for cell in row] for row in rows
    ]
    assert [["°" in cell for cell in row] for row in rows] == [
        [language in term.seen for language in LANGUAGES] for term in terms
    ]


@pytest.mark.parametrize("edition", editions(HERE / "14_glossary.py"), ids=lambda edition: edition.language)
def test_every_term_stands_in_the_notebook(edition: Edition) -> None:
    """Written anew with: python -m notebooks.execute --write notebooks/14_glossary.py"""
    from glossary import LANGUAGES, load_glossary

    content = nbformat.read(edition.notebook, as_version=4)  # type: ignore[no-untyped-call]
    shown = "\n".join(
        output.data.get("text/markdown", "")
        for cell in content.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "display_data"
    )
    for term in load_glossary():
        assert f"| {' | '.join(term.in_language(language) for language in LANGUAGES)} |" in shown


@pytest.mark.parametrize(
    ("wanted", "english"),
    [
        ("spare", "spare card"),
        ("varakortti", "spare card"),
        ("tillfälligt kort", "spare card"),
        ("REKISTEROIJA", "registrar"),
        ("FO-nummer", "Business ID"),
        ("kodbr", "PIN letter"),
    ],
)
def test_a_word_of_any_language_is_found(wanted: str, english: str) -> None:
    from glossary import find, load_glossary

    assert find(wanted, load_glossary())[0].words["en"] == english


def test_a_misspelt_word_is_answered_kindly() -> None:
    from glossary_search import glossary_search

    search = glossary_search("en").find("varakorti")
    assert search.found == [] and "varakortti" in search.said[0].advice
    assert glossary_search("fi").find("").said == ()
    assert glossary_search("sv").find("☃" * 1000).found == []
    assert glossary_search("en").find(42).said[0].sentence


def test_a_letter_typed_is_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The field in JupyterLab answers while one types; a static page has the table only."""
    from glossary_search import glossary_search

    search = glossary_search("en")
    view = "application/vnd.jupyter.widget-view+json"
    assert view not in search._repr_mimebundle_()
    monkeypatch.setenv("SOTEPKI_WIDGETS", "on")
    assert view in search._repr_mimebundle_()
    (field,) = search.controls().children
    field.value = "varak"
    assert [term.words["en"] for term in search.found] == ["spare card"]


def test_the_alphabet_ends_with_its_last_letters() -> None:
    from glossary import alphabetical, load_glossary

    assert alphabetical(load_glossary(), "sv")[-1].words["sv"] == "överföringsram"


@pytest.mark.parametrize("row", ["| only | two |", "| an empty |  | cell |", "| a | b | c | d |"])
def test_a_broken_table_is_refused(tmp_path: Path, row: str) -> None:
    """Else a slip in the docs would silently lose a term."""
    from glossary import load_glossary

    page = tmp_path / "README.md"
    head = "## 5. Glossary\n\n| English | suomi | svenska |\n|---|---|---|\n| **Cards** | | |\n"
    page.write_text(head + row + "\n", encoding="utf-8")
    with pytest.raises(Fault):
        load_glossary(page)
    page.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(Fault):
        load_glossary(page)
