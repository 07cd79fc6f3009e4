"""The audit log of several systems of one organisation, and after a crash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scs_world import START

from sotepki.clock import SetClock
from sotepki.errors import Fault
from sotepki.reference_system.audit import AuditLog, check_audit_log


def test_two_systems_write_one_log(tmp_path: Path) -> None:
    """An organisation with a second system on another port had a log that accused itself of a change."""
    path = tmp_path / "audit.jsonl"
    one, other = AuditLog(path, SetClock(START)), AuditLog(path, SetClock(START))
    for log, who in ((one, "1"), (other, "2"), (other, "3"), (one, "4")):
        log.note("logged in", who)
    assert check_audit_log(path) == 4
    assert path.stat().st_mode & 0o077 == 0


def test_two_processes_write_one_log_at_once(tmp_path: Path) -> None:
    """Lines of two systems at the same moment would follow on the same line, or run into each other."""
    path = tmp_path / "audit.jsonl"
    program = (
        "import sys, pathlib; from sotepki.clock import SystemClock; "
        "from sotepki.reference_system.audit import AuditLog\n"
        "log = AuditLog(pathlib.Path(sys.argv[1]), SystemClock())\n"
        "for number in range(40): log.note('logged in', str(number))"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert check_audit_log(path) == 80


@pytest.mark.parametrize("again", [True, False])
def test_a_line_that_a_crash_broke_off_does_not_swallow_the_next(tmp_path: Path, again: bool) -> None:
    """The first login after a crash was glued to half a line, and both were lost to whoever reads the log."""
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, SetClock(START))
    log.note("logged in", "1")
    with open(path, "ab") as stream:
        stream.write('{"at": "2026-03-02", "who": "ä'.encode()[:-1])
    with pytest.raises(Fault, match=r"Line 2 of audit\.jsonl, the last one, was broken off"):
        check_audit_log(path)
    (AuditLog(path, SetClock(START)) if again else log).note("logged out", "1")
    assert check_audit_log(path) == 3
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [row["action"] for row in rows] == ["logged in", "line broken off", "logged out"]
    assert rows[1]["line"].startswith('{"at": "2026-03-02", "who": "')


def test_lines_that_are_cut_off_while_the_system_runs_are_missed(tmp_path: Path) -> None:
    """Who can write the file would take out what they did last, and the log would go on as if nothing had been."""
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, SetClock(START))
    for who in ("1", "2"):
        log.note("logged in", who)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    log.note("logged in", "3")
    with pytest.raises(Fault, match="does not follow"):
        check_audit_log(path)
