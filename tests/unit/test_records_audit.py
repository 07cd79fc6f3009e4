"""``audit verify`` finds what is changed behind the journal's back, in every table, and says where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from databases import database_url
from registers_world import Registers, open_registers
from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from sotepki.errors import Fault, Misuse
from sotepki.records import Base, Channel, Head, JournalEntry, OutboxItem, Posting, Records, findings, head
from sotepki.records.heads import NOTE, note, noted
from sotepki.records.vouching import UNVOUCHED, VouchedRow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registers]:
    """Registers that were loaded in bulk, changed one by one, and that have sent a letter."""
    directory = tmp_path_factory.mktemp("audit")
    with open_registers(database_url(directory / "registers.db"), directory / "outbox") as opened:
        number = opened.number("nurse")
        opened.valvira.remove_right(number, opened.codes_in_force(number)[0], actor="valvira", reason="audit test")
        with opened.records.change("trainer", "test") as tx:
            tx.journal("first", "of two entries")
            tx.post(Posting(Channel.LETTER, "Aino", "letter.txt", b"code"))
            tx.journal("second", "of two entries")
        yield opened


@pytest.fixture
def behind(world: Registers) -> Iterator[Session]:
    """A session past the offices; what it changes is taken back."""
    with Session(world.records.database.engine) as session:
        if world.records.database.engine.dialect.name == "sqlite":
            session.connection().exec_driver_sql("BEGIN")
            session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        else:
            session.execute(text("SET session_replication_role = replica"))  # foreign keys do not stand in the way
        yield session
        session.rollback()


def filled(world: Registers) -> list[Table]:
    with world.records.look() as session:
        return [
            table
            for table in Base.metadata.sorted_tables
            if session.scalar(select(func.count()).select_from(table))
        ]  # fmt: skip


def office_tables(world: Registers) -> list[Table]:
    return [table for table in filled(world) if table.name not in ("journal", "journal_row")]


def one_row(session: Session, table: Table) -> object:
    """A condition that picks the first row."""
    columns = list(table.primary_key.columns)
    row = session.execute(select(*columns).order_by(*columns).limit(1)).one()
    condition = columns[0] == row[0]
    for column, value in zip(columns[1:], row[1:], strict=True):
        condition &= column == value
    return condition


def other(value: object, column_type: object) -> object:
    match column_type:
        case Boolean():
            return not value
        case Integer():
            return (value or 0) + 1  # type: ignore[operator]
        case LargeBinary():
            return b"other"
        case DateTime() | Date():
            return value + timedelta(days=1) if value else None  # type: ignore[operator]
        case _ if hasattr(column_type, "impl"):
            return other(value, column_type.impl)
        case _:
            return f"{value}x"


def found(session: Session, heads: Sequence[Head] = ()) -> str:
    session.expire_all()
    return " ".join(findings(session, heads))


def test_nothing_is_found_where_nothing_was_done(world: Registers) -> None:
    with world.records.look() as session:
        assert found(session, [head(session)]) == ""
    assert len(office_tables(world)) >= 8


def test_a_changed_column_of_any_table_is_found(world: Registers, behind: Session) -> None:
    """Somebody gives himself a right, or another name, with a database tool."""
    tried = 0
    for table in office_tables(world):
        condition = one_row(behind, table)
        row = behind.execute(select(table).where(condition)).one()  # type: ignore[arg-type]
        for column in table.columns:
            value = other(row._mapping[column], column.type)
            if column.primary_key or column.info.get(UNVOUCHED) or value is None:
                continue
            with behind.begin_nested() as point:
                behind.execute(update(table).where(condition).values({column.name: value}))  # type: ignore[arg-type]
                said = found(behind)
                assert f"of {table.name} is not as journal entry" in said, (table.name, column.name)
                point.rollback()
            tried += 1
    assert tried > 40


def test_a_removed_row_of_any_table_is_found(world: Registers, behind: Session) -> None:
    for table in office_tables(world):
        with behind.begin_nested() as point:
            behind.execute(delete(table).where(one_row(behind, table)))  # type: ignore[arg-type]
            said = found(behind)
            assert f"of {table.name}, last written by journal entry" in said and "is missing" in said
            point.rollback()


def test_an_added_row_of_any_table_is_found(world: Registers, behind: Session) -> None:
    for table in office_tables(world):
        row = dict(behind.execute(select(table).where(one_row(behind, table))).one()._mapping)  # type: ignore[arg-type]
        for column in table.columns:
            unique = column.primary_key or any(
                column.name in c.columns for c in table.constraints if hasattr(c, "columns")
            )
            if unique and row[column.name] is not None:
                changed = row[column.name] + 100_000 if isinstance(row[column.name], int) else f"{row[column.name]}9"
                row[column.name] = row[column.name] if isinstance(row[column.name], bool) else changed
        with behind.begin_nested() as point:
            behind.execute(insert(table).values(row))
            assert f"of {table.name} was added behind the journal's back" in found(behind), table.name
            point.rollback()


def test_rows_that_changed_places_are_found(world: Registers, behind: Session) -> None:
    """Two persons exchange their registration numbers' rights."""
    numbers = behind.execute(text("SELECT registration_number, hetu FROM valvira_professional LIMIT 2")).all()
    (first, hetu), (second, other_hetu) = numbers
    change = text("UPDATE valvira_professional SET hetu = :hetu WHERE registration_number = :number")
    for number, value in ((first, "x"), (second, hetu), (first, other_hetu)):
        behind.execute(change, {"number": number, "hetu": value})
    assert found(behind).count("valvira_professional is not as") == 2


@pytest.mark.parametrize(
    "column", ["office", "actor", "action", "subject", "details", "rows", "previous_hash", "hash"]
)
def test_a_changed_journal_entry_is_found(world: Registers, behind: Session, column: str) -> None:
    behind.execute(update(JournalEntry).where(JournalEntry.sequence == 3).values({column: "other"}))
    assert "ntry 3" in found(behind)


@pytest.mark.parametrize("change", ["digest = 'other'", "row_key = 'other'", "sequence = 2", "digest = ''"])
def test_a_changed_digest_is_found(world: Registers, behind: Session, change: str) -> None:
    """Who changes a row and its digest has still to answer to the chain."""
    behind.execute(text(f"UPDATE journal_row SET {change} WHERE table_name = 'outbox'"))
    assert "The digests of rows that belong to journal entry" in found(behind)


def test_a_forged_row_with_a_forged_digest_is_found(world: Registers, behind: Session) -> None:
    """The whole forgery but the chain: row, salt and digest fit each other."""
    behind.execute(text("DELETE FROM journal_row WHERE table_name = 'outbox'"))
    behind.execute(delete(OutboxItem))
    assert "The digests of rows that belong to journal entry" in found(behind)


def test_a_journal_that_was_cut_off_is_found(world: Registers, behind: Session) -> None:
    """With its rows and digests the end of the journal leaves no gap: only a head noted elsewhere knows of it."""
    last = head(behind)
    behind.execute(delete(JournalEntry).where(JournalEntry.sequence > last.sequence - 1))
    assert f"Journal entry {last.sequence} is missing, its digests" in found(behind)
    behind.execute(delete(VouchedRow).where(VouchedRow.sequence > last.sequence - 1))
    behind.execute(delete(OutboxItem))
    assert found(behind) == ""
    assert "its end was cut off" in found(behind, [last])


def test_a_head_of_more_entries_than_a_database_can_count_was_cut_off(world: Registers) -> None:
    """PostgreSQL says "integer out of range" of it."""
    with world.records.look() as session:
        for number in (2**31, 999_999_999_999, 10**18 - 1):
            assert "its end was cut off" in found(session, [Head(number, "0" * 64)])


def test_a_journal_that_was_written_anew_is_found(world: Registers, behind: Session) -> None:
    last = head(behind)
    assert "was written anew" in found(behind, [Head(last.sequence, "0" * 64)])


def test_the_head_is_noted_after_every_change_and_never_goes_back(world: Registers, tmp_path: Path) -> None:
    records = Records(world.records.database, world.clock, tmp_path / "outbox", tmp_path / NOTE)
    with records.change("trainer", "test") as tx:
        tx.journal("did", "something")
    with records.look() as session:
        assert noted(tmp_path / NOTE) == head(session)
    note(tmp_path / NOTE, Head(1, "0" * 64))
    with records.look() as session:
        assert noted(tmp_path / NOTE) == Head.parse(str(head(session)))


def test_the_note_follows_every_change_and_no_journal_that_was_written_anew(world: Registers, tmp_path: Path) -> None:
    """A note that stands still, or that follows a forged journal, would find nothing cut off."""
    records = Records(world.records.database, world.clock, tmp_path / "outbox", tmp_path / NOTE)
    for _ in range(2):
        with records.change("trainer", "test") as tx:
            tx.journal("did", "something")
        with records.look() as session:
            last = head(session)
        assert noted(tmp_path / NOTE) == last
    note(tmp_path / NOTE, Head(last.sequence, "0" * 64))
    assert noted(tmp_path / NOTE) == last
    with pytest.raises(Fault, match="cannot be written"):
        note(tmp_path / "nowhere" / NOTE, last)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", "7", '{"sequence": 1}', '{"sequence": "x", "hash": ""}', '{"sequence": 1e999, "hash": ""}',
     '{"sequence": -1, "hash": ""}'],
)  # fmt: skip
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    """A damaged note must not stop every change from then on."""
    (tmp_path / NOTE).write_text(content)
    assert noted(tmp_path / NOTE) is None
    assert noted(tmp_path / "nowhere") is None


def test_the_head_of_an_empty_journal_lacks_nothing(world: Registers) -> None:
    """A workspace that was noted before its first change."""
    with world.records.look() as session:
        assert found(session, [Head(0, "0" * 64)]) == ""


def test_a_head_is_read_as_people_copy_it() -> None:
    assert Head.parse(f" 12:{'AB' * 32}\n") == Head(12, "ab" * 32)


@pytest.mark.parametrize("given", ["", "12", "12:abc", "x" * 200, f"-1:{'0' * 64}"])
def test_a_head_of_another_form_is_said(given: str) -> None:
    with pytest.raises(Misuse, match="no head of a journal"):
        Head.parse(given)


def test_a_digest_that_was_overtaken_cannot_be_tried_out(world: Registers) -> None:
    """A row holds an activation code for a while; its digest of that time may not help to guess it."""
    with world.records.look() as session:
        rows = session.scalars(select(VouchedRow)).all()
    newest: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.table_name, row.row_key)
        newest[key] = max(newest.get(key, 0), row.sequence)
    earlier = [row for row in rows if row.sequence < newest[row.table_name, row.row_key]]
    assert earlier
    assert not [row for row in earlier if row.salt]
    assert all(len(row.salt) == 32 for row in rows if row not in earlier and row.digest)
