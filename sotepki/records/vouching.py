"""Which rows a change touched, and what they were afterwards: so that the journal vouches for every table.

A transaction ends with a digest of each row that it inserted, changed or removed, whatever way the statement took;
the last journal entry of the transaction is hashed together with all of them. A row that was changed, added or
removed behind the journal's back no longer fits its digest.

A digest is salted, and the salt goes when the row changes again: rows hold codes for a while, which nobody may find
by trying out digests later.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any, cast

from sqlalchemy import Connection, Row, Table, event, insert, inspect, select, tuple_, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql import Delete, Insert, Update

from sotepki.records.database import Base

UNVOUCHED = "unvouched"
"""In ``info`` of a column: it changes without a journal entry (a letter that was delivered), so it is left out."""

_AT_ONCE = 200

Key = tuple[Any, ...]


class VouchedRow(Base):
    """What the journal entry ``sequence`` says of a row; ``digest`` is empty when it removed the row.

    The newest entry of a row has a salt, the earlier ones have lost theirs.
    """

    __tablename__ = "journal_row"

    table_name: Mapped[str] = mapped_column(primary_key=True)
    row_key: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    digest: Mapped[str]
    salt: Mapped[str]


_VOUCHED = cast(Table, VouchedRow.__table__)
_OWN = frozenset({"journal", "journal_row"})


@dataclass
class Touched:
    """The rows that a transaction touches: by key, or as all rows behind the last number there was before.

    With each key goes whether the row was there before, so that it has a digest already.
    """

    keys: dict[Table, dict[Key, bool]] = field(default_factory=dict)
    behind: dict[Table, Any] = field(default_factory=dict)

    def note(self, connection: Connection, statement: Any, parameters: Sequence[Mapping[str, Any]]) -> None:
        """See which rows a statement is about to touch."""
        table = statement.table
        if not isinstance(table, Table) or table.name in _OWN:
            return
        keys = self.keys.setdefault(table, {})
        if isinstance(statement, Insert) and not parameters:
            parameters = [statement.compile().params]
        for given in parameters or [{}]:
            found = _key_in(table, given)
            if found is not None:
                keys.setdefault(found, not isinstance(statement, Insert))
            elif isinstance(statement, Insert):
                self._new_number(connection, table)
            else:
                query = select(*table.primary_key.columns)
                if statement.whereclause is not None:
                    query = query.where(statement.whereclause)
                keys |= {tuple(row): True for row in connection.execute(query, given)} | keys

    def _new_number(self, connection: Connection, table: Table) -> None:
        if table not in self.behind:
            (number,) = table.primary_key.columns
            last = connection.execute(select(number).order_by(number.desc()).limit(1)).scalar()
            self.behind[table] = last


@contextmanager
def watching(session: Session) -> Iterator[Touched]:
    """Note what the transaction of a session touches, from now to its end."""
    touched, connection = Touched(), session.connection()

    @event.listens_for(connection, "before_execute")
    def _see(
        _connection: Connection,
        statement: Any,
        many: Sequence[Mapping[str, Any]],
        one: Mapping[str, Any],
        _options: Mapping[str, Any],
    ) -> None:
        if isinstance(statement, Insert | Update | Delete):
            touched.note(connection, statement, many or ([one] if one else []))

    yield touched


def vouch(session: Session, touched: Touched, sequence: int) -> str:
    """Write a digest of every row that was touched, for the journal entry ``sequence``.

    Gives the SHA-256 of all of them, or an empty text if there were none.
    """
    session.flush()
    connection = session.connection()
    lines: list[tuple[str, str, str]] = []
    for table in sorted(touched.keys, key=lambda one: one.name):
        lines += _write(connection, table, touched, sequence)
    return _digest_of(lines) if lines else ""


def vouch_for_all(session: Session, touched: Touched) -> None:
    """Count every row of every table as touched: after an upgrade the same rows have another form."""
    for table in _vouched_tables():
        keys = touched.keys.setdefault(table, {})
        keys |= {tuple(row): True for row in session.connection().execute(select(*table.primary_key.columns))}


def digests_by_entry(session: Session) -> Iterator[tuple[int, str]]:
    """Of each journal entry with digests: its number, and the SHA-256 over them as the entry should have it."""
    query = select(_VOUCHED.c.sequence, _VOUCHED.c.table_name, _VOUCHED.c.row_key, _VOUCHED.c.digest)
    at, lines = None, []
    for sequence, *line in session.connection().execute(query.order_by(_VOUCHED.c.sequence)):
        if at is not None and sequence != at:
            yield at, _digest_of(lines)
            lines = []
        at = sequence
        lines.append(tuple(line))
    if at is not None:
        yield at, _digest_of(lines)


def strangers(session: Session) -> Iterator[str]:
    """A sentence for each row that is not as the journal left it, table by table."""
    there = set(inspect(session.connection()).get_table_names())
    for table in _vouched_tables():
        if table.name not in there:
            yield f"The table {table.name} is missing."
            continue
        query = select(_VOUCHED.c.row_key, _VOUCHED.c.sequence, _VOUCHED.c.digest, _VOUCHED.c.salt)
        query = query.where(_VOUCHED.c.table_name == table.name).order_by(_VOUCHED.c.sequence)
        known = {key: (sequence, digest, salt) for key, sequence, digest, salt in session.connection().execute(query)}
        for row in session.connection().execute(select(table)):
            key = _key_text(tuple(row._mapping[one] for one in table.primary_key.columns))
            sequence, digest, salt = known.pop(key, (0, "", ""))
            if not digest:
                yield f"The row {key} of {table.name} was added behind the journal's back."
            elif _digest(table, row, salt) != digest:
                yield f"The row {key} of {table.name} is not as journal entry {sequence} left it."
        for key, (sequence, digest, _salt) in known.items():
            if digest:
                yield f"The row {key} of {table.name}, last written by journal entry {sequence}, is missing."


def _write(connection: Connection, table: Table, touched: Touched, sequence: int) -> list[tuple[str, str, str]]:
    columns = tuple(table.primary_key.columns)
    found: dict[str, Row[Any]] = {}
    for keys in _portions(touched.keys[table]):
        wanted = tuple_(*columns).in_(keys) if len(columns) > 1 else columns[0].in_([key[0] for key in keys])
        for row in connection.execute(select(table).where(wanted)):
            found[_key_text(tuple(row._mapping[one] for one in columns))] = row
    if table in touched.behind:
        last = touched.behind[table]
        for row in connection.execute(select(table) if last is None else select(table).where(columns[0] > last)):
            found[_key_text((row._mapping[columns[0]],))] = row
    salts = {key: secrets.token_hex(16) for key in found}
    digests = {_key_text(key): "" for key in touched.keys[table]}
    digests |= {key: _digest(table, row, salts[key]) for key, row in found.items()}
    if not digests:
        return []
    before = [_key_text(key) for key, there in touched.keys[table].items() if there]
    for names in _portions(before):
        earlier = update(_VOUCHED).where(_VOUCHED.c.table_name == table.name, _VOUCHED.c.row_key.in_(names))
        connection.execute(earlier.values(salt=""))
    connection.execute(
        insert(_VOUCHED),
        [
            {"table_name": table.name, "row_key": key, "sequence": sequence, "digest": digest,
             "salt": salts.get(key, "")}
            for key, digest in digests.items()
        ],
    )  # fmt: skip
    return [(table.name, key, digest) for key, digest in digests.items()]


def _vouched_tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in _OWN]


def _digest_of(lines: Iterable[Sequence[str]]) -> str:
    return hashlib.sha256(json.dumps(sorted(map(list, lines)), ensure_ascii=False).encode()).hexdigest()


def _digest(table: Table, row: Row[Any], salt: str) -> str:
    """Over the columns that hold something, so that a new empty column changes no digest."""
    values = {
        column.name: _plain(row._mapping[column])
        for column in table.columns
        if row._mapping[column] is not None and not column.info.get(UNVOUCHED)
    }
    return hashlib.sha256(json.dumps([salt, values], sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    match value:
        case bytes() | memoryview():  # a document in hex would be escaped, copied and hashed at twice its length
            return hashlib.sha256(value).hexdigest()
        case datetime() | date():
            return value.isoformat()
        case bool() | int() | str():
            return value
        case _:
            return str(value)


def _key_text(key: Key) -> str:
    return json.dumps([_plain(part) for part in key], ensure_ascii=False)


def _key_in(table: Table, given: Mapping[str, Any]) -> Key | None:
    """The primary key among the parameters of a statement, under the names that the object mapper gives it."""
    key: list[Any] = []
    for column in table.primary_key.columns:
        # An UPDATE names its row as table_column; in a DELETE or an INSERT it is the column alone.
        for name in (f"{table.name}_{column.name}", column.key, column.name):
            if given.get(name) is not None:
                key.append(given[name])
                break
        else:
            return None
    return tuple(key)


def _portions(keys: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(keys)
    while portion := list(islice(rest, _AT_ONCE)):
        yield portion
