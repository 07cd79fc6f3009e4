"""The key pool: keys are private to their owner and nobody gets one twice."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from sotepki.errors import Fault
from sotepki.tokens import READY_KEYS, KeyKind, KeyPool, ready_keys


@pytest.fixture
def pool(tmp_path: Path) -> KeyPool:
    return KeyPool(tmp_path / "keys")


def test_an_empty_pool_makes_the_key_on_demand(pool: KeyPool) -> None:
    """Somebody who orders more cards than were prepared must only wait longer."""
    key = pool.take(KeyKind.P_384)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp384r1"
    rsa_key = pool.take(KeyKind.RSA_2048)
    assert isinstance(rsa_key, rsa.RSAPrivateKey)
    assert rsa_key.key_size == 2048


def test_filling_makes_exactly_what_is_missing(pool: KeyPool) -> None:
    """A second set-up must not make the keys again."""
    pool.fill({KeyKind.P_256: 3, KeyKind.RSA_2048: 1})
    before = sorted(pool.directory.rglob("*.key"))
    pool.fill({KeyKind.P_256: 3, KeyKind.RSA_2048: 1})
    assert sorted(pool.directory.rglob("*.key")) == before
    assert pool.waiting(KeyKind.P_256) == 3
    assert pool.waiting(KeyKind.RSA_2048) == 1


def test_key_files_are_readable_by_their_owner_only(pool: KeyPool) -> None:
    """Private keys must not be open to other users of a shared machine."""
    pool.fill({KeyKind.P_256: 1})
    for path in pool.directory.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_no_key_is_given_twice_to_racing_takers(pool: KeyPool) -> None:
    """Two cards with one key would sign in each other's name."""
    pool.fill({KeyKind.P_256: 20})
    taken: list[int] = []
    guard = threading.Lock()

    def take_some() -> None:
        for _ in range(10):
            key = pool.take(KeyKind.P_256)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            with guard:
                taken.append(key.private_numbers().private_value)

    threads = [threading.Thread(target=take_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40
    assert pool.waiting(KeyKind.P_256) == 0
    assert not list(pool.directory.rglob("*.taken")), "claimed keys must not stay on the disk"


def test_a_damaged_key_file_is_passed_over(pool: KeyPool) -> None:
    """A file that was cut short by a full disk must not stop a card from being made."""
    pool.fill({KeyKind.P_256: 1})
    next(pool.directory.rglob("*.key")).write_bytes(b"\x30\x82")
    assert isinstance(pool.take(KeyKind.P_256), ec.EllipticCurvePrivateKey)
    assert pool.waiting(KeyKind.P_256) == 0


def test_a_pool_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A path that is no directory gives a sentence, not a traceback."""
    (tmp_path / "keys").write_text("in the way")
    with pytest.raises(Fault, match="cannot be written"):
        KeyPool(tmp_path / "keys").fill({KeyKind.P_256: 1})


def _number(key: object) -> int:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.private_numbers().private_value


def test_keys_made_beforehand_are_taken_first_and_once(tmp_path: Path, pool: KeyPool) -> None:
    """Who fills SOTEPKI_READY_KEYS waits less, and still no two workspaces get one key."""
    pool.fill({KeyKind.P_256: 3})
    ready = {_number(load_der_private_key(path.read_bytes(), None)) for path in pool.directory.rglob("*.key")}
    one, other = (KeyPool(tmp_path / name, pool) for name in ("one", "other"))
    one.fill({KeyKind.P_256: 2})
    assert {_number(one.take(KeyKind.P_256)) for _ in range(2)} | {_number(other.take(KeyKind.P_256))} == ready
    assert pool.waiting(KeyKind.P_256) == 0
    assert _number(other.take(KeyKind.P_256)) not in ready, "with none left, a key is made"


def test_a_repeated_pool_has_the_same_keys_and_leaves_the_first_as_it_is(tmp_path: Path, pool: KeyPool) -> None:
    """A run of tests makes its keys once; what one file of tests takes must still be there for the next."""
    pool.fill({KeyKind.P_256: 1})
    again = [_number(pool.repeat(tmp_path / name).take(KeyKind.P_256)) for name in ("one", "two")]
    assert again == [_number(pool.take(KeyKind.P_256))] * 2


def test_the_environment_names_the_ready_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(READY_KEYS, raising=False)
    assert ready_keys() is None
    monkeypatch.setenv(READY_KEYS, str(tmp_path / "ready"))
    named = ready_keys()
    assert named is not None and named.directory == tmp_path / "ready"
    assert isinstance(KeyPool(tmp_path / "own", named).take(KeyKind.P_256), ec.EllipticCurvePrivateKey)
