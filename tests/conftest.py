"""Settings for every test: the database it works on, where its keys come from, no time limit for Hypothesis.

``SOTEPKI_TEST_DATABASE=postgresql pytest ...`` starts a PostgreSQL server for the run and works there; else SQLite.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from databases import SERVER, on_postgresql
from hypothesis import settings
from postgresql_server import NoPostgresql, Server, postgresql

from sotepki.tokens import READY_KEYS, KeyKind, KeyPool
from sotepki.tokens.storage import locked

# A run that was started in the background of a script ignores Ctrl-C, and so would the programs that it tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no fault.
settings.register_profile("sotepki", settings.default, deadline=None)
settings.load_profile("sotepki")


_ALL_OF_THEM = 400
"""A run of so many tests makes enough workspaces for keys made beforehand to pay."""
_STOCK = {KeyKind.RSA_4096: 10, KeyKind.RSA_3072: 30, KeyKind.RSA_2048: 8}


@pytest.fixture(scope="session")
def key_stock(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Keys that a run makes once, for the workspaces of all its files: a tenth of its time went into keys."""
    if len(request.session.items) < _ALL_OF_THEM:
        return None
    place = tmp_path_factory.getbasetemp()
    stock = (place.parent if "PYTEST_XDIST_WORKER" in os.environ else place) / "key-stock"
    with locked(stock.with_suffix(".lock")):
        KeyPool(stock).fill(_STOCK)
    return stock


@pytest.fixture(scope="module", autouse=True)
def keys_of_the_file(key_stock: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Workspaces of a file have keys of their own; those of another file may have the same."""
    with _ready_keys(key_stock, tmp_path_factory):
        yield


@pytest.fixture
def keys_of_the_test(key_stock: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For tests that make so many workspaces, each for itself, that the keys of the file would not last."""
    with _ready_keys(key_stock, tmp_path_factory):
        yield


@contextmanager
def _ready_keys(stock: Path | None, places: pytest.TempPathFactory) -> Iterator[None]:
    if stock is None:
        yield
        return
    ready = places.mktemp("ready-keys")
    KeyPool(stock).repeat(ready)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(READY_KEYS, str(ready))
        yield
    shutil.rmtree(ready)


@pytest.fixture(scope="session", autouse=on_postgresql())
def postgresql_for_all() -> Iterator[None]:
    """The server of a run on PostgreSQL; new workspaces are made there, each in a schema of its own."""
    with postgresql(durable=False) as server:
        os.environ[SERVER] = os.environ["SOTEPKI_DATABASE_URL"] = server.address
        yield
        del os.environ[SERVER], os.environ["SOTEPKI_DATABASE_URL"]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """A server for the tests that need PostgreSQL whatever the run is on."""
    try:
        with postgresql() as server:
            yield server
    except NoPostgresql as missing:
        pytest.skip(str(missing))
