"""HTTP services on the loopback interface, run in a thread of their own beside the code that uses them.

A client may not hold a service up: every connection has a time for its handshake, for the head of its first request
and for silence while nobody owes it an answer, and there is a bound on how many are open at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import threading
from asyncio.trsock import TransportSocket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sized
from contextlib import contextmanager
from ctypes import Array, c_int, c_uint
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from sotepki.errors import Fault, Misuse, SotepkiError

LOOPBACK = "127.0.0.1"

_Answerer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_START_SECONDS = 30.0
_DRAIN_SECONDS = 1.0
_BACKLOG = 512

NOT_SERVING = -1
"""In the counts of a ``Door``."""

_LEFT_TO_OTHERS_SECONDS = 0.02
"""How long a client is left to the processes that have fewer, before one that has more takes it."""

BEAT_SECONDS = 1.0
"""How often an event loop at a door says that it comes round."""

_EXHAUSTED_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What one client may take of a service; times in seconds.

    Attributes:
        handshake: until TLS stands.
        header: until the head of the first request is there.
        silence: without an octet from the client, while no answer is being made for it.
        answer: the longest that an answer may take; a service that is slow on purpose takes less.
        connections: open at once after their handshake; one more is told 503 and closed.
    """

    handshake: float = 10.0
    header: float = 15.0
    silence: float = 120.0
    answer: float = 1800.0
    connections: int = 1000


@dataclass(frozen=True)
class Observer:
    """Who is told of every request: a logger, and a class of aiohttp that writes to it."""

    logger: logging.Logger
    kind: type[AbstractAccessLogger]


@contextmanager
def running(
    app: web.Application,
    ssl_context: ssl.SSLContext | None = None,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    limits: Limits | None = None,
    observer: Observer | None = None,
    door: Door | None = None,
) -> Iterator[str]:
    """Serve ``app`` until the block ends, and give the base URL without a slash at its end.

    The server has a thread and an event loop of its own, so the caller may use blocking clients. ``port`` 0 takes a
    free one. Open connections are given a second to finish when the block ends; the port is free afterwards.

    Args:
        door: instead of host and port, a socket that other processes accept from too; closed at the end, but the
            port stays taken until all of them have closed it.

    Raises:
        Misuse: the port is taken or the host is not an address of this machine.
        Fault: the application did not start.
    """
    service = _Service(app, ssl_context, host, port, limits or Limits(), observer, door)
    service.start()
    try:
        yield service.base_url
    finally:
        service.stop()


@dataclass(frozen=True)
class Door:
    """A listening socket from which several processes accept; can be handed over to one that is being begun.

    Attributes:
        listening: of ``listening``.
        counts: in memory that all of them see: how many connections each has, ``NOT_SERVING`` if it is not there.
        beats: likewise, how often the event loop of each has come round; goes on while the process serves, and
            stands still when it is stopped or something holds its loop up.
        number: which of them this one is.
    """

    listening: socket.socket
    counts: Array[c_int]
    beats: Array[c_uint]
    number: int

    def is_ahead(self) -> bool:
        """Whether this process has more connections than another, by more than one."""
        counts = list(self.counts)
        fewest = min((count for count in counts if count != NOT_SERVING), default=0)
        return bool(counts[self.number] > fewest + 1)


def listening(port: int, *, host: str = LOOPBACK) -> socket.socket:
    """A socket that listens, for a ``Door``; clients may connect from now on, and wait.

    Raises:
        Misuse: the port is taken or the host is not an address of this machine.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
        )
    except OSError as error:
        raise _cannot_listen(host, port, error) from error


def base_url(listening: socket.socket | TransportSocket, *, tls: bool) -> str:
    """The URL of a service that listens there, without a slash at its end."""
    address, port = listening.getsockname()[:2]
    name = f"[{address}]" if ":" in str(address) else address
    return f"{'https' if tls else 'http'}://{name}:{port}"


def _cannot_listen(host: str, port: int, error: OSError) -> Misuse:
    return Misuse(
        f"The service cannot listen on {host} port {port}: {os.strerror(error.errno) if error.errno else error}.",
        advice="Stop the program that holds the port, or choose another one.",
    )


class _Service:
    """One application, its thread and its loop."""

    def __init__(
        self,
        app: web.Application,
        ssl_context: ssl.SSLContext | None,
        host: str,
        port: int,
        limits: Limits,
        observer: Observer | None,
        door: Door | None,
    ) -> None:
        self.base_url = ""
        self._app = app
        self._ssl_context = ssl_context
        self._host = host
        self._port = port
        self._limits = limits
        self._observer = observer
        self._door = door
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="sotepki-loopback", daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            self._ask_to_stop()  # when it does start, nobody will want it
            raise Fault(f"The service on {self._host} did not start within {_START_SECONDS:.0f} seconds.")
        if (error := self._failure) is not None:
            self._thread.join()
            if isinstance(error, OSError):
                raise _cannot_listen(self._host, self._port, error) from error
            told = error if isinstance(error, SotepkiError) else Fault(f"{error}.")
            raise Fault(f"The service on {self._host} did not start: {told.sentence}", advice=told.advice) from error

    def stop(self) -> None:
        self._ask_to_stop()
        self._thread.join()

    def _ask_to_stop(self) -> None:
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits in start()
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        observing: dict[str, Any] = {"access_log": None}
        if self._observer is not None:
            observing = {"access_log": self._observer.logger, "access_log_class": self._observer.kind}
        runner = web.AppRunner(
            self._app,
            handle_signals=False,
            shutdown_timeout=_DRAIN_SECONDS,
            keepalive_timeout=self._limits.silence,
            **observing,
        )
        await runner.setup()
        listening: asyncio.Server | _Entrance | None = None
        try:
            listening = await self._listen(runner)
            self.base_url = base_url(listening.sockets[0], tls=self._ssl_context is not None)
            self._ready.set()
            await self._stop.wait()
        finally:
            if listening is not None:
                listening.close()
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> asyncio.Server | _Entrance:
        server, limits = runner.server, self._limits
        assert server is not None, "setup() has made it"
        server.request_handler = _noted(server.request_handler)
        open_connections: set[_Connection] = set()
        tls: dict[str, Any] = {"ssl": self._ssl_context}
        if self._ssl_context is not None:
            tls |= {"ssl_handshake_timeout": limits.handshake, "ssl_shutdown_timeout": limits.handshake}
        if self._door is not None:
            entrance = _Entrance(self._door, open_connections, tls)
            entrance.open(lambda: _Connection(server(), limits, open_connections, entrance.tell))
            return entrance
        return await asyncio.get_running_loop().create_server(
            lambda: _Connection(server(), limits, open_connections),
            self._host,
            self._port,
            backlog=_BACKLOG,
            **tls,
        )


class _Entrance:
    """This process at a door: it accepts one connection at a time, unless another process has fewer.

    asyncio's own server accepts all that wait in one go, so the process that looks first would take everything; and
    the kernel wakes whoever runs, so a process on a busy processor would get little.
    """

    def __init__(self, door: Door, open_connections: Sized, tls: Mapping[str, Any]) -> None:
        self.sockets = (door.listening,)
        self._door = door
        self._open = open_connections
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._heart: asyncio.TimerHandle | None = None
        self._closed = False

    def open(self, connection: Callable[[], asyncio.Protocol]) -> None:
        self._connection = connection
        self._door.listening.setblocking(False)
        self.tell()
        self._beat()
        self._loop.add_reader(self._door.listening, self._knock)

    def close(self) -> None:
        self._closed = True
        for timer in (self._timer, self._heart):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._door.listening)
        self._door.counts[self._door.number] = NOT_SERVING
        self._door.listening.close()

    def tell(self) -> None:
        """Let the other processes see how many connections this one has."""
        if not self._closed:
            self._door.counts[self._door.number] = len(self._opening) + len(self._open)

    def _beat(self) -> None:
        self._door.beats[self._door.number] += 1
        self._heart = self._loop.call_later(BEAT_SECONDS, self._beat)

    def _knock(self) -> None:
        if self._door.is_ahead():
            self._look_away(_LEFT_TO_OTHERS_SECONDS)
        else:
            self._accept()

    def _look_away(self, seconds: float) -> None:
        self._loop.remove_reader(self._door.listening)
        self._timer = self._loop.call_later(seconds, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self._loop.add_reader(self._door.listening, self._knock)
        self._accept()  # whom nobody took by now is not left waiting

    def _accept(self) -> None:
        try:
            accepted, _ = self._door.listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process took it, or the client is gone
        except OSError as error:
            # No file descriptor left, most likely; the kernel would go on calling.
            _log.error("No connection can be accepted: %s.", error.strerror)
            self._look_away(_EXHAUSTED_SECONDS)
            return
        accepted.setblocking(False)
        task = self._loop.create_task(self._let_in(accepted))
        self._opening.add(task)
        task.add_done_callback(self._let_in_or_not)
        self.tell()

    async def _let_in(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):  # a handshake that failed, which the TLS context has told
            await self._loop.connect_accepted_socket(self._connection, accepted, **self._tls)

    def _let_in_or_not(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        self.tell()


class _Connection(asyncio.Protocol):
    """One connection, between the transport and aiohttp's handler: it keeps the limits.

    aiohttp itself waits for the head of a first request for ever, and bounds neither connections nor silence.
    """

    def __init__(
        self,
        handler: asyncio.Protocol,
        limits: Limits,
        others: set[_Connection],
        fewer: Callable[[], None] = lambda: None,
    ) -> None:
        self._handler = handler
        self._fewer = fewer
        self._limits = limits
        self._others = others
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._head: bytes | None = b""
        self._asked: web.BaseRequest | None = None
        self._heard = self._begun = 0.0
        self._unread = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if len(self._others) >= self._limits.connections:
            transport.write(_BUSY)
            transport.close()
            return
        self._others.add(self)
        self._transport = transport
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(self._limits.header, self._look)
        self._handler.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._heard = self._loop.time()
        if self._head is not None:
            seen = self._head + data
            self._head = None if b"\r\n\r\n" in seen else seen[-3:]
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received() if self._transport is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._others.discard(self)
            self._fewer()
            self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        self._unread = True
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._unread = False
        self._handler.resume_writing()

    def asked(self, request: web.BaseRequest) -> None:
        self._asked, self._begun = request, self._loop.time()

    def answered(self) -> None:
        """The answer is made: from now on it is the client who is silent."""
        self._asked, self._heard = None, self._loop.time()

    def _look(self) -> None:
        """Close a connection that has not sent a head in time, or nothing for too long; else look again later."""
        assert self._transport is not None
        now, late = self._loop.time(), False
        if self._asked is not None and self._is_ours(self._asked, self._transport):
            self._heard, late = now, now - self._begun >= self._limits.answer
        silent = now - self._heard
        if self._head is not None or late or silent >= self._limits.silence:
            self._transport.abort()
        else:
            self._timer = self._loop.call_later(self._limits.silence - silent, self._look)

    def _is_ours(self, asked: web.BaseRequest, transport: asyncio.Transport) -> bool:
        """Whether the silence is ours: the client sent all that we let it send, and reads what we wrote."""
        return not self._unread and (asked.content.is_eof() or not transport.is_reading())


def _noted(handler: _Answerer) -> _Answerer:
    """A handler of requests whose beginning and end are told to the connection by which the request came."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        connection = request.transport.get_protocol() if request.transport is not None else None
        if not isinstance(connection, _Connection):
            return await handler(request)
        connection.asked(request)
        try:
            return await handler(request)
        finally:
            connection.answered()

    return answer


_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"
