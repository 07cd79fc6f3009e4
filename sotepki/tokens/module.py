"""SoftHSM in this process: one library, one configuration at a time, one lock.

A PKCS#11 library is a thing of the process, so this is too (``softhsm()``). python-pkcs11 initialises it without
operating-system locking, and concurrent calls from threads then crash the interpreter (measured,
docs/field/engineering.md 6 row 1): every call goes through ``SoftHsm.lock``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11.exceptions import PKCS11Error

from sotepki.errors import Fault
from sotepki.tokens.softhsm import CONFIGURATION_VARIABLE, find_softhsm
from sotepki.tokens.token_copies import keep_tokens_whole


class SoftHsm:
    """The library and what it is configured for.

    Attributes:
        lock: held during every PKCS#11 call.
        generation: grows whenever the library forgets its sessions; a session of an older generation is void.
        logins: what is open in this generation, by token label; kept here because a login belongs to the process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.generation = 0
        self.logins: dict[str, Any] = {}
        self._library: Any = None
        self._configuration: Path | None = None
        self._process = os.getpid()
        os.register_at_fork(after_in_child=self._after_fork)

    @property
    def library(self) -> Any:
        """python-pkcs11's view of the library. Call only with ``lock`` held and after ``use``."""
        return self._library

    def use(self, configuration: Path) -> None:
        """Make ``configuration`` the one in force; sessions of another configuration become void.

        Raises:
            Fault: SoftHSM does not start with it.
        """
        with self.lock:
            if configuration != self._configuration or self._library is None:
                self._start(configuration)

    def restart(self) -> None:
        """Look at the token directory afresh, for tokens that another process made; all sessions become void."""
        with self.lock:
            if self._configuration is not None:
                self._start(self._configuration)

    def _start(self, configuration: Path) -> None:
        self.generation += 1
        self.logins = {}
        self._configuration = None
        keep_tokens_whole(configuration.parent)
        with _environment(CONFIGURATION_VARIABLE, str(configuration)):
            try:
                if self._library is None:
                    self._library = pkcs11.lib(str(self.path))
                else:
                    self._library.reinitialize()
            except (PKCS11Error, RuntimeError) as error:
                raise Fault(
                    f"SoftHSM ({self.path}) does not start with {configuration}: {describe(error)}.",
                    advice="Check that the token directory is there and may be read.",
                ) from error
        self._configuration = configuration

    def _after_fork(self) -> None:
        # The child has the parent's library in an unknown state and maybe a lock that nobody will release.
        self.lock = threading.RLock()
        self.generation += 1
        self.logins = {}
        self._configuration = None


@cache
def softhsm() -> SoftHsm:
    """The one SoftHSM of this process."""
    return SoftHsm(find_softhsm())


def describe(error: BaseException) -> str:
    """The name of a PKCS#11 error, since python-pkcs11 gives most of them no text."""
    return f"{type(error).__name__}{f' ({error})' if str(error) else ''}"


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
