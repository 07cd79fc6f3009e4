"""The handbook's own makers: what a reader would miss, and what a visitor of the pages would send outside."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lxml import etree

from conformance.catalogue import catalogue
from conformance.requirements import requirements
from handbook import cases, glossary, reference, staging
from handbook.checking import complaints
from handbook.linking import rule_link, with_places, with_rules_linked
from handbook.state_drawing import as_svg
from notebooks.glossary import load_glossary
from sotepki.cli import COMMANDS
from sotepki.resources import package_file
from sotepki.state_diagrams import all_machines

MACHINES = all_machines()
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.id)
def test_a_picture_shows_every_state_and_every_step(machine) -> None:  # type: ignore[no-untyped-def]
    """A step that the picture leaves out would be taught as forbidden."""
    texts = [text.text or "" for text in etree.fromstring(as_svg(machine).encode()).iter(f"{SVG}text")]
    assert set(machine.states) <= set(texts)
    for step in machine.transitions.values():
        staying = {origin for origin in step.sources if step.target_from(origin) == origin}
        assert texts.count(f"\u21bb {step.name}") == len(staying), step.name
        if staying != step.sources:
            assert any(text.startswith(f"{step.name} (") for text in texts), step.name


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.id)
def test_a_picture_stays_within_its_frame(machine) -> None:  # type: ignore[no-untyped-def]
    """A name cut off at the edge cannot be read; a letter is taken as 6.3 pixels wide."""
    picture = etree.fromstring(as_svg(machine).encode())
    width, height = (float(part) for part in picture.get("viewBox", "").split()[2:])
    for text in picture.iter(f"{SVG}text"):
        length = 6.3 * len(text.text or "")
        begin = (
            float(text.get("x", "")) - {"start": 0, "middle": length / 2, "end": length}[text.get("text-anchor", "")]
        )
        assert begin >= 0 and begin + length <= width, text.text
        assert 0 < float(text.get("y", "")) < height


def test_the_catalogue_has_every_case_and_every_untested_requirement() -> None:
    pages = dict(cases.pages())
    for case in catalogue():
        assert f"## {case.title}" in pages[f"{case.area}.md"], case.id
    for requirement in requirements().values():
        assert not requirement.not_tested or f"## {requirement.id}\n" in pages["requirements.md"]


def test_the_glossary_has_every_term_in_every_language() -> None:
    page = glossary.page()
    for term in load_glossary():
        assert page.count(term.words["en"]) >= 3, term


def test_every_command_has_a_page_and_every_public_module_exists() -> None:
    assert {name for name, _ in reference.command_pages()} == {"index.md", *(f"{name}.rst" for name in COMMANDS)}
    for name, text in reference.api_pages():
        assert name == "index.md" or text.count("automodule") >= 1, name
    rooms = {
        path.stem for path in package_file().iterdir() if not path.name.startswith("_") and path.suffix in ("", ".py")
    }
    shown = {module.split(".")[1] for group in reference.GROUPS.values() for module in group if "." in module}
    assert rooms - shown == {"cli", "loopback", "markdown", "resources", "state_diagrams"}


def test_a_rule_id_leads_to_its_row() -> None:
    """A reader who met a rule id would be sent to a page of seven hundred rows, or nowhere."""
    assert (
        rule_link("doc.digest.body") == '<a href="../rule-book.html#doc.digest.body"><code>doc.digest.body</code></a>'
    )
    assert rule_link("cert.no-such-profile.row") == "`cert.no-such-profile.row`"
    assert with_places("| `doc.digest.body` | text |") == '| <a id="doc.digest.body"></a>`doc.digest.body` | text |'
    assert with_rules_linked("`doc.digest.body`, `x`").startswith('<a href="rule-book.html#doc.digest.body">')


PROSE = [
    path for pattern in ("*.md", "docs/**/*.md", "notebooks/*.md") for path in sorted(staging.ROOT.glob(pattern))
]


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.relative_to(staging.ROOT).as_posix())
def test_links_of_a_page_lead_somewhere_in_the_repository(page: Path) -> None:
    """The handbook moves pages and mends links; who reads them where they lie needs them right there too."""
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [found for found in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in found and ":" not in found]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    """Sphinx would read everything anew at each build."""
    first = {path: path.stat().st_mtime_ns for path in staging.stage(tmp_path)}
    (tmp_path / "left-over.md").write_text("# Of a page that was renamed\n", encoding="utf-8")
    assert {path: path.stat().st_mtime_ns for path in staging.stage(tmp_path)} == first
    assert not (tmp_path / "left-over.md").exists()


@pytest.mark.parametrize(
    ("head", "body", "said"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "", "loads https://cdn.example/x.js"),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', "", "loads //fonts.example/x.css"),
        ("", '<img src="http://pictures.example/x.png">', "loads http://pictures.example/x.png"),
        ("", '<img src="missing.png">', "loads missing.png, which is not there"),
        ("", '<a href="missing.html">x</a>', "links to missing.html, which is not there"),
        ("", '<a href="other.html#missing">x</a>', "links to other.html#missing; the page has no such place"),
        ("", '<a href="other.html#here">x</a><a href="https://dvv.fi">y</a><a href="#">z</a>', ""),
    ],
)
def test_the_check_of_the_site_finds_what_is_wrong(tmp_path: Path, head: str, body: str, said: str) -> None:
    """A handbook that fetches from a host outside would tell it who reads what, and would break offline."""
    page = "<!doctype html><html><head>{}</head><body>{}</body></html>"
    (tmp_path / "other.html").write_text(page.format("", '<p id="here">'), encoding="utf-8")
    (tmp_path / "page.html").write_text(page.format(head, body), encoding="utf-8")
    assert complaints(tmp_path) == ([f"page.html {said}"] if said else [])


def test_the_check_of_the_site_reads_style_sheets(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text(
        "@import 'https://fonts.example/a.css'; b { background: url(b.png) }", encoding="utf-8"
    )
    assert complaints(tmp_path) == ["a.css loads https://fonts.example/a.css"]


def test_every_picture_of_a_notebook_is_told_in_words() -> None:
    """Who listens to the handbook would hear the name of a file."""
    notebooks = (Path(staging.ROOT) / "notebooks").glob("*.ipynb")
    shown = {path.stem: len(staging.pictured(json.loads(path.read_text(encoding="utf-8")))) for path in notebooks}
    told = {stem: len(texts) for stem, texts in staging.picture_texts().items()}
    assert told == {stem: count for stem, count in shown.items() if count}
    staged = {name: page for name, page in staging._notebooks() if name.endswith("00_tour.ipynb")}
    assert b"Valvira tells DVV the rights in force" in staged["notebooks/00_tour.ipynb"]
