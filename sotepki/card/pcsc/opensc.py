"""What OpenSC 0.23 must be told so that it takes the real cards' ATRs (docs/field/card.md 8: confirmed, measured)."""

from __future__ import annotations

from enum import StrEnum

_COSMO_X = "3B:DD:96:00:80:31:FE:45:00:31:B8:64:04:29:EC:C1:73:94:01:80:83:49"
_ID_ME = "3B:DD:96:00:80:31:FE:45:00:31:B8:64:04:29:EC:C1:73:94:01:80:82:48"
_OPENSC_PROFILE = "3B:9D:13:81:31:60:35:80:31:C0:69:4D:54:43:4F:53:73:02:00:00:44"


class Binding(StrEnum):
    """The driver of OpenSC that takes the card."""

    MASKTECH = "MaskTech"
    MYEID = "myeid"


_TYPES = {Binding.MASKTECH: 29001, Binding.MYEID: 20001}


def opensc_configuration(
    binding: Binding = Binding.MASKTECH, *, also_opensc_profile: bool = False, pin1_only: bool = False
) -> str:
    """The block for ``opensc.conf``. MaskTech signs with RSA to 3072 bits; myeid also P-384 and PSS.

    Args:
        also_opensc_profile: the ATR of the profile ``opensc`` too, which stock OpenSC binds to MaskTech.
        pin1_only: PKCS#11 programs see one token, that of PIN1; browsers and TLS clients then never ask for PIN2.
    """
    atrs = [_COSMO_X, _ID_ME] + ([_OPENSC_PROFILE] if also_opensc_profile else [])
    blocks = [
        f"    card_atr {atr} {{\n"
        f'        name = "sote-ammattikortti"; driver = "{binding}"; type = {_TYPES[binding]};\n'
        "    }\n"
        for atr in atrs
    ]
    text = "app default {\n" + "".join(blocks) + "}\n"
    if pin1_only:
        text += 'app opensc-pkcs11 {\n    pkcs11 {\n        create_slots_for_pins = "user";\n    }\n}\n'
    return text
