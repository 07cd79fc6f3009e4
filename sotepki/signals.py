"""Signals that are heard in another way for a while, and processes that end with the one they work for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | signal.Handlers


@contextmanager
def handled(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """Let ``handler`` hear the signals in the block; the earlier handlers come back afterwards.

    Only the main thread may set handlers (Python, module signal): in another one the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def ended_as_by_ctrl_c() -> AbstractContextManager[None]:
    """SIGTERM, by which build servers and containers end a program, ends the block as Ctrl-C does: in good order."""
    return handled(signal.default_int_handler, signal.SIGTERM)


@contextmanager
def begun_deaf(*numbers: signal.Signals) -> Iterator[None]:
    """Processes that are begun in the block do not hear the signals, from their first instruction on.

    They inherit the thread's mask. For this thread the signals wait until the block ends; other threads hear them.
    """
    from multiprocessing import resource_tracker  # not above: help does not wait for it

    resource_tracker.ensure_running()  # it would lift the mask when the first process is begun
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def deaf_to_ctrl_c() -> AbstractContextManager[None]:
    """Processes begun in the block do not hear Ctrl-C.

    A terminal sends it to all of them, and one that is still importing would print a traceback. The parent hears it
    and ends them.
    """
    return begun_deaf(signal.SIGINT)


def is_alive(process: int) -> bool:
    """Whether there is a process with this number on this machine, whoever owns it."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # the latter: no process has such a number
        return False
    except OSError:  # it is somebody else's
        pass
    return True


def end_with_parent() -> None:
    """Let a worker end when the process that it works for is killed; nothing else would tell it."""
    from multiprocessing import parent_process

    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
