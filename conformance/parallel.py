"""Sharing the cases of a run among processes; each attaches the system for itself and has a bench of its own.

Processes and not threads: a case, its bench and the emulated services are not made to be shared, and a SoftHSM
belongs to one process. The cases of one file stay together, since they share what is made once in a run.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from conformance.declaring import Case
from conformance.verdicts import CaseResult
from sotepki.errors import SotepkiError
from sotepki.signals import deaf_to_ctrl_c

if TYPE_CHECKING:
    from conformance.session import RunSession

_PATIENCE = 15.0
"""Seconds for a process that was told to end, so that it can remove its bench."""


def shares(cases: Iterable[Case], count: int) -> list[frozenset[str]]:
    """The ids of cases in at most ``count`` shares of like size; the cases of one module are in one share."""
    by_module: dict[str, set[str]] = {}
    for case in cases:
        by_module.setdefault(case.module, set()).add(case.id)
    made: list[set[str]] = [set() for _ in range(count)]
    for _, group in sorted(by_module.items(), key=lambda item: (-len(item[1]), item[0])):
        min(made, key=len).update(group)
    return [frozenset(share) for share in made if share]


def run_in_processes(session: RunSession, description: Path, private: Path | None, jobs: int) -> pytest.ExitCode:
    """Run the chosen cases of ``session`` in processes and record their results as they come.

    A process that dies leaves a sentence among the faults of the session.
    """
    context = multiprocessing.get_context("spawn")
    children: dict[Connection, BaseProcess] = {}
    try:
        for share in shares(session.chosen, jobs):
            receiver, sender = context.Pipe(duplex=False)
            child: BaseProcess = context.Process(
                target=_work, args=(sender, description, private, share), daemon=True
            )
            with deaf_to_ctrl_c():
                child.start()
            sender.close()
            children[receiver] = child
        code = _collect(session, children)
        for child in children.values():
            child.join(_PATIENCE)
        return code
    finally:
        for child in children.values():
            if child.is_alive():
                child.terminate()
        for receiver, child in children.items():
            receiver.close()
            child.join(_PATIENCE)
            if child.is_alive():
                child.kill()


def _collect(session: RunSession, children: dict[Connection, BaseProcess]) -> pytest.ExitCode:
    open_ends, finished = dict(children), set[Connection]()
    interrupted = False
    while open_ends:
        for ready in wait(list(open_ends)):
            assert isinstance(ready, Connection)
            try:
                message = ready.recv()
            except EOFError:
                child = open_ends.pop(ready)
                if ready not in finished:
                    child.join(_PATIENCE)
                    session.harness_faults.append(f"A process of the suite ended early (exit code {child.exitcode}).")
                continue
            match message:
                case CaseResult():
                    session.record(message)
                case faults, stopped:
                    finished.add(ready)
                    session.harness_faults += [fault for fault in faults if fault not in session.harness_faults]
                    interrupted |= stopped
    return pytest.ExitCode.INTERRUPTED if interrupted else pytest.ExitCode.OK


def _work(sender: Connection, description: Path, private: Path | None, share: frozenset[str]) -> None:
    """What a process does; its last message is the faults and whether it was interrupted."""
    faults: list[str] = []
    code: pytest.ExitCode | int = pytest.ExitCode.OK
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its children and writes the report
        signal.signal(signal.SIGTERM, _interrupt)
        from conformance.extending import Extension
        from conformance.running import run_cases
        from conformance.session import RunSession, Selection
        from conformance.sut.loading import attach
        from sotepki.clock import SystemClock

        extension = Extension.load(private) if private else None
        with attach(description) as attached:
            clock = attached.bench.clock if attached.bench else SystemClock()
            child = RunSession(
                attached.sut,
                clock,
                Selection(cases=share),
                attached.bench,
                lambda result, number, count: sender.send(result),
                extension,
            )
            try:
                code = run_cases(child)
            finally:
                child.close()
            faults = child.harness_faults
    except SotepkiError as error:
        faults.append(error.sentence)
    except KeyboardInterrupt:
        code = pytest.ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever broke here is told by the parent, as a fault of the suite
        faults.append(f"A fault of the suite: {type(error).__name__}: {error}")
    with suppress(OSError):  # the parent may have gone
        sender.send((faults, code == pytest.ExitCode.INTERRUPTED))
        sender.close()


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # what is still to be removed is removed in peace
    raise KeyboardInterrupt
