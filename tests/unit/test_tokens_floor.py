"""Who may import the PKCS#11 libraries: the licence and the one-lock rule depend on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sotepki.resources import package_file

PACKAGE = package_file()
REPOSITORY = PACKAGE.parent
_SCS_READER = "scs/pkcs11_reader.py"


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        # The suite opens a vendor's module beside SoftHSM, and python-pkcs11 has one module in a process.
        ("PyKCS11", {"tokens/administration.py", "conformance/sut/token.py"}),
        # The signing service reads a card through whatever module a user names, in a process without SoftHSM's lock.
        (
            "pkcs11",
            {*(f"tokens/{name}.py" for name in ("login", "module", "objects", "session")), "scs/pkcs11_reader.py"},
        ),
    ],
)
def test_pkcs11_libraries_stay_in_their_modules(library: str, allowed: set[str]) -> None:
    """PyKCS11 is under the GPL, and a PKCS#11 call past the lock crashes the interpreter."""
    pattern = re.compile(rf"^\s*(import|from) {library}\b", re.MULTILINE)
    sources = [*PACKAGE.rglob("*.py"), *(REPOSITORY / "conformance").rglob("*.py")]
    users = {_name(path) for path in sources if pattern.search(path.read_text(encoding="utf-8"))}
    assert users == allowed


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else REPOSITORY).as_posix()
