"""The ministry's figures: typed columns, right counts, no person to be found in them, and pictures that are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from databases import database_url
from registers_world import WORLD, Registers, open_registers

from sotepki.cli.figures import _csv
from sotepki.errors import Refused
from sotepki.identifiers import Oid
from sotepki.kela import request_log
from sotepki.ministry import COLUMNS, collect
from sotepki.provider import AccessRights
from sotepki.records.migrations.models import load_models

COUNTY = Oid("1.2.246.10.99000018.10.0")


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    load_models()
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as opened:
        yield opened


def test_every_table_has_its_columns_and_types(registers: Registers) -> None:
    """Also when there is nothing yet: a notebook must not break on an empty workspace."""
    figures = collect(registers.records)
    assert [name for name, _ in figures.tables()] == list(COLUMNS)
    for name, frame in figures.tables():
        assert {column: str(kind) for column, kind in frame.dtypes.items()} == dict(COLUMNS[name].columns), name


def _rights(registers: Registers) -> dict[str, dict[str, int]]:
    rows = collect(registers.records).rights.to_dict(orient="records")
    return {str(row["code"]): {name: int(row[name]) for name in ("in_force", "restricted", "ended")} for row in rows}


def test_rights_are_counted_by_profession(registers: Registers) -> None:
    before = _rights(registers)
    nurse = registers.number("nurse")
    (right,) = registers.valvira.rights_in_force(nurse, registers.clock.now())
    registers.valvira.remove_right(nurse, right.code, actor="x", reason="test")
    after = _rights(registers)
    assert after[right.code]["in_force"] == before[right.code]["in_force"] - 1
    assert after[right.code]["ended"] == before[right.code]["ended"] + 1
    assert before["001"]["restricted"] == 1


def test_a_profession_stands_once_and_under_its_own_name(registers: Registers) -> None:
    table = collect(registers.records).rights.astype({"code": str, "title_fi": str})
    assert table["code"].is_unique
    names = dict(zip(table["code"], table["title_fi"], strict=True))
    assert (names["001"], names["T06"]) == ("Laillistettu lääkäri", "Laillistettu sairaanhoitaja")


def test_refusals_are_counted_by_rule(registers: Registers) -> None:
    access = AccessRights(registers.records, registers.valvira, registers.thl)
    for _ in range(3):
        with pytest.raises(Refused):
            access.grant(COUNTY, registers.number("nurse"), "prescribing", actor="x")
        registers.clock.advance(timedelta(days=1))
    (row,) = collect(registers.records).refusals.to_dict(orient="records")
    assert (row["office"], row["rule"], row["count"]) == ("provider", "access.prescriber", 3)
    assert row["last"] - row["first"] == pd.Timedelta(days=2)


def test_a_restriction_is_counted_as_long_as_it_lasts(registers: Registers) -> None:
    """A right that was restricted last year and is whole again is not a restricted one."""
    nurse, today = registers.number("nurse"), registers.clock.now().date()
    why = {"actor": "x", "reason": "test"}
    before = _rights(registers)["T06"]
    registers.valvira.restrict_right(nurse, "T06", ["10"], valid_to=today + timedelta(days=3), **why)
    assert _rights(registers)["T06"] == {**before, "restricted": before["restricted"] + 1}
    registers.advance(days=4)
    assert _rights(registers)["T06"]["restricted"] == before["restricted"]
    registers.valvira.restrict_right(nurse, "T06", ["10", "30"], **why)
    assert _rights(registers)["T06"] == {**before, "restricted": before["restricted"] + 1}, "two targets, one right"
    for target in ("10", "30"):
        registers.valvira.lift_restriction(nurse, "T06", target, **why)
    assert _rights(registers)["T06"]["restricted"] == before["restricted"]


def test_what_kanta_refused_is_counted_by_each_rule_and_what_it_took_is_not(registers: Registers) -> None:
    """An accepted document may have warnings, which are no refusals; a rule bears the name that can be looked up."""
    logged = (
        ("AE", ("doc.right", "doc.digest.body")),
        ("AR", ("doc.right",)),
        ("AA", ("doc.title",)),
        ("refused", ()),
    )
    lines = [request_log.RequestEntry(request_log.RequestKind.ARCHIVE, outcome, rules) for outcome, rules in logged]
    with registers.records.change("kela", "kanta") as tx:
        request_log.write(tx.session, lines, tx.now)
        tx.journal("test", "requests")
    found = collect(registers.records).refusals.to_dict(orient="records")
    assert {(row["office"], row["rule"]): row["count"] for row in found} == {
        ("kela", "doc.right"): 2, ("kela", "doc.digest.body"): 1,
    }  # fmt: skip


def test_nobody_can_be_found_in_the_figures(registers: Registers) -> None:
    said = " ".join(frame.to_csv() for _, frame in collect(registers.records).tables())
    people = [line.split(",")[0] for line in (WORLD / "people.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert not any(hetu in said for hetu in people)
    assert registers.number("nurse").value not in said


def test_pictures_are_drawn_and_the_same_figures_give_the_same_file(registers: Registers, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from sotepki.ministry.pictures import save_all

    figures = collect(registers.records)
    first, second = (save_all(figures, tmp_path / name, kind="png") for name in ("a", "b"))
    assert [path.stem for path in first] == list(COLUMNS)
    assert all(one.read_bytes() == two.read_bytes() for one, two in zip(first, second, strict=True))


def test_words_of_an_exported_table_are_no_formulas_and_its_numbers_are_numbers() -> None:
    """The name of a right could be a formula; a count below nought must still be a number in the spreadsheet."""
    frame = pd.DataFrame({"what": ["=1+1", "x"], "count": [-1, 2], "median": [-0.5, None]})
    told = _csv(frame.astype({"what": "category"}))
    assert told.splitlines() == ["what,count,median", "'=1+1,-1,-0.5", "x,2,"]
