"""A notebook on a machine or in a state that is not as it should be: the cell says what to do, and no traceback."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from notebooks.pairs import HERE
from notebooks.running import run
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

SOFTHSM_IS_MISSING = """
import os
os.environ["SOTEPKI_SOFTHSM"] = "/nowhere/libsofthsm2.so"
new_workspace("kind")
"""
NO_WORKSPACE_IS_NAMED = """
os.environ.pop("SOTEPKI_SOFTHSM")
os.environ.pop("SOTEPKI_WORKSPACE", None)
ready_workspace()
"""
THE_WORKSPACE_IS_MISSING = 'os.environ["SOTEPKI_WORKSPACE"] = "/nowhere/workspace"\nready_workspace()'
OUT_OF_ORDER = "registrar = cast.person('registrar-county-1')"
TWICE = """
first = ready_workspace()
second = ready_workspace()
print(second.counts()["people"] > 0)
"""


A_TEXT_FOR_A_PERSON = """
from sotepki.journey import load_cast
from sotepki.journey.card_holder import passport
workspace, cast = ready_workspace(), load_cast()
workspace.vartti.order_professional_card(
    registrar=cast.person("registrar-county-1"), applicant="091292W971J", identity=passport(workspace)
)
"""
ANOTHER_ATTRIBUTE = "workspace.no_such_room"


# Until there is a second revision, a workspace of an earlier version is one of today in the eyes of a later version.
OLDER = """
from sotepki.records import migrations
today = migrations.revisions
migrations.revisions = lambda scripts=None: [*today(scripts), "9999_later"]
try:
    ready_workspace()
finally:
    migrations.revisions = today
"""


def ready(directory: Path) -> str:
    return f'os.environ["SOTEPKI_WORKSPACE"] = {str(directory)!r}\n'


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the cells of one notebook print, each of them wrong in its own way but the last."""
    current = tmp_path_factory.mktemp("kind") / "workspace"
    with Workspace.create(current, card_keys=0):
        pass
    cells = [
        "from story import be_kind, new_workspace, ready_workspace\nbe_kind()",
        SOFTHSM_IS_MISSING,
        NO_WORKSPACE_IS_NAMED,
        THE_WORKSPACE_IS_MISSING,
        ready(current) + OLDER,
        OUT_OF_ORDER,
        ready(current) + TWICE,
        A_TEXT_FOR_A_PERSON,
        ANOTHER_ATTRIBUTE,
    ]
    notebook = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    for source in cells:
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["raises-exception"]})  # type: ignore[no-untyped-call]
        notebook.cells.append(cell)
    done = run(notebook, HERE)
    assert not any("Traceback" in output.get("text", "") for cell in done.content.cells for output in cell.outputs)
    return [
        "".join(output.get("text", "") + output.get("evalue", "") for output in cell.outputs)
        for cell in done.content.cells
    ]


@pytest.mark.parametrize(
    ("cell", "sentence", "advice"),
    [
        (1, "SOTEPKI_SOFTHSM names /nowhere/libsofthsm2.so, and there is no such file.", ""),
        (2, "No workspace stands ready", "./run lab"),
        (3, "There is no workspace in /nowhere/workspace.", "sotepki init"),
        (4, "this version works with 9999_later", "sotepki workspace upgrade"),
        (5, "This cell needs 'cast', which a cell above it makes.", "Run All Above Selected Cell"),
        (6, "True", ""),
        (7, "A text stands where something else is asked for.", "a person is cast.person(...)"),
        (8, "'Workspace' object has no attribute 'no_such_room'", ""),
    ],
)
def test_the_cell_says_what_is_wrong_and_what_to_do(said: list[str], cell: int, sentence: str, advice: str) -> None:
    assert sentence in said[cell]
    assert advice in said[cell]
