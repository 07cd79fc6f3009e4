"""A store of TEST keys made in advance, since making an RSA key takes up to seconds. Every key is used once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sotepki.errors import Fault
from sotepki.tokens.keys import PrivateKey
from sotepki.tokens.storage import private_directory, write_private

READY_KEYS = "SOTEPKI_READY_KEYS"
"""The variable of the environment that names a directory with keys made beforehand."""


class KeyKind(StrEnum):
    """The kinds of key that certificates in this house have."""

    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    P_256 = "p-256"
    P_384 = "p-384"


def make_key(kind: KeyKind) -> PrivateKey:
    """A new key in memory."""
    match kind:
        case KeyKind.P_256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyKind.P_384:
            return ec.generate_private_key(ec.SECP384R1())
        case _:
            return rsa.generate_private_key(65537, int(kind.removeprefix("rsa-")))


class KeyPool:
    """Keys waiting in ``directory/<kind>/``, one file each, mode 0600.

    A key is claimed by renaming its file, which only one process can do, and the file is gone before the key is
    handed out: whatever is killed when, no key is given twice.

    Args:
        ready: another pool, whose keys are taken before new ones are made.
    """

    def __init__(self, directory: Path, ready: KeyPool | None = None) -> None:
        self.directory = directory
        self._ready = ready

    def take(self, kind: KeyKind) -> PrivateKey:
        """A key that nobody had before; made now if none is waiting.

        Raises:
            Fault: the pool's directory cannot be written.
        """
        kind = KeyKind(kind)
        return self._waiting_key(kind) or self._new_key(kind)

    def waiting(self, kind: KeyKind) -> int:
        """How many keys of a kind are waiting."""
        return len(self._files(KeyKind(kind)))

    def fill(self, wanted: Mapping[KeyKind, int], workers: int = 2) -> None:
        """Take or make keys until ``wanted[kind]`` of each kind are waiting, ``workers`` at the same time.

        pyca releases the interpreter while it makes a key, so the work runs in threads on as many processors.

        Raises:
            Fault: the pool's directory cannot be written; the keys made so far are kept.
        """
        missing = [
            kind
            for kind, count in sorted(wanted.items(), key=lambda item: _effort(item[0]), reverse=True)
            for _ in range(count - self.waiting(kind))
        ]
        with ThreadPoolExecutor(max(1, workers)) as crew:
            work = [crew.submit(self._add, kind) for kind in missing]
            try:
                for done in work:
                    done.result()
            except BaseException:
                crew.shutdown(cancel_futures=True)
                raise

    def repeat(self, directory: Path) -> KeyPool:
        """The same keys once more, in another directory: for test runs whose workspaces never meet.

        Raises:
            Fault: the directory is on another file system, or cannot be written.
        """
        for kind in KeyKind:
            place = private_directory(directory / kind)
            for key in self._files(kind):
                try:
                    os.link(key, place / key.name)
                except OSError as error:
                    raise Fault(
                        f"The keys of {self.directory} are not linked to {place}: {error.strerror}."
                    ) from error
        return KeyPool(directory)

    def _new_key(self, kind: KeyKind) -> PrivateKey:
        key = self._ready._waiting_key(kind) if self._ready is not None else None
        return key or make_key(kind)

    def _waiting_key(self, kind: KeyKind) -> PrivateKey | None:
        while (claimed := self._claim(kind)) is not None:
            key = self._open(claimed)
            if key is not None:
                return key
        return None

    def _add(self, kind: KeyKind) -> None:
        content = self._new_key(kind).private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        directory = private_directory(self.directory / kind)
        write_private(directory / f"{secrets.token_hex(8)}.key", content, durable=False)

    def _files(self, kind: KeyKind) -> list[Path]:
        return sorted((self.directory / kind).glob("*.key"))

    def _claim(self, kind: KeyKind) -> Path | None:
        for waiting in self._files(kind):
            claimed = waiting.with_name(f".{waiting.stem}.{os.getpid()}.{secrets.token_hex(4)}.taken")
            try:
                os.rename(waiting, claimed)
            except FileNotFoundError:
                continue  # another process was quicker
            except OSError as error:
                raise Fault(
                    f"The key pool {self.directory} cannot be written: {error.strerror}.",
                    advice="Check the owner and the permissions of this directory.",
                ) from error
            return claimed
        return None

    def _open(self, claimed: Path) -> PrivateKey | None:
        """The key in a claimed file, which is removed; None if the file is not a key."""
        try:
            content = claimed.read_bytes()
            claimed.unlink()
            # The pool made this key; proving its primes again would cost a tenth of making it.
            key = serialization.load_der_private_key(content, None, unsafe_skip_rsa_key_validation=True)
        except (OSError, ValueError):
            claimed.unlink(missing_ok=True)
            return None
        return key if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) else None


def ready_keys() -> KeyPool | None:
    """The pool that the environment names in ``SOTEPKI_READY_KEYS``, if it names one."""
    directory = os.environ.get(READY_KEYS)
    return KeyPool(Path(directory).absolute()) if directory else None


def _effort(kind: KeyKind) -> int:
    return int(kind.removeprefix("rsa-")) if kind.startswith("rsa-") else 1
