"""Clients of a Kanta that several processes serve, and what is seen of those processes from outside."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from serve_world import Serving

from sotepki.kela.tables import ArchivedDocument
from sotepki.records import first_break
from sotepki.workspace import Workspace

T = TypeVar("T")


class Client:
    """A kept connection with the provider's certificate."""

    def __init__(self, house: Serving, name: str = "kanta") -> None:
        context = ssl.create_default_context(cafile=house.trust)
        context.load_cert_chain(*house.office.client_files)
        plain = socket.create_connection(("127.0.0.1", house.port(name)), timeout=30)
        self.port = plain.getsockname()[1]
        self._tls = context.wrap_socket(plain, server_hostname="localhost")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self._tls.close()

    def send(self, frame: bytes) -> tuple[int, dict[str, Any]]:
        """Status and acknowledgement."""
        head = "POST /kanta/archive HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nAccept: application/json"
        self._tls.sendall(f"{head}\r\nContent-Length: {len(frame)}\r\n\r\n".encode() + frame)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._received()
        top, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in top.split(b"\r\n") if line.startswith(b"Content-Length"))
        while len(body) < length:
            body += self._received()
        return int(top.split()[1]), json.loads(body)

    def _received(self) -> bytes:
        return self._tls.recv(65536) or _closed()


def _closed() -> bytes:
    raise ConnectionError("closed")


def workers(house: Serving) -> list[int]:
    """The processes that serve: the children of all threads of the master, without Python's own tracker."""
    tasks = Path(f"/proc/{house.process.pid}/task").iterdir()
    children = [int(child) for task in tasks for child in _read(task / "children").split()]
    return sorted(pid for pid in children if b"spawn_main" in _read(Path(f"/proc/{pid}/cmdline")))


def _read(path: Path) -> bytes:
    """A file of a thread or process, which may have ended a moment ago."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def alive(pids: Sequence[int]) -> list[int]:
    """Those that have not ended."""
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def served_by(pid: int, clients: Sequence[Client]) -> int:
    """How many of the clients a process serves, by the sockets that it holds."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held.add(os.readlink(descriptor))
        except OSError:
            continue
    ports = {client.port for client in clients}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # A set: of a table that changes while it is read, the kernel may give a row twice.
    return len({f"socket:[{row[9]}]" for row in rows if int(row[2].rpartition(":")[2], 16) in ports} & held)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What the calls give, all begun at the same moment."""
    barrier = threading.Barrier(len(calls))

    def call(one: Callable[[], T]) -> T:
        barrier.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def connected(stack: ExitStack, house: Serving, count: int) -> list[Client]:
    """So many clients, connected all at once."""
    return [stack.enter_context(client) for client in at_once([lambda: Client(house)] * count)]


def sent(clients: Sequence[Client], frames: Sequence[bytes]) -> list[tuple[int, dict[str, Any]]]:
    """Each client sends its frame, all at once: statuses and acknowledgements."""
    return at_once([partial(client.send, frame) for client, frame in zip(clients, frames, strict=True)])


def statuses(clients: Sequence[Client], frames: Sequence[bytes]) -> list[int]:
    """The statuses of what each client sends, all at once."""
    return sorted(status for status, _ in sent(clients, frames))


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for it; generous, since a busy machine takes its time to begin a process."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def stream(house: Serving, frames: Sequence[bytes], strike: Callable[[], object]) -> dict[str, dict[str, Any]]:
    """The acknowledgements of frames that eight clients send, by message id; after eight of them something happens.

    A client whose connection breaks sends again over another one, as a vendor's system has to.
    """
    acknowledged: dict[str, dict[str, Any]] = {}
    waiting, lock = list(frames), threading.Lock()

    def client() -> None:
        frame = b""
        while True:
            with lock:
                if not waiting and not frame:
                    return
                frame = frame or waiting.pop()
            try:
                with Client(house) as connection:
                    while frame:
                        status, answer = connection.send(frame)
                        assert (status, answer["code"]) == (200, "AA"), answer
                        with lock:
                            acknowledged[answer["message_id"]] = answer
                            if len(acknowledged) == 8:
                                strike()
                            frame = waiting.pop() if waiting else b""
            except OSError:
                continue

    at_once([client] * 8)
    assert len(acknowledged) == len(frames)
    return acknowledged


def nothing_is_lost_or_doubled(
    house: Serving, frames: Sequence[bytes], acknowledged: dict[str, dict[str, Any]]
) -> None:
    """Every acknowledged document is archived once, the journal is whole, and answers are repeated word for word."""
    with Workspace.open(house.office.directory) as workspace, workspace.records.look() as session:
        ids = [answer["document_id"] for answer in acknowledged.values()]
        assert session.query(ArchivedDocument).filter(ArchivedDocument.document_id.in_(ids)).count() == len(frames)
        assert first_break(session) is None
    for frame in frames[:4]:
        answer = house.send(frame)
        assert answer == acknowledged[answer["message_id"]], "a repeated message gets its own acknowledgement"
