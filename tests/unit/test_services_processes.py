"""How many processes serve Kanta: what may be asked for; and what they count together."""

from __future__ import annotations

import math
import multiprocessing
import signal
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from click.testing import CliRunner

from sotepki.cli.serve import command
from sotepki.clock import SystemClock
from sotepki.errors import Fault
from sotepki.kela import load_environments, load_settings
from sotepki.kela.settings import HANG_SECONDS, MOST_PROCESSES
from sotepki.resources import package_file
from sotepki.services.house import House, service_fault_board
from sotepki.services.master import Master, _Worker, deaf_to_signals
from sotepki.services.observing import Sample
from sotepki.services.pulse import LONGEST_LOOK_SECONDS, Pulse
from sotepki.services.worker import Report
from sotepki.serving.faults import Down, ServiceFaultBoard, ServiceFaults
from sotepki.serving.tally import FileTally


def _environments(path: Path, value: Any, name: str = "processes") -> Path:
    rows = yaml.safe_load(package_file("kela", "environments.yaml").read_text(encoding="utf-8"))
    rows["next"]["settings"][name] = value
    path.write_text(yaml.safe_dump(rows), encoding="utf-8")
    return path


def test_one_process_unless_an_environment_wants_more(tmp_path: Path) -> None:
    assert load_settings().processes == 1
    found = load_environments(_environments(tmp_path / "own.yaml", 3))
    assert {name: one.settings.processes for name, one in found.items()} == {"current": 1, "next": 3}


@pytest.mark.parametrize("nonsense", [0, -1, MOST_PROCESSES + 1, 1.5, "2", True, None, [2]])
def test_a_setting_that_is_no_number_of_processes_is_refused_in_a_sentence(tmp_path: Path, nonsense: Any) -> None:
    with pytest.raises(Fault, match=f"whole number from 1 to {MOST_PROCESSES}"):
        load_environments(_environments(tmp_path / "own.yaml", nonsense))


@pytest.mark.parametrize("nonsense", ["0", "-1", str(MOST_PROCESSES + 1), "many", "1.5"])
def test_an_option_that_is_no_number_of_processes_is_refused_in_a_sentence(nonsense: str) -> None:
    done = CliRunner().invoke(command, ["--kanta-processes", nonsense])
    assert done.exit_code == 2 and nonsense in done.output


@pytest.mark.parametrize(("told", "meant"), [(0, math.inf), (3, 3.0), (4.5, 4.5), (3600, 3600.0)])
def test_how_long_a_process_may_hang_is_a_setting_and_0_is_for_ever(
    tmp_path: Path, told: float, meant: float
) -> None:
    found = load_environments(_environments(tmp_path / "own.yaml", told, "hang_seconds"))
    assert found["next"].settings.hang_seconds == meant
    assert load_settings().hang_seconds >= 30, "a busy machine holds healthy processes up for seconds"


@pytest.mark.parametrize("nonsense", [-1, 1, 3601, True, "30", None, float("nan"), float("inf")])
def test_a_setting_that_is_no_time_to_hang_is_refused_in_a_sentence(tmp_path: Path, nonsense: Any) -> None:
    with pytest.raises(Fault, match="0 \\(never\\) or a number from 3 to 3600"):
        load_environments(_environments(tmp_path / "own.yaml", nonsense, "hang_seconds"))


# ----------------------------------------------------------------------------------- signs of life


def _silence(*looks: tuple[Sequence[int], float]) -> float:
    pulse = Pulse()
    for beats, passed in looks:
        pulse.feel(beats, passed)
    return pulse.silent


def test_the_loop_that_has_been_silent_for_longest_counts() -> None:
    """A process that still answers for one environment, and for the other no more, hangs too."""
    assert _silence(([1, 1], 0.5), ([2, 1], 0.5), ([3, 1], 0.5)) == 1.5
    assert _silence(([1, 1], 0.5), ([2, 1], 0.5), ([3, 2], 0.5)) == 0.0
    assert _silence(([5], 0.5), ([0], 0.5)) == 0.0, "a count that came round to nought is a sign of life"


def test_between_two_looks_that_lie_far_apart_nobody_hangs() -> None:
    """The laptop slept: the processes did as little as the master who looks."""
    assert _silence(([1], 0.5), ([1], 36_000.0)) <= 0.5 + LONGEST_LOOK_SECONDS
    assert HANG_SECONDS[0] > LONGEST_LOOK_SECONDS


def test_counters_of_a_process_that_failed_at_its_end_stay() -> None:
    """Prometheus takes a counter that goes back for a new process, and counts everything twice."""
    worker = _Worker(0, cast(Any, None), cast(Any, None))
    worker.pulse.silent = 20.0
    assert not worker.has_served
    worker.told(Report([Sample("answers", {}, 7)]))
    assert worker.serves and worker.pulse.silent == 0, "while it began its loops could not beat"
    worker.told(Report(trouble="The disk is full."))
    assert list(worker.samples) == [Sample("answers", {}, 7)] and not worker.serves


def test_health_says_that_processes_are_begun_and_not_that_they_ended(tmp_path: Path) -> None:
    """In the first seconds nothing has gone wrong yet."""
    house = House(cast(Any, SimpleNamespace(directory=tmp_path)))
    master = Master(house, 2)
    assert master.trouble() == "2 of 2 processes are being started."
    assert master.state() == {"count": 2, "serving": 0, "restarts": 0, "hangs": 0}
    counters = {sample.metric: sample.value for sample in master.samples()}
    assert counters == {"sotepki_kanta_process_restarts_total": 0, "sotepki_kanta_process_hangs_total": 0}


# ----------------------------------------------------------------------------------- faulty answers, counted together


def _boards(directory: Path) -> list[ServiceFaultBoard]:
    """As the processes have them: the board's file and the tally's are the same, memory is not."""
    return [ServiceFaultBoard(directory / "board", FileTally(directory / "tally")) for _ in range(3)]


def _faulty(boards: list[ServiceFaultBoard], rounds: int) -> int:
    return sum(bool(board.of("kanta")) for _ in range(rounds) for board in boards)


def test_so_many_faulty_answers_are_so_many_of_all_processes(tmp_path: Path) -> None:
    boards = _boards(tmp_path)
    ServiceFaultBoard(tmp_path / "board").set("kanta", ServiceFaults(Down.UNAVAILABLE, answers=4))
    assert _faulty(boards, 5) == 4
    ServiceFaultBoard(tmp_path / "board").set("kanta", ServiceFaults(Down.DROPPED, answers=2))
    assert _faulty(boards, 5) == 2, "a board that is written anew begins anew"
    ServiceFaultBoard(tmp_path / "board").clear()
    assert _faulty(boards, 2) == 0


def test_the_master_counts_faulty_answers_with_its_workers(tmp_path: Path) -> None:
    """``fault set '*' --answers 3``: three answers of the archive were faulty, and three more of other services."""
    (tmp_path / "services").mkdir()
    house = House(cast(Any, SimpleNamespace(directory=tmp_path)))
    house.master = Master(house, 2)
    worker = service_fault_board(house.workspace, tally=house.master.tally)
    house.faults.set("*", ServiceFaults(Down.UNAVAILABLE, answers=3))
    assert (
        sum(bool(board.of(name)) for _ in range(3) for board, name in ((house.faults, "kela"), (worker, "kanta")))
        == 3
    )


def test_answers_that_come_at_once_are_counted_one_by_one(tmp_path: Path) -> None:
    tallies = [FileTally(tmp_path / "tally") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        seen = [list(pool.map(lambda tally: tally.take("kanta", "board"), tallies)) for _ in range(20)]
    assert sorted(number for numbers in seen for number in numbers) == list(range(80))


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"given": 1, "board": "b"}', b"\xff\xfe", b'{"board": "b"}'])
def test_a_damaged_tally_begins_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "tally").write_bytes(damage)
    assert [FileTally(tmp_path / "tally").take("kanta", "b") for _ in range(3)] == [0, 1, 2]


def test_a_tally_that_cannot_be_kept_lets_the_fault_go_on(tmp_path: Path) -> None:
    assert [FileTally(tmp_path / "missing" / "tally").take("kanta", "b") for _ in range(2)] == [0, 0]


# -------------------------------------------------------------------------------------------------- beginning them


def test_a_process_that_cannot_begin_is_said_in_its_sentence_and_nothing_stays(tmp_path: Path) -> None:
    """Otherwise ``serve`` would hang, or print addresses behind which nobody is."""
    records = SimpleNamespace(database=SimpleNamespace(address=f"sqlite:///{tmp_path / 'books'}"))
    (tmp_path / "services").mkdir()
    house = House(cast(Any, SimpleNamespace(directory=tmp_path, clock=SystemClock(), records=records)))
    master = Master(house, 2)
    listening = master.listen("kanta", 0)
    port = listening.getsockname()[1]
    with pytest.raises(Fault, match="no workspace"), master.running():
        pass
    assert multiprocessing.active_children() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_process_is_begun_deaf_and_its_master_hears_again_afterwards() -> None:
    """Ctrl-C in the second in which a worker is begun would end it with a traceback."""
    with deaf_to_signals():
        assert {signal.SIGINT, signal.SIGTERM} <= signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert not {signal.SIGINT, signal.SIGTERM} & signal.pthread_sigmask(signal.SIG_BLOCK, ())
