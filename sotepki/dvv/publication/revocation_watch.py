"""Noticing a revocation at once, also one that another process made, cheaply enough to ask before every answer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from sqlalchemy import func, select

from sotepki.dvv.authority.tables import RevocationRow
from sotepki.records import Database
from sotepki.x509.status import CertificateState, CertificateStatus, StatusSource


class RevocationWatch:
    """The count of all revocations ever made; it only grows, so an answer with an older count is out of date.

    On SQLite the count is read again only when the file has been changed by anybody (``PRAGMA data_version``, a few
    microseconds); elsewhere it is read each time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._connection: Any = None
        self._version = -1
        self._count = -1

    def mark(self) -> int:
        """The count at this moment.

        Raises:
            Fault: the database cannot be read.
        """
        with self._lock:
            if self._database.engine.dialect.name != "sqlite" or not self._database.engine.url.database:
                return self._counted()
            version = self._data_version()
            if version != self._version:
                # Read before the count: a change in between shows again at the next question.
                self._version, self._count = version, self._counted()
            return self._count

    def close(self) -> None:
        """Give the connection back; the next question opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection, self._version = None, -1

    def _data_version(self) -> int:
        if self._connection is None:
            self._connection = self._database.engine.raw_connection()
        cursor = self._connection.cursor()
        try:
            return int(cursor.execute("PRAGMA data_version").fetchone()[0])
        finally:
            cursor.close()

    def _counted(self) -> int:
        with self._database.reading() as session:
            return session.scalars(select(func.count()).select_from(RevocationRow)).one()


class RememberedStatus:
    """A ``StatusSource`` that asks the records once for each certificate, and again when anything was revoked.

    What is unknown is never remembered: it may be issued at any time.
    """

    def __init__(self, source: StatusSource, watch: RevocationWatch, most: int = 100_000) -> None:
        self._source, self._watch, self._most = source, watch, most
        self._known: OrderedDict[tuple[bytes, int], CertificateStatus] = OrderedDict()
        self._mark = -1
        self._lock = threading.Lock()

    def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
        """State of a certificate."""
        mark, key = self._watch.mark(), (issuer_key_id, serial_number)
        with self._lock:
            if mark != self._mark:
                self._known.clear()
                self._mark = mark
            elif key in self._known:
                return self._known[key]
        found = self._source.status(issuer_key_id, serial_number)
        if found.state is not CertificateState.UNKNOWN:
            with self._lock:
                # Another mark by now: what was read may be older than it.
                if mark == self._mark:
                    self._known[key] = found
                    if len(self._known) > self._most:
                        self._known.popitem(last=False)
        return found
