"""The start page of the notebooks: a notebook that is not on it is found by nobody."""

from __future__ import annotations

from configparser import ConfigParser

import pytest

from notebooks.contents import PAGE, Entry, entries, page
from notebooks.pairs import HERE, notebooks, sources

ENTRIES = entries()


def test_the_committed_page_is_what_the_notebooks_say() -> None:
    """Regenerate with: python -m notebooks.contents > notebooks/README.md"""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_notebook_is_on_the_page_once() -> None:
    listed = [edition.notebook for entry in ENTRIES for edition in entry.files]
    assert sorted(listed) == sorted(notebooks())


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.files[0].notebook.stem[:2].isdigit()])
def test_a_notebook_fills_a_lesson_and_not_a_morning(entry: Entry) -> None:
    """Else a course that gives a lesson to each would not be held."""
    assert 10 <= entry.minutes <= 60


def test_the_page_stands_where_the_lab_opens_it() -> None:
    from notebooks import lab

    assert lab.ROOT / lab.START_PAGE == PAGE
    assert (lab.ROOT / lab.TOUR).parent == HERE


def test_the_types_of_every_notebook_are_checked() -> None:
    """A notebook that mypy is not told of may call what is no longer there, until somebody runs it."""
    settings = ConfigParser()
    settings.read(HERE / "mypy.ini")
    told = {name.strip() for name in settings["mypy"]["modules"].replace("\n", ",").split(",")}
    lessons = {name.removeprefix("mypy-") for part in settings.sections() for name in part.split(",")}
    meant = {source.stem for source in sources()}
    assert meant <= told and meant <= lessons
