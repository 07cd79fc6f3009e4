"""From the first line to the last: a new case that proves itself, and a run that is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("keys_of_the_test")]

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schemas/report.schema.json").read_text(encoding="utf-8"))
SUITE = [sys.executable, "-m", "sotepki", "conformance"]


def suite(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SUITE, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_new_case_is_proved_and_one_that_catches_nothing_is_not(tmp_path: Path) -> None:
    """The way from ``new`` to ``prove``: the files as they were written pass, and a case without teeth does not."""
    cases = tmp_path / "own"
    made = suite("new", "own.first-rule", "--cases", str(cases), "--title", "The system accepts a good document")
    assert made.returncode == 0, made.stderr
    proved = suite("prove", "--cases", str(cases))
    assert proved.returncode == 0, proved.stderr
    assert proved.stdout.startswith("Everything is as declared: 1 of 1 private cases")
    (case,) = cases.glob("case_*.py")
    text = case.read_text(encoding="utf-8")
    case.write_text(text.replace("answer.accepted, ", "True, "), encoding="utf-8")
    toothless = suite("prove", "--cases", str(cases))
    assert toothless.returncode == 1, toothless.stderr
    assert "own-first-rule-broken: own.first-rule should catch it, but does not." in toothless.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "cancelled-build"])
def test_a_proof_is_interrupted_at_once_and_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    """A pool of processes works off what it was given, which takes minutes; nobody at a terminal waits for that.

    SIGTERM, which comes to the parent alone, left the processes working for nobody and their benches.
    """
    with _begun("prove", benches=tmp_path) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("sotepki-bench-*")) and time.monotonic() < deadline:
            time.sleep(0.1)
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, (output, errors)
    assert "Traceback" not in errors and "Interrupted" in errors
    assert not list(tmp_path.glob("sotepki-bench-*"))
    assert gone(process.pid), "a process of the proof is still there"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "cancelled-build"])
def test_an_interrupted_run_leaves_a_valid_report_of_what_was_done(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C goes to the whole process group, as at a terminal: the parent writes the report, no child stays.

    A build server that cancels, or stops a container, sends SIGTERM to the parent alone; the benches stayed then.
    """
    sut, report = tmp_path / "system.toml", tmp_path / "report"
    sut.write_text('kind = "reference"\n', encoding="utf-8")
    arguments = ["run", "-v", "--sut", str(sut), "--report", str(report), "--jobs", "2"]
    more = ["--area", "csr", "--area", "load"]
    with _begun(*arguments, *more, benches=tmp_path) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("[") and "/" in line:
                break
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert process.returncode != 0, (output, errors)
    assert "Traceback" not in errors
    assert f"the rest is run with --resume {report}." in errors, (process.returncode, output, errors)
    data = json.loads((report / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, SCHEMA, format_checker=jsonschema.FormatChecker())
    verdicts = [case["verdict"] for case in data["cases"]]
    assert data["complete"] is False and "pass" in verdicts and "waiting" in verdicts
    assert set(verdicts) <= {"pass", "waiting"}, data["faults"]
    assert (report / "report.html").is_file() and (report / "junit.xml").is_file()
    assert list(tmp_path.glob("sotepki-bench-*")) == [], "a bench was left behind"
    assert gone(process.pid), "a process of the run is still there"


def _begun(*arguments: str, benches: Path) -> subprocess.Popen[str]:
    """The suite as the leader of a process group of its own, with its benches in a directory of the test."""
    return subprocess.Popen(
        [*SUITE, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(benches)},
    )


def gone(group: int) -> bool:
    """Whether every process of a group has ended, or does so within a while."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
