"""The commands ``cert`` and ``csr``: exit codes, JSON shapes, and sentences instead of tracebacks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import x509_world as w
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sotepki.cli import run
from sotepki.x509.crl import RevokedEntry, build_crl


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    world = w.world()
    contents = {
        "root.pem": world.root_certificate.public_bytes(Encoding.PEM),
        "ca.pem": world.persons_certificate.public_bytes(Encoding.PEM),
        "card.pem": w.signature_certificate().public_bytes(Encoding.PEM),
        "server.der": w.server_certificate().public_bytes(Encoding.DER),
        "odd.pem": w.odd_certificate(key=w.rsa_key(1024, "short")).public_bytes(Encoding.PEM),
        "key.pem": w.rsa_key(2048, "service").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "garbage": bytes(range(256)) * 8,
        "empty": b"",
        "root.crl": build_crl(world.root, [], number=1, this_update=w.LATER).public_bytes(Encoding.DER),
        "good.crl": build_crl(world.persons, [], number=1, this_update=w.LATER).public_bytes(Encoding.DER),
        "bad.crl": build_crl(
            world.persons,
            [RevokedEntry(w.signature_certificate().serial_number, w.NOW)],
            number=2,
            this_update=w.LATER,
        ).public_bytes(Encoding.PEM),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return {name: str(tmp_path / name) for name in contents}


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = run([*arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_profiles_are_listed_with_rows_sources_and_grades(capsys: pytest.CaptureFixture[str]) -> None:
    code, profiles = answer(capsys, "cert", "profiles")
    assert code == 0 and len(profiles) >= 8
    assert all({"id", "title", "rows"} <= set(profile) for profile in profiles)
    assert all({"id", "rule", "source", "grade"} <= set(row) for profile in profiles for row in profile["rows"])


def test_an_unknown_profile_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cert", "profiles", "nothing"]) == 2
    assert "'sotepki cert profiles' lists all" in capsys.readouterr().err
    assert run(["cert", "profiles", "profesional-signature-rsa"]) == 2
    assert "Did you mean professional-signature-rsa" in capsys.readouterr().err


def test_lint_answers_per_file(capsys: pytest.CaptureFixture[str], files: dict[str, str]) -> None:
    code, one = answer(capsys, "cert", "lint", files["card.pem"])
    assert (code, one["verdict"], one["profile"]) == (0, "valid", "professional-signature-rsa")
    code, many = answer(capsys, "cert", "lint", files["card.pem"], files["odd.pem"], files["garbage"], files["empty"])
    assert code == 1 and [entry["verdict"] for entry in many] == ["valid", "invalid", "invalid", "invalid"]
    assert many[2]["findings"][0]["rule"] == "cert.not-a-certificate"


def test_a_private_key_is_never_repeated(capsys: pytest.CaptureFixture[str], files: dict[str, str]) -> None:
    secret = Path(files["key.pem"]).read_text(encoding="ascii").splitlines()[3]
    for command in (["cert", "lint"], ["cert", "show"], ["cert", "verify", "--trust", files["root.pem"]]):
        assert run([*command, files["key.pem"]]) == 1
        printed = capsys.readouterr()
        assert "private key" in printed.out + printed.err and secret not in printed.out + printed.err
    assert run(["csr", "check", files["key.pem"], "--type", "server"]) == 1
    assert secret not in capsys.readouterr().out


def test_show_explains_each_field(capsys: pytest.CaptureFixture[str], files: dict[str, str]) -> None:
    assert run(["cert", "show", files["card.pem"]]) == 0
    text = capsys.readouterr().out
    assert "subject serialNumber: 90000000017 [PrintableString]" in text
    assert "2031-03-01 23:59:59 in Finland" in text
    code, data = answer(capsys, "cert", "show", files["server.der"])
    assert code == 0 and data["certificates"][0]["profile"] == "test-server"


def test_a_certificate_without_end_is_shown_and_linted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """99991231235959Z is a day in the year 10000 in Finland, which no calendar here has."""
    (tmp_path / "endless.der").write_bytes(
        w.odd_server_certificate(end=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)).public_bytes(Encoding.DER)
    )
    assert run(["cert", "show", str(tmp_path / "endless.der")]) == 0
    assert run(["cert", "lint", str(tmp_path / "endless.der")]) in (0, 1)
    assert "does not end with the last second of a day" in capsys.readouterr().out


def verify(files: dict[str, str], *arguments: str) -> list[str]:
    fixed = ["cert", "verify", files["card.pem"], "--trust", files["root.pem"], "--intermediates", files["ca.pem"]]
    return [*fixed, "--crl", files["root.crl"], "--at", w.LATER.isoformat(), *arguments]


def test_verify_judges_with_what_is_given(capsys: pytest.CaptureFixture[str], files: dict[str, str]) -> None:
    code, good = answer(capsys, *verify(files, "--crl", files["good.crl"]))
    assert (code, good["verdict"], good["purpose"]) == (0, "valid", "card-signature")
    assert [step["role"] for step in good["chain"]] == ["certificate", "issuing CA", "root"]
    code, bad = answer(capsys, *verify(files, "--crl", files["bad.crl"]))
    assert (code, [finding["rule"] for finding in bad["findings"]]) == (1, ["path.revoked"])
    code, none = answer(capsys, *verify(files))
    assert (code, none["findings"][0]["rule"]) == (1, "path.revocation.missing")
    code, other = answer(capsys, *verify(files, "--crl", files["good.crl"], "--purpose", "tls-client"))
    assert (code, other["findings"][0]["rule"]) == (1, "path.purpose.key-usage")


def test_a_list_of_a_whole_authority_is_read_from_a_file(
    capsys: pytest.CaptureFixture[str], files: dict[str, str]
) -> None:
    """A list of 430 000 entries has 17 MiB; whoever downloaded it could not verify with it."""
    long = Path(files["good.crl"])
    list_of = x509.load_der_x509_crl(long.read_bytes())
    long.write_bytes(b"\n" * (17 * 1024 * 1024) + list_of.public_bytes(Encoding.PEM))
    code, good = answer(capsys, *verify(files, "--crl", str(long)))
    assert (code, good["verdict"]) == (0, "valid")


def test_verify_reads_as_a_tree(capsys: pytest.CaptureFixture[str], files: dict[str, str]) -> None:
    assert run(verify(files, "--no-revocation")) == 0
    text = capsys.readouterr().out
    assert text.index("root: ") < text.index("+- issuing CA: ") < text.index("+- certificate: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cert", "verify", "card.pem", "--trust", "root.pem", "--at", "yesterday"], "is not a time"),
        *(
            (["cert", "verify", "card.pem", "--trust", "root.pem", "--at", at], "is not a time")
            for at in ("9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00")
        ),
        (["cert", "verify", "card.pem", "--trust", "nothing.pem"], "There is no file"),
        (["cert", "lint", "nothing.pem"], "There is no file"),
        (["cert", "lint"], "Missing argument"),
        (["csr", "check", "card.pem"], "--type"),
        (["csr", "check", "card.pem", "--type", "mail"], "--type"),
    ],
)
def test_wrong_usage_is_a_sentence_and_code_2(
    capsys: pytest.CaptureFixture[str], files: dict[str, str], arguments: list[str], words: str
) -> None:
    assert run([files.get(argument, argument) for argument in arguments]) == 2
    printed = capsys.readouterr().err
    assert words in printed and "Traceback" not in printed


def test_a_file_too_long_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    long = tmp_path / "long"
    long.write_bytes(bytes(50 * 1024 * 1024))
    for command in (["cert", "lint"], ["cert", "show"]):
        assert run([*command, str(long)]) == 1
    assert run(["csr", "check", str(long), "--type", "server"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_garbage_is_refused_by_every_command(capsys: pytest.CaptureFixture[str], files: dict[str, str]) -> None:
    for name in ("garbage", "empty"):
        for command in (["cert", "lint"], ["cert", "show"], ["cert", "verify", "--trust", files["root.pem"]]):
            assert run([*command, files[name]]) == 1
        assert run(["csr", "check", files[name], "--type", "system-signature"]) == 1
        assert "Traceback" not in capsys.readouterr().err


def test_a_request_is_held_against_the_keys_of_the_workspace(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that already has a certificate is found where there is a workspace; a broken one spoils no check."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    from sotepki.workspace import Workspace
    from sotepki.x509.csr_keys import key_digest

    key = w.rsa_key(2048, "service")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, w.HOST)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    path = tmp_path / "r.csr"
    path.write_bytes(request.public_bytes(Encoding.PEM))
    arguments = ["csr", "check", str(path), "--type", "server", "--workspace", str(tmp_path / "ws")]
    _, without = answer(capsys, *arguments)
    assert without["reuse"] == "not looked for: no workspace"
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "workspace.json").write_text("{", encoding="utf-8")
    _, broken = answer(capsys, *arguments)
    assert broken["reuse"].startswith("not looked for: The file") and broken["subject"] == without["subject"]

    class Opened:
        def __enter__(self) -> Opened:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def seen_keys(self) -> set[bytes]:
            return {key_digest(key.public_key())}

    monkeypatch.setattr(Workspace, "open", lambda _directory: Opened())
    _, found = answer(capsys, *arguments)
    assert "csr.key.reused" in {finding["rule"] for finding in found["findings"]}
