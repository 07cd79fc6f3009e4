"""A PostgreSQL server of one's own for the tests: Debian's package, a temporary directory, a socket, no network.

Durability is as in production (fsync on), unless a run has no crash to survive. The cluster sorts as Finns do, so
that nothing leans on the order of bytes. PostgreSQL refuses to run as root, so root lends it the user ``postgres`` or
``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

DATABASE = "postgres"
SUPERUSER = "postgres"


class NoPostgresql(Exception):
    """The server's programs are not installed here."""


@dataclass
class Server:
    """A running cluster; ``address`` names its first database."""

    directory: Path
    programs: Path
    owner: str
    durable: bool
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@/{DATABASE}?host={quote(str(self.directory), safe='')}"

    def crash(self) -> None:
        """End it as a power cut would: every process of it at once, nothing is written any more."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def start(self) -> None:
        self.process = _started(self.directory, self.programs, self.owner, self.durable)

    def stop(self) -> None:
        """End it for good; its files go too, so nothing is put in order first."""
        self.crash()


def programs() -> Path:
    """Where ``initdb`` and ``postgres`` lie: on the path, or where Debian keeps them.

    Raises:
        NoPostgresql: nowhere.
    """
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise NoPostgresql("PostgreSQL's server is not installed (Debian: apt-get install postgresql).")


@contextmanager
def postgresql(*, passwords: bool = False, durable: bool = True) -> Iterator[Server]:
    """A cluster that lives as long as the block; with ``passwords`` it asks for one (it is ``TEST``).

    Not ``durable``, it waits for no disk, which makes thousands of tables many times as fast.
    """
    where, owner = programs(), _owner()
    directory = Path(tempfile.mkdtemp(prefix="sotepki-pg-", dir="/tmp"))
    try:
        directory.chmod(0o755)
        if os.geteuid() == 0:
            shutil.chown(directory, owner)
        (directory / "password").write_text("TEST")
        _run(owner, [
            where / "initdb", "-D", directory / "data", "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8",
            "--locale-provider=icu", "--icu-locale=fi-FI", "--no-sync",
            "-A", "scram-sha-256" if passwords else "trust", "--pwfile", directory / "password",
        ])  # fmt: skip
        server = Server(directory, where, owner, durable, _started(directory, where, owner, durable))
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _started(directory: Path, where: Path, owner: str, durable: bool) -> subprocess.Popen[bytes]:
    log = (directory / "log").open("ab")
    hasty = [] if durable else ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    process = subprocess.Popen(
        [*_lent(owner), str(where / "postgres"), "-D", str(directory / "data"), "-k", str(directory),
         "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "unix_socket_permissions=0777", *hasty],
        cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
    )  # fmt: skip
    log.close()
    deadline = time.monotonic() + 60
    while not _answers(directory, where):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"PostgreSQL did not start: {(directory / 'log').read_text()[-2000:]}")
        time.sleep(0.05)
    return process


def _answers(directory: Path, where: Path) -> bool:
    asked = subprocess.run([where / "pg_isready", "-q", "-h", directory], check=False)
    return asked.returncode == 0


def _owner() -> str:
    if os.geteuid() != 0:
        return ""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NoPostgresql("PostgreSQL does not run as root, and there is no user postgres or nobody.")


def _lent(owner: str) -> list[str]:
    if not owner:
        return []
    # setpriv becomes the server itself, so that signals reach it; runuser would stand between.
    return ["setpriv", f"--reuid={owner}", f"--regid={pwd.getpwnam(owner).pw_gid}", "--clear-groups", "--"]


def _run(owner: str, command: Sequence[object]) -> None:
    done = subprocess.run(
        [*_lent(owner), *map(str, command)], cwd="/", capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
