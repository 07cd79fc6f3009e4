"""``sotepki card`` and ``sotepki service-certificate`` at a shell: answers, refusals, exit codes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from sotepki.cli import run
from sotepki.evidence import load_yaml
from sotepki.resources import fixtures
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

COUNTY = "1.2.246.10.99000018.10.0"
HOST = "kanta.tunturilaakso.test.example"
REGISTRAR = load_yaml(fixtures() / "world" / "registration_points.yaml")["registrars"][0]["hetu"]
PHYSICIAN = load_yaml(fixtures() / "world" / "cast.yaml")["physician"]["hetu"]
PASSPORT = ["--identity", "passport", "--identity-valid-to", "2049-01-01"]


class Shell:
    """Runs commands in one workspace and keeps what they print."""

    def __init__(self, workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.workspace = workspace
        self.capfd = capfd
        self.said = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        exit_code = run([*arguments, "--workspace", str(self.workspace)])
        out, self.said = self.capfd.readouterr()
        assert exit_code == code, self.said
        assert "Traceback" not in self.said
        return out

    def json(self, *arguments: str) -> dict[str, str]:
        answer: dict[str, str] = json.loads(self(*arguments, "--format", "json"))
        return answer


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("cli") / "workspace"
    with Workspace.create(directory, card_keys=2):
        pass
    return directory


@pytest.fixture
def shell(workspace: Path, capfd: pytest.CaptureFixture[str]) -> Shell:
    return Shell(workspace, capfd)


def pins(directory: Path, *lines: str) -> list[str]:
    path = directory / f"pins-{len(list(directory.iterdir()))}"
    path.write_text("\n".join(lines) + "\n")
    return ["--pin-file", str(path)]


def test_card_commands(shell: Shell, tmp_path: Path) -> None:
    """From order to closing; refusals give exit code 1 with the rule, typing errors 2, and no PIN is ever shown."""
    made = shell.json("card", "order", "--registrar", REGISTRAR, "--applicant", PHYSICIAN, *PASSPORT)
    assert made["state"] == "ordered"
    shell("card", "order", "--registrar", REGISTRAR, "--applicant", REGISTRAR, *PASSPORT, code=1)
    assert "[order.not-for-oneself]" in shell.said
    shell("card", "order", "--registrar", REGISTRAR, "--applicant", "131052-308T", *PASSPORT, code=1)
    number = shell.json("card", "personalise", made["order"])["card_number"]
    shell("card", "personalise", made["order"], code=1)
    shell("card", "personalise", "C999999", code=2)
    shell("card", "hand-over", number, "--registrar", REGISTRAR, *PASSPORT)
    assert not list((shell.workspace / "outbox" / "letters").glob("*"))
    assert "The code letter is sent on " in shell("card", "show", number)
    shell("clock", "advance", "10")
    (letter,) = (shell.workspace / "outbox" / "letters").glob("*")
    code = next(line.strip() for line in letter.read_text().splitlines() if line.strip().isdigit())
    shell("card", "activate", number, *pins(tmp_path, code, "8642", "975310"))
    assert shell.json("card", "show", number)["state"] == "activated"
    for arguments, exit_code in (
        (["verify", number, "--which", "pin1", *pins(tmp_path, "8642")], 0),
        (["verify", number, "--which", "pin1", *pins(tmp_path, "8643")], 1),
        (["verify", number, "--which", "pin1", *pins(tmp_path, "8642", "1")], 2),
        (["verify", number, "--which", "pin1", *pins(tmp_path, "864x")], 1),
    ):
        out = shell("card", "pin", *arguments, code=exit_code)
        assert "864" not in out + shell.said
    shell("card", "pin", "change", number, "--which", "pin1", *pins(tmp_path, "8642", "2468"))
    shell("card", "pin", "unblock", number, "--which", "pin2", *pins(tmp_path, code, "135790"))
    shell("card", "pin", "verify", number, "--which", "pin2", *pins(tmp_path, "135790"))
    shell("card", "close", number, "--reason", "because", code=1)
    assert "[close.reason]" in shell.said
    in_use = shell.json("card", "show", number)
    assert in_use["revoked"] == {}
    shell("revoke", "certificate", in_use["signature_serial"], "--reason", "key-compromise")
    assert set(shell.json("card", "show", number)["revoked"]) == {"signature"}
    assert "The signature certificate was revoked on" in shell("card", "show", number)
    assert shell.json("card", "close", number, "--reason", "lost")["state"] == "closed"
    shell("card", "close", number, "--reason", "lost", code=1)
    assert made["order"] in shell("card", "list", "--state", "closed")
    assert PHYSICIAN not in shell("card", "list", "--format", "json")


def test_decisions_are_told_with_the_day_in_finland(shell: Shell) -> None:
    """A removal at midnight in Finland is of that day, not of the day before, as it would be in UTC."""
    shell("right", "remove", "00900000004", "T06", "--reason", "test", "--at", "2056-12-01T00:00:00+02:00")
    assert "remove-right 00900000004 T06, from 2056-12-01" in shell("right", "changes")


def test_spare_and_test_card_commands(shell: Shell, tmp_path: Path) -> None:
    """A blank received, issued on the spot, returned; a test card of the EC tree; refusals with their rules."""
    received: list[dict[str, str]] = json.loads(
        shell("card", "spare", "receive", "1", "--registrar", REGISTRAR, "--format", "json")
    )
    number = received[0]["card_number"]
    issue = ["card", "spare", "issue", number, "--registrar", REGISTRAR, *PASSPORT, "--holder"]
    shell(*issue, REGISTRAR, *pins(tmp_path, "8642", "975310"), code=1)
    assert "[order.not-for-oneself]" in shell.said
    issued = shell.json(*issue, PHYSICIAN, *pins(tmp_path, "8642", "975310"))
    assert issued["state"] == "issued"
    shell("card", "pin", "verify", number, "--which", "pin1", *pins(tmp_path, "8642"))
    assert (shell.workspace / "published" / "crl" / "dvvtshpt2rc.crl").exists()
    assert "blank" in shell("card", "spare", "return", number, "--registrar", REGISTRAR)
    order = ["card", "test-order", "--organisation", COUNTY, "--kind"]
    assert "professional" in shell(*order, "professional", "--ec")
    assert "citizen" in shell(*order, "citizen", "--ec")


def test_service_certificate_commands(shell: Shell, tmp_path: Path) -> None:
    """From account to revocation; the files are on the disk, and processing twice is refused."""
    shell("service-certificate", "account", "--organisation", COUNTY, "--user", PHYSICIAN)
    apply = [
        "service-certificate", "apply", "--organisation", COUNTY, "--user", PHYSICIAN, "--contact-name", "Tekla",
        "--contact-email", "tekla@kaarna.test.example", "--type",
    ]  # fmt: skip
    application = shell.json(*apply, "server")["application"]
    shell(*apply, "code-signing", code=1)
    assert "[application.type]" in shell.said
    csr = tmp_path / "server.csr"
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "key.pem"), "-out",
         str(csr), "-subj", f"/C=FI/ST=Finland/L=Testila/O=Tunturilaakson hyvinvointialue TEST/CN={HOST}", "-addext",
         f"subjectAltName=DNS:{HOST}"],
        check=True, capture_output=True,
    )  # fmt: skip
    for bad in (b"", b"garbage", csr.read_bytes()[:200], (tmp_path / "key.pem").read_bytes()):
        (tmp_path / "bad").write_bytes(bad)
        shell("service-certificate", "attach-csr", application, str(tmp_path / "bad"), code=1)
        assert "PRIVATE" not in shell.said
    shell("service-certificate", "attach-csr", application, str(tmp_path / "nowhere"), code=2)
    shell("service-certificate", "collect", application, code=1)
    shell("service-certificate", "attach-csr", application, str(csr))
    serial = shell.json("service-certificate", "process", application)["serial"]
    shell("service-certificate", "process", application, code=1)
    assert "[application.state]" in shell.said
    shell("service-certificate", "collect", application, "--out", str(tmp_path / "out"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{application}.der", f"{application}.pem", f"{application}-chain.pem",
    }  # fmt: skip
    assert "BEGIN CERTIFICATE" in shell("service-certificate", "collect", application)
    shell("service-certificate", "revoke", application, "--serial", "00", "--reason", "not-needed", code=1)
    assert f"{serial}  to 20" in shell("service-certificate", "list"), "when it ends, for who has to renew it"
    assert "Revoked" not in shell("service-certificate", "show", application)
    shell("revoke", "certificate", serial, "--reason", "not-needed")
    shown = shell("service-certificate", "show", application)
    assert f"{application}: revoked" in shown and "Revoked by the revocation service" in shown
    assert application in shell("service-certificate", "list", "--state", "revoked")
    assert application not in shell("service-certificate", "list", "--state", "issued")
    revoke = ["service-certificate", "revoke", application, "--serial", serial, "--reason", "not-needed"]
    shell(*revoke, code=1)
    assert "[application.state]" in shell.said, "it is revoked already"
    assert shell("audit", "verify")
