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


def write_configuration(directory: Path, *, final: Path | None = None) -> Path:
    """Write ``directory/softhsm2.conf`` for the tokens in ``directory/tokens``; returns its path.

    SoftHSM wants an absolute path, so a directory that was moved gets a new configuration when it is next opened;
    one that is still right is not touched (a read-only workspace stays readable). ``final`` is where ``directory``
    will be moved to.

    Raises:
        Fault: the directory cannot be written.
    """
    home = directory.resolve()
    tokens = (final.absolute() if final else home) / "tokens"
    content = (
        "# Made by sotepki. TEST tokens of this directory only.\n"
        f"directories.tokendir = {tokens}\n"
        "objectstore.backend = file\n"
        "log.level = ERROR\n"
        "slots.removable = false\n"
    ).encode()
    configuration = home / "softhsm2.conf"
    if not _holds(configuration, content):
        private_directory(home)
        write_private(configuration, content)
    if not (home / "tokens").is_dir():
        private_directory(home / "tokens")
    return configuration


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
