"""Token directories and sessions of a real SoftHSM: PINs, threads, processes, configurations."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from pkcs11 import Attribute, ObjectClass
from tokens_softhsm_world import NOW, SO_PIN, USER_PIN, ec_key, originals, rsa_key, session  # noqa: F401

from sotepki.errors import Fault, Misuse, Refused
from sotepki.tokens import (
    KeyKind,
    KeyPool,
    KeyRing,
    Pin,
    PrivateKey,
    TokenDirectory,
    TokenSession,
    find_softhsm,
    objects,
)
from sotepki.tokens.pool import make_key

pytestmark = pytest.mark.integration

_ECDSA = ec.ECDSA(hashes.SHA256())


def test_eight_threads_sign_with_one_session(session: TokenSession) -> None:
    """python-pkcs11 initialises SoftHSM without locking: without our lock this crashes the interpreter (measured)."""
    keys = [session.private_key(label) for label in ("rsa-2048", "p-256")]
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(25):
                key, data = keys[(number + turn) % 2], b"%d/%d" % (number, turn)
                session.labels()
                if isinstance(key, rsa.RSAPrivateKey):
                    signature = key.sign(data, padding.PKCS1v15(), hashes.SHA256())
                    key.public_key().verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
                elif isinstance(key, ec.EllipticCurvePrivateKey):
                    signature = key.sign(data, ec.ECDSA(hashes.SHA256()))
                    key.public_key().verify(signature, data, ec.ECDSA(hashes.SHA256()))
        except BaseException as error:  # noqa: BLE001  reported by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def test_eight_threads_open_sign_and_close(tmp_path: Path, originals: dict[str, PrivateKey]) -> None:
    """Opening and closing tokens from several threads is what a server does under load."""
    directory = TokenDirectory(tmp_path / "hsm")
    directory.create_token("keys", SO_PIN, USER_PIN)
    with directory.open("keys", USER_PIN) as opened:
        opened.import_key(originals[KeyKind.P_256], "key", b"1")
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(15):
                with TokenDirectory(tmp_path / "hsm").open("keys", USER_PIN) as opened:
                    ec_key(opened, "key").sign(b"TEST", ec.ECDSA(hashes.SHA256()))
        except BaseException as error:  # noqa: BLE001  reported by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def test_turning_to_another_directory_ends_the_old_sessions(tmp_path: Path, session: TokenSession) -> None:
    """An old handle must say that it is void, and never sign with whatever key has its number now."""
    old = ec_key(session)
    other = TokenDirectory(tmp_path / "other")
    other.create_token("other", SO_PIN, USER_PIN)
    with pytest.raises(Fault, match="has ended") as fault:
        old.sign(b"TEST", ec.ECDSA(hashes.SHA256()))
    assert "open the token again" in str(fault.value)
    with pytest.raises(Fault):
        session.labels()
    again = TokenDirectory(tmp_path / "hsm").open("keys", USER_PIN)
    ec_key(again).sign(b"TEST", ec.ECDSA(hashes.SHA256()))
    again.close()
    with pytest.raises(Fault, match="has ended"):
        again.private_key("p-384")


def test_the_users_own_configuration_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's real SoftHSM tokens must be neither read nor changed by a TEST tool."""
    own = tmp_path / "own.conf"
    (tmp_path / "own").mkdir()
    own.write_text(f"directories.tokendir = {tmp_path / 'own'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(own))
    directory = TokenDirectory(tmp_path / "hsm")
    directory.create_token("keys", SO_PIN, USER_PIN)
    assert directory.token_labels() == ("keys",)
    assert not list((tmp_path / "own").iterdir())
    assert os.environ["SOFTHSM2_CONF"] == str(own)


def test_a_wrong_pin_is_refused_even_when_the_token_is_open(tmp_path: Path) -> None:
    """A second part of the program must not get in on the first one's login."""
    directory = TokenDirectory(tmp_path / "hsm")
    directory.create_token("keys", SO_PIN, USER_PIN)
    with pytest.raises(Refused) as refusal:
        directory.open("keys", Pin("9999"))
    assert refusal.value.rule == "token.pin.wrong"
    with directory.open("keys", USER_PIN):
        with pytest.raises(Refused):
            directory.open("keys", Pin("9999"))
        with directory.open("keys", USER_PIN) as second:
            assert second.labels() == ()
    with pytest.raises(Misuse, match="no token"):
        directory.open("missing", USER_PIN)
    with pytest.raises(Misuse, match="already"):
        directory.create_token("keys", SO_PIN, USER_PIN)


def test_pins_are_changed_and_unblocked(tmp_path: Path) -> None:
    """A forgotten PIN must be replaceable by the security officer, and by nobody else."""
    directory = TokenDirectory(tmp_path / "hsm")
    directory.create_token("keys", SO_PIN, USER_PIN)
    assert not directory.change_user_pin("keys", Pin("9999"), Pin("5555"))
    assert directory.change_user_pin("keys", USER_PIN, Pin("5555"))
    assert not directory.set_user_pin("keys", Pin("11111111"), Pin("6666"))
    assert directory.set_user_pin("keys", SO_PIN, Pin("6666"))
    assert directory.check_so_pin("keys", SO_PIN)
    assert not directory.check_so_pin("keys", Pin("11111111"))
    with directory.open("keys", Pin("6666")):
        pass


def test_keys_are_stored_sensitive_and_survive_the_process(session: TokenSession, tmp_path: Path) -> None:
    """Another process finds the keys again, and pkcs11-tool says that they never leave the token."""
    session.close()
    answer = subprocess.run(
        ["pkcs11-tool", "--module", str(find_softhsm()), "--login", "--pin", "1234", "-O", "--type", "privkey"],
        env={**os.environ, "SOFTHSM2_CONF": str(tmp_path / "hsm" / "softhsm2.conf")},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("Private Key Object") == 4
    assert answer.stdout.count("sensitive") == 4
    assert "extractable" not in answer.stdout.replace("never extractable", "")


def test_tokens_made_by_another_process_are_found(tmp_path: Path) -> None:
    """A running server must be able to open what 'init' in another terminal has just made."""
    directory = TokenDirectory(tmp_path / "hsm")
    directory.create_token("first", SO_PIN, USER_PIN)
    code = (
        "import sys; from pathlib import Path; from sotepki.tokens import *; "
        "TokenDirectory(Path(sys.argv[1])).create_token('second', Pin('87654321'), Pin('1234'))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "hsm")], check=True, timeout=60)
    with directory.open("second", USER_PIN) as opened:
        assert opened.labels() == ()


def test_a_forked_child_starts_afresh(session: TokenSession) -> None:
    """A child that used its parent's PKCS#11 session would disturb it; it must open its own."""
    child = os.fork()
    if child == 0:
        verdict = 1
        try:
            session.labels()
        except Fault:
            verdict = 0
        finally:
            os._exit(verdict)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert "rsa-2048" in session.labels()


def test_an_interrupted_import_can_be_repeated(session: TokenSession, originals: dict[str, PrivateKey]) -> None:
    """A crash between the two objects of a key pair must not make its label unusable."""
    login = session._login
    login.session.create_object(objects.public_key_template(originals[KeyKind.P_256].public_key(), "half", b"9"))
    session.import_key(originals[KeyKind.P_384], "half", b"9")
    assert ec_key(session, "half").key_size == 384
    assert (
        len(list(login.session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.LABEL: "half"}))) == 1
    )
    with pytest.raises(Misuse, match="already"):
        session.import_key(originals[KeyKind.P_384], "half", b"9")


def test_certificates_are_stored_and_replaced(session: TokenSession) -> None:
    """A renewed certificate must take the place of the old one, not stand beside it."""
    key = make_key(KeyKind.P_256)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST äö")])
    for serial in (1 << 150, 200):
        certificate = x509.CertificateBuilder(
            name, name, key.public_key(), serial, NOW, NOW + timedelta(days=1)
        ).sign(key, hashes.SHA256())
        session.store_certificate(certificate.public_bytes(serialization.Encoding.DER), "varmenne", b"\x45")
        assert session.certificate("varmenne") == certificate
    assert session.certificate("missing") is None


def test_a_login_that_was_killed_half_way_loses_no_key(tmp_path: Path, originals: dict[str, PrivateKey]) -> None:
    """SoftHSM empties a token's record at each login and then writes it; a kill in between must cost nothing."""
    path = tmp_path / "hsm"
    TokenDirectory(path).create_token("keys", SO_PIN, USER_PIN)
    with TokenDirectory(path).open("keys", USER_PIN) as opened:
        opened.import_key(originals[KeyKind.P_256], "key", b"1")
    changed = Pin("87654321")
    assert TokenDirectory(path).change_user_pin("keys", USER_PIN, changed)
    (record,) = path.glob("tokens/*/token.object")
    code = (
        "import sys; from pathlib import Path; from sotepki.tokens import Pin, TokenDirectory\n"
        "with TokenDirectory(Path(sys.argv[1])).open('keys', Pin(sys.argv[2])) as token: print(*token.labels())"
    )
    for pin, answer in ((changed, "key"), (USER_PIN, "token.pin.wrong")):
        record.write_bytes(b"")  # as the kill leaves it
        ran = subprocess.run([sys.executable, "-c", code, path, pin.reveal()], capture_output=True, text=True)
        assert answer in (ran.stdout if answer == "key" else ran.stderr), ran.stderr
        assert record.read_bytes()


def test_a_key_ring_keeps_its_keys_and_finds_them_again(tmp_path: Path) -> None:
    """An authority must sign with the same key after a restart, and after a crash in the middle of set-up."""
    pool = KeyPool(tmp_path / "pool")
    (tmp_path / "ring").mkdir()
    (tmp_path / "ring" / "pin").write_text("1234567812345678")  # as if killed while the token was made
    (tmp_path / "ring" / "tokens" / "6d2f8a0c-unfinished").mkdir(parents=True)
    (tmp_path / "ring" / "tokens" / "6d2f8a0c-unfinished" / "token.object").touch()
    ring = KeyRing(tmp_path / "ring", "TEST CA", pool)
    key = ring.create("root", KeyKind.P_256)
    assert ring.create("root", KeyKind.P_256) is key
    public_key = key.public_key()
    ring.close()
    assert KeyRing(tmp_path / "ring", "TEST CA", pool)("root").public_key() == public_key
    with pytest.raises(Misuse, match="no key"):
        ring("missing")
    TokenDirectory(tmp_path / "other").create_token("other", SO_PIN, USER_PIN)
    assert ring("root").public_key() == public_key, "a ring opens again after another directory was in use"
    ring.close()


def test_a_token_whose_record_another_process_writes_is_not_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that open a token at one moment must not end with a second, empty one of its name."""
    ring = KeyRing(tmp_path / "ring", "TEST CA", KeyPool(tmp_path / "pool"))
    public_key = ring.create("root", KeyKind.P_256).public_key()
    ring.close()
    (record,) = (tmp_path / "ring" / "tokens").glob("*/token.object")
    content = record.read_bytes()
    TokenDirectory(tmp_path / "other").create_token("other", SO_PIN, USER_PIN)  # so that the library looks afresh
    # SoftHSM empties the record at a login in another process, after this one has looked whether it is whole.
    monkeypatch.setattr("sotepki.tokens.module.keep_tokens_whole", lambda _directory: ())
    record.write_bytes(b"")
    writer = threading.Timer(0.1, record.write_bytes, [content])
    writer.start()
    try:
        found = KeyRing(tmp_path / "ring", "TEST CA", KeyPool(tmp_path / "pool"))
        assert found("root").public_key() == public_key
        assert len(list((tmp_path / "ring" / "tokens").iterdir())) == 1
        found.close()
    finally:
        writer.join()


def test_two_rings_of_one_process_sign_beside_each_other(tmp_path: Path) -> None:
    """While one workspace publishes a list, another one may sign: neither must say that its session has ended."""
    keys: dict[str, PrivateKey] = {}
    for name, kind in (("one", KeyKind.P_384), ("two", KeyKind.RSA_2048)):
        keys[name] = KeyRing(tmp_path / name, f"TEST {name}", KeyPool(tmp_path / "pool")).create("key", kind)
    failures: list[BaseException] = []

    def work(key: PrivateKey) -> None:
        try:
            for _ in range(20):
                if isinstance(key, rsa.RSAPrivateKey):
                    signature = key.sign(b"TEST", padding.PKCS1v15(), hashes.SHA256())
                    key.public_key().verify(signature, b"TEST", padding.PKCS1v15(), hashes.SHA256())
                else:
                    assert isinstance(key, ec.EllipticCurvePrivateKey)
                    key.public_key().verify(key.sign(b"TEST", _ECDSA), b"TEST", _ECDSA)
        except BaseException as error:  # noqa: BLE001  reported by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(key,)) for key in keys.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def test_a_missing_softhsm_is_one_sentence(tmp_path: Path) -> None:
    """A user without SoftHSM must read what to install."""
    code = (
        "import sys; from pathlib import Path; from sotepki.errors import *\n"
        "from sotepki.tokens import *\n"
        "try: TokenDirectory(Path(sys.argv[1])).create_token('a', Pin('87654321'), Pin('1234'))\n"
        "except Misuse as error: print(error)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "SOTEPKI_SOFTHSM": "/nowhere/libsofthsm2.so"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "there is no such file" in answer.stdout, answer.stderr
