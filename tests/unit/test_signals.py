"""Signals in a block: the handler is heard inside, the earlier one afterwards, and threads are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from sotepki.signals import deaf_to_ctrl_c, handled, is_alive


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


def test_a_ctrl_c_while_processes_are_begun_is_heard_afterwards() -> None:
    """It was lost when it came in that moment, and the command went on for minutes."""
    begun = False
    with pytest.raises(KeyboardInterrupt), deaf_to_ctrl_c():
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # to the process, another thread might hear it
        begun = True
    assert begun
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_process_that_has_ended_is_told_from_one_that_lives() -> None:
    """What a killed run left would stay for ever, or that of a run at work would be taken from it."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert [is_alive(number) for number in (os.getpid(), 1, ended.pid, 10**10)] == [True, True, False, False]


_PARENT = """
import multiprocessing, os, signal, time
from sotepki.signals import end_with_parent

def work(pipe):
    end_with_parent()
    pipe.send(os.getpid())
    time.sleep(60)

if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.get_context("fork").Process(target=work, args=(theirs,)).start()
    ours.recv()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_ends_when_its_parent_is_killed() -> None:
    """Workers of a killed run stayed for ever, each with a token open and its memory taken."""
    # The worker holds the pipes, so this waits for its end too.
    done = subprocess.run([sys.executable, "-c", _PARENT], capture_output=True, timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
