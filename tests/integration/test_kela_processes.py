"""Kanta served by several processes: they share connections, books and counters, and one may die."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from serve_world import Office, Serving, made_office, serving
from sqlalchemy import select

from sotepki.kela.tables import AcknowledgedMessage, ArchivedDocument
from sotepki.records import first_break
from sotepki.services import service_fault_board
from sotepki.serving import Down, ServiceFaults
from sotepki.workspace import Workspace

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("curl") or not sys.platform.startswith("linux"), reason="needs curl, /proc"),
]

ONLY = tuple(part for name in ("publication", "kanta", "kanta-next", "status") for part in ("--only", name))
CLIENTS = 16

T = TypeVar("T")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return made_office(tmp_path_factory.mktemp("processes") / "workspace")


@pytest.fixture(scope="module")
def house(office: Office) -> Iterator[Serving]:
    """Two processes that serve both environments, for every test of this module but one."""
    with serving(office, "--kanta-processes", "2", *ONLY) as running:
        yield running
        pids = _workers(running)
        with Client(running):  # kept open: nobody waits for a client that has nothing more to say
            assert running.stop(signal.SIGINT) == 0
        assert len(pids) == 2 and not _alive(pids)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", running.port("kanta")), timeout=1)
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


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


def _workers(house: Serving) -> list[int]:
    """The processes that serve: the children of all threads of the master, without Python's own tracker."""
    tasks = Path(f"/proc/{house.process.pid}/task").iterdir()
    children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return sorted(pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())


def _alive(pids: Sequence[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def _served_by(pid: int, clients: Sequence[Client]) -> int:
    """How many of the clients a process serves, by the sockets that it holds."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held.add(os.readlink(descriptor))
        except OSError:
            continue
    ports = {client.port for client in clients}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(f"socket:[{row[9]}]" in held for row in rows if int(row[2].rpartition(":")[2], 16) in ports)


def _at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What the calls give, all begun at the same moment."""
    barrier = threading.Barrier(len(calls))

    def call(one: Callable[[], T]) -> T:
        barrier.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def _connected(stack: ExitStack, house: Serving, count: int = CLIENTS) -> list[Client]:
    return [stack.enter_context(client) for client in _at_once([lambda: Client(house)] * count)]


def _sent(clients: Sequence[Client], frames: Sequence[bytes]) -> list[tuple[int, dict[str, Any]]]:
    """Each client sends its frame, all at once: statuses and acknowledgements."""
    return _at_once([partial(client.send, frame) for client, frame in zip(clients, frames, strict=True)])


def _statuses(clients: Sequence[Client], frames: Sequence[bytes]) -> list[int]:
    return sorted(status for status, _ in _sent(clients, frames))


def _until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def _lines(house: Serving) -> list[dict[str, Any]]:
    return [json.loads(line) for line in house.log.read_text(encoding="utf-8").splitlines()]


def _answers(house: Serving) -> int:
    """Acknowledgements AA of the current environment, as the metrics have them."""
    text = house.curl(house.bases["status"] + "/metrics")
    found = [line for line in text.splitlines() if 'answers_total{environment="current",code="AA"}' in line]
    return int(float(found[0].rpartition(" ")[2])) if found else 0


# ------------------------------------------------------------------------------------------------- several at work


def test_each_process_keeps_to_a_processor_of_its_own_among_those_allowed(house: Serving) -> None:
    pids, allowed = _workers(house), os.sched_getaffinity(house.process.pid)
    assert len(pids) == 2 and house.process.pid not in pids
    kept = [os.sched_getaffinity(pid) for pid in pids]
    assert all(len(one) == 1 for one in kept) and set().union(*kept) <= allowed
    assert len(set().union(*kept)) == min(2, len(allowed))


def test_sixteen_connections_are_shared_fairly_and_the_master_takes_none(house: Serving) -> None:
    with ExitStack() as stack:
        clients = _connected(stack, house)
        shares = [_served_by(pid, clients) for pid in _workers(house)]
        assert sum(shares) == CLIENTS and min(shares) >= 3, shares
        assert _served_by(house.process.pid, clients) == 0


def test_the_same_message_over_many_connections_at_once_is_archived_once(house: Serving, office: Office) -> None:
    """A vendor that repeats a message on another connection, and so in another process, gets the same answer."""
    frames = office.frames(3)
    with ExitStack() as stack:
        clients = _connected(stack, house)
        assert min(_served_by(pid, clients) for pid in _workers(house)) >= 3
        for frame in frames:
            answers = [answer for _, answer in _sent(clients, [frame] * CLIENTS)]
            assert {answer["code"] for answer in answers} == {"AA"}
            assert len({json.dumps(answer, sort_keys=True) for answer in answers}) == 1
            with Workspace.open(office.directory) as workspace, workspace.records.look() as session:
                ids = (answers[0]["message_id"], answers[0]["document_id"])
                assert len(session.scalars(select(AcknowledgedMessage).filter_by(message_id=ids[0])).all()) == 1
                assert len(session.scalars(select(ArchivedDocument).filter_by(document_id=ids[1])).all()) == 1


def test_both_environments_are_served_each_with_books_of_its_own(house: Serving, office: Office) -> None:
    frame = office.frame()
    told = [house.send(frame, name) for name in ("kanta", "kanta-next")]
    assert [answer["code"] for answer in told] == ["AA", "AA"]
    for name in ("kanta", "kanta-next"):
        assert told[0]["document_id"] in house.document(told[0]["document_id"], name)


def test_knobs_reach_every_process_and_so_many_answers_are_so_many_of_all(house: Serving, office: Office) -> None:
    frame = office.frame()
    with ExitStack() as stack:
        clients = _connected(stack, house)
        with Workspace.open(office.directory) as workspace:
            board = service_fault_board(workspace)
        try:
            board.set("kanta", ServiceFaults(Down.UNAVAILABLE))
            time.sleep(0.2)
            assert _statuses(clients, [frame] * CLIENTS) == [503] * CLIENTS
            board.set("kanta", ServiceFaults(Down.UNAVAILABLE, answers=5))
            time.sleep(0.2)
            assert _statuses(clients, [frame] * CLIENTS) == [200] * (CLIENTS - 5) + [503] * 5
        finally:
            board.clear()


def test_counters_and_request_lines_are_those_of_all_processes(house: Serving, office: Office) -> None:
    frames = office.frames(CLIENTS)
    _until(lambda: _answers(house) == _answers_logged(house))
    before = _answers(house)
    with ExitStack() as stack:
        clients = _connected(stack, house)
        assert _statuses(clients, frames) == [200] * CLIENTS
    _until(lambda: _answers(house) == before + CLIENTS)
    _until(lambda: _answers_logged(house) == before + CLIENTS)
    _until(lambda: _status_of(house, "kanta")["requests"] == _requests_logged(house))
    assert _status_of(house, "kanta")["healthy"]


def _status_of(house: Serving, name: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = json.loads(house.curl(house.bases["status"] + "/?format=json"))["services"]
    return next(row for row in rows if row["name"] == name)


def _requests_logged(house: Serving) -> int:
    return sum(line.get("service") == "kanta" for line in _lines(house))


def _answers_logged(house: Serving) -> int:
    """Request lines of Kanta with 200 for a message; every line of the log can be read."""
    lines = [line for line in _lines(house) if line.get("service") == "kanta" and line["method"] == "POST"]
    return sum(line["status"] == 200 for line in lines)


# ------------------------------------------------------------------------------------------------- life and death


def test_ctrl_c_is_the_masters_to_hear(house: Serving, office: Office) -> None:
    """A terminal sends it to every process; a worker that ended by itself would break off what it is answering."""
    pids = _workers(house)
    for pid in pids:
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
    time.sleep(0.3)
    assert _workers(house) == pids
    assert house.send(office.frame())["code"] == "AA"


def test_a_killed_process_is_replaced_and_no_acknowledged_document_is_lost_or_doubled(
    house: Serving, office: Office
) -> None:
    frames, acknowledged, lock = office.frames(32), {}, threading.Lock()
    waiting, before = list(frames), _workers(house)
    counted = _answers(house)

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
                                os.kill(before[0], signal.SIGKILL)
                            frame = waiting.pop() if waiting else b""
            except OSError:
                continue  # sent again, over another connection

    _at_once([client] * 8)
    assert len(acknowledged) == len(frames)
    _until(lambda: len(_workers(house)) == 2)
    assert before[0] not in _workers(house) and before[1] in _workers(house)
    _until(lambda: house.curl(house.bases["status"] + "/health").startswith('{"status": "ok"'))
    with Workspace.open(office.directory) as workspace, workspace.records.look() as session:
        ids = [answer["document_id"] for answer in acknowledged.values()]
        assert session.query(ArchivedDocument).filter(ArchivedDocument.document_id.in_(ids)).count() == len(frames)
        assert first_break(session) is None
    for frame in frames[:4]:
        answer = house.send(frame)
        assert answer == acknowledged[answer["message_id"]], "a repeated message gets its own acknowledgement"
    (line,) = [line for line in _lines(house) if line.get("event")]
    assert (line["pid"], line["how"], line["level"]) == (before[0], "SIGKILL", "error")
    assert _answers(house) >= counted, "counters of a process that ended stay"
    assert "sotepki_kanta_process_restarts_total 1" in house.curl(house.bases["status"] + "/metrics")


def test_health_says_that_a_process_is_missing_until_it_is_replaced(house: Serving) -> None:
    victim = _workers(house)[0]
    os.kill(victim, signal.SIGKILL)
    said: dict[str, Any] = {}

    def told() -> bool:
        said.update(json.loads(house.curl(house.bases["status"] + "/health")))
        return bool(said["status"] != "ok")

    _until(told)
    assert said["troubles"]["kanta"].startswith("1 of 2 processes") and "kanta-next" in said["troubles"]
    _until(lambda: not told())
    assert len(_workers(house)) == 2


def test_when_the_master_is_killed_its_processes_end_and_the_port_is_free(office: Office) -> None:
    with serving(office, "--kanta-processes", "2", "--only", "kanta") as running:
        pids = _workers(running)
        with Client(running):
            assert running.stop(signal.SIGKILL) == -signal.SIGKILL
            _until(lambda: not _alive(pids), 8.0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port("kanta")), timeout=1)


def test_a_taken_port_is_one_sentence_and_no_process_stays(house: Serving) -> None:
    port = str(house.port("kanta"))
    done = house.refused("serve", "--kanta-processes", "2", "--free-ports", "--only", "kanta", "--kanta-port", port)
    assert done.returncode == 2
    assert port in done.stderr and "Traceback" not in done.stderr
