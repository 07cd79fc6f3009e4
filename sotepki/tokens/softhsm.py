"""Where SoftHSM is on this machine, and the configuration that keeps a token directory to itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sotepki.errors import Fault, Misuse
from sotepki.tokens.storage import private_directory, write_private

MODULE_VARIABLE = "SOTEPKI_SOFTHSM"
CONFIGURATION_VARIABLE = "SOFTHSM2_CONF"

_USUAL_PLACES = (
    "/usr/lib/softhsm",
    "/usr/lib/x86_64-linux-gnu/softhsm",
    "/usr/lib/aarch64-linux-gnu/softhsm",
    "/usr/lib64/softhsm",
    "/usr/lib64/pkcs11",
    "/usr/local/lib/softhsm",
    "/opt/homebrew/lib/softhsm",
)

# What SoftHSM takes for the end of a path in its configuration; it knows no quotes. A line that is longer than its
# buffer goes on as another one.
_CUT = {b"#": "'#', where a comment begins", b"=": "'='", b"\r": "a line break", b"\n": "a line break"}
_LONGEST_LINE = 1024


def find_softhsm() -> Path:
    """The PKCS#11 module of SoftHSM: the one in ``SOTEPKI_SOFTHSM``, else of the environment, else of the system.

    Raises:
        Misuse: ``SOTEPKI_SOFTHSM`` names a file that is not there.
        Fault: SoftHSM is not installed.
    """
    named = os.environ.get(MODULE_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise Misuse(f"{MODULE_VARIABLE} names {named}, and there is no such file.")
        return Path(named)
    for directory in _places():
        module = directory / "libsofthsm2.so"
        if module.is_file():
            return module
    raise Fault(
        "SoftHSM is not installed on this machine.",
        advice="Install it: 'apt-get install softhsm2' (Debian, Ubuntu), 'brew install softhsm' (macOS) or "
        "'conda install -c conda-forge softhsm2'; or name the module in SOTEPKI_SOFTHSM.",
    )


def require_place(directory: Path) -> None:
    """See to it that SoftHSM can be told where the tokens of a directory are.

    Raises:
        Misuse: it would read another path, where tokens of several directories meet; or the path has no end.
    """
    try:
        home = directory.resolve()
    except (OSError, RuntimeError):  # a loop of links is the latter (Python 3.11)
        raise Misuse(
            f"The directory {directory} cannot be resolved; its links may lead in a circle.",
            advice="Name another directory.",
            subject=str(directory),
        ) from None
    _told(home)


def write_configuration(directory: Path, *, final: Path | None = None) -> Path:
    """Write ``directory/softhsm2.conf`` for the tokens in ``directory/tokens``; returns its path.

    SoftHSM wants an absolute path, so a directory that was moved gets a new configuration when it is next opened;
    one that is still right is not touched (a read-only workspace stays readable). ``final`` is where ``directory``
    will be moved to.

    Raises:
        Misuse: SoftHSM would read another path (``require_place``).
        Fault: the directory cannot be written.
    """
    home = directory.resolve()
    content = b"".join(
        (
            b"# Made by sotepki. TEST tokens of this directory only.\n",
            _told(final.absolute() if final else home),
            b"objectstore.backend = file\n",
            b"log.level = ERROR\n",
            b"slots.removable = false\n",
        )
    )
    configuration = home / "softhsm2.conf"
    if not _holds(configuration, content):
        private_directory(home)
        write_private(configuration, content)
    if not (home / "tokens").is_dir():
        private_directory(home / "tokens")
    return configuration


def _told(home: Path) -> bytes:
    """The line of the configuration that names the tokens of a directory."""
    place = os.fsencode(home / "tokens")
    cut = next((name for octet, name in _CUT.items() if octet in place), "")
    line = b"directories.tokendir = " + place + b"\n"
    if cut or len(line) > _LONGEST_LINE:
        raise Misuse(
            f"SoftHSM cannot keep tokens in the directory {str(home)!r}: "
            + (f"it cuts a path at {cut}." if cut else f"it reads {_LONGEST_LINE} octets of a line, no more."),
            advice="Name another directory, or move this one to a path without '#', '=' and line breaks."
            if cut
            else "Name a directory with a shorter path.",
        )
    return line


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _places() -> Iterator[Path]:
    for prefix in (os.environ.get("CONDA_PREFIX"), sys.prefix):
        if prefix:
            yield Path(prefix) / "lib" / "softhsm"
    for place in _USUAL_PLACES:
        yield Path(place)
