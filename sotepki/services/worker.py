"""A worker process of the house: the same services as in one process, on sockets that it shares with its like."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from sotepki.clock import AdjustableClock
from sotepki.errors import SotepkiError
from sotepki.kela import Environment
from sotepki.loopback import Door
from sotepki.records import Database
from sotepki.services.catalogue import catalogue
from sotepki.services.house import House, service_fault_board
from sotepki.services.log_lines import LogFields, log_as_json
from sotepki.services.observing import Sample
from sotepki.workspace import Workspace
from sotepki.workspace.directory import read_settings

REPORT_SECONDS = 1.0

_SWITCH_SECONDS = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Duty:
    """What the master tells a worker; everything that could have changed on the disk since the master looked.

    Attributes:
        database: the address of the books, which may hold a password.
        clock: as it was when the worker was begun.
        ports: of services that the worker asks.
        doors: of the services that it serves, by name.
        tally: file in which faulty answers are counted, so that "the next three" are three of all workers.
        processor: the one that it keeps to; None for any.
    """

    directory: Path
    database: str = field(repr=False)
    clock: AdjustableClock
    environments: Mapping[str, Environment]
    ports: Mapping[str, int]
    options: Mapping[str, object]
    doors: Mapping[str, Door]
    tally: Path
    processor: int | None


@dataclass(frozen=True)
class Report:
    """What a worker tells its master: its counters since it began, or why it cannot begin."""

    samples: Sequence[Sample] = ()
    trouble: str = ""


def work(duty: Duty, pipe: Connection) -> None:
    """Serve until the master says a word, or is gone; the target of the process.

    Ctrl-C reaches every process of the terminal, and a service manager's SIGTERM every process of the service: both
    are the master's to hear.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _keep_to(duty.processor)
    prepare_process()
    with contextlib.suppress(OSError):  # nobody is left to be told
        try:
            with _serving(duty) as house:
                _report_until_told(house, pipe)
            pipe.send(Report(house.samples()))
        except SotepkiError as error:
            pipe.send(Report(trouble=error.sentence))


def _report_until_told(house: House, pipe: Connection) -> None:
    try:
        pipe.send(Report(house.samples()))
        while not pipe.poll(REPORT_SECONDS):
            pipe.send(Report(house.samples()))
        pipe.recv()
    except (EOFError, OSError):
        # The master was killed, and its responder with it: whoever is answered now is refused for want of an answer
        # of OCSP. What is not answered is sent again; what is stored is whole at every moment.
        _log.error("%s", LogFields(event="the master of Kanta's processes is gone, this one ends", pid=os.getpid()))
        os._exit(1)


def prepare_process() -> None:
    """What a process that serves sets once for all: its log, and how its threads take turns."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Closed by who began us (``2>&-``): what is printed and logged leads nowhere, and fails nobody.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - stays open to the end
    log_as_json()
    # Threads that judge documents give way to others at every digest and every statement anyway; being interrupted
    # every 5 ms besides costs a fifth of the processor.
    sys.setswitchinterval(_SWITCH_SECONDS)


@contextmanager
def _serving(duty: Duty) -> Iterator[House]:
    # Not Workspace.open: what was left unfinished is the master's to finish.
    workspace = Workspace(duty.directory, read_settings(duty.directory), duty.clock, database=Database(duty.database))
    with closing(workspace), ExitStack() as resources:
        house = House(workspace, duty.ports, duty.options, resources=resources)
        house.environments = duty.environments
        house.faults = service_fault_board(workspace, tally=duty.tally)
        for name, door in duty.doors.items():
            house.start(catalogue()[name], door)
        yield house


def _keep_to(processor: int | None) -> None:
    """A process whose threads do not move between processors finds its caches warm."""
    if processor is not None and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # the processor was taken from us in the meantime
            os.sched_setaffinity(0, {processor})
