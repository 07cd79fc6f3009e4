"""Kanta served by several processes: they share connections, books and counters, and one may die."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from processes_world import (
    Client,
    alive,
    connected,
    nothing_is_lost_or_doubled,
    sent,
    served_by,
    statuses,
    stream,
    until,
    workers,
)
from serve_world import Office, Serving, made_office, serving
from sqlalchemy import select

from sotepki.kela.tables import AcknowledgedMessage, ArchivedDocument
from sotepki.resources import package_file
from sotepki.services import service_fault_board
from sotepki.serving.faults import Down, ServiceFaults
from sotepki.workspace import Workspace

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("curl") or not sys.platform.startswith("linux"), reason="needs curl, /proc"),
]

ONLY = tuple(part for name in ("publication", "kanta", "kanta-next", "status") for part in ("--only", name))
CLIENTS = 16


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return made_office(tmp_path_factory.mktemp("processes") / "workspace")


@pytest.fixture(scope="module")
def house(office: Office) -> Iterator[Serving]:
    """Two processes that serve both environments, for every test of this module but one."""
    with serving(office, "--kanta-processes", "2", *ONLY) as running:
        yield running
        pids = workers(running)
        with Client(running):  # kept open: nobody waits for a client that has nothing more to say
            assert running.stop(signal.SIGINT) == 0
        assert len(pids) == 2 and not alive(pids)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", running.port("kanta")), timeout=1)
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


def _lines(house: Serving) -> list[dict[str, Any]]:
    return [json.loads(line) for line in house.log.read_text(encoding="utf-8").splitlines()]


def _answers(house: Serving) -> int:
    """Acknowledgements AA of the current environment, as the metrics have them."""
    text = house.curl(house.bases["status"] + "/metrics")
    found = [line for line in text.splitlines() if 'answers_total{environment="current",code="AA"}' in line]
    return int(float(found[0].rpartition(" ")[2])) if found else 0


# ------------------------------------------------------------------------------------------------- several at work


def test_each_process_keeps_to_a_processor_of_its_own_among_those_allowed(house: Serving) -> None:
    pids, allowed = workers(house), os.sched_getaffinity(house.process.pid)
    assert len(pids) == 2 and house.process.pid not in pids
    kept = [os.sched_getaffinity(pid) for pid in pids]
    assert all(len(one) == 1 for one in kept) and set().union(*kept) <= allowed
    assert len(set().union(*kept)) == min(2, len(allowed))


def test_sixteen_connections_are_shared_fairly_and_the_master_takes_none(house: Serving) -> None:
    with ExitStack() as stack:
        clients = connected(stack, house, CLIENTS)
        shares = [served_by(pid, clients) for pid in workers(house)]
        assert sum(shares) == CLIENTS and min(shares) >= 3, shares
        assert served_by(house.process.pid, clients) == 0


def test_the_same_message_over_many_connections_at_once_is_archived_once(house: Serving, office: Office) -> None:
    """A vendor that repeats a message on another connection, and so in another process, gets the same answer."""
    frames = office.frames(3)
    with ExitStack() as stack:
        clients = connected(stack, house, CLIENTS)
        assert min(served_by(pid, clients) for pid in workers(house)) >= 3
        for frame in frames:
            answers = [answer for _, answer in sent(clients, [frame] * CLIENTS)]
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
        clients = connected(stack, house, CLIENTS)
        with Workspace.open(office.directory) as workspace:
            board = service_fault_board(workspace)
        try:
            board.set("kanta", ServiceFaults(Down.UNAVAILABLE))
            time.sleep(0.2)
            assert statuses(clients, [frame] * CLIENTS) == [503] * CLIENTS
            board.set("kanta", ServiceFaults(Down.UNAVAILABLE, answers=5))
            time.sleep(0.2)
            assert statuses(clients, [frame] * CLIENTS) == [200] * (CLIENTS - 5) + [503] * 5
        finally:
            board.clear()


def test_counters_and_request_lines_are_those_of_all_processes(house: Serving, office: Office) -> None:
    frames = office.frames(CLIENTS)
    until(lambda: _answers(house) == _answers_logged(house))
    before = _answers(house)
    with ExitStack() as stack:
        clients = connected(stack, house, CLIENTS)
        assert statuses(clients, frames) == [200] * CLIENTS
    until(lambda: _answers(house) == before + CLIENTS)
    until(lambda: _answers_logged(house) == before + CLIENTS)
    until(lambda: _status_of(house, "kanta")["requests"] == _requests_logged(house))
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
    pids = workers(house)
    for pid in pids:
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
    time.sleep(0.3)
    assert workers(house) == pids
    assert house.send(office.frame())["code"] == "AA"


def test_a_killed_process_is_replaced_and_no_acknowledged_document_is_lost_or_doubled(
    house: Serving, office: Office
) -> None:
    frames, before, counted = office.frames(32), workers(house), _answers(house)
    acknowledged = stream(house, frames, lambda: os.kill(before[0], signal.SIGKILL))
    until(lambda: len(workers(house)) == 2)
    assert before[0] not in workers(house) and before[1] in workers(house)
    until(lambda: house.curl(house.bases["status"] + "/health").startswith('{"status": "ok"'))
    nothing_is_lost_or_doubled(house, frames, acknowledged)
    (line,) = [line for line in _lines(house) if line.get("event")]
    assert (line["pid"], line["how"], line["level"]) == (before[0], "SIGKILL", "error")
    assert _answers(house) >= counted, "counters of a process that ended stay"
    assert "sotepki_kanta_process_restarts_total 1" in house.curl(house.bases["status"] + "/metrics")


def test_health_says_that_a_process_is_missing_until_it_is_replaced(house: Serving) -> None:
    victim = workers(house)[0]
    os.kill(victim, signal.SIGKILL)
    said: dict[str, Any] = {}

    def told() -> bool:
        said.update(json.loads(house.curl(house.bases["status"] + "/health")))
        return bool(said["status"] != "ok")

    until(told)
    assert said["troubles"]["kanta"].startswith("1 of 2 processes") and "kanta-next" in said["troubles"]
    until(lambda: not told())
    assert len(workers(house)) == 2


def test_when_the_master_is_killed_its_processes_end_and_the_port_is_free(office: Office) -> None:
    with serving(office, "--kanta-processes", "2", "--only", "kanta") as running:
        pids = workers(running)
        with Client(running):
            assert running.stop(signal.SIGKILL) == -signal.SIGKILL
            until(lambda: not alive(pids), 8.0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port("kanta")), timeout=1)


def test_a_taken_port_is_one_sentence_and_no_process_stays(house: Serving) -> None:
    port = str(house.port("kanta"))
    done = house.refused("serve", "--kanta-processes", "2", "--free-ports", "--only", "kanta", "--kanta-port", port)
    assert done.returncode == 2
    assert port in done.stderr and "Traceback" not in done.stderr


# ------------------------------------------------------------------------------------------------- hanging on


HANG_SECONDS = 6


@pytest.fixture(scope="module")
def hasty(office: Office) -> Iterator[Serving]:
    """Two processes of which one that hangs is replaced soon, yet not one that a busy machine holds up."""
    rows = yaml.safe_load(package_file("kela", "environments.yaml").read_text(encoding="utf-8"))
    rows["current"]["settings"]["hang_seconds"] = rows["next"]["settings"]["hang_seconds"] = HANG_SECONDS
    own = office.directory / "kanta-environments.yaml"
    own.write_text(yaml.safe_dump(rows), encoding="utf-8")
    try:
        with serving(office, "--kanta-processes", "2", *ONLY) as running:
            assert _health(running) == {"status": "ok", "troubles": {}}, "in the first second, too"
            metrics = running.curl(running.bases["status"] + "/metrics")
            for name in ("current", "next"):
                assert f'sotepki_kanta_commits_total{{environment="{name}"}} 0\n' in metrics
            assert "process_restarts_total 0\n" in metrics and "process_hangs_total 0\n" in metrics
            yield running
            assert running.stop(signal.SIGINT) == 0
    finally:
        own.unlink()


def test_a_process_that_hangs_is_replaced_and_no_acknowledged_document_is_lost_or_doubled(
    hasty: Serving, office: Office
) -> None:
    """A process that is stopped never ends by itself: its clients would wait for ever."""
    frames, before, descriptors = office.frames(24), workers(hasty), _descriptors(hasty)
    counted: list[int] = []

    def watch() -> None:
        while before[0] in workers(hasty):
            counted.append(_answers(hasty))
            time.sleep(0.1)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        acknowledged = stream(hasty, frames, lambda: os.kill(before[0], signal.SIGSTOP))
        watching.result()
    counted.append(_answers(hasty))
    until(lambda: _health(hasty)["status"] == "ok")
    now = workers(hasty)
    assert len(now) == 2 and before[0] not in now and before[1] in now, "the one that hung, and no other"
    nothing_is_lost_or_doubled(hasty, frames, acknowledged)
    (line,) = _events(hasty)
    assert (line["pid"], line["how"], line["level"]) == (before[0], "SIGKILL", "error")
    assert "hung" in line["event"] and "no sign of life" in line["reason"]
    assert counted == sorted(counted), "counters never go backwards"
    metrics = hasty.curl(hasty.bases["status"] + "/metrics")
    assert "sotepki_kanta_process_hangs_total 1\n" in metrics and "process_restarts_total 1\n" in metrics
    assert _processes(hasty) == {"count": 2, "serving": 2, "restarts": 1, "hangs": 1}
    until(lambda: _descriptors(hasty) <= descriptors)
    assert "of them because they hung: 1" in hasty.curl(hasty.bases["status"] + "/")


def test_a_process_whose_event_loop_is_held_up_is_replaced_too(hasty: Serving, office: Office) -> None:
    """It is not stopped, its other threads even report their counters: but it answers nobody."""
    before, frame = workers(hasty), office.frame()
    hung = _processes(hasty)["hangs"]
    with Workspace.open(office.directory) as workspace:
        board = service_fault_board(workspace)
    with open(office.directory / "services" / "service-faults-given.json", "a+b") as tally, Client(hasty) as client:
        held_by = next(pid for pid in before if served_by(pid, [client]))
        fcntl.flock(tally, fcntl.LOCK_EX)
        try:
            board.set("kanta", ServiceFaults(Down.UNAVAILABLE, answers=1))  # which the loop counts in this file
            time.sleep(0.2)
            with pytest.raises(OSError):
                client.send(frame)
        finally:
            board.clear()
    until(lambda: _health(hasty)["status"] == "ok")
    assert held_by not in workers(hasty) and len(set(before) & set(workers(hasty))) == 1
    assert _processes(hasty)["hangs"] == hung + 1
    assert hasty.send(frame)["code"] == "AA"


def test_a_family_that_was_stopped_together_is_not_taken_for_hanging(hasty: Serving) -> None:
    """Ctrl-Z in the terminal, and a laptop that sleeps: whoever watches did not run either."""
    before, events = workers(hasty), len(_events(hasty))
    for number, seconds in ((signal.SIGSTOP, HANG_SECONDS + 2), (signal.SIGCONT, 3)):
        for pid in (hasty.process.pid, *before):
            os.kill(pid, number)
        time.sleep(seconds)
    assert workers(hasty) == before and len(_events(hasty)) == events
    assert _health(hasty)["status"] == "ok"


def _descriptors(house: Serving) -> int:
    """Pipes and sockets of the master. Not files: each of its threads that reads the books opens them."""
    count = 0
    for descriptor in Path(f"/proc/{house.process.pid}/fd").iterdir():
        with suppress(OSError):
            count += os.readlink(descriptor).startswith(("pipe:", "socket:"))
    return count


def _events(house: Serving) -> list[dict[str, Any]]:
    return [line for line in _lines(house) if line.get("event")]


def _health(house: Serving) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(house.curl(house.bases["status"] + "/health"))
    return told


def _processes(house: Serving) -> dict[str, int]:
    told: dict[str, int] = json.loads(house.curl(house.bases["status"] + "/?format=json"))["processes"]
    return told
