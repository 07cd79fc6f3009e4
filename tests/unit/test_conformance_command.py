"""Systems attached by a command: whatever the command does, the suite gets on and says whose fault it was."""

from __future__ import annotations

import base64
import os
import sys
import time
from pathlib import Path

import pytest

from conformance.sut.asking import AskedSigner, AskedVerifier
from conformance.sut.command import Command
from conformance.sut.facets import SignatureKind, SystemFailed, Trust
from conformance.verdicts import Evidence
from sotepki.errors import Misuse


def command(tmp_path: Path, program: str, **limits: float) -> Command:
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    return Command((sys.executable, "program.py"), tmp_path, **limits)  # type: ignore[arg-type]


ECHO = "import json, sys; q = json.load(sys.stdin); json.dump({'document': q['document']}, sys.stdout)"


def test_a_signer_gets_the_document_and_its_answer_comes_back(tmp_path: Path) -> None:
    signer = AskedSigner(command(tmp_path, ECHO), {})
    assert signer.sign(b"<a/>" * 300_000, SignatureKind.SYSTEM) == b"<a/>" * 300_000


def test_files_and_directories_beside_the_description_are_found(tmp_path: Path) -> None:
    """A command starts in an empty directory: the classes of a Java program would not be there. A word stays one."""
    (tmp_path / "classes").mkdir()
    program = "import json, sys; json.dump({'reasons': sys.argv[1:], 'accepted': True}, sys.stdout)"
    beside = Command((*command(tmp_path, program).arguments, "classes/", "classes", "program.py"), tmp_path)
    answer = AskedVerifier(beside).verify(b"<a/>", Trust(()))
    assert answer.reasons == (str(tmp_path / "classes"), "classes", str(tmp_path / "program.py"))


def test_a_program_may_stand_in_the_command_itself(tmp_path: Path) -> None:
    """A script of more than 255 bytes after "python3 -c" ended the run as a fault of the suite."""
    script = f"import sys; sys.stdin.read(); print('{{}}')  # {'x' * 300}/{'y' * 5000}"
    assert Command((sys.executable, "-c", script), tmp_path).ask({}) == {}
    with pytest.raises(Misuse, match="cannot be started: File name too long"):
        Command(("./" + "x" * 300,), tmp_path).ask({})


@pytest.mark.parametrize(
    ("written", "reasons"),
    [
        ('"not signed"', ("not signed",)),
        ('["a", 5]', ("a", "5")),
        ("null", ()),
        ("[]", ()),
        ('{"a": 1}', ("{'a': 1}",)),
    ],
)
def test_a_reason_that_is_not_in_a_list_is_one_reason(tmp_path: Path, written: str, reasons: tuple[str, ...]) -> None:
    """The report showed "not signed" as n; o; t; and so on."""
    program = f'print(\'{{"accepted": false, "reasons": {written}}}\')'
    assert AskedVerifier(command(tmp_path, program)).verify(b"<a/>", Trust(())).reasons == reasons


def test_a_verifier_gets_the_question_in_the_described_shape(tmp_path: Path) -> None:
    program = (
        "import json, sys; q = json.load(sys.stdin)\n"
        "assert set(q) == {'protocol', 'operation', 'document', 'roots', 'intermediates', 'crls'}, sorted(q)\n"
        "json.dump({'accepted': False, 'reasons': [q['protocol'], q['operation']]}, sys.stdout)"
    )
    answer = AskedVerifier(command(tmp_path, program)).verify(b"<a/>", Trust(()))
    assert (answer.accepted, answer.reasons) == (False, ("sotepki-sut/1", "verify"))


@pytest.mark.parametrize("coded", ["YWJj\r\nZGVm\r\n", "YWJj\nZGVm\n", " YWJj ZGVm"])
def test_base64_with_line_breaks_is_base64(tmp_path: Path, coded: str) -> None:
    """Java's getMimeEncoder, InsertLineBreaks of .NET and the base64 of coreutils break their lines."""
    signer = AskedSigner(command(tmp_path, f"import json; print(json.dumps({{'document': {coded!r}}}))"), {})
    assert signer.sign(b"<a/>", SignatureKind.SYSTEM) == b"abcdef"


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("raise SystemExit(7)", "exit code 7"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "by signal 11"),
        ("print('signed, I think')", "did not answer with JSON"),
        ("print('[1, 2]')", "not an object"),
        ("print('[' * 100000)", "did not answer with JSON"),
        ("print('{}')", "did not answer with document"),
        ('print(\'{"document": "!!!"}\')', "did not answer with document in base64"),
        ("print('{\"document\": 5}')", "did not answer with document in base64"),
        ("", "did not answer with JSON"),
    ],
)
def test_a_bad_answer_is_a_finding_about_the_system(tmp_path: Path, program: str, sentence: str) -> None:
    with pytest.raises(SystemFailed, match=sentence):
        AskedSigner(command(tmp_path, program), {}).sign(b"<a/>", SignatureKind.SYSTEM)


def test_what_it_wrote_to_its_log_is_kept(tmp_path: Path) -> None:
    program = "import sys; print('no key found', file=sys.stderr); raise SystemExit(1)"
    with pytest.raises(SystemFailed) as caught:
        command(tmp_path, program).ask({})
    assert "no key found" in caught.value.log


def test_a_command_that_hangs_is_ended_in_time(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(SystemFailed, match=r"within 0\.5 seconds"):
        command(tmp_path, "import time; time.sleep(60)", timeout=0.5).ask({})
    assert time.monotonic() - begun < 5


LEAVES_A_HELPER = (
    "import json, subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, file=sys.stderr, flush=True)\n"
    "print(json.dumps({'child': child.pid, 'answer': 'x' * 300_000}), flush=True)\n"
)


def test_a_helper_that_a_command_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    """A helper that holds the pipes, as a daemon that was started on demand, must neither hang the suite nor outlive
    the question; and the command did answer.
    """
    begun = time.monotonic()
    answer = command(tmp_path, LEAVES_A_HELPER, timeout=20).ask({})
    assert time.monotonic() - begun < 10
    assert len(answer["answer"]) == 300_000
    assert is_ended(answer["child"])


FILTER = "import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-E', '-c', {!r}])"
"""As "exec > >(tee log)" in a script: the filter writes the answer when the script has ended."""


def test_what_a_filter_passes_on_after_the_end_of_the_command_is_read(tmp_path: Path) -> None:
    """A filter that starts slowly, as any program of Python or Java, would cost a right system its answer."""
    slow = "import time; time.sleep(0.6); print('{', flush=True); time.sleep(0.1); print('}')"
    assert command(tmp_path, FILTER.format(slow)).ask({}) == {}


def test_an_answer_that_never_comes_is_not_waited_for_until_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command without an answer that leaves a helper would cost the whole time limit with each question."""
    monkeypatch.setattr("conformance.sut.command._PATIENCE", 0.2)
    begun = time.monotonic()
    with pytest.raises(SystemFailed, match="did not answer with JSON"):
        command(tmp_path, FILTER.format("import time; time.sleep(60)"), timeout=20).ask({})
    assert time.monotonic() - begun < 10


CHATTERS = (
    "import subprocess, sys\n"
    "chatter = 'import os, time\\nwhile True: os.write(2, b\"still here\"); time.sleep(0.01)'\n"
    "subprocess.Popen([sys.executable, '-c', chatter])\n"
)


@pytest.mark.parametrize("end", ["print('{}')", "print('no key', file=sys.stderr); sys.exit(1)"])
def test_a_helper_that_goes_on_with_its_log_is_not_waited_for(tmp_path: Path, end: str) -> None:
    """Each question would take the whole time limit, though the command ended and said what it had to say."""
    begun = time.monotonic()
    asked = command(tmp_path, CHATTERS + end, timeout=20)
    if "exit" in end:
        with pytest.raises(SystemFailed, match="exit code 1") as caught:
            asked.ask({})
        assert "no key" in caught.value.log
    else:
        assert asked.ask({}) == {}
    assert time.monotonic() - begun < 10


def test_what_a_hanging_command_started_is_ended_with_it(tmp_path: Path) -> None:
    with pytest.raises(SystemFailed, match="within 1 seconds") as caught:
        command(tmp_path, f"{LEAVES_A_HELPER}child.wait()", timeout=1).ask({})
    assert is_ended(int(caught.value.log))


def is_ended(child: int) -> bool:
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_command_that_writes_without_end_is_stopped(tmp_path: Path) -> None:
    program = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    with pytest.raises(SystemFailed, match="more than 1000000 bytes"):
        command(tmp_path, program, output_limit=1_000_000).ask({})


def test_a_log_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    program = "import sys; sys.stderr.write('x' * 5_000_000); print('{}')"
    assert command(tmp_path, program).ask({}) == {}


def test_a_command_that_does_not_read_its_question_is_no_trouble(tmp_path: Path) -> None:
    assert command(tmp_path, "print('{}')").ask({"document": base64.b64encode(b"x" * 5_000_000).decode()}) == {}


def test_a_program_that_is_not_there_is_a_matter_of_configuration(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be started"):
        Command(("./missing.sh",), tmp_path).ask({})


@pytest.mark.parametrize(("text", "advice"), [("#!/bin/sh\r\n", "line ends of Windows"), ("echo\n", "#!/bin/sh")])
def test_a_script_with_a_wrong_first_line_gets_the_reason(tmp_path: Path, text: str, advice: str) -> None:
    """The system says "No such file or directory" of a file that lies there for everybody to see."""
    script = tmp_path / "sign.sh"
    script.write_bytes(text.encode())
    script.chmod(0o755)
    with pytest.raises(Misuse) as caught:
        Command(("./sign.sh",), tmp_path).ask({})
    assert advice in caught.value.advice


def test_a_verifier_must_say_yes_or_no(tmp_path: Path) -> None:
    program = 'print(\'{"accepted": "yes"}\')'
    with pytest.raises(SystemFailed, match="accepted = true or false"):
        AskedVerifier(command(tmp_path, program)).verify(b"<a/>", Trust(()))


def test_half_a_surrogate_pair_in_an_answer_is_evidence_and_no_fault_of_the_suite(tmp_path: Path) -> None:
    r"""JSON may hold "\ud800", which UTF-8 cannot; the case would end as an error of ours, exit code 3."""
    program = r"""print('{"accepted": true, "reasons": ["half \\ud800"]}')"""
    answer = AskedVerifier(command(tmp_path, program)).verify(b"<a/>", Trust(()))
    assert Evidence.of("answer", answer.reasons[0]).content == r"half \ud800"
