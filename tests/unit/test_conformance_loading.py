"""The description of a system: every mistake gets one sentence that says what to write instead."""

from __future__ import annotations

import io
import os
import pty
from pathlib import Path

import pytest
import x509_world as w
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.sut.facets import CertificateRole, Endpoint, Facet, OperatorNeeded, Trust
from conformance.sut.files import MAX_FILES, FileDirectory, read_trust
from conformance.sut.loading import attach
from conformance.sut.operator import Handover, Hands, OperatorClient
from conformance.sut.person import AtTerminal, Nobody
from conformance.sut.rows import Row
from sotepki.errors import Misuse
from sotepki.x509.crl import build_crl
from sotepki.x509.csr import CsrKind


def described(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "system.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(Misuse) as caught, attach(described(tmp_path, text)):
        pass
    return str(caught.value)


def test_a_list_of_a_whole_authority_is_read(tmp_path: Path) -> None:
    """A list of 550 000 entries has 21 MiB; a vendor's whole description would be refused for it."""
    root, crl = tmp_path / "root.pem", tmp_path / "root.crl"
    listed = build_crl(w.world().root, [], number=1, this_update=w.NOW)
    root.write_bytes(w.world().root_certificate.public_bytes(Encoding.PEM))
    crl.write_bytes(b"\n" * (21 * 1024 * 1024) + listed.public_bytes(Encoding.PEM))
    assert read_trust([root], [crl]).crls == (listed,)


def test_patterns_may_be_absolute_and_names_may_look_like_patterns(tmp_path: Path) -> None:
    """An absolute pattern was taken for the name of a file, which could not be read."""
    place = tmp_path / "ca [1]"
    place.mkdir()
    for name in ("b.pem", "a.pem", "c[2].pem"):
        (place / name).touch()
    row = Row({"x": [f"{tmp_path}/*/?.pem", "*.pem", "c[2].pem", str(place / "c[2].pem")]}, "trust", place / "s.toml")
    names = ["a.pem", "b.pem", "a.pem", "b.pem", "c[2].pem", "c[2].pem", "c[2].pem"]
    assert row.matches("x") == [place / name for name in names]
    with pytest.raises(Misuse, match="nothing matches"):
        Row({"x": [f"{tmp_path}/no/*.pem"]}, "trust", place / "s.toml").matches("x")


def test_every_list_of_a_file_is_read_also_behind_text(tmp_path: Path) -> None:
    """Of a bundle only the first list was read, and what "openssl crl -text" writes was refused."""
    root, crl = tmp_path / "root.pem", tmp_path / "all.crl"
    lists = tuple(build_crl(w.world().root, [], number=number, this_update=w.NOW) for number in (1, 2))
    pems = [one.public_bytes(Encoding.PEM) for one in lists]
    root.write_bytes(w.world().root_certificate.public_bytes(Encoding.PEM))
    crl.write_bytes(b"Certificate Revocation List (CRL):\n    Version 2 (0x1)\n" + b"\n".join(pems))
    assert read_trust([root], [crl]).crls == lists
    crl.write_bytes(b"")
    with pytest.raises(Misuse, match=r"all\.crl is empty"):
        read_trust([root], [crl])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind = 'file'", "'file'; known are reference, mutant, files"),
        ("", "attaches nothing that could be tested"),
        ("[document]\ndirectory = 'x'", "Did you mean 'documents'?"),
        ("[documents]\ndirectry = 'x'", "Did you mean 'directory'?"),
        ("[documents]\ndirectory = 'nowhere'", "there is no directory"),
        ("[documents]\ndirectory = 5", "documents.directory must be a text"),
        ("documents = 5", "written as [documents]"),
        ("[certificates]\nservr = 'x'", "Did you mean 'server'?"),
        ("[csrs]\nclient = 'x'", "unknown key 'client'"),
        ("[verify]\ncommand = 'verify.sh'", "verify.command must be a list of texts"),
        ("[verify]\ncommand = []", "an empty command"),
        ("[verify]\ncommand = ['x']\ntimeout = 0", "verify.timeout must be a number from 0.1 to 600"),
        ("[verify]\ncommand = ['x']\ntimeout = true", "verify.timeout must be a number"),
        ("[verify]\nurl = 'http://127.0.0.1:8092/my verifier'", "verify.url has a space or a letter"),
        ("[verify]\nurl = 'http://127.0.0.1:8092/k\u00e4ytt\u00f6'", "write %20 for a space"),
        ("[client]\nurl = 'https://\u00e4.test.example/'", "a host as xn--..."),
        ("[scs]\nurl = 'https://localhost:53952/\t'", "scs.url has a space or a letter"),
        ("[tls-server]\naddress = 'localhost:1'\ntimeout = 0", "tls-server.timeout must be a number from 0.1 to 600"),
        ("[sign]\ncommand = ['x']", "does not name card-signature"),
        ("[sign]\ncommand = ['x']\nkinds = ['both']", "known are professional, system"),
        ("[client]\noperator = false", "does not say how it is asked"),
        ("[client]\noperator = 'yes'", "client.operator must be true or false"),
        ("[card]\noperator = true\ncommand = ['x']", "a command or a url, or says operator = true, not both"),
        ("[card-desk]\n", "does not say how it is asked"),
        ("[rights]\ncommand = ['x']\nproceeds-unasked = 1", "rights.proceeds-unasked must be true or false"),
        ("[scs-user]\ncommand = ['x']", "scs-user.origin must be a text"),
        ("[scs-user]\ncommand = ['x']\norgin = 'y'", "Did you mean 'origin'?"),
        ("[trust]\ncertificates = ['*.pem']\n[client]\noperator = true", "nothing matches '*.pem'"),
        ("[trust]\nworkspace = 'w'\ncrls = []\n[client]\noperator = true", "a workspace or files, not both"),
        ("kind = 'mutant'\nmutant = 'signer-keeps-stale'", "signer-keeps-stale-signature"),
        ("kind = 'mutant'\nmutant = 'qqqq'", "conformance-matrix.md"),
        ("[trust]\nworkspace = 'w'\n[client]\noperator = true", "where no sotepki workspace stands"),
        ('[csrs]\nserver = "C:\\Users\\x.csr"', "put the path in single quotes"),
        ('[csrs]\nserver = "D:\\kanta\\x.csr"', "put the path in single quotes"),
        ("kind = 'reference'\n[verify]\ncommand = ['x']", "unknown key 'verify'"),
        ("kind = ", "is not TOML"),
    ],
)
def test_a_mistake_gets_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    assert sentence in refused(tmp_path, text)


def test_a_missing_or_binary_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be read"), attach(tmp_path / "missing.toml"):
        pass
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Misuse, match="is not TOML"), attach(tmp_path / "binary.toml"):
        pass


def test_trust_files_without_a_certificate_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello", encoding="utf-8")
    assert "ca.pem holds no usable certificate" in refused(
        tmp_path, "[trust]\ncertificates = ['ca.pem']\n[client]\noperator = true"
    )


def test_a_private_key_among_the_trust_files_is_not_printed(tmp_path: Path) -> None:
    secret = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    (tmp_path / "ca.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n")
    sentence = refused(tmp_path, "[trust]\ncertificates = ['ca.pem']\n[client]\noperator = true")
    assert "private key" in sentence and secret not in sentence


def test_what_is_named_is_attached_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "b.xml").write_text("<b/>")
    (tmp_path / "docs" / "a.XML").write_text("<a/>")
    (tmp_path / "docs" / "notes.txt").write_text("no")
    (tmp_path / "s.csr").write_bytes(b"csr")
    text = (
        "name = 'Oma järjestelmä'\n[documents]\ndirectory = 'docs'\n[csrs]\nserver = 's.csr'\n"
        "[certificates]\nserver = 's.crt'\n[verify]\ncommand = ['true']\ntimeout = 5\n"
    )
    with attach(described(tmp_path, text)) as attached:
        sut = attached.sut
        assert attached.bench is None
    assert sut.name == "Oma järjestelmä"
    assert sut.attached() == (Facet.CERTIFICATES, Facet.CSRS, Facet.DOCUMENTS, Facet.VERIFIER)
    assert sut.documents and [f.name for f in sut.documents.files()] == ["a.XML", "b.xml"]
    assert sut.csrs and sut.csrs.csrs() == {CsrKind.SERVER: b"csr"}
    with pytest.raises(Misuse, match=r"s\.crt cannot be read"):
        assert sut.certificates and sut.certificates.certificates()[CertificateRole.SERVER]


def test_a_directory_of_thousands_of_files_is_refused_at_once(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.xml").touch()
    with pytest.raises(Misuse, match="takes at most"):
        FileDirectory(tmp_path).files()


def test_an_operator_who_does_nothing_leaves_the_case_waiting(tmp_path: Path) -> None:
    told: list[str] = []

    class Idle(Nobody):
        def tell(self, line: str) -> None:
            told.append(line)

    client = OperatorClient(Hands(Idle(), Handover(tmp_path / "handover"), 0.01))
    with pytest.raises(OperatorNeeded, match="Nobody connected"):
        client.send(b"", Endpoint("https://localhost:1/kanta", Trust(()), lambda seconds: False))
    assert "https://localhost:1/kanta" in told[0] and (tmp_path / "handover" / "authorities.pem").is_file()


def terminal(typed: bytes) -> AtTerminal:
    """A terminal at which somebody has typed."""
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    return AtTerminal(os.fdopen(theirs, encoding="utf-8"), io.StringIO())


def test_a_person_answers_by_number_and_is_asked_again_after_a_slip() -> None:
    person = terminal(b"seven\n0\n3\n2\n")
    assert person.choose("What came of it?", ("done", "refused"), 5) == "refused"
    said = person.target.getvalue()  # type: ignore[attr-defined]
    assert "2  refused" in said and said.count("Type a number from 1 to 2, then Enter.") == 3


def test_a_person_who_says_nothing_leaves_the_case_waiting() -> None:
    with pytest.raises(OperatorNeeded, match=r"within 0\.05 seconds: Well\?.*--resume"):
        terminal(b"").choose("Well?", ("done",), 0.05)
    with pytest.raises(OperatorNeeded, match="Nobody is at the terminal"):
        AtTerminal(io.StringIO("1\n"), io.StringIO()).choose("Well?", ("done",), 5)


def test_a_handover_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "handover").write_text("a file", encoding="utf-8")
    with pytest.raises(Misuse, match="cannot be written"):
        Handover(tmp_path / "handover").put("x.pem", "x")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_description_saved_on_windows_is_read_or_its_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    """Notepad puts a byte order mark in front, or saves as ANSI; line ends are those of Windows."""
    path = tmp_path / "system.toml"
    path.write_bytes('name = "Järjestelmä"\r\n[csrs]\r\nserver = "x.csr"\r\n'.encode(encoding))
    if encoding == "utf-8-sig":
        with attach(path) as attached:
            assert attached.sut.name == "Järjestelmä"
        return
    with pytest.raises(Misuse, match="it is not in UTF-8"), attach(path):
        pass
