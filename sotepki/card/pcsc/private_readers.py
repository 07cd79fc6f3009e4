"""A pcscd of one's own with vpcd's readers, in namespaces of its own: no service, no administrator, no open port.

vpcd listens on all interfaces, and pcscd has one socket per machine. In network and mount namespaces of their own
they disturb nobody, and any number of them run at once (docs/field/card.md 9 row test isolation: confirmed,
measured).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from sotepki.card.pcsc.vpcd import FIRST_PORT
from sotepki.errors import Fault

PATIENCE = 10.0
SOCKET_VARIABLE = "PCSCLITE_CSOCK_NAME"
_DRIVER_PLACES = (
    "/usr/lib/pcsc/drivers/serial",
    "/usr/lib64/pcsc/drivers/serial",
    "/usr/local/lib/pcsc/drivers/serial",
)
# Runs in the new namespaces: the loopback interface comes up, a private /run hides the machine's, pcscd takes over.
# "$1" is the private directory, which may itself be below /run, so it is held as the working directory.
_START = """
set -e
cd "$1"
"$2" -c 'import fcntl,socket,struct
s=socket.socket(); fcntl.ioctl(s,0x8914,struct.pack("16sH14x",b"lo",0x41))'
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind run /run/pcscd
exec "$3" --foreground --error --config "$1/readers"
"""


def missing_for_private_readers() -> tuple[str, ...]:
    """The Debian packages that would be needed and are not there; empty if private readers can be had."""
    needs = {
        "pcscd": _pcscd() is not None,
        "vsmartcard-vpcd": _driver() is not None,
        "util-linux": all(shutil.which(tool) for tool in ("unshare", "nsenter", "mount")),
    }
    return tuple(package for package, there in needs.items() if not there)


class PrivateReaders:
    """pcscd with vpcd's two readers, from ``start`` to ``stop``; commands run beside it by ``command``."""

    def __init__(self) -> None:
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """What a PC/SC program needs in its environment to reach this pcscd."""
        return {SOCKET_VARIABLE: str(self._socket())}

    def start(self) -> None:
        """Start pcscd and wait until it takes connections.

        Raises:
            Fault: rule ``card.readers.missing``: a package is missing; ``card.readers.failed``: namespaces are not
                allowed here, or pcscd ended.
        """
        missing = missing_for_private_readers()
        if missing:
            raise Fault(
                f"For readers of one's own these packages are missing: {', '.join(missing)}.",
                rule="card.readers.missing",
                advice=f"Install them: 'apt-get install {' '.join(missing)}'.",
            )
        self._directory = Path(tempfile.mkdtemp(prefix="sotepki-pcscd-"))
        (self._directory / "run").mkdir()
        (self._directory / "readers").mkdir()
        (self._directory / "readers" / "vpcd").write_text(_reader_configuration(), encoding="ascii")
        namespaces = ["--net", "--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--net", "--mount"]
        with (self._directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", *namespaces, "--", "sh", "-c", _START, "sh", str(self._directory), sys.executable,
                 str(_pcscd())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
            )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def command(self, arguments: Sequence[str]) -> list[str]:
        """A command line that runs ``arguments`` where vpcd's ports are; give it ``environment`` too."""
        assert self._process is not None, "start() comes first"
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        # Not the mount namespace: files and /run of the command stay those of the machine.
        return ["nsenter", "--target", str(self._process.pid), *user, "--net", "--", *arguments]

    def restart(self) -> None:
        """End pcscd and start another one in its place, as after a crash of the service."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End pcscd and remove its directory. Stopping twice is no error."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        directory, self._directory = self._directory, None
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)

    def __enter__(self) -> Self:
        if self._process is None:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _socket(self) -> Path:
        assert self._directory is not None, "start() comes first"
        return self._directory / "run" / "pcscd.comm"

    def _wait(self) -> None:
        assert self._process is not None and self._directory is not None
        deadline = time.monotonic() + PATIENCE
        while not self._socket().exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                lines = (self._directory / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise Fault(
                    f"A pcscd of one's own does not start here: {lines[-1][:200] if lines else 'it says nothing'}.",
                    rule="card.readers.failed",
                    advice="It needs user, network and mount namespaces: run as root, or allow unprivileged ones.",
                )
            time.sleep(0.01)


def _reader_configuration() -> str:
    port = f"0x{FIRST_PORT:X}"
    return (
        f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME   /dev/null:{port}\nLIBPATH      {_driver()}\nCHANNELID    {port}\n'
    )


def _pcscd() -> str | None:
    return shutil.which("pcscd", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))


def _driver() -> Path | None:
    for place in _DRIVER_PLACES:
        driver = Path(place) / "libifdvpcd.so"
        if driver.exists():
            return driver
    return None
