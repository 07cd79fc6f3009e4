"""The master of worker processes: it holds the sockets, begins workers, anew if need be, and adds up their counters.

It replaces a worker that ended, and ends one that hangs: nothing acknowledged is lost by that, since what is
acknowledged is in the books before, and nothing is archived twice, since the books know what they have.

Python computes one thread at a time, so one process uses one processor. Here as many serve as are asked for, each on
a processor of its own where the system lets one choose: the kernel hands connections to whoever accepts first, and
the books are shared, so nothing but counters has to be carried from one to another.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from ctypes import c_int, c_uint
from dataclasses import dataclass, field, replace
from functools import cached_property
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from urllib.parse import urlsplit

from sotepki import loopback
from sotepki.errors import Fault
from sotepki.loopback import NOT_SERVING, Door
from sotepki.services.house import House
from sotepki.services.log_lines import LogFields
from sotepki.services.observing import Sample, added
from sotepki.services.pulse import Pulse
from sotepki.services.worker import Duty, Report, work
from sotepki.signals import begun_deaf

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_END_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_PAUSE_SECONDS = 5.0
"""Before a worker is begun again that did not come to serve."""

_WORRYING_SECONDS = 10.0
"""Silence of a worker that health tells of, if it is not replaced before."""

_OPTIONS = frozenset({"when_status_unavailable"})
"""Options of the house that concern what is spread."""

_log = logging.getLogger(__name__)


@dataclass
class _Worker:
    number: int
    process: SpawnProcess
    pipe: Connection
    report: Report | None = None
    samples: Sequence[Sample] = ()
    pulse: Pulse = field(default_factory=Pulse)
    hung: bool = False

    @property
    def has_served(self) -> bool:
        return self.report is not None and not self.report.trouble

    @property
    def serves(self) -> bool:
        return self.has_served and not self.hung

    def told(self, report: Report) -> None:
        if self.report is None:
            self.pulse = Pulse()  # its loops began to beat only now
        self.report = report
        self.samples = report.samples or self.samples  # a word of trouble brings none: those of before stay counted


@dataclass
class Master:
    """Of the ``count`` processes that serve what is spread in a house."""

    house: House
    count: int
    _doors: dict[str, Door] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)  # guards what follows
    _workers: list[_Worker] = field(default_factory=list)
    _begin_at: dict[int, float] = field(default_factory=dict)
    _past: list[Sample] = field(default_factory=list)
    _restarts: int = 0
    _hangs: int = 0
    _failure: str = ""
    _stopping: bool = False

    @property
    def tally(self) -> Path:
        """The file in which this process and the workers count faulty answers together."""
        return self.house.workspace.directory / "services" / "service-faults-given.json"

    def listen(self, service: str, port: int) -> socket.socket:
        """The socket of a service, on which clients may connect from now on.

        Raises:
            Misuse: the port is taken.
        """
        listening = loopback.listening(port)
        counts, beats = RawArray(c_int, [NOT_SERVING] * self.count), RawArray(c_uint, self.count)
        self._doors[service] = Door(listening, counts, beats, 0)
        return listening

    def close(self) -> None:
        """Close the sockets."""
        for door in self._doors.values():
            door.listening.close()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the workers serve until the block ends.

        Raises:
            Fault: one of them does not begin.
        """
        self.tally.unlink(missing_ok=True)
        self._begin_at = dict.fromkeys(range(self.count), 0.0)
        watcher = threading.Thread(target=self._watch, name="sotepki-master", daemon=True)
        watcher.start()
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._failure or not self._missing(), _START_SECONDS)
                if self._missing():
                    raise Fault(self._failure or "The processes of Kanta did not begin to serve in time.")
            yield
        finally:
            self._stop(watcher)

    def trouble(self) -> str:
        """A sentence if not every worker serves; empty if all do."""
        with self._changed:
            missing, silent, all_well = self._missing(), self._silent(), not (self._restarts or self._hangs)
        if missing and all_well:
            return f"{missing} of {self.count} processes are being started."
        if missing:
            return f"{missing} of {self.count} processes ended unexpectedly or hung, and are being started again."
        return f"{silent} of {self.count} processes give no sign of life." if silent else ""

    def state(self) -> dict[str, int]:
        """How many workers there should be, how many serve, and what befell them; ready for JSON."""
        with self._changed:
            return {
                "count": self.count,
                "serving": self.count - self._missing() - self._silent(),
                "restarts": self._restarts,
                "hangs": self._hangs,
            }

    def samples(self) -> list[Sample]:
        """What all workers have counted, those that ended too; up to a second old."""
        with self._changed:
            present = [one for worker in self._workers for one in worker.samples]
            restarts = Sample("sotepki_kanta_process_restarts_total", {}, self._restarts)
            hangs = Sample("sotepki_kanta_process_hangs_total", {}, self._hangs)
            return added([*self._past, *present, restarts, hangs])

    def _missing(self) -> int:
        return self.count - sum(worker.serves for worker in self._workers)

    def _silent(self) -> int:
        worrying = min(_WORRYING_SECONDS, self._hang_seconds / 2)
        return sum(worker.serves and worker.pulse.silent > worrying for worker in self._workers)

    @cached_property
    def _hang_seconds(self) -> float:
        return max(one.settings.hang_seconds for one in self.house.environments.values())

    # --- the thread that watches -----------------------------------------------------------------------------

    def _watch(self) -> None:
        looked = time.monotonic()
        while True:
            with self._changed:
                if not self._stopping:
                    self._begin_those_due()
                    if (passed := time.monotonic() - looked) >= _LOOK_SECONDS:
                        looked += passed
                        self._end_one_that_hangs(passed)
                pipes = {worker.pipe: worker for worker in self._workers}
                if self._stopping and not pipes:
                    return
            for pipe in connection.wait(list(pipes), _LOOK_SECONDS):
                assert isinstance(pipe, Connection)
                self._hear(pipes[pipe])

    def _end_one_that_hangs(self, passed: float) -> None:
        """One at a time, the one that has been silent for longest: the others may be waiting for what it holds."""
        late = []
        for worker in self._workers:
            worker.pulse.feel([door.beats[worker.number] for door in self._doors.values()], passed)
            allowed = self._hang_seconds if worker.has_served else max(self._hang_seconds, _START_SECONDS)
            if worker.pulse.silent > allowed and not worker.hung:
                late.append(worker)
        if late:
            hanging = max(late, key=lambda worker: worker.pulse.silent)
            hanging.hung = True
            self._hangs += 1
            hanging.process.kill()  # a stopped process hears nothing else; its pipe ends, so it is replaced

    def _hear(self, worker: _Worker) -> None:
        try:
            report: Report | None = worker.pipe.recv()
        except (EOFError, OSError):
            report = None
            worker.process.join(_END_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        with self._changed:
            if report is not None:
                worker.told(report)
            else:
                self._ended(worker)
            self._changed.notify_all()

    def _ended(self, worker: _Worker) -> None:
        worker.pipe.close()
        self._workers.remove(worker)
        for door in self._doors.values():
            door.counts[worker.number] = NOT_SERVING
        self._past = added([*self._past, *worker.samples])
        if self._stopping:
            return
        exit_code = worker.process.exitcode or 0
        how = signal.Signals(-exit_code).name if exit_code < 0 else f"exit code {exit_code}"
        said, event = worker.report.trouble if worker.report else "", "a process of Kanta ended, another one is begun"
        if worker.hung:
            said = f"It gave no sign of life for {worker.pulse.silent:.0f} seconds."
            event = "a process of Kanta hung and was ended, another one is begun"
        self._failure = said or f"A process of Kanta ended before it served ({how})."
        self._begin_at[worker.number] = time.monotonic() + (0.0 if worker.has_served else _PAUSE_SECONDS)
        self._restarts += 1
        fields = {"process": worker.number, "pid": worker.process.pid, "how": how, "reason": said}
        _log.error("%s", LogFields(event=event, **fields))

    def _begin_those_due(self) -> None:
        for number, due in list(self._begin_at.items()):
            if due > time.monotonic():
                continue
            try:
                self._workers.append(self._begun(number))
            except OSError as error:
                self._failure = f"A process of Kanta cannot be begun: {error.strerror}."
                self._begin_at[number] = time.monotonic() + _PAUSE_SECONDS
                self._changed.notify_all()
                _log.error("%s", LogFields(event="a process of Kanta cannot be begun", reason=str(error.strerror)))
            else:
                del self._begin_at[number]

    def _begun(self, number: int) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=work, args=(self._duty(number), theirs), name=f"sotepki-kanta-{number}", daemon=True
        )
        with deaf_to_signals():
            process.start()
        # Held by the worker alone: its end is the end of the pipe, and the master's end is the end of the worker's.
        theirs.close()
        return _Worker(number, process, ours)

    def _duty(self, number: int) -> Duty:
        house = self.house
        processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        return Duty(
            directory=house.workspace.directory,
            database=house.workspace.records.database.address,
            clock=house.workspace.clock,
            environments=house.environments,
            ports={"publication": urlsplit(house.url_of("publication")).port or 0},
            options={name: value for name, value in house.options.items() if name in _OPTIONS},
            doors={name: replace(door, number=number) for name, door in self._doors.items()},
            tally=self.tally,
            processor=processors[number % len(processors)] if processors else None,
        )

    def _stop(self, watcher: threading.Thread) -> None:
        with self._changed:
            self._stopping = True
            self.close()  # before the workers close theirs, so that nobody knocks at a door behind which nobody is
            for worker in self._workers:
                with contextlib.suppress(OSError):
                    worker.pipe.send("stop")
        watcher.join(_STOP_SECONDS)
        with self._changed:
            late = list(self._workers)
        for worker in late:
            worker.process.kill()
        watcher.join()


def deaf_to_signals() -> AbstractContextManager[None]:
    """Begin a process that does not hear Ctrl-C and SIGTERM."""
    return begun_deaf(signal.SIGINT, signal.SIGTERM)
