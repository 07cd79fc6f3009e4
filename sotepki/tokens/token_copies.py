"""A copy of each token's own record, since SoftHSM empties the record at every login before it writes it anew.

``token.object`` holds what a token's PINs open its keys with. SoftHSM 2.6 truncates it, lets go of its lock and then
writes it, at each right or wrong login and each change of a PIN (seen with strace). A process that is killed in
between leaves it empty, and every key of the token would be lost: a card that was pulled at a bad moment, or an
authority without its key. The copy is what was there before; a PIN change that got no answer did not happen.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from sotepki.tokens.storage import private_directory, write_private

_RECORD = "token.object"
_COPIES = "token-copies"
# Another process may be between the two steps right now, which takes it microseconds, or longer on a busy machine.
_PATIENCE_SECONDS = 0.5


def keep_tokens_whole(directory: Path) -> tuple[str, ...]:
    """Copy the record of every token in ``directory/tokens``; put back those that a killed process left empty.

    To be called before SoftHSM looks at the directory, and after a PIN has changed. Returns the names of the token
    directories that were put back.

    Raises:
        Fault: the directory cannot be written.
    """
    mended = []
    for record in token_records(directory):
        copy = directory / _COPIES / record.parent.name
        content = _content(record)
        known = copy.read_bytes() if copy.is_file() else b""
        if not content and known:
            write_private(record, known)
            mended.append(record.parent.name)
        elif content != known and _writable(directory):
            private_directory(copy.parent)
            write_private(copy, content, durable=False)
    return tuple(mended)


def token_records(directory: Path) -> list[Path]:
    """The records of the tokens in ``directory/tokens``, also of those that were never finished."""
    return sorted((directory / "tokens").glob(f"*/{_RECORD}"))


def _content(record: Path) -> bytes:
    content = record.read_bytes()
    if not content:
        time.sleep(_PATIENCE_SECONDS)
        content = record.read_bytes()
    return content


def _writable(directory: Path) -> bool:
    # A workspace that may only be read stays usable; SoftHSM changes nothing in it either.
    return os.access(directory, os.W_OK)
