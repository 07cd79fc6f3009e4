"""PC/SC from Python: a small binding of libpcsclite (or macOS's PCSC framework) by ctypes.

Only what a card client needs: list readers, connect, transmit, disconnect. It works with any reader, real or virtual.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from types import TracebackType
from typing import Any, Self

from sotepki.errors import Fault, Misuse

# Values of PC/SC part 5 and pcsclite.h.
_SCOPE_SYSTEM = 2
_SHARE_SHARED = 2
_PROTOCOL_T0, _PROTOCOL_T1 = 1, 2
_LEAVE_CARD, _RESET_CARD = 0, 1
_LONGEST_ATR = 33
_LONGEST_ANSWER = 65538

_NO_SERVICE = 0x8010001D
_SERVICE_STOPPED = 0x8010001E
_INVALID_HANDLE = 0x80100003
_LOST_SERVICE = 0x80100013
_NO_READERS = 0x8010002E
_UNKNOWN_READER = 0x80100009
_NO_CARD = 0x8010000C
_REMOVED = 0x80100069
_RESET = 0x80100068
_UNPOWERED = 0x80100067
_ERRORS = {
    0x80100002: "cancelled",
    _INVALID_HANDLE: "the connection to the PC/SC service is no longer valid",
    _LOST_SERVICE: "the PC/SC service does not answer",
    0x80100006: "out of memory",
    0x8010000A: "timeout",
    0x8010000B: "another program has the card for itself",
    _NO_CARD: "no card in the reader",
    0x8010000F: "protocol mismatch",
    0x80100016: "the transaction failed",
    0x80100017: "the reader is not available",
    0x80100066: "the card does not answer the reset",
    _UNPOWERED: "the card has no power",
    _RESET: "another program has reset the card",
    _REMOVED: "the card was removed",
    0x8010006A: "access is not allowed",
}
_RULES = {
    _NO_CARD: "card.pcsc.no-card",
    _REMOVED: "card.removed",
    _UNKNOWN_READER: "card.pcsc.reader",
    _INVALID_HANDLE: "card.pcsc.absent",  # handles of before a restart of pcscd
    _LOST_SERVICE: "card.pcsc.absent",
}

# DWORD is "unsigned long" in pcsc-lite and 32 bits in Apple's framework.
_DWORD: Any = ctypes.c_uint32 if sys.platform == "darwin" else ctypes.c_ulong
_HANDLE: Any = ctypes.c_int32 if sys.platform == "darwin" else ctypes.c_long


class _Request(ctypes.Structure):
    _fields_ = (("protocol", _DWORD), ("length", _DWORD))


class PcscContext:
    """A connection to pcscd. While it is open, a pcscd that was started on demand does not end by itself."""

    def __init__(self) -> None:
        """Connect to pcscd.

        Raises:
            Fault: rule ``card.pcsc.absent``: no PC/SC library, or pcscd does not run.
        """
        self._library = _library()
        self._context = _HANDLE()
        _check(
            self._library.SCardEstablishContext(_DWORD(_SCOPE_SYSTEM), None, None, ctypes.byref(self._context)),
            "connect to pcscd",
        )

    def readers(self) -> tuple[str, ...]:
        """The names of the readers, in pcscd's order; none is no error."""
        length = _DWORD(0)
        code = self._library.SCardListReaders(self._context, None, None, ctypes.byref(length))
        if code & 0xFFFFFFFF == _NO_READERS:
            return ()
        _check(code, "list the readers")
        names = ctypes.create_string_buffer(length.value)
        _check(self._library.SCardListReaders(self._context, None, names, ctypes.byref(length)), "list the readers")
        return tuple(name.decode("utf-8", "replace") for name in names.raw[: length.value].split(b"\0") if name)

    def connect(self, reader: str = "") -> PcscCard:
        """The card in a reader: its number in the list, its name or a part of it; by default the first with a card.

        Raises:
            Misuse: rule ``card.pcsc.reader``: there is no such reader.
            Fault: rule ``card.pcsc.no-card``, or what PC/SC says.
        """
        names = self.readers()
        wanted = _chosen(names, reader)
        for name in wanted:
            try:
                return PcscCard(self._library, self._context, name)
            except Fault as fault:
                if fault.rule != "card.pcsc.no-card":
                    raise
        if wanted:
            raise Fault(
                f"There is no card in the reader{'s' if len(wanted) > 1 else ''} {' or '.join(wanted)}.",
                rule="card.pcsc.no-card",
                advice="Put a card in, or name another reader by '--reader'.",
            )
        raise Misuse(
            "There is no reader." if not names else f"There is no reader {reader!r}.",
            rule="card.pcsc.reader",
            advice=f"There are: {'; '.join(names)}." if names else "Connect one, or insert a virtual card.",
        )

    def close(self) -> None:
        """Let go of pcscd. Closing twice is no error."""
        if self._context.value:
            self._library.SCardReleaseContext(self._context)
            self._context = _HANDLE()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PcscCard:
    """A card in a reader, shared with other programs; one exchange at a time.

    Attributes:
        reader: the reader's name.
        atr: the answer to reset.
    """

    def __init__(self, library: Any, context: Any, reader: str) -> None:
        self._library = library
        self._card = _HANDLE()
        self._protocol = _DWORD()
        self.reader = reader
        _check(
            library.SCardConnect(
                context,
                reader.encode(),
                _DWORD(_SHARE_SHARED),
                _DWORD(_PROTOCOL_T0 | _PROTOCOL_T1),
                ctypes.byref(self._card),
                ctypes.byref(self._protocol),
            ),
            f"connect to the card in {reader}",
        )
        self.atr = self._read_atr()

    @property
    def protocol(self) -> str:
        """``T=0`` or ``T=1``."""
        return "T=0" if self._protocol.value == _PROTOCOL_T0 else "T=1"

    def transmit(self, command: bytes) -> bytes:
        """Send a command APDU; the response with its status word.

        Raises:
            Fault: rule ``card.removed``, ``card.pcsc.absent`` or ``card.pcsc.failed``.
        """
        request = _Request(self._protocol.value, ctypes.sizeof(_Request))
        answer = ctypes.create_string_buffer(_LONGEST_ANSWER)
        length = _DWORD(_LONGEST_ANSWER)
        code = self._library.SCardTransmit(
            self._card,
            ctypes.byref(request),
            bytes(command),
            _DWORD(len(command)),
            None,
            answer,
            ctypes.byref(length),
        )
        _check(code, f"talk to the card in {self.reader}")
        return answer.raw[: length.value]

    def begin(self) -> None:
        """Keep other programs from the card until ``end``: between a PIN and its use nobody gets in."""
        _check(self._library.SCardBeginTransaction(self._card), f"have the card in {self.reader} alone")

    def end(self) -> None:
        """Let other programs at the card again."""
        self._library.SCardEndTransaction(self._card, _DWORD(_LEAVE_CARD))

    def reset(self) -> None:
        """Have the card forget its PINs, also between ``begin`` and ``end``; other programs are told of it.

        Raises:
            Fault: rule ``card.removed``, ``card.pcsc.absent`` or ``card.pcsc.failed``.
        """
        code = self._library.SCardReconnect(
            self._card,
            _DWORD(_SHARE_SHARED),
            _DWORD(_PROTOCOL_T0 | _PROTOCOL_T1),
            _DWORD(_RESET_CARD),
            ctypes.byref(self._protocol),
        )
        _check(code, f"reset the card in {self.reader}")

    def close(self, *, reset: bool = False) -> None:
        """Let go of the card; with ``reset`` it forgets its PINs. Closing twice is no error."""
        if self._card.value:
            self._library.SCardDisconnect(self._card, _DWORD(_RESET_CARD if reset else _LEAVE_CARD))
            self._card = _HANDLE()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_atr(self) -> bytes:
        state, protocol = _DWORD(), _DWORD()
        name_length = _DWORD(0)
        atr, length = ctypes.create_string_buffer(_LONGEST_ATR), _DWORD(_LONGEST_ATR)
        code = self._library.SCardStatus(
            self._card,
            None,
            ctypes.byref(name_length),
            ctypes.byref(state),
            ctypes.byref(protocol),
            atr,
            ctypes.byref(length),
        )
        _check(code, f"read the ATR of the card in {self.reader}")
        return atr.raw[: length.value]


def _chosen(names: tuple[str, ...], reader: str) -> tuple[str, ...]:
    if not reader:
        return names
    if reader.isdecimal():
        return names[int(reader) : int(reader) + 1] if len(reader) < 4 else ()
    exact = tuple(name for name in names if name == reader)
    return exact or tuple(name for name in names if reader.lower() in name.lower())


def _check(code: int, what: str) -> None:
    code &= 0xFFFFFFFF
    if not code:
        return
    if code in (_NO_SERVICE, _SERVICE_STOPPED):
        raise Fault(
            "The PC/SC service does not run.",
            rule="card.pcsc.absent",
            advice="Install and start it: 'apt-get install pcscd', then 'systemctl start pcscd' or 'pcscd'.",
        )
    reason = _ERRORS.get(code, f"PC/SC says {code:08X}")
    raise Fault(f"The program cannot {what}: {reason}.", rule=_RULES.get(code, "card.pcsc.failed"))


def _library() -> Any:
    names = (
        ["/System/Library/Frameworks/PCSC.framework/PCSC"]
        if sys.platform == "darwin"
        else ["libpcsclite.so.1", ctypes.util.find_library("pcsclite") or ""]
    )
    for name in names:
        if name:
            try:
                return ctypes.CDLL(name)
            except OSError:
                continue
    raise Fault(
        "The PC/SC library is not installed on this machine.",
        rule="card.pcsc.absent",
        advice="Install it: 'apt-get install libpcsclite1 pcscd'.",
    )
