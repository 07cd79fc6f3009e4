"""Whatever way a row is written, the journal vouches for it; what was written past the journal stays found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import database_url
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from sotepki.clock import SetClock
from sotepki.dvv.authority.tables import AuthorityRow
from sotepki.dvv.population import PersonRow
from sotepki.records import Database, Head, Records, findings, head
from sotepki.records.journal import note_upgrade
from sotepki.records.vouching import VouchedRow

NOON = datetime(2026, 5, 4, 9, 0, 0, 5, tzinfo=UTC)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    database = Database(database_url(tmp_path / "books.db"))
    database.create_tables()
    yield Records(database, SetClock(NOON), tmp_path / "outbox")
    database.close()


def change(records: Records, *steps: Callable[[Session], object]) -> None:
    """One change of each step."""
    for step in steps:
        with records.change("dvv", "actor") as tx:
            step(tx.session)
            tx.journal("did", "thing", second="ä", first="1")


def found(records: Records) -> list[str]:
    with records.look() as session:
        return list(findings(session))


def authority(name: str, **others: object) -> dict[str, object]:
    """A row whose key is a text."""
    keys = dict.fromkeys(("id", "publication_id", "key_label", "key_id"), name)
    return keys | {"der": None, "created_at": NOON, "closed_at": None} | others


def person(number: int) -> PersonRow:
    """A row whose key is the next number."""
    return PersonRow(hetu=f"010181-{number}", surname="x", given_names="x", language="fi", home_address="")


def raised(session: Session, name: str) -> None:
    session.get_one(AuthorityRow, name).crl_number += 1


WAYS: list[Callable[[Session], object]] = [
    lambda session: session.execute(insert(AuthorityRow).values(authority("m"))),
    lambda session: session.execute(insert(AuthorityRow), [authority("k"), authority("z", der=b"1")]),
    lambda session: session.add(AuthorityRow(**authority("b"))),
    lambda session: session.add_all([AuthorityRow(**authority("a")), AuthorityRow(**authority("c"))]),
    lambda session: session.connection().execute(insert(AuthorityRow), [authority("0"), authority("1")]),
    lambda session: session.execute(update(AuthorityRow).where(AuthorityRow.id > "b").values(crl_number=5)),
    lambda session: raised(session, "a"),
    lambda session: session.execute(update(AuthorityRow).values(serials_reserved=7)),
    lambda session: session.execute(delete(AuthorityRow).where(AuthorityRow.crl_number == 5)),
    lambda session: session.delete(session.get_one(AuthorityRow, "a")),
    lambda session: session.add(AuthorityRow(**authority("a"))),
    lambda session: session.add_all([person(1), person(2)]),
    lambda session: session.add(person(3)),
    lambda session: session.execute(delete(AuthorityRow)),
]


def test_a_row_is_vouched_for_whatever_way_it_was_written(records: Records) -> None:
    """The audit would call the offices' own work a forgery: one row, many rows, in any order of their keys."""
    for number, way in enumerate(WAYS):
        change(records, way)
        assert found(records) == [], number


def test_no_way_of_writing_leaves_a_digest_that_can_be_tried_out(records: Records) -> None:
    """Rows hold codes for a while: only the digest of what a row holds now has its salt."""
    change(records, *WAYS[:-1])
    with records.database.writing() as session:
        note_upgrade(session, NOON)
    with records.look() as session:
        rows = session.scalars(select(VouchedRow)).all()
    newest = {(row.table_name, row.row_key): row for row in sorted(rows, key=lambda row: row.sequence)}
    assert len(rows) > 2 * len(newest)
    for row in rows:
        held = row is newest[row.table_name, row.row_key] and row.digest
        assert bool(row.salt) == bool(held), (row.row_key, row.sequence)


@pytest.mark.parametrize("forged", [1, 2])
def test_a_forged_row_stays_found_when_others_are_added(records: Records, forged: int) -> None:
    """The next honest change of a table would vouch for every forgery in it."""
    change(records, lambda session: session.add_all([person(1), person(2)]))
    with records.database.engine.begin() as connection:
        connection.execute(update(PersonRow).where(PersonRow.id == forged).values(surname="forged"))
    change(records, lambda session: session.add(person(3)))
    (said,) = found(records)
    assert said == f"The row [{forged}] of dvv_person is not as journal entry 1 left it."


def test_a_table_that_is_gone_is_said_and_the_others_are_looked_at(records: Records) -> None:
    change(records, WAYS[0], lambda session: session.add(person(1)))
    with records.database.engine.begin() as connection:
        connection.execute(text("DROP TABLE dvv_person"))
        connection.execute(update(AuthorityRow).values(crl_number=9))
    assert sorted(found(records)) == [
        'The row ["m"] of dvv_authority is not as journal entry 1 left it.',
        "The table dvv_person is missing.",
    ]


def test_books_of_an_earlier_version_are_verified_by_the_next(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another order of fields or another way to write letters, and every journal there is would count as forged."""
    monkeypatch.setattr("secrets.token_hex", lambda octets: "5a" * octets)
    change(
        records,
        lambda session: session.add(AuthorityRow(**authority("ä", der=b"\x30", closed_at=NOON))),
        lambda session: session.add(person(1)),
        lambda session: session.delete(session.get_one(AuthorityRow, "ä")),
    )
    with records.look() as session:
        assert head(session) == Head(3, "637ea41cf0982c9756d1b37648aa174310c6eeb91eef687f1790a79f71ce242c")
