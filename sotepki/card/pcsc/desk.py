"""The readers of a workspace: which card is in which, held by which process, with what faults, and what was said.

Everything is in files (``readers/reader-0.json``, ``.faults``, ``.trace``), so that one command can talk to the card
that another one holds. The lock of a reader is held as long as its process lives, however it ends.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from sotepki.card.door import NO_FAULTS, Exchange, Faults
from sotepki.card.pcsc.fault_settings import faults_as_dict, faults_from_json
from sotepki.card.pcsc.vpcd import SLOTS
from sotepki.card.trace import SecretsHidden
from sotepki.errors import Fault, Misuse, Refused
from sotepki.tokens.storage import private_directory, try_lock, write_private

_LARGEST_TRACE = 8 << 20
_LARGEST_FILE = 1 << 16
_PATIENCE = 10.0
_FOLLOWING_PAUSE = 0.05


@dataclass(frozen=True)
class Occupant:
    """A card in a reader.

    Attributes:
        process: id of the process that holds it.
        ready: the reader has seen it.
    """

    reader: int
    card: str
    profile: str
    process: int
    ready: bool = False


class ReaderPlace:
    """One reader, while this process has a card in it."""

    def __init__(self, desk: ReaderDesk, occupant: Occupant) -> None:
        self._desk = desk
        self._occupant = occupant
        self._faults_seen: tuple[int, int] | None = None
        self._secrets = SecretsHidden()
        self._trace = _private_append(desk.trace_path(occupant.reader))

    def seen(self) -> None:
        """Write down that the reader has seen the card."""
        self._desk.write(Occupant(**{**asdict(self._occupant), "ready": True}))

    def record(self, exchange: Exchange) -> None:
        """Add an exchange to the trace, PINs and decrypted contents hidden."""
        shown = self._secrets.of(exchange)
        command, response = shown.command.hex(), shown.response.hex()
        line = f'{{"command":"{command}","response":"{response}","ms":{shown.milliseconds:.2f}}}\n'
        self._trace.write(line.encode())
        if self._trace.tell() > _LARGEST_TRACE:
            path = self._desk.trace_path(self._occupant.reader)
            path.replace(self._desk.old_trace_path(self._occupant.reader))
            self._trace.close()
            self._trace = _private_append(path)

    def new_faults(self) -> Faults | None:
        """The faults that were set since the last call; None if none were."""
        try:
            status = os.stat(self._desk.faults_path(self._occupant.reader))
        except OSError:
            return None
        mark = (status.st_mtime_ns, status.st_ino)
        if mark == self._faults_seen:
            return None
        self._faults_seen = mark
        return self._desk.faults(self._occupant.reader)

    def close(self) -> None:
        """End the trace."""
        self._trace.close()


class ReaderDesk:
    """The directory ``readers/`` of a workspace."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def occupy(self, reader: int, card: str, profile: str, faults: Faults) -> Iterator[ReaderPlace]:
        """Take a reader for this process; its old trace goes.

        Raises:
            Misuse: rule ``card.reader.number``.
            Refused: rule ``card.reader.occupied``.
        """
        if not 0 <= reader < SLOTS:
            raise Misuse(f"The virtual readers are 0 to {SLOTS - 1}.", rule="card.reader.number")
        private_directory(self._directory)
        lock = try_lock(self._path(reader, "lock"))
        if lock is None:
            raise Refused(
                f"There is a card in reader {reader} already.",
                rule="card.reader.occupied",
                advice=f"Take the other reader, or 'sotepki card remove --reader {reader}' first.",
            )
        with lock:
            self.old_trace_path(reader).unlink(missing_ok=True)
            self.trace_path(reader).unlink(missing_ok=True)
            self.set_faults(reader, faults)
            occupant = Occupant(reader, card, profile, os.getpid())
            self.write(occupant)
            place = ReaderPlace(self, occupant)
            try:
                place.new_faults()  # these were set when the door was opened
                yield place
            finally:
                place.close()
                self._path(reader, "json").unlink(missing_ok=True)

    def occupants(self) -> list[Occupant]:
        """The cards in the readers now."""
        return [occupant for reader in range(SLOTS) if (occupant := self.occupant(reader))]

    def occupant(self, reader: int) -> Occupant | None:
        """The card in a reader; a process that died has none."""
        path = self._path(reader, "json")
        if not path.exists():
            return None
        lock = try_lock(self._path(reader, "lock"))
        if lock is not None:
            lock.close()
            return None
        try:
            row = json.loads(_read(path))
            return Occupant(
                int(row["reader"]), str(row["card"]), str(row["profile"]), int(row["process"]), row["ready"]
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Fault(f"The file {path} is damaged.", advice="End the process that holds the reader.") from error

    def holding(self, card: str = "", reader: int | None = None) -> Occupant:
        """The one card in a reader that fits.

        Raises:
            Misuse: rule ``card.reader.empty``: there is none; or there are two and neither was named.
        """
        fitting = [
            one for one in self.occupants() if card in ("", one.card) and (reader is None or one.reader == reader)
        ]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            where = "a virtual reader" if reader is None else f"reader {reader}"
            raise Misuse(
                f"The card {card} is not in {where}." if card else f"There is no card in {where}.",
                rule="card.reader.empty",
                advice="'sotepki card readers' shows what is in; 'sotepki card insert CARD' puts one in.",
            )
        raise Misuse(
            "There are cards in both readers.", rule="card.reader.empty", advice="Name the card or the reader."
        )

    def remove(self, occupant: Occupant) -> None:
        """Take a card out: end the process that holds it, and wait until it has.

        Raises:
            Fault: it does not end.
        """
        try:
            os.kill(occupant.process, signal.SIGTERM)
        except ProcessLookupError:
            return
        except PermissionError:
            raise Refused(f"Reader {occupant.reader} belongs to another user.", rule="card.reader.occupied") from None
        deadline = time.monotonic() + _PATIENCE
        while self.occupant(occupant.reader) == occupant:
            if time.monotonic() > deadline:
                raise Fault(f"The process {occupant.process} that holds the card does not end.")
            time.sleep(0.02)

    def faults(self, reader: int) -> Faults:
        """The faults that are set for the card in a reader."""
        try:
            return faults_from_json(_read(self.faults_path(reader)))
        except FileNotFoundError:
            return NO_FAULTS

    def set_faults(self, reader: int, faults: Faults) -> None:
        """Set the faults of the card in a reader; it has them from its next command on."""
        content = json.dumps(faults_as_dict(faults)).encode()
        write_private(self.faults_path(reader), content, durable=False)

    def write(self, occupant: Occupant) -> None:
        """Write down who is in a reader."""
        path = self._path(occupant.reader, "json")
        write_private(path, json.dumps(asdict(occupant)).encode(), durable=False)

    def faults_path(self, reader: int) -> Path:
        """The file with the faults of a reader's card."""
        return self._path(reader, "faults")

    def trace_path(self, reader: int) -> Path:
        """The file with the trace of a reader's card: one JSON object a line."""
        return self._path(reader, "trace")

    def old_trace_path(self, reader: int) -> Path:
        """Where the trace went when it had grown too long; ``trace_path`` goes on after it."""
        return self._path(reader, "trace.old")

    def trace_lines(self, reader: int, *, follow: bool = False) -> Iterator[bytes]:
        """The trace of a reader's card, line by line; with ``follow`` until the card that is in is removed."""
        watched = self.occupant(reader) if follow else None
        stream: IO[bytes] | None = None
        try:
            while True:
                going_on = self._holds(watched)
                yield from stream or ()
                following = self._trace_after(reader, stream, watched)
                if following is not None:
                    yield from stream or ()  # what came before the trace was rolled over
                    if stream is not None:
                        stream.close()
                    stream = following
                elif going_on:
                    time.sleep(_FOLLOWING_PAUSE)
                else:
                    return
        finally:
            if stream is not None:
                stream.close()

    def log_path(self, reader: int) -> Path:
        """The file with the output of the process that holds a card in the background."""
        return self._path(reader, "log")

    def _holds(self, occupant: Occupant | None) -> bool:
        now = self.occupant(occupant.reader) if occupant else None
        return now is not None and occupant is not None and now.process == occupant.process

    def _trace_after(self, reader: int, stream: IO[bytes] | None, watched: Occupant | None) -> IO[bytes] | None:
        """The file of the trace that comes after an open one, or the first."""
        old, now = self.old_trace_path(reader), self.trace_path(reader)
        if stream is not None and _is_open(now, stream):
            return None
        if stream is not None and _is_open(old, stream):
            return _opened(now)
        # Neither: it was rolled over twice meanwhile, or it is of a card that was here before.
        return _opened(old) or _opened(now) if stream is None or self._holds(watched) else None

    def _path(self, reader: int, ending: str) -> Path:
        return self._directory / f"reader-{reader}.{ending}"


def _private_append(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)


def _opened(path: Path) -> IO[bytes] | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _is_open(path: Path, stream: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_LARGEST_FILE)
