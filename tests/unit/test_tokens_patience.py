"""While another process writes a token's record, SoftHSM fails for a moment: that is waited for, and not for ever."""

from __future__ import annotations

import pytest
from pkcs11.exceptions import GeneralError, PKCS11Error, UserPinNotInitialized

from sotepki.tokens.login import _patiently


@pytest.mark.parametrize("error", [GeneralError, UserPinNotInitialized])
@pytest.mark.parametrize(("failures", "comes"), [(0, True), (3, True), (1000, False)])
def test_a_failing_library_is_asked_again_a_few_times(failures: int, comes: bool, error: type[PKCS11Error]) -> None:
    """Without it, two commands at the same moment end with an error; without a bound, a broken library hangs both."""
    left = [failures]

    def call() -> str:
        if left[0]:
            left[0] -= 1
            raise error
        return "here"

    if comes:
        assert _patiently(call) == "here"
    else:
        with pytest.raises(error):
            _patiently(call)
