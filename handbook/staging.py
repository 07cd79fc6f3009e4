"""The pages of the handbook in one directory, for Sphinx: those of `docs/`, the notebooks, and those made here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from handbook import cases, glossary, reference
from handbook.linking import with_places, with_rules_linked, with_sections, with_sources_linked
from handbook.state_drawing import as_svg
from sotepki import rulebook, state_diagrams
from sotepki.evidence import load_yaml
from sotepki.states import StateMachine

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MADE_BY_SPHINX = ("conf.py", "_static")
MADE_HERE = (
    "rule-book.md",
    "state-machines.md",
)  # with links and pictures that the pages of a repository cannot have
STATES = "pictures/states"
_FIRST_STEPS = "start/README.md"  # its pages stand by themselves at the head of the contents
_THE_OTHERS = "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
"""The first page of a folder leads to its others."""


def stage(directory: Path) -> list[Path]:
    """Bring ``directory`` up to date and return its files; what is right keeps its time, so Sphinx rests."""
    wanted: dict[Path, bytes] = {}
    for name, content in _pages():
        wanted[directory / name] = content
    for path in directory.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
    for path, content in wanted.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return sorted(wanted)


def _pages() -> Iterator[tuple[str, bytes]]:
    facts = {path.stem: path.read_text(encoding="utf-8") for path in (DOCS / "field").glob("*.md")}
    yield from _prose(facts)
    yield from _notebooks()
    for name, text in _made(facts):
        yield name, text.encode()


def _prose(facts: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """What stands in `docs/` and at the root, with its pictures."""
    for page in ("CONTRIBUTING", "CHANGELOG"):
        text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
        yield f"{page.lower()}.md", text.replace("](docs/", "](").encode()
    for path in sorted(DOCS.rglob("*")):
        name = path.relative_to(DOCS).as_posix()
        if not path.is_file() or name.split("/")[0] in MADE_BY_SPHINX or name in MADE_HERE:
            continue
        if path.suffix != ".md":
            yield name, path.read_bytes()
            continue
        # In the handbook the notebooks stand beside the pages, one step nearer than in the repository.
        text = path.read_text(encoding="utf-8").replace("../notebooks/", "notebooks/")
        if path.parent == DOCS / "field":
            text = with_sections(text)
        if path.parent == DOCS / "profiles":
            text = with_sources_linked(text, facts, "../")
        yield name, (text + (_THE_OTHERS if path.name == "README.md" and name != _FIRST_STEPS else "")).encode()


def _made(facts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is made here from data and code."""
    yield "rule-book.md", with_sources_linked(with_places(rulebook.as_markdown()), facts)
    machines = with_rules_linked(state_diagrams.as_markdown(_picture))
    yield "state-machines.md", with_sources_linked(machines, facts)
    for machine in state_diagrams.all_machines():
        yield f"{STATES}/{machine.id}.svg", as_svg(machine)
    yield "glossary.md", glossary.page()
    for name, text in cases.pages():
        yield f"cases/{name}", with_sources_linked(text, facts, "../")
    for name, text in reference.command_pages():
        yield f"commands/{name}", text
    for name, text in reference.api_pages():
        yield f"api/{name}", text


def _picture(machine: StateMachine) -> str:
    return f"![{machine.title}]({STATES}/{machine.id}.svg)\n"


def _notebooks() -> Iterator[tuple[str, bytes]]:
    """The start page of the lab, and the notebooks with the outputs that are committed."""
    folder = ROOT / "notebooks"
    start = (folder / "README.md").read_text(encoding="utf-8") + _THE_OTHERS
    yield "notebooks/README.md", start.replace("](../docs/", "](../").encode()
    for path in sorted(folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = "".join(cell["source"]).replace("](../docs/", "](../")
        for cell, text in zip(pictured(notebook), picture_texts().get(path.stem, ()), strict=False):
            cell["metadata"]["mystnb"] = {"image": {"alt": text}}
        name = path.relative_to(folder).as_posix()
        yield f"notebooks/{name}", json.dumps(notebook, ensure_ascii=False, sort_keys=True).encode()


def pictured(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cells of a notebook that show a picture, each of which shows one."""
    return [
        cell
        for cell in notebook["cells"]
        if any(kind.startswith("image/") for output in cell.get("outputs", ()) for kind in output.get("data", {}))
    ]


def picture_texts() -> Mapping[str, list[str]]:
    """What the pictures of the notebooks show, in words: by notebook, in the order of the pictures."""
    texts: Mapping[str, list[str]] = load_yaml(Path(__file__).resolve().parent / "picture_texts.yaml")
    return texts


def empty(directory: Path) -> None:
    """Remove what an earlier build left."""
    shutil.rmtree(directory, ignore_errors=True)
