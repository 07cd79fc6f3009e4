"""Files that commands write: nothing that is there is lost unless it was said, and nothing is asked for in vain."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import document_world as world
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sotepki.cli import root as cli
from sotepki.cli import run
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

OUTPUTS = {"out", "output", "svg", "into", "table"}
OF_THEIR_OWN = {
    "cert bulk": "leaves out what is there",
    "cert vectors": "refuses a directory that is there",
    "figures": "its table is a name and no file",
}


def leaves(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        member = group.get_command(context, name)
        if isinstance(member, click.Group):
            yield from leaves(member, *names, name)
        elif member is not None:
            yield " ".join((*names, name)), member


def test_every_command_that_writes_a_file_can_be_told_to_overwrite() -> None:
    """A new command that writes without asking would lose somebody's only signed document."""
    found = {name: {parameter.name for parameter in command.params} for name, command in leaves(cli)}
    writing = {name for name, parameters in found.items() if parameters & OUTPUTS} - set(OF_THEIR_OWN)
    assert len(writing) >= 15
    assert [name for name in sorted(writing) if "overwrite" not in found[name]] == []


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A document, a system's key and its certificate."""
    key, certificate = world.ec_key("system"), world.system_certificate()
    (tmp_path / "in.xml").write_bytes(world.unsigned(author=None))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return tmp_path


def sign(place: Path, *files: str) -> int:
    named = [str(place / file) if not file.startswith("-") else file for file in files]
    key = ["--system", str(place / "key.pem"), "--certificate", str(place / "certificate.pem")]
    return run(["document", "sign", *named, *key, "--workspace", str(place / "none")])


def test_a_document_that_is_there_is_kept_unless_it_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other document, signed yesterday, has the only signature that there will ever be."""
    out = place / "out.xml"
    out.write_bytes(b"yesterday's")
    assert sign(place, "in.xml", "out.xml") == 2
    assert f"The file {out} is there already. Name another one, or give --overwrite." in capsys.readouterr().err
    assert run(["document", "correct", str(place / "in.xml"), str(out), "--workspace", str(place / "none")]) == 2
    assert out.read_bytes() == b"yesterday's"
    assert sign(place, "in.xml", "out.xml", "--overwrite") == 0
    assert b"SignatureValue" in out.read_bytes()


def test_who_names_a_file_twice_wants_it_signed_in_place(place: Path) -> None:
    (place / "same.xml").symlink_to(place / "in.xml")
    assert sign(place, "in.xml", "in.xml") == 0
    assert (place / "in.xml").read_bytes().count(b"SignatureValue>") == 2
    before = (place / "in.xml").read_bytes()
    command = ["document", "correct", str(place / "in.xml"), str(place / "in.xml")]
    assert run([*command, "--workspace", str(place / "none")]) == 0
    assert (place / "in.xml").read_bytes() != before


def test_several_are_signed_only_if_none_is_there_already(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Found out at the third of five, two signatures would have been made for nothing."""
    (place / "second.xml").write_bytes(world.unsigned(author=None))
    (place / "signed").mkdir()
    (place / "signed" / "second.xml").write_bytes(b"yesterday's")
    assert sign(place, "in.xml", "second.xml", "--into", str(place / "signed")) == 2
    assert "second.xml is there already" in capsys.readouterr().err
    assert [path.name for path in (place / "signed").iterdir()] == ["second.xml"]
    assert sign(place, "in.xml", "second.xml", "--into", str(place / "signed"), "--overwrite") == 0


def test_what_may_not_be_written_is_said_before_anything_is_done(tmp_path: Path) -> None:
    """A PIN would be typed, and one of few tries spent, for a signature that is then thrown away."""
    done: list[str] = []

    @click.command()
    @click.option("--out")
    @writes("out")
    def probe(out: str | None) -> None:
        done.append("asked for a PIN")
        if out:
            write_output(out, b"new")

    file = tmp_path / "signature"
    file.write_bytes(b"old")
    for wrong in (file, tmp_path, tmp_path / "absent" / "signature", tmp_path / ("x" * 300)):
        with pytest.raises(Misuse):
            probe.main(["--out", str(wrong)], standalone_mode=False)
    assert done == [] and file.read_bytes() == b"old"
    for arguments in ([], ["--out", str(file), "--overwrite"], ["--out", "/dev/null"]):
        probe.main(arguments, standalone_mode=False)
    assert len(done) == 3 and file.read_bytes() == b"new"


def test_the_same_answer_again_overwrites_nothing(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A certificate is collected as often as somebody likes; standard output is nobody's file."""
    file = tmp_path / "certificate.pem"
    for _ in range(2):
        write_output(file, b"the certificate")
    with pytest.raises(Misuse, match="is there already"):
        write_output(file, b"another one....")
    os.chmod(file, 0o400)
    for name in ("-", "/dev/stdout"):
        write_output(name, b"x")
    assert file.read_bytes() == b"the certificate"


def test_a_corpus_is_not_mixed_with_what_lies_in_a_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An index.json of somebody's own would be replaced."""
    (tmp_path / "index.json").write_text("mine", encoding="utf-8")
    assert run(["document", "corpus", str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["index.json"]


def batch(place: Path, *options: str) -> int:
    key = ["--system", str(place / "key.pem"), "--certificate", str(place / "certificate.pem"), "--processes", "1"]
    return run(["document", "batch", "sign", str(place / "in"), *key, *options, "--workspace", str(place / "none")])


@pytest.mark.parametrize("into", [True, False])
def test_an_archive_is_not_signed_over_what_another_run_has_written(
    place: Path, capsys: pytest.CaptureFixture[str], into: bool
) -> None:
    """The signed archive of last year would be replaced by that of today, because its journal was lost."""
    (place / "in/2025").mkdir(parents=True)
    (place / "in.xml").rename(place / "in/2025/a.xml")
    signed = place / ("out/2025/a.xml" if into else "in/2025/a.signed.xml")
    signed.parent.mkdir(exist_ok=True, parents=True)
    signed.write_bytes(b"last year's")
    tree = ["--into", str(place / "out")] if into else []
    assert batch(place, *tree) == 2
    assert "is there already, and there is no journal" in capsys.readouterr().err
    assert signed.read_bytes() == b"last year's"
    assert batch(place, *tree, "--overwrite") == 0
    assert b"SignatureValue" in signed.read_bytes()
    assert batch(place, *tree) == 0  # its own journal is there now


@pytest.mark.parametrize("work", ["sign", "verify"])
@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("old.csv", "is there already"),
        ("list.csv --overwrite", "is the source of this run"),
        ("new.csv --journal new.csv", "is the journal of this run"),
        ("in.xml --overwrite", "ends in .csv or .parquet"),
        ("new.parquet", "pip install pyarrow"),
        ("absent/new.csv", "no directory"),
        ("in.xml/new.csv", "no directory"),
    ],
)
def test_a_table_that_may_not_be_written_is_told_before_the_work(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, work: str, table: str, said: str
) -> None:
    """The list of the documents was lost to the table of verdicts; other slips were told after hours of work."""
    monkeypatch.chdir(place)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (place / "list.csv").write_text("in.xml\n", encoding="ascii")
    (place / "old.csv").write_text("mine", encoding="ascii")
    there = {path.name: path.read_bytes() for path in place.iterdir()}
    options = {
        "sign": ["--system", "key.pem", "--certificate", "certificate.pem", "--processes", "1"],
        "verify": ["--trust", "certificate.pem", "--no-revocation", "--processes", "1"],
    }[work]
    assert run(["document", "batch", work, "list.csv", *options, "--table", *table.split()]) == 2
    assert said in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in place.iterdir()} == there


def test_an_archive_is_not_signed_into_itself(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The originals would be gone, and every further run would sign what it had signed before."""
    (place / "in").mkdir()
    (place / "in.xml").rename(place / "in/a.xml")
    unsigned = (place / "in/a.xml").read_bytes()
    assert batch(place, "--into", str(place / "in"), "--overwrite") == 1
    assert "would take the place of a.xml" in capsys.readouterr().out
    assert (place / "in/a.xml").read_bytes() == unsigned
