"""Real pcscd and vpcd in a runtime directory and namespaces of their own, and activated cards to put into them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from card_chip_world import certificate
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sotepki.card import CardShelf, KeyUse, Personalisation
from sotepki.card.pcsc.private_readers import PrivateReaders, missing_for_private_readers
from sotepki.errors import Fault
from sotepki.tokens import KeyKind, Pin, PrivateKey
from sotepki.tokens.pool import make_key

CODE, PIN1, PIN2 = "12345678", "1111", "222222"
HOLDER = "TEST Eeva Esimerkki"
RSA, RSA_SMALL, EC = "RSA-3072", "RSA-2048", "P-384"
_KINDS = {RSA: KeyKind.RSA_3072, RSA_SMALL: KeyKind.RSA_2048, EC: KeyKind.P_384}
MODULE_PLACES = (
    "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib64/pkcs11/opensc-pkcs11.so",
    "/usr/lib/opensc-pkcs11.so",
)


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    code: int
    output: str

    def said(self, *wanted: str) -> bool:
        return all(text in self.output for text in wanted)


class Desk:
    """The readers, a workspace with cards, and commands that run beside them."""

    def __init__(self, readers: PrivateReaders, home: Path, keys: Mapping[str, Mapping[KeyUse, PrivateKey]]) -> None:
        self.readers = readers
        self.home = home
        self._keys = keys
        self._root = make_key(KeyKind.P_256)
        (home / "user").mkdir(parents=True)

    def new_card(self, number: str = RSA, *, activated: bool = True) -> None:
        """A fresh card with full counters, in the place of an older one of its number."""
        keys = self._keys[number.partition("/")[0]]
        number = number.replace("/", "-")
        with CardShelf(self.home / "cards") as shelf:
            shelf.personalise(
                Personalisation(
                    number=number,
                    holder=HOLDER,
                    keys=keys,
                    certificates={use: certificate(HOLDER, keys[use], "TEST CA", self._root) for use in KeyUse},
                    issuers=[certificate("TEST CA", self._root), certificate("TEST root", self._root)],
                    activation_code=Pin(CODE),
                )
            )
            if activated:
                with shelf.insert(number) as card:
                    card.activate(Pin(CODE), Pin(PIN1), Pin(PIN2))

    def run(self, *arguments: str | Path, input: bytes = b"", **environment: str) -> Run:
        done = subprocess.run(
            self.readers.command([str(one) for one in arguments]),
            env={
                **os.environ,
                **self.readers.environment,
                "LC_ALL": "C.UTF-8",
                "HOME": str(self.home / "user"),
                "SOTEPKI_WORKSPACE": str(self.home),
                **environment,
            },
            input=input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return Run(done.returncode, done.stdout.decode("utf-8", "replace"))

    def sotepki(self, *arguments: str | Path, input: bytes = b"") -> Run:
        return self.run(sys.executable, "-m", "sotepki", "card", *arguments, input=input)

    @contextmanager
    def inserted(self, number: str = RSA, *options: str) -> Iterator[None]:
        """The card in reader 0 (or as the options say) until the block ends."""
        put_in = self.sotepki("insert", number, "--background", *options)
        assert put_in.code == 0, put_in.output
        try:
            yield
        finally:
            self.sotepki("remove", number)

    def pkcs11(self, *arguments: str | Path, **environment: str) -> Run:
        return self.run("pkcs11-tool", *arguments, **environment)

    def sign(self, use: KeyUse, mechanism: str, *more: str, pin: str = "", **environment: str) -> Run:
        """``pkcs11-tool --sign`` over ``data`` into ``signature``."""
        (self.home / "signature").unlink(missing_ok=True)
        slot, key_id, usual = ("0", "45", PIN1) if use is KeyUse.AUTHENTICATION else ("1", "46", PIN2)
        return self.pkcs11(
            "--sign", "--mechanism", mechanism, "--slot-index", slot, "--id", key_id, "--pin", pin or usual, *more,
            "--input-file", self.data, "--output-file", self.home / "signature", **environment,
        )  # fmt: skip

    def openssl_verifies(self, use: KeyUse, hash_name: str, *options: str, number: str = RSA) -> bool:
        """Whether openssl accepts ``signature`` with the key of the card's certificate."""
        public = CardShelf(self.home / "cards").read(number).certificates[use].public_key()
        key_file = self.home / "public.pem"
        key_file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        done = subprocess.run(
            ["openssl", "dgst", f"-{hash_name}", "-verify", key_file, "-signature", self.home / "signature", *options,
             self.data],
            capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode == 0 and b"Verified OK" in done.stdout

    def tries(self, number: str = RSA) -> dict[str, int]:
        """The counters on the disk: what a card that was pulled remembers."""
        return {str(name): count for name, count in CardShelf(self.home / "cards").read(number).state.tries.items()}

    @property
    def data(self) -> Path:
        path = self.home / "data"
        if not path.exists():
            path.write_bytes(b"TEST data to sign\n" * 100)
        return path

    def configuration(self, text: str) -> dict[str, str]:
        """The environment with an opensc.conf of this content."""
        path = self.home / "opensc.conf"
        path.write_text(text, encoding="ascii")
        return {"OPENSC_CONF": str(path)}


@pytest.fixture(scope="session")
def card_keys() -> dict[str, dict[KeyUse, PrivateKey]]:
    return {name: {use: make_key(kind) for use in KeyUse} for name, kind in _KINDS.items()}


@contextmanager
def private_readers() -> Iterator[PrivateReaders]:
    """Readers of our own; skips with the reason where they cannot be had."""
    missing = missing_for_private_readers()
    if missing:
        pytest.skip(f"needs the Debian packages {', '.join(missing)}")
    readers = PrivateReaders()
    try:
        readers.start()
    except Fault as fault:
        if fault.rule != "card.readers.failed":
            raise
        pytest.skip(str(fault))
    with readers:
        yield readers


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, card_keys: dict[str, dict[KeyUse, PrivateKey]]) -> Iterator[Desk]:
    """Readers and a home without a workspace."""
    with private_readers() as readers:
        yield Desk(readers, tmp_path_factory.mktemp("desk"), card_keys)


def send(desk: Desk, *commands: str) -> list[str]:
    """Commands by ``opensc-tool -s``; the status words of the answers."""
    options = [part for command in commands for part in ("-s", command.replace(" ", ""))]
    found = desk.run("opensc-tool", "--card-driver", "default", *options)
    words = [line for line in found.output.splitlines() if "SW1=" in line]
    return [word.split("SW1=0x")[1][:2] + word.split("SW2=0x")[1][:2] for word in words]


def module() -> Path:
    """opensc-pkcs11.so, or a skip."""
    for place in MODULE_PLACES:
        if Path(place).exists():
            return Path(place)
    pytest.skip("needs the Debian package opensc-pkcs11")


def pins(desk: Desk) -> Sequence[str]:
    """What the client says of the PINs, without spending tries."""
    return desk.sotepki("client", "pins").output.splitlines()
