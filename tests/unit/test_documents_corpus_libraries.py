"""What is told of stock signature libraries: the page says what the data say, and the data are whole.

Whether the libraries do what the data say is tried in ``tests/integration/test_corpus_libraries.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sotepki.documents.corpus import Importance, catalogue
from sotepki.documents.corpus import libraries as module
from sotepki.documents.corpus.libraries import Whose, libraries
from sotepki.documents.corpus.libraries_document import libraries_tables
from sotepki.errors import Fault
from sotepki.evidence import Verdict, load_yaml

PAGE = Path(__file__).parents[2] / "docs" / "signature-corpus.md"


def test_the_page_says_what_the_data_say() -> None:
    """A vendor reads the page; figures that nobody measured would be worse than none."""
    assert libraries_tables() in PAGE.read_text(encoding="utf-8"), (
        "put the output of 'python -m sotepki.documents.corpus.libraries_document' into docs/signature-corpus.md"
    )


def test_no_library_does_all() -> None:
    """The page says that a library alone accepts content that nobody signed; it would be wrong if one did not."""
    for library in libraries().libraries.values():
        critical = [entry.id for entry in library.wrong(Importance.CRITICAL)]
        assert "wrap.body-into-header" in critical and "content.author" in critical, library.name
        assert all(entry.verdict is not Verdict.VALID for entry in library.takes)


def test_limits_are_refusals_and_all_else_is_taken() -> None:
    """What stands under "limit" is refused though right; a document that is taken must not be excused by it."""
    for reason in libraries().reasons.values():
        verdicts = {catalogue()[document].verdict is Verdict.VALID for document in reason.documents}
        if reason.whose is Whose.LIMIT:
            assert verdicts == {True}, reason.id
        if reason.whose in (Whose.LIBRARY, Whose.OPEN):
            assert verdicts == {False}, reason.id


def _without_reason(raw: dict[str, Any]) -> None:
    raw["reasons"]["coverage"]["documents"].remove("reference.child")


def _second_reason(raw: dict[str, Any]) -> None:
    raw["reasons"]["content"]["documents"].append("file.deep")


def _needless_reason(raw: dict[str, Any]) -> None:
    raw["reasons"]["identifiers"]["documents"].append("key.stranger")


def _unknown_document(raw: dict[str, Any]) -> None:
    raw["libraries"]["signxml"]["otherwise"].append("wrap.nothing")


def _wrong_order(raw: dict[str, Any]) -> None:
    raw["libraries"]["java"]["otherwise"].reverse()


def _crash_apart(raw: dict[str, Any]) -> None:
    raw["libraries"]["xmlsec1"]["otherwise"].remove("file.entity-bomb")


def _unknown_owner(raw: dict[str, Any]) -> None:
    raw["reasons"]["coverage"]["whose"] = "nobody's"


def _group_without_sentence(raw: dict[str, Any]) -> None:
    del raw["groups"]["g-hostile"]


@pytest.mark.parametrize(
    ("slip", "sentence"),
    [
        (_without_reason, "reference.child stands under 0 reasons"),
        (_second_reason, "file.deep stands under 2 reasons"),
        (_needless_reason, "no library judges"),
        (_unknown_document, "wrap.nothing, which is no document"),
        (_wrong_order, "not in the order of the index"),
        (_crash_apart, "stands under `otherwise` too"),
        (_unknown_owner, "not well formed"),
        (_group_without_sentence, "lacks g-hostile"),
    ],
)
def test_a_slip_in_the_data_is_refused_with_its_place(
    slip: Callable[[dict[str, Any]], None], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document without a reason, or with an id that is gone, would leave a vendor without the advice."""

    def edited(path: Path) -> Any:
        raw = copy.deepcopy(load_yaml(path))
        slip(raw)
        return raw

    monkeypatch.setattr(module, "load_yaml", edited)
    libraries.cache_clear()
    try:
        with pytest.raises(Fault, match=sentence):
            libraries()
    finally:
        libraries.cache_clear()
