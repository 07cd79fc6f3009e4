"""Every command that reads a file meets every bad file: one clear answer, exit code 1 or 2, nothing changed."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sotepki import cli
from sotepki.clock import SystemClock
from sotepki.documents import build_social_document
from sotepki.dvv import ApplicationKind, TechnicalContact
from sotepki.identifiers import Oid
from sotepki.journey import load_cast, make_request
from sotepki.records import newest_entries
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

MEBIBYTE = 1024 * 1024


def _document(workspace: Workspace) -> bytes:
    cast = load_cast()
    client = workspace.population.person(cast.person("client-adult"))
    organisation = workspace.thl.organisation(cast.organisation("social-services"))
    assert client is not None
    assert organisation is not None
    oid = Oid.parse("1.2.246.10.99000018.93.2026.1")
    return build_social_document(
        client=client, organisation=organisation, author=None, document_oid=oid, created=SystemClock().now()
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with an application that waits for a CSR, a key with its request, and bad files."""
    directory = tmp_path_factory.mktemp("bad")
    cast = load_cast()
    with Workspace.create(directory / "ws", card_keys=0) as workspace:
        oid, user = cast.organisation("social-services"), cast.person("technical-contact")
        workspace.service_certificates.open_account(oid, user=user)
        workspace.service_certificates.apply(
            organisation=oid,
            kind=ApplicationKind.SERVER,
            user=user,
            contact=TechnicalContact("TEST", "tuki@sosiaali.tunturilaakso.test.example"),
        )
        document = _document(workspace)
        root = (workspace.published / "ca" / "dvvtest3rc.crt").read_bytes()
    made = make_request(directory, "good", {"C": "FI", "CN": "a.test.example"}, dns_names=["a.test.example"])
    files = directory / "files"
    files.mkdir()
    noise = random.Random(7).randbytes(4096)
    contents = {
        "empty": b"",
        "garbage": noise,
        "text": "Tämä on muistilappu, ei varmenne.\n".encode(),
        "picture": b"\x89PNG\r\n\x1a\n" + noise,
        "truncated-certificate": root[:-300],
        "truncated-request": made.request.read_bytes()[:-200],
        "truncated-document": document[: len(document) // 2],
        "private-key": made.key.read_bytes(),
        "with-dtd": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>',
        "entity-bomb": b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><b>&b;&b;&b;</b>',
        "deep": b"<a>" * 50_000 + b"</a>" * 50_000,
        "other-xml": b"<?xml version='1.0'?><invoice><total>1</total></invoice>",
        "der-of-endless-length": bytes.fromhex("3084ffffffff") + noise,
        "utf-16": "<a>ä</a>".encode("utf-16"),
        "50-mib-of-zeros": bytes(50 * MEBIBYTE),
        "50-mib-of-xml": b"<a>" + b"x" * (50 * MEBIBYTE) + b"</a>",
    }
    for name, content in contents.items():
        (files / name).write_bytes(content)
    return directory


COMMANDS: dict[str, Callable[[Path, str], list[str]]] = {
    "cert show": lambda _place, file: ["cert", "show", file],
    "cert lint": lambda _place, file: ["cert", "lint", file],
    "cert verify": lambda place, file: ["cert", "verify", file, "--workspace", str(place / "ws")],
    "cert verify --trust": lambda place, file: [
        *("cert", "verify", str(place / "ws" / "published" / "ca" / "dvvtshp2rc.crt"), "--trust", file),
    ],
    "cert verify --crl": lambda place, file: [
        *("cert", "verify", str(place / "ws" / "published" / "ca" / "dvvtshp2rc.crt"), "--crl", file),
        *("--workspace", str(place / "ws")),
    ],
    "csr check": lambda _place, file: ["csr", "check", file, "--type", "server"],
    "document correct": lambda place, file: [
        *("document", "correct", file, str(place / "next.xml"), "--workspace", str(place / "ws"))
    ],
    "document verify": lambda place, file: ["document", "verify", file, "--workspace", str(place / "ws")],
    "document sign": lambda place, file: [
        *("document", "sign", file, str(place / "out.xml"), "--system", str(place / "good.key")),
        *("--certificate", str(place / "ws" / "published" / "ca" / "dvvtshp2rc.crt")),
        *("--workspace", str(place / "ws")),
    ],
    "revoke certificate": lambda place, file: [
        *("revoke", "certificate", file, "--reason", "not-needed", "--workspace", str(place / "ws")),
    ],
    "attach-csr": lambda place, file: [
        *("service-certificate", "attach-csr", "S000001", file, "--workspace", str(place / "ws")),
    ],
    "training check": lambda place, file: [
        *("training", "check", "request-ready-to-send", "--answer-file", file, "--workspace", str(place / "ws")),
    ],
    "conformance run": lambda place, file: [
        *("conformance", "run", "--sut", file, "--report", str(place / "report")),
    ],
}
FILES = [
    "empty",
    "garbage",
    "text",
    "picture",
    "truncated-certificate",
    "truncated-request",
    "truncated-document",
    "private-key",
    "with-dtd",
    "entity-bomb",
    "deep",
    "other-xml",
    "der-of-endless-length",
    "utf-16",
    "50-mib-of-zeros",
    "50-mib-of-xml",
]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_file_gets_one_clear_answer(
    place: Path, capsys: pytest.CaptureFixture[str], command: str, file: str
) -> None:
    """A vendor who drops the wrong file must read what was wrong, and no script may take it for a success."""
    code = cli.run(COMMANDS[command](place, str(place / "files" / file)))
    said = capsys.readouterr()
    assert code in (1, 2), said
    assert "Traceback" not in said.err + said.out
    assert "fault of ours" not in said.err
    assert said.err.strip() or said.out.strip()
    assert len(said.err) < 2000
    secret = (place / "good.key").read_text().splitlines()[2]
    assert secret not in said.err + said.out
    assert not (place / "out.xml").exists()


def test_a_private_key_given_by_mistake_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who is about to mail their key to somebody should hear it."""
    for command in ("cert lint", "csr check", "attach-csr"):
        cli.run(COMMANDS[command](place, str(place / "files" / "private-key")))
        said = capsys.readouterr()
        assert "private key" in (said.err + said.out).lower(), command


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_file_and_a_directory_are_wrong_usage(
    place: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    for target in (place / "files" / "absent", place / "files"):
        assert cli.run(COMMANDS[command](place, str(target))) == 2, capsys.readouterr()
        said = capsys.readouterr()
        assert len(said.err.strip().splitlines()) == 1
        assert "Traceback" not in said.err


def test_nothing_of_all_this_changed_the_books(place: Path) -> None:
    """Bad files leave refusals in the journal at most, never half a certificate."""
    with Workspace.open(place / "ws") as workspace:
        assert workspace.service_certificates.application("S000001").state == "awaiting-csr"
        with workspace.records.look() as session:
            last = newest_entries(session, 5)
        assert not [entry for entry in last if entry.action in ("certificate-issued", "certificate-revoked")]


@pytest.mark.parametrize(
    ("extra", "rule"),
    [
        (["-newkey", "rsa:1024", "-subj", "/C=FI/O=X/CN=a.test.example"], "csr.key.size"),
        (
            ["-newkey", "rsa:2048", "-subj", "/C=FI/O=X/CN=192.0.2.7", "-addext", "subjectAltName=IP:192.0.2.7"],
            "csr.",
        ),
    ],
)
def test_requests_that_dvv_would_send_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str], rule: str
) -> None:
    request = tmp_path / "bad.csr"
    subprocess.run(
        ["openssl", "req", "-new", "-nodes", "-keyout", str(tmp_path / "k"), "-out", str(request), *extra],
        check=True,
        capture_output=True,
    )
    assert cli.run(["csr", "check", str(request), "--type", "server"]) == 1
    assert rule in capsys.readouterr().out


def test_a_request_whose_signature_does_not_verify(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    der = subprocess.run(
        ["openssl", "req", "-in", str(place / "good.csr"), "-outform", "DER"], check=True, capture_output=True
    ).stdout
    (tmp_path / "forged.csr").write_bytes(der[:-1] + bytes([der[-1] ^ 1]))
    assert cli.run(["csr", "check", str(tmp_path / "forged.csr"), "--type", "server"]) == 1
    assert "csr.signature" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["card", "order", "--registrar", "010572-9585", "--applicant", "010181-900D"], (1, 2)),
        (["card", "show", "9999999999"], (2,)),
        (["right", "show", "00000000000"], (1, 2)),
        (["right", "grant", "010181-900C", "T40"], (1, 2)),
        (["right", "grant", "160204E985R", "no-such-code"], (1, 2)),
        (["service-certificate", "apply", "--organisation", "1.2.3", "--type", "server"], (1, 2)),
        (["revoke", "certificate", "abcdef", "--reason", "no-such-reason"], (1, 2)),
    ],
)
def test_unknown_people_organisations_and_rights(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: tuple[int, ...]
) -> None:
    assert cli.run([*arguments, "--workspace", str(place / "ws")]) in code
    said = capsys.readouterr()
    assert len(said.err.strip().splitlines()) == 1, said
    assert "Traceback" not in said.err
