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
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def take(self, kind: KeyKind) -> PrivateKey:
        """A key that nobody had before; made now if none is waiting.

        Raises:
            Fault: the pool's directory cannot be written.
        """
        while (claimed := self._claim(KeyKind(kind))) is not None:
            key = self._open(claimed)
            if key is not None:
                return key
        return make_key(KeyKind(kind))

    def waiting(self, kind: KeyKind) -> int:
        """How many keys of a kind are waiting."""
        return len(self._files(KeyKind(kind)))

    def fill(self, wanted: Mapping[KeyKind, int], workers: int = 2) -> None:
        """Make keys until ``wanted[kind]`` of each kind are waiting, ``workers`` at the same time.

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

    def _add(self, kind: KeyKind) -> None:
        content = make_key(kind).private_bytes(
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
                    advice="Check the owner and the permissions of the workspace directory.",
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


def _effort(kind: KeyKind) -> int:
    return int(kind.removeprefix("rsa-")) if kind.startswith("rsa-") else 1
