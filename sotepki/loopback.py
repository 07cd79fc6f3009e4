"""HTTP services on the loopback interface, run in a thread of their own beside the code that uses them."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from sotepki.errors import Fault, Misuse

LOOPBACK = "127.0.0.1"

_START_SECONDS = 30.0
_DRAIN_SECONDS = 1.0


@contextmanager
def running(
    app: web.Application,
    ssl_context: ssl.SSLContext | None = None,
    *,
    host: str = LOOPBACK,
    port: int = 0,
) -> Iterator[str]:
    """Serve ``app`` until the block ends, and give the base URL without a slash at its end.

    The server runs in its own thread with its own event loop, so the caller may use blocking clients. ``port`` 0
    takes a free one. Open connections are given a second to finish when the block ends; the port is free afterwards.

    Raises:
        Misuse: the port is taken or the host is not an address of this machine.
        Fault: the application did not start.
    """
    service = _Service(app, ssl_context, host, port)
    service.start()
    try:
        yield service.base_url
    finally:
        service.stop()


class _Service:
    """One application, its thread and its loop."""

    def __init__(self, app: web.Application, ssl_context: ssl.SSLContext | None, host: str, port: int) -> None:
        self.base_url = ""
        self._app = app
        self._ssl_context = ssl_context
        self._host = host
        self._port = port
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="sotepki-loopback", daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise Fault(f"The service on {self._host} did not start within {_START_SECONDS:.0f} seconds.")
        if self._failure is not None:
            self._thread.join()
            if isinstance(self._failure, OSError):
                raise Misuse(
                    f"The service cannot listen on {self._host} port {self._port}: {self._failure.strerror}.",
                    advice="Stop the program that holds the port, or choose another one.",
                ) from self._failure
            raise Fault(f"The service on {self._host} did not start: {self._failure}.") from self._failure

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits in start()
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._app, access_log=None, handle_signals=False, shutdown_timeout=_DRAIN_SECONDS)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self._port, ssl_context=self._ssl_context)
            await site.start()
            scheme = "https" if self._ssl_context else "http"
            address, port = runner.addresses[0][:2]
            name = f"[{address}]" if ":" in str(address) else address
            self.base_url = f"{scheme}://{name}:{port}"
            self._ready.set()
            await self._stop.wait()
        finally:
            await runner.cleanup()
