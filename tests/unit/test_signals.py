"""Signals in a block: the handler is heard inside, the earlier one afterwards, and threads are left alone."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from sotepki.signals import handled


def test_a_signal_is_heard_in_the_block_and_the_earlier_handler_comes_back() -> None:
    """A command that served and ended would otherwise leave Ctrl-C without effect."""
    heard: list[int] = []
    earlier = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError), handled(lambda number, _frame: heard.append(number), signal.SIGTERM):
        os.kill(os.getpid(), signal.SIGTERM)
        raise RuntimeError("the handler comes back all the same")
    assert heard == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is earlier


def test_another_thread_changes_nothing() -> None:
    """A run that a notebook starts in a thread would end with a traceback: only the main thread may set handlers."""
    seen: list[object] = []

    def block() -> None:
        with handled(signal.SIG_IGN, signal.SIGTERM):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
