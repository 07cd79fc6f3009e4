"""The document commands: the next version of a document, and bad files of every kind, at a bounded price."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import document_families_world as families_world
import document_world as world
import pytest
import x509_world as w
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.cli import root as cli
from sotepki.documents import build_frame, verify_document
from sotepki.documents.outline import outline
from sotepki.errors import Misuse, Refused
from sotepki.identifiers import Oid
from sotepki.x509.crl import build_crl
from sotepki.xmldsig import read_xml

MEGABYTE = 1_000_000
SIGNED = world.signed_by_professional()


def run(tmp_path: Path, *arguments: str) -> Result:
    place = ["--workspace", str(tmp_path / "none")]
    return CliRunner().invoke(cli, ["document", *arguments, *place], standalone_mode=False)


# --- the next version ----------------------------------------------------------------------------------------------


def test_the_next_version_of_a_signed_document(tmp_path: Path) -> None:
    """Signed, corrected, signed again: valid, and the relation names what it replaces."""
    (tmp_path / "old.xml").write_bytes(SIGNED)
    result = run(tmp_path, "correct", str(tmp_path / "old.xml"), str(tmp_path / "new.xml"), "--format", "json")
    assert result.exception is None, result.exception
    answer = json.loads(result.stdout)
    assert (answer["replaces"], answer["version"]) == (str(world.DOCUMENT), 2)
    corrected = (tmp_path / "new.xml").read_bytes()
    parts = outline(read_xml(corrected))
    assert (parts.document_id, parts.set_id, parts.version) == (answer["document_id"], str(world.DOCUMENT), 2)
    assert parts.document_id.startswith("1.2.246.10.12345671.93."), "a new OID of the same organisation"
    assert b'typeCode="RPLC"' in corrected
    assert b"Signature>" not in corrected
    now = read_xml(corrected).root.find("{urn:hl7-org:v3}effectiveTime")
    assert now is not None
    assert now.get("value") != ""


def test_a_kind_and_an_id_may_be_chosen(tmp_path: Path) -> None:
    """A prescription is cancelled by a document of another kind."""
    (tmp_path / "old.xml").write_bytes(families_world.document("prescription"))
    out = tmp_path / "new.xml"
    chosen = ["--oid", "1.2.246.10.12345671.93.7", "--kind", "prescription-cancellation"]
    result = run(tmp_path, "correct", str(tmp_path / "old.xml"), str(out), *chosen)
    assert result.exception is None, result.exception
    parts = outline(read_xml(out.read_bytes()))
    assert parts.document_id == "1.2.246.10.12345671.93.7"
    assert parts.kind is not None
    assert parts.kind.id == "prescription-cancellation"
    assert "1.2.246.10.12345671.93.7" in result.output


@pytest.mark.parametrize(
    ("document", "options", "error", "says"),
    [
        (SIGNED, ["--oid", str(world.DOCUMENT)], Refused, "own"),
        (SIGNED, ["--oid", "no oid"], Refused, "OID"),
        (SIGNED, ["--kind", "prescription-cancellation"], Refused, "does not become"),
        (SIGNED.replace(str(world.DOCUMENT).encode(), b"2.999.1"), [], Misuse, "--oid"),
        (b"<a/>", [], Refused, "ClinicalDocument"),
        (b"", [], Refused, "empty"),
    ],
)
def test_what_has_no_next_version(
    tmp_path: Path, document: bytes, options: list[str], error: type[Exception], says: str
) -> None:
    """One sentence, and no file."""
    (tmp_path / "old.xml").write_bytes(document)
    result = run(tmp_path, "correct", str(tmp_path / "old.xml"), str(tmp_path / "new.xml"), *options)
    assert isinstance(result.exception, error)
    assert says in str(result.exception)
    assert not (tmp_path / "new.xml").exists()


# --- what documents are verified with ------------------------------------------------------------------------------


def test_a_list_of_a_whole_authority_is_read_from_a_file(tmp_path: Path) -> None:
    """A list of 430 000 entries has 17 MiB; whoever downloaded it could not verify documents with it."""
    long = build_crl(w.world().root, [], number=1, this_update=w.NOW).public_bytes(Encoding.PEM)
    (tmp_path / "long.crl").write_bytes(b"\n" * (17 * 1024 * 1024) + long)
    (tmp_path / "root.pem").write_bytes(w.world().root_certificate.public_bytes(Encoding.PEM))
    (tmp_path / "signed.xml").write_bytes(SIGNED)
    result = run(tmp_path, "verify", str(tmp_path / "signed.xml"), "--trust", str(tmp_path / "root.pem"),
                 "--crl", str(tmp_path / "long.crl"))  # fmt: skip
    assert result.exception is None, result.exception
    assert "path.untrusted" in result.output


@pytest.mark.parametrize("at", ["tomorrow", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_is_none_is_named(tmp_path: Path, at: str) -> None:
    """A time of another zone at the rim of the calendar would be a fault of ours."""
    (tmp_path / "signed.xml").write_bytes(SIGNED)
    result = run(tmp_path, "verify", str(tmp_path / "signed.xml"), "--at", at)
    assert isinstance(result.exception, Misuse) and "is not a time" in result.exception.sentence


# --- bad files -----------------------------------------------------------------------------------------------------


FRAME = build_frame(SIGNED, message_id=Oid("1.2.246.10.1.94.1"), sender=world.ORGANISATION.oid, at=world.NOW)


def encrypted_zip() -> bytes:
    """A zip whose member is marked as encrypted."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.xml", SIGNED)
    data = bytearray(stream.getvalue())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        pytest.param(b"", "xml.empty", id="empty"),
        pytest.param(b"\r\n\t ", "xml.empty", id="blank"),
        pytest.param("Tämä ei ole asiakirja.".encode(), "xml.not-well-formed", id="text"),
        pytest.param(b"%PDF-1.7\n", "xml.not-well-formed", id="pdf"),
        pytest.param(encrypted_zip(), "xml.not-well-formed", id="encrypted-zip"),
        pytest.param(SIGNED.decode().encode("utf-16"), "xml.encoding", id="utf-16"),
        pytest.param(SIGNED.decode().encode("utf-16-le"), "xml.encoding", id="utf-16-without-mark"),
        pytest.param(SIGNED.decode().encode("utf-32"), "xml.encoding", id="utf-32"),
        pytest.param(SIGNED[:-40], "xml.not-well-formed", id="cut"),
        pytest.param(FRAME.replace(b'"B64"', b'"TXT"'), "frame.carriage", id="frame-without-document"),
        pytest.param(FRAME.replace(b"sender", b"sendr"), "frame.structure", id="frame-without-sender"),
        pytest.param(b"<!--" + b"x" * 2000 + b"--><RCMR_IN000000FI01/>", "frame.structure", id="other-message"),
        pytest.param(b"<html><body>RCMR_IN200002FI01</body></html>", "doc.family", id="named-in-a-text"),
        pytest.param(b"<html><body>Request Rejected</body></html>", "doc.family", id="html"),
    ],
)
@pytest.mark.parametrize("by", ["file", "stdin"])
def test_a_bad_file_is_one_finding(tmp_path: Path, data: bytes, rule: str, by: str) -> None:
    """Whoever names the wrong file reads what it is: exit code 1, one finding, nothing else."""
    root = tmp_path / "root.pem"
    root.write_bytes(world.root().public_bytes(Encoding.PEM))
    (tmp_path / "in.xml").write_bytes(data)
    name = str(tmp_path / "in.xml") if by == "file" else "-"
    arguments = ["document", "verify", name, "--trust", str(root), "--no-revocation", "--format", "json"]
    result = CliRunner().invoke(cli, arguments, input=data, standalone_mode=False)
    assert result.exception is None, result.exception
    answer = json.loads(result.stdout)
    assert answer["verdict"] != "valid"
    assert [finding["rule"] for finding in answer["findings"]] == [rule]
    assert answer["findings"][0]["advice"]


def test_a_frame_is_known_by_its_document_element(tmp_path: Path) -> None:
    """A long comment in front of it hid the message, which was called a document of no family."""
    root, file = tmp_path / "root.pem", tmp_path / "frame.xml"
    root.write_bytes(world.root().public_bytes(Encoding.PEM))
    begin = FRAME.index(b"<RCMR_IN")
    file.write_bytes(FRAME[:begin] + b"<!--" + b"x" * 3000 + b"-->" + FRAME[begin:])
    arguments = ["document", "verify", str(file), "--trust", str(root), "--no-revocation", "--format", "json"]
    answer = json.loads(CliRunner().invoke(cli, arguments, standalone_mode=False).stdout)
    assert answer["frame"]["message_id"] == "1.2.246.10.1.94.1"
    assert answer["document_id"] == str(world.DOCUMENT)


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [
        (b"2001/04/xmldsig-more#rsa-sha256", b"2007/05/xmldsig-more#sha256-rsa-MGF1", "not shown to be intact"),
        (b"PD94", b"PD95", "not intact"),
    ],
)
def test_a_method_that_is_not_read_here_is_not_called_broken(
    tmp_path: Path, old: bytes, new: bytes, state: str
) -> None:
    """RSA-PSS of a newer library may be right: "not intact" would send its vendor looking for a change."""
    root, file = tmp_path / "root.pem", tmp_path / "signed.xml"
    root.write_bytes(world.root().public_bytes(Encoding.PEM))
    file.write_bytes(SIGNED.replace(old, new, 1))
    arguments = ["document", "verify", str(file), "--trust", str(root), "--no-revocation", "--no-diagnosis"]
    told = CliRunner().invoke(cli, arguments, standalone_mode=False).stdout
    assert [line.rpartition(", ")[2] for line in told.splitlines() if "  signature: " in line] == [state]


def test_a_byte_order_mark_is_legal(tmp_path: Path) -> None:
    """Signing keeps it, and what is signed with it is valid."""
    marked = b"\xef\xbb\xbf" + world.unsigned()
    signed = world.signed_by_professional(marked)
    assert signed.startswith(b"\xef\xbb\xbf<?xml")
    assert str(verify_document(signed, world.context()).verdict) == "valid"


@pytest.mark.parametrize("by", ["file", "stdin"])
def test_a_document_of_200_megabytes(tmp_path: Path, by: str) -> None:
    """One sentence, in the time that the start of the program takes, in memory that the bound on documents allows."""
    root, big = tmp_path / "root.pem", tmp_path / "big.xml"
    root.write_bytes(world.root().public_bytes(Encoding.PEM))
    with big.open("wb") as stream:
        stream.write(SIGNED[:2000])
        stream.truncate(200 * MEGABYTE)
    name = str(big) if by == "file" else "-"
    command = [sys.executable, "-m", "sotepki", "document", "verify", name, "--trust", str(root), "--no-revocation"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with big.open("rb") as stream:
        ended = subprocess.run(command, stdin=stream, capture_output=True, text=True, timeout=60, preexec_fn=_bounded)
    assert ended.returncode == 1, ended.stderr
    assert "longer than" in ended.stdout
    assert "xml.too-large" in ended.stdout
    assert len(ended.stdout.splitlines()) == 4, "verdict, sentence, advice, evidence"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 5


def _bounded() -> None:
    """At most 700 MB of address space, which a document of 200 MB and its tree would not fit into."""
    resource.setrlimit(resource.RLIMIT_AS, (700 * MEGABYTE, 700 * MEGABYTE))


def test_without_a_workspace_the_way_to_name_roots_is_told(tmp_path: Path) -> None:
    """Whoever only wants a file judged need not make a workspace."""
    (tmp_path / "a.xml").write_bytes(SIGNED)
    result = run(tmp_path, "verify", str(tmp_path / "a.xml"))
    assert isinstance(result.exception, Misuse)
    assert "--trust" in result.exception.advice and "--workspace" in result.exception.advice


def test_several_documents_end_with_a_line_that_counts_them(tmp_path: Path) -> None:
    """Whoever verifies a directory of hundreds does not want to count; programs still read one JSON list."""
    root, place = tmp_path / "root.pem", tmp_path / "documents"
    root.write_bytes(world.root().public_bytes(Encoding.PEM))
    place.mkdir()
    signed = world.signed_by_system()
    for name, data in (("a.xml", signed), ("b.xml", signed), ("c.xml", SIGNED[:-40])):
        (place / name).write_bytes(data)
    at = ["--trust", str(root), "--no-revocation", "--at", "2026-03-01T12:00:00Z"]
    told = run(tmp_path, "verify", str(place), *at).stdout.splitlines()
    assert told[-2:] == ["", "3 documents: 2 valid, 1 invalid, 0 indeterminate."]
    assert "document" not in run(tmp_path, "verify", str(place / "a.xml"), *at).stdout.splitlines()[-1]
    rows = json.loads(run(tmp_path, "verify", str(place), *at, "--format", "json").stdout)
    assert [row["verdict"] for row in rows] == ["valid", "valid", "invalid"]
