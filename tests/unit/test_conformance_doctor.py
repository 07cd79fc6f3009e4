"""Before a run: the written description is right, and the doctor says of each part whether it will do."""

from __future__ import annotations

import sys
import tomllib
from datetime import timedelta
from pathlib import Path

import document_world as world
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.doctor import State, examine_description
from conformance.sut.loading import TABLES
from conformance.sut.writing import description, parts
from sotepki.cli import run as sotepki
from sotepki.clock import SystemClock
from sotepki.errors import Misuse
from sotepki.x509.crl import build_crl
from sotepki.x509.issuing import Issuer


def examined(tmp_path: Path, text: str) -> dict[str, list[tuple[State, str]]]:
    path = tmp_path / "system.toml"
    path.write_text(text, encoding="utf-8")
    found: dict[str, list[tuple[State, str]]] = {}
    for symptom in examine_description(path, SystemClock()):
        found.setdefault(symptom.part, []).append((symptom.state, symptom.sentence))
    return found


def test_the_written_description_names_known_keys_only() -> None:
    """A template with a key that the loader refuses would fail a vendor's first try."""
    written = tomllib.loads(description('Our "system" \\ 1', parts()))
    assert written.pop("name") == 'Our "system" \\ 1'
    for table, row in written.items():
        assert set(row) <= set(TABLES[table]), table
    assert set(parts()) == set(TABLES) - {"system"}
    assert set(tomllib.loads(description("x", ["sign"]))) == {"name", "system", "sign"}
    with pytest.raises(Misuse, match="Did you mean sign"):
        description("x", ["sing"])


def test_a_written_file_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(tmp_path / "system.toml")
    assert sotepki(["conformance", "init", place, "--with", "verify"]) == 0
    assert sotepki(["conformance", "init", place]) == 2
    assert "is there already" in capsys.readouterr().err


def test_what_answers_is_well(tmp_path: Path) -> None:
    (tmp_path / "ok.py").write_text("print('{}')")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.xml").write_text("<a>010181-900C</a>")
    text = f"[verify]\ncommand = ['{sys.executable}', 'ok.py']\n[documents]\ndirectory = 'docs'\n"
    found = examined(tmp_path, text)
    assert {state for rows in found.values() for state, _ in rows} == {State.OK}


@pytest.mark.parametrize(
    ("text", "part", "state", "sentence"),
    [
        ("[verfy]\n", "description", State.WRONG, "unknown key 'verfy'"),
        ("kind = 'mutant'\nmutant = 'nobody'\n", "description", State.WRONG, "no mutant"),
        ("[verify]\ncommand = ['no-such-program-here']\n", "verify", State.WRONG, "no program"),
        ("[verify]\ncommand = ['./missing.sh']\n", "verify", State.WRONG, "cannot be started"),
        ("[verify]\ncommand = ['false']\n", "verify", State.NOTE, "exit code 1"),
        ("[verify]\nurl = 'http://127.0.0.1:9/'\n", "verify", State.WRONG, "cannot be reached"),
        ("[verify]\nurl = 'ftp://x'\n", "description", State.WRONG, "begins with http"),
        ("[tls-server]\naddress = '127.0.0.1:9'\n", "tls-server", State.WRONG, "cannot be used"),
        ("[tls-server]\naddress = 'x'\n", "description", State.WRONG, "host:port"),
        ("[scs]\nurl = 'https://127.0.0.1:9'\n", "scs", State.WRONG, "cannot be used"),
        ("[token]\nmodule = 'no.so'\nlabel = 'x'\npin-file = 'p'\n", "description", State.WRONG, "not there"),
        ("[csrs]\nserver = 'no.csr'\n", "csrs", State.WRONG, "cannot be read"),
        ("[csrs]\n", "csrs", State.NOTE, "names nothing"),
        (
            "[certificates]\nserver = 'system.toml'\n",
            "certificates",
            State.WRONG,
            "server: The file is not a cert",
        ),
        ("kind = 'reference'\nmutnt = 'x'\n", "description", State.WRONG, "unknown key 'mutnt'"),
        ("[paperwork]\ndirectory = 'papers'\n", "paperwork", State.WRONG, "not YAML in UTF-8: see line 2"),
        ("[card]\nurl = 'http://127.0.0.1:9/'\n", "card", State.WRONG, "cannot be reached"),
        ("[card-desk]\nurl = 'http://127.0.0.1:9/'\n", "card-desk", State.WRONG, "cannot be reached"),
        ("[rights]\ncommand = ['no-such-program-here']\n", "rights", State.WRONG, "no program"),
        ("[scs-user]\ncommand = ['false']\norigin = 'https://x'\n", "scs-user", State.NOTE, "exit code 1"),
        ("[scs-user]\ncommand = ['false']\n", "description", State.WRONG, "origin must be a text"),
        ("[client]\nurl = 'http://127.0.0.1:9/'\n", "client", State.WRONG, "cannot be reached"),
        ("[card]\n", "description", State.WRONG, "does not say how it is asked"),
        ("[rights]\noperator = true\nhandover = 'h'\n", "rights", State.OK, "answers at the terminal"),
        ("[system]\nclass = 'A9'\n[csrs]\nserver = 'x'\n", "csrs", State.WRONG, "cannot be read"),
    ],
)
def test_what_is_wrong_is_explained(tmp_path: Path, text: str, part: str, state: State, sentence: str) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "paperwork.yaml").write_text("plans:\n\t- a\n", encoding="utf-8")
    assert any(s is state and sentence in line for s, line in examined(tmp_path, text)[part])


def test_a_signer_without_its_authorities_is_told(tmp_path: Path) -> None:
    """Nobody could be shown its documents in a cross test, and the chain of no signature is judged."""
    (tmp_path / "system.pem").write_bytes(world.system_certificate().public_bytes(Encoding.PEM))
    (tmp_path / "ca.pem").write_bytes(world.root().public_bytes(Encoding.PEM))
    text = "[certificates]\nsystem-signature = 'system.pem'\n[sign]\ncommand = ['echo', '{}']\nkinds = ['system']\n"
    rows = examined(tmp_path, text)["sign"]
    assert [state for state, _ in rows] == [State.NOTE, State.OK] and "There is no [trust]" in rows[0][1]
    trust = "[trust]\ncertificates = ['ca.pem']\n"
    assert [state for state, _ in examined(tmp_path, text + trust)["sign"]] == [State.OK]


def test_an_authority_without_a_list_and_an_old_list_are_told(tmp_path: Path) -> None:
    """The whole case is skipped if that authority issued one, and the run says no more than that."""
    authorities = [one.public_bytes(Encoding.PEM) for one in (world.root(), world.system_certificate())]
    (tmp_path / "ca.pem").write_bytes(b"".join(authorities))
    then = SystemClock().now() - timedelta(days=9)
    root = Issuer(world.root(), world.ec_key("root"))
    old = build_crl(root, [], number=1, this_update=then, next_update=then + timedelta(days=2))
    (tmp_path / "old.crl").write_bytes(old.public_bytes(Encoding.DER))
    (tmp_path / "x.csr").write_text("x", encoding="utf-8")
    text = "[trust]\ncertificates = ['ca.pem']\ncrls = ['old.crl']\n[csrs]\nserver = 'x.csr'\n"
    notes = [sentence for state, sentence in examined(tmp_path, text)["trust"] if state is State.NOTE]
    missing = [n for n in notes if n.startswith("There is no revocation list of")]
    assert missing and all("certificate.not-revoked is skipped, unless one is revoked" in n for n in missing), notes
    assert any(f"is old (nextUpdate {then + timedelta(days=2):%Y-%m-%d})" in n for n in notes), notes


def test_a_real_identity_code_among_the_documents_is_refused(tmp_path: Path) -> None:
    """Test data with a code outside the 900-series breaks the etiquette of the test environments."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.xml").write_text("<a>010181-123X</a>")
    rows = examined(tmp_path, "[documents]\ndirectory = 'docs'\n")["documents"]
    assert rows[-1][0] is State.WRONG and "900-series" in rows[-1][1]


def test_the_command_ends_with_2_when_something_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text("[csrs]\nserver = 'no.csr'\n")
    assert sotepki(["conformance", "doctor", "--sut", str(tmp_path / "s.toml")]) == 2
    assert "no.csr cannot be read" in capsys.readouterr().out
