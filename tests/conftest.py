"""Settings for every test: the database it works on, and no time limit for one example of Hypothesis.

``SOTEPKI_TEST_DATABASE=postgresql pytest ...`` starts a PostgreSQL server for the run and works there; else SQLite.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from databases import SERVER, on_postgresql
from hypothesis import settings
from postgresql_server import NoPostgresql, Server, postgresql

# A run that was started in the background of a script ignores Ctrl-C, and so would the programs that it tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no fault.
settings.register_profile("sotepki", settings.default, deadline=None)
settings.load_profile("sotepki")


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
