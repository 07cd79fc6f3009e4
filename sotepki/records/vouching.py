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
from functools import cache
from itertools import islice
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    Table,
    bindparam,
    event,
    insert,
    inspect,
    select,
    update,
)
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
_WRITE = insert(_VOUCHED)
_OWN = frozenset({"journal", "journal_row"})

# An encoder is made once: every row of every transaction goes through these two.
as_json = json.JSONEncoder(ensure_ascii=False).encode
as_sorted_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


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
        inserting = isinstance(statement, Insert)
        if inserting and not parameters:
            parameters = [statement.compile().params]
        for given in parameters or [{}]:
            found = _key_in(table, given)
            if found is not None:
                keys.setdefault(found, not inserting)
            elif inserting:
                self._new_number(connection, table)
            else:
                keys |= dict.fromkeys(_keys_met(connection, table, statement, given), True) | keys

    def _new_number(self, connection: Connection, table: Table) -> None:
        if table not in self.behind:
            self.behind[table] = connection.execute(_form(table).last).scalar()


def _keys_met(connection: Connection, table: Table, statement: Any, parameters: Mapping[str, Any]) -> list[Key]:
    """The keys of the rows that an UPDATE or a DELETE is about to meet."""
    query = select(*table.primary_key.columns)
    if statement.whereclause is not None:
        query = query.where(statement.whereclause)
    return [tuple(row) for row in connection.execute(query, parameters)]


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
    rows: list[dict[str, Any]] = []
    for table in sorted(touched.keys, key=lambda one: one.name):
        rows += _digests(connection, table, touched, sequence)
    if not rows:
        return ""
    connection.execute(_WRITE, rows)
    return _digest_of((row["table_name"], row["row_key"], row["digest"]) for row in rows)


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
        form = _form(table)
        for row in session.connection().execute(form.every):
            key = _key_text(form.key_of(row))
            sequence, digest, salt = known.pop(key, (0, "", ""))
            if not digest:
                yield f"The row {key} of {table.name} was added behind the journal's back."
            elif form.digest(row, salt) != digest:
                yield f"The row {key} of {table.name} is not as journal entry {sequence} left it."
        for key, (sequence, digest, _salt) in known.items():
            if digest:
                yield f"The row {key} of {table.name}, last written by journal entry {sequence}, is missing."


@dataclass(frozen=True)
class _Form:
    """How the rows of a table are read and digested: without the columns that are not vouched for.

    The queries are made once, for they are asked in every transaction.

    Attributes:
        names: of the vouched columns, in the order in which the queries give them.
        key: the places of the primary key's columns among them.
        every, behind: all rows, those behind the number ``last``.
        those: the rows whose last part of the key is one of ``keys``, and the parts before it as given by name. With
            whole keys compared at once SQLite would read the table from end to end.
        last: the last number.
    """

    names: tuple[str, ...]
    key: tuple[int, ...]
    every: Select[Any]
    those: Select[Any]
    behind: Select[Any]
    last: Select[Any]

    def key_of(self, row: Sequence[Any]) -> Key:
        return tuple(row[place] for place in self.key)

    def digest(self, row: Sequence[Any], salt: str) -> str:
        """Over the columns that hold something, so that a new empty column changes no digest."""
        values = {name: _plain(value) for name, value in zip(self.names, row, strict=True) if value is not None}
        return hashlib.sha256(as_sorted_json([salt, values]).encode()).hexdigest()


@cache
def _form(table: Table) -> _Form:
    columns = [column for column in table.columns if not column.info.get(UNVOUCHED)]
    names, key = tuple(column.name for column in columns), tuple(table.primary_key.columns)
    every = select(*columns)
    keys: BindParameter[Any] = bindparam("keys", expanding=True)
    return _Form(
        names=names,
        key=tuple(names.index(column.name) for column in key),
        every=every,
        those=every.where(*(column == bindparam(column.name) for column in key[:-1]), key[-1].in_(keys)),
        behind=every.where(key[0] > bindparam("last")),
        last=select(key[0]).order_by(key[0].desc()).limit(1),
    )


def _digests(connection: Connection, table: Table, touched: Touched, sequence: int) -> list[dict[str, Any]]:
    """The rows of ``journal_row`` for a table; the digests that they follow lose their salt."""
    form, keys = _form(table), touched.keys[table]
    table_name = str(table.name)  # not SQLAlchemy's own kind of text, which SQLite's driver is slow to take
    there: list[Sequence[Any]] = []
    for first, last_parts in _by_first_parts(keys).items():
        named = {form.names[place]: part for place, part in zip(form.key, first, strict=False)}
        for portion in _portions(last_parts):
            there += connection.execute(form.those, named | {"keys": portion})
    if table in touched.behind:
        last = touched.behind[table]
        there += connection.execute(form.every) if last is None else connection.execute(form.behind, {"last": last})
    found = {_key_text(form.key_of(row)): row for row in there}
    for names in _portions(_key_text(key) for key, was_there in keys.items() if was_there):
        earlier = update(_VOUCHED).where(_VOUCHED.c.table_name == table.name, _VOUCHED.c.row_key.in_(names))
        connection.execute(earlier.values(salt=""))
    rows = []
    for name in dict.fromkeys((*map(_key_text, keys), *found)):
        row = found.get(name)
        salt = "" if row is None else secrets.token_hex(16)
        digest = "" if row is None else form.digest(row, salt)
        rows.append({"table_name": table_name, "row_key": name, "sequence": sequence, "digest": digest, "salt": salt})
    return rows


def _vouched_tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in _OWN]


def _digest_of(lines: Iterable[Sequence[str]]) -> str:
    return hashlib.sha256(as_json(sorted(map(list, lines))).encode()).hexdigest()


def _plain(value: Any) -> Any:
    match value:
        case str() | int():
            return value
        case datetime() | date():
            return value.isoformat()
        case bytes() | memoryview():  # a document in hex would be escaped, copied and hashed at twice its length
            return hashlib.sha256(value).hexdigest()
        case _:
            return str(value)


def _key_text(key: Key) -> str:
    return as_json([_plain(part) for part in key])


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


def _by_first_parts(keys: Iterable[Key]) -> dict[Key, list[Any]]:
    groups: dict[Key, list[Any]] = {}
    for key in keys:
        groups.setdefault(key[:-1], []).append(key[-1])
    return groups


def _portions(keys: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(keys)
    while portion := list(islice(rest, _AT_ONCE)):
        yield portion
