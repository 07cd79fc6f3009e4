"""The electronic client identifier (sähköinen asiointitunnus, SATU) of citizen certificates."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sotepki.errors import Refused
from sotepki.identifiers.check import check_character, shown

_FORM = re.compile(r"[0-9]{8}[0-9A-Z]")
_TEST_PREFIX = "999"


@dataclass(frozen=True, order=True)
class Satu:
    """Eight digits and a check character (docs/field/registration.md 11.2: confirmed).

    Raises:
        Refused: ``value`` is not a SATU (``identifier.satu.form``, ``identifier.satu.check-character``).
    """

    value: str

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(self.value):
            raise Refused(
                f"{shown(self.value, hide=2)} is not an electronic client identifier (SATU).",
                rule="identifier.satu.form",
                advice="Write eight digits and a check character in capitals.",
            )
        if self.value[-1] != check_character(int(self.value[:8])):
            raise Refused(
                f"The check character of the electronic client identifier {shown(self.value, hide=2)} is wrong.",
                rule="identifier.satu.check-character",
                advice="Compare the identifier with its source, character by character.",
            )

    @classmethod
    def parse(cls, text: str, *, test_only: bool = True) -> Satu:
        """Read a SATU exactly as written; with ``test_only`` one that does not start with 999 is refused.

        Raises:
            Refused: as the class says, and ``identifier.satu.test-only``.
        """
        satu = cls(text)
        if test_only and not satu.is_test:
            raise Refused(
                f"The electronic client identifier {shown(text, hide=2)} may belong to a real person.",
                rule="identifier.satu.test-only",
                advice="Use an identifier that starts with 999.",
            )
        return satu

    @property
    def is_test(self) -> bool:
        """Whether the identifier starts with 999, as those on the published test cards do."""
        return self.value.startswith(_TEST_PREFIX)

    def __str__(self) -> str:
        return self.value
