"""``sotepki scs`` as a vendor starts it: a real card, curl, openssl, the old ports, and a card in a PC/SC reader."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from card_pcsc_world import PIN1 as PCSC_PIN1
from card_pcsc_world import PIN2 as PCSC_PIN2
from card_pcsc_world import RSA, Desk, card_keys, desk  # noqa: F401
from card_pcsc_world import module as opensc
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki import cli
from sotepki.card import CardShelf
from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, PIN2, card_in_hand
from sotepki.tokens import find_softhsm
from sotepki.workspace import Workspace

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("curl") or not shutil.which("openssl"), reason="needs curl and openssl"),
]
ORIGIN = "https://potilastieto.example"


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Station:
    """A workspace with one activated card, and files beside it."""

    directory: Path
    card: str
    root: Path

    def file(self, name: str, content: bytes) -> str:
        path = self.directory.parent / name
        path.write_bytes(content)
        return str(path)

    def sotepki(self, *arguments: str) -> Done:
        """A command in this process, which saves the second that a new one takes to start."""
        printed, complained = io.StringIO(), io.StringIO()
        with redirect_stdout(printed), redirect_stderr(complained):
            code = cli.run([*arguments, "--workspace", str(self.directory)])
        return Done(code, printed.getvalue(), complained.getvalue())


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Station:
    directory, cast = tmp_path_factory.mktemp("scs-cli") / "workspace", load_cast()
    with Workspace.create(directory, card_keys=2) as workspace:
        card = card_in_hand(
            workspace, registrar=cast.person("registrar-county-1"), applicant=cast.person("social-worker")
        ).card_number
        root = directory.parent / "root.pem"
        root.write_bytes(workspace.authorities.root.public_bytes(Encoding.PEM))
    return Station(directory, card, root)


@contextmanager
def serving(directory: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """The command with JSON output and free ports; stopped by SIGTERM, which must end it well."""
    command = [sys.executable, "-m", "sotepki", "scs", "serve", "--format", "json", "--workspace", str(directory)]
    command += ["--port", "0", "--page-port", "0", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    )
    assert process.stdout is not None and process.stderr is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("}"):
                break
        assert lines, process.stderr.read()
        yield json.loads("".join(lines))
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        print(said)
    assert process.returncode == 0, said
    assert "Traceback" not in said


@contextmanager
def terminal(directory: Path, *options: str) -> Iterator[tuple[Callable[[str, str], None], dict[str, Any]]]:
    """The command on a terminal of its own; gives a function that waits for words and types a line.

    What is typed must not be shown. Ctrl-C at the end must stop the command in good order.
    """
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "sotepki", "scs", "serve", "--format", "json", "--workspace", str(directory)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--page-port", "0", *options],
        stdin=follower, stdout=follower, stderr=follower, start_new_session=True, preexec_fn=controlling,
    )  # fmt: skip
    os.close(follower)
    shown = bytearray()

    def until(words: str) -> None:
        while words.encode() not in shown:
            ready, _, _ = select.select([leader], [], [], 30)
            assert ready, f"the terminal did not show {words!r} but {shown.decode(errors='replace')!r}"
            shown.extend(os.read(leader, 65536))

    def typed(words: str, line: str) -> None:
        until(words)
        shown.clear()
        time.sleep(0.3)  # the prompt first turns the echo off, then reads
        os.write(leader, line.encode() + b"\n")
        time.sleep(0.3)
        while select.select([leader], [], [], 0)[0]:
            shown.extend(os.read(leader, 65536))
        assert line.encode() not in shown, "the terminal shows the PIN"

    try:
        until("}\r\n")
        text = shown.decode()
        shown.clear()
        yield typed, json.loads(text[text.index("{") : text.rindex("}") + 1])
        os.write(leader, b"\x03")
        until("Stopped.")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def controlling() -> None:
    """In the child: its standard input is the terminal from which Ctrl-C comes."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def curl(started: dict[str, Any], path: str, *options: str) -> Any:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60", "--cacert", started["trust"],
         *options, started["scs"] + path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_curl_has_a_document_signed_and_openssl_verifies_it(station: Station) -> None:
    pins = station.file("pins", f"{PIN1.reveal()}\n{PIN2.reveal()}\n".encode())
    with serving(station.directory, "--card", station.card, "--pins", pins, "--scs-version", "1.2") as started:
        assert curl(started, "/version")["signatureAlgorithms"] == "RSA, ECDSA"
        row = {"content": base64.b64encode(b"asiakirja").decode(), "selector": {"keyusages": ["nonRepudiation"]}}
        body = station.file("request.json", json.dumps(row).encode())
        options = (
            "--header",
            "Content-Type: application/json",
            "--header",
            f"Origin: {ORIGIN}",
            "--data",
            f"@{body}",
        )
        answer = curl(started, "/sign", *options)
    assert answer["reasonCode"] == 200 and len(answer["chain"]) == 3
    leaf = station.file("leaf.der", base64.b64decode(answer["chain"][0]))
    signature = station.file("signature", base64.b64decode(answer["signature"]))
    content = station.file("content", b"asiakirja")
    key = station.file("key.pem", b"")
    subprocess.run(["openssl", "x509", "-in", leaf, "-noout", "-pubkey", "-out", key], check=True)
    verified = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", key, "-signature", signature, content],
        capture_output=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr


@pytest.mark.parametrize(
    ("kind", "digest", "attached"), [("cms", False, True), ("cms-pades", False, False), ("cms-pades", True, False)]
)
def test_openssl_verifies_cms_attached_and_detached(
    station: Station, kind: str, digest: bool, attached: bool
) -> None:
    """The chain in the message leads to the workspace's root, over data as over a digest made elsewhere."""
    pins = station.file("pins", f"{PIN1.reveal()}\n{PIN2.reveal()}\n".encode())
    content = station.file("document", b"asiakirja\n")
    output = str(station.directory.parent / "document.p7s")
    with serving(station.directory, "--card", station.card, "--pins", pins) as started:
        options = ["--type", kind, "--hash", "SHA512", "--output", output, "--overwrite", "--scs", started["scs"]]
        signed = station.sotepki("scs", "sign", content, *options, *(["--digest"] if digest else []))
    assert signed.returncode == 0, signed.stderr
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", output, "-CAfile", str(station.root)]
    command += ["-purpose", "any", *([] if attached else ["-content", content])]
    verified = subprocess.run(command, capture_output=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == b"asiakirja\n"
    if not attached:
        other = station.file("other", b"toinen\n")
        wrong = subprocess.run([*command[:-1], other], capture_output=True, check=False)
        assert wrong.returncode != 0, "a signature must not verify over another document"


def test_the_old_ports_answer_too_and_13_takes_its_challenge(station: Station) -> None:
    pins = station.file("pins", f"{PIN1.reveal()}\n{PIN2.reveal()}\n".encode())
    options = ("--card", station.card, "--pins", pins, "--scs-version", "1.3", "--old-ports")
    with serving(station.directory, *options) as started:
        for url in started["old"]:
            done = station.sotepki("scs", "version", "--scs", url, "--format", "json")
            assert json.loads(done.stdout)["version"] == "1.3", done.stderr
        assert station.sotepki("scs", "login", "--scs", started["scs"]).returncode == 0
    ports = {int(url.rsplit(":", 1)[1]) for url in started["old"]}
    assert ports <= {8089, 23124, 8088, 23123, 53951}
    assert len([url for url in started["old"] if url.startswith("http:")]) <= 1


def test_trust_names_a_certificate_that_openssl_reads(station: Station) -> None:
    told = json.loads(station.sotepki("scs", "trust", "--format", "json").stdout)
    shown = subprocess.run(
        ["openssl", "x509", "-in", told["certificate"], "-noout", "-fingerprint", "-sha256"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert told["sha256"] in shown
    assert {"firefox", "windows", "macos"} <= set(told["steps"])


def test_a_taken_port_and_a_missing_card_are_said_in_sentences(station: Station) -> None:
    done = station.sotepki("scs", "serve", "--card", "1", "--port", "0", "--page-port", "0")
    assert done.returncode == 2 and "There is no card 1" in done.stderr
    done = station.sotepki("scs", "serve", "--quirk", "perfect")
    assert done.returncode == 2 and "no quirk" in done.stderr


def test_a_card_in_a_pcsc_reader_signs(desk: Desk, station: Station) -> None:
    """What a workstation with a real reader does: pcscd between the service and the card."""
    desk.new_card(RSA)
    pins = station.file("pins", f"{PCSC_PIN1}\n{PCSC_PIN2}\n".encode())
    with desk.inserted(RSA):
        options = ("--pcsc", "any", "--pins", pins, "--scs-version", "1.2")
        with serving(station.directory, *options, environment=dict(desk.readers.environment)) as started:
            assert curl(started, "/version")["hashAlgorithms"]
            content = station.file("document", b"asiakirja\n")
            done = station.sotepki("scs", "sign", content, "--scs", started["scs"])
            assert done.returncode == 0, done.stderr
            again = station.sotepki("scs", "login", "--scs", started["scs"])
            assert again.returncode == 0, again.stderr


def test_a_card_behind_opensc_signs(desk: Desk, station: Station) -> None:
    """What a workstation with a PKCS#11 middleware does; the card comes and goes while the service runs."""
    desk.new_card(f"{RSA}/9")
    pins = station.file("pins", f"{PCSC_PIN1}\n{PCSC_PIN2}\n".encode())
    options = ("--pkcs11", str(opensc()), "--pins", pins, "--scs-version", "1.2")
    with serving(station.directory, *options, environment=dict(desk.readers.environment)) as started:
        content = station.file("document", b"asiakirja\n")
        missing = station.sotepki("scs", "sign", content, "--scs", started["scs"])
        assert missing.returncode == 1 and "There is no card in the reader." in missing.stderr
        with desk.inserted("RSA-3072-9"):
            assert curl(started, "/version")["hashAlgorithms"]
            for arguments in (("sign", content), ("login",)):
                done = station.sotepki("scs", *arguments, "--scs", started["scs"])
                assert done.returncode == 0, done.stderr
        end = time.monotonic() + 60  # pcscd looks for cards a few times a second
        while curl(started, "/version")["hashAlgorithms"]:
            assert time.monotonic() < end, "a card that was taken out is still there"
            time.sleep(0.1)


def test_a_card_in_two_softhsm_tokens_signs_and_a_wrong_pin_is_said(station: Station) -> None:
    """The workspace's own card, opened through its tokens as any PKCS#11 program may."""
    configuration = CardShelf(station.directory / "cards").configuration(station.card)
    wrong = station.file("wrong", b"9999\n999999\n")
    right = station.file("right", f"{PIN1.reveal()}\n{PIN2.reveal()}\n".encode())
    content, environment = station.file("document", b"asiakirja\n"), {"SOFTHSM2_CONF": str(configuration)}
    for pins, code in ((wrong, 1), (right, 0)):
        options = ("--pkcs11", str(find_softhsm()), "--pins", pins)
        with serving(station.directory, *options, environment=environment) as started:
            signed = station.sotepki("scs", "sign", content, "--scs", started["scs"], "--type", "cms")
            login = station.sotepki("scs", "login", "--scs", started["scs"])
            assert (signed.returncode, login.returncode) == (code, code), signed.stderr + login.stderr
            assert code == 0 or "The PIN is wrong." in signed.stderr


@pytest.mark.parametrize("module", ["/nowhere/module.so", "/etc/hostname"])
def test_a_module_that_is_none_is_said_in_a_sentence(station: Station, module: str) -> None:
    done = station.sotepki("scs", "serve", "--pkcs11", module, "--port", "0", "--page-port", "0")
    assert done.returncode == 2 and "PKCS#11 module" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_terminal_asks_for_the_pin_without_showing_it(station: Station) -> None:
    """Through a real terminal (pty): a PIN, a PIN that is none, and Ctrl-C, which ends the service as it should."""
    content = station.file("document", b"asiakirja\n")
    with terminal(station.directory, "--card", station.card, "--terminal") as (typed, started):
        for pin, code, words in ((PIN2.reveal(), 0, "Signed by"), ("abc", 1, "cancelled")):
            asked = threading.Thread(target=lambda pin=pin: typed("PIN2 for", pin))
            asked.start()
            done = station.sotepki("scs", "sign", content, "--scs", started["scs"])
            asked.join(30)
            assert done.returncode == code and words in done.stdout + done.stderr, done.stderr


def test_cancelled_wrong_and_locked_pins_are_said_and_give_no_signature(station: Station) -> None:
    """Last, since it locks PIN1 of the card."""
    said = []
    for pins, tries in (("cancel\ncancel\n", 1), ("9999\n999999\n", 6)):
        path = station.file("pins", pins.encode())
        with serving(station.directory, "--card", station.card, "--pins", path) as started:
            for _ in range(tries):
                done = station.sotepki("scs", "login", "--scs", started["scs"], "--origin", ORIGIN)
                assert done.returncode == 1 and "9999" not in done.stderr
                said.append(done.stderr)
    assert "The user cancelled" in said[0]
    assert "4 tries are left" in said[1]
    assert "locked" in said[-1] and "scs.pin.refused" in said[-1]
