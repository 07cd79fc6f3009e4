"""``sotepki revoke`` on a real workspace: by serial number, by file, and everything that can be given wrongly."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sotepki.cli import run
from sotepki.cli.revoke import _issued_one
from sotepki.errors import Refused
from sotepki.tokens import KeyKind
from sotepki.tokens.pool import make_key
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

HOST = "kanta.testi.example"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("revoke") / "workspace"
    Workspace.create(path, card_keys=0).close()
    return path


@pytest.fixture
def certificate(directory: Path, tmp_path: Path) -> Iterator[tuple[x509.Certificate, Path]]:
    with Workspace.open(directory) as workspace:
        issued = workspace.authorities.issue(
            "sote-services",
            "test-server",
            subject={
                "country": "FI",
                "state": "Finland",
                "locality": "Helsinki",
                "organisation": "Testihyvinvointialue",
                "common_name": HOST,
            },
            public_key=make_key(KeyKind.RSA_2048).public_key(),
            actor="test",
            dns_names=(HOST,),
            holder="1.2.246.10.0000000.10.0",
        )
    path = tmp_path / "certificate.pem"
    path.write_bytes(issued.public_bytes(Encoding.PEM))
    yield issued, path


def _revoke(directory: Path, what: str, *more: str) -> int:
    arguments = ["revoke", "certificate", what, "--workspace", str(directory), *more]
    return run(arguments if "--reason" in more else [*arguments, "--reason", "key-compromise"])


def _listed(directory: Path, serial_number: int) -> bool:
    path = directory / "published" / "crl" / "dvvtshsp3rc.crl"
    text = subprocess.run(
        ["openssl", "crl", "-inform", "DER", "-in", str(path), "-noout", "-text"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return f"{serial_number:030X}" in text


def test_a_revocation_by_file_is_on_the_published_list_and_cannot_be_repeated(
    directory: Path, certificate: tuple[x509.Certificate, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    issued, path = certificate
    assert not _listed(directory, issued.serial_number)
    assert _revoke(directory, str(path), "--format", "json", "--reason", "not-needed") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["authority"], answer["state"], answer["reason"]) == (
        "sote-services",
        "revoked",
        "cessationOfOperation",
    )
    assert _listed(directory, issued.serial_number)
    assert _revoke(directory, str(path)) == 1
    assert "[revocation.final]" in capsys.readouterr().err


def test_the_serial_number_is_taken_as_openssl_prints_it(
    directory: Path, certificate: tuple[x509.Certificate, Path]
) -> None:
    issued, path = certificate
    printed = subprocess.run(
        ["openssl", "x509", "-in", str(path), "-noout", "-serial"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert _revoke(directory, printed.removeprefix("serial=")) == 0
    assert _listed(directory, issued.serial_number)


def test_a_reason_by_its_code_or_its_former_word_is_understood(
    directory: Path, certificate: tuple[x509.Certificate, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, path = certificate
    assert _revoke(directory, str(path), "--reason", "lost") == 2
    assert "Known are key-compromise, not-needed," in capsys.readouterr().err
    assert _revoke(directory, str(path), "--format", "json", "--reason", "cessationOfOperation") == 0
    assert json.loads(capsys.readouterr().out)["reason"] == "cessationOfOperation"
    assert _revoke(directory, str(path), "--reason", "no-longer-needed") == 1
    assert "[revocation.final]" in capsys.readouterr().err


def test_a_serial_number_with_colons_works_too(directory: Path, certificate: tuple[x509.Certificate, Path]) -> None:
    issued, _path = certificate
    text = f"{issued.serial_number:030x}"
    assert _revoke(directory, ":".join(text[i : i + 2] for i in range(0, len(text), 2))) == 0


def test_the_certificate_can_come_on_standard_input(
    directory: Path, certificate: tuple[x509.Certificate, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Input:
        buffer = io.BytesIO(certificate[1].read_bytes())

    monkeypatch.setattr(sys, "stdin", Input)
    assert _revoke(directory, "-") == 0


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", 1, "is empty"),
        (b"\x30\x82\xff\xff" + bytes(200), 1, "not a certificate"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB", 1, "does not end"),
        (bytes(17 * 1024 * 1024), 1, "longer than"),
    ],
)
def test_a_bad_file_gets_one_sentence(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, code: int, said: str
) -> None:
    (tmp_path / "bad").write_bytes(content)
    assert _revoke(directory, str(tmp_path / "bad")) == code
    error = capsys.readouterr().err
    assert said in error and len(error.strip().splitlines()) == 1


def test_a_private_key_given_by_mistake_is_named_and_not_shown(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = make_key(KeyKind.P_256).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    assert _revoke(directory, str(tmp_path / "key.pem")) == 1
    error = capsys.readouterr().err
    assert "private key" in error
    assert pem.decode().splitlines()[1] not in error


@pytest.mark.parametrize(
    ("what", "more", "code", "said"),
    [
        ("0123456789", (), 1, "revocation.unknown-certificate"),
        ("no-such-file.pem", (), 2, "There is no file"),
        ("0123", ("--authority", "moon"), 1, "authority.unknown"),
        ("0123", ("--reason", "hold"), 2, "no revocation reason"),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    directory: Path, capsys: pytest.CaptureFixture[str], what: str, more: tuple[str, ...], code: int, said: str
) -> None:
    assert _revoke(directory, what, *more) == code
    assert said in capsys.readouterr().err


def test_when_the_list_cannot_be_written_the_user_hears_that_the_revocation_stands(
    directory: Path,
    certificate: tuple[x509.Certificate, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sotepki.errors import Fault

    def full(target: Path, content: bytes) -> None:
        raise Fault(f"The file {target.name} cannot be written: No space left on device.")

    monkeypatch.setattr("sotepki.dvv.authority.revocation_lists.write_atomically", full)
    assert _revoke(directory, str(certificate[1])) == 3
    error = capsys.readouterr().err
    assert "is revoked and OCSP says so" in error and "No space left" in error
    monkeypatch.undo()
    with Workspace.open(directory) as workspace:
        workspace.authorities.publish_if_due(workspace.published)
    assert _listed(directory, certificate[0].serial_number)


def test_the_reasons_are_listed_with_their_sources(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["revoke", "reasons", "--workspace", str(directory), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"id", "code", "kinds", "text", "source", "grade"} == set(rows[0])


def test_a_serial_number_that_two_authorities_gave_is_not_guessed(
    directory: Path, certificate: tuple[x509.Certificate, Path]
) -> None:
    """A serial number names a certificate together with its issuer only; the wrong holder must not lose his."""
    serial = certificate[0].serial_number
    with Workspace.open(directory) as workspace:
        given = workspace.authorities.issued(serial_number=serial)
        twice = [*given, replace(given[0], authority_id="sote-persons")]
    with pytest.raises(Refused) as caught:
        _issued_one(twice, f"{serial:x}")
    assert caught.value.rule == "revocation.ambiguous"
    assert "--authority" in caught.value.advice
