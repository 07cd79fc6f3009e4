"""Extension values in words, for findings and for ``sotepki cert show``; any bytes get some answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sotepki.x509 import der
from sotepki.x509.extensions import CPS_QUALIFIER, NOTICE_QUALIFIER
from sotepki.x509.profile_values import EXTENDED_KEY_USAGES, KEY_USAGES, QC_STATEMENTS, QC_TYPES

_EKU_NAMES = {dotted: name for name, dotted in EXTENDED_KEY_USAGES.items()}
_QC_NAMES = {dotted: name for name, dotted in (*QC_STATEMENTS.items(), *QC_TYPES.items())}
_ACCESS = {"1.3.6.1.5.5.7.48.1": "OCSP", "1.3.6.1.5.5.7.48.2": "caIssuers"}
#: Longer values are not taken apart: deep nesting would cost more time than any reader wants to spend.
_LONGEST = 16 * 1024
_GENERAL_NAMES = {0x82: "domain name", 0x81: "e-mail", 0x86: "address", 0x87: "IP address", 0xA0: "other name"}


def explain_extension(name: str, value: bytes) -> str:
    """The value of an extension in words; what cannot be read is shown as hexadecimal, cut short."""
    if len(value) > _LONGEST or name not in _EXPLAINERS:
        return _hex(value)
    try:
        return _EXPLAINERS[name](value)
    except (ValueError, IndexError):
        return f"not readable: {_hex(value)}"


def key_usage_bits(value: bytes) -> tuple[str, ...]:
    """The names of the bits that are set.

    Raises:
        DerError: the value is not a BIT STRING.
    """
    content = der.parse(value).expect(der.Tag.BIT_STRING).content
    if not content or content[0] > 7:
        raise der.DerError("a bit string has no valid count of unused bits")
    octets = content[1:]
    return tuple(
        name
        for bit, name in enumerate(KEY_USAGES)
        if bit // 8 < len(octets) and octets[bit // 8] >> (7 - bit % 8) & 1
    )


def extended_key_usages(value: bytes) -> tuple[str, ...]:
    """Short names (or dotted identifiers) of the purposes, in encoding order."""
    purposes = der.parse(value).expect(der.Tag.SEQUENCE).children()
    return tuple(_EKU_NAMES.get(dotted, dotted) for dotted in map(der.read_oid, purposes))


def policy_oids(value: bytes) -> tuple[str, ...]:
    """The policy identifiers, in encoding order."""
    policies = der.parse(value).expect(der.Tag.SEQUENCE).children()
    return tuple(der.read_oid(policy.children()[0]) for policy in policies if policy.children())


def policy_qualifiers(policy: der.Element) -> list[tuple[str, str, int]]:
    """Kind (``cps``, ``user-notice`` or an identifier), text and string tag of one policy's qualifiers."""
    parts = policy.children()
    found: list[tuple[str, str, int]] = []
    for qualifier in parts[1].children() if len(parts) > 1 else ():
        kind, value = qualifier.children()[:2]
        dotted = der.read_oid(kind)
        if dotted == CPS_QUALIFIER:
            found.append(("cps", der.read_text(value), value.tag))
        elif dotted == NOTICE_QUALIFIER:
            texts = [part for part in value.children() if part.tag != der.Tag.SEQUENCE]
            found += [("user-notice", der.read_text(text), text.tag) for text in texts]
        else:
            found.append((dotted, "", value.tag))
    return found


def general_names(value: bytes) -> list[tuple[str, str]]:
    """Kind and text of alternative names."""
    found = []
    for element in der.parse(value).expect(der.Tag.SEQUENCE).children():
        kind = _GENERAL_NAMES.get(element.tag, f"name of tag {element.tag:#04x}")
        if element.tag == 0x87:
            text = _address(element.content)
        elif element.tag == 0xA0:
            text = _other_name(element)
        else:
            text = element.content.decode("ascii", "backslashreplace")
        found.append((kind, text))
    return found


def _address(content: bytes) -> str:
    if len(content) == 4:
        return ".".join(map(str, content))
    return content.hex(":", 2) if len(content) == 16 else _hex(content)


def _other_name(element: der.Element) -> str:
    kind, wrapped = element.children()[:2]
    return f"{der.read_oid(kind)} {der.read_text(der.parse(wrapped.content))}"


def _key_usage(value: bytes) -> str:
    return ", ".join(key_usage_bits(value)) or "no bit"


def _basic_constraints(value: bytes) -> str:
    parts = der.parse(value).expect(der.Tag.SEQUENCE).children()
    flag = bool(parts) and parts[0].tag == der.Tag.BOOLEAN and parts[0].content != b"\x00"
    lengths = [der.read_integer(part) for part in parts if part.tag == der.Tag.INTEGER]
    return ("CA" if flag else "not a CA") + (f", path length {lengths[0]}" if lengths else "")


def _policies(value: bytes) -> str:
    texts = []
    for policy in der.parse(value).expect(der.Tag.SEQUENCE).children():
        words = [der.read_oid(policy.children()[0])]
        for kind, text, tag in policy_qualifiers(policy):
            words.append(f"{kind} {text}" if kind == "cps" else f"{kind} ({der.string_type(tag)}) '{text}'")
        texts.append(", ".join(words))
    return "; ".join(texts)


def _crl_points(value: bytes) -> str:
    return ", ".join(_uris(der.parse(value))) or "no address"


def _uris(root: der.Element) -> list[str]:
    """Addresses anywhere below an element; the walk is as long as the data, and needs no recursion."""
    found: list[str] = []
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element.tag == 0x86:
            found.append(element.content.decode("ascii", "backslashreplace"))
        elif element.tag & 0x20:
            waiting += reversed(element.children())
    return found


def _access(value: bytes) -> str:
    texts = []
    for entry in der.parse(value).expect(der.Tag.SEQUENCE).children():
        method, location = entry.children()[:2]
        dotted = der.read_oid(method)
        texts.append(f"{_ACCESS.get(dotted, dotted)} {location.content.decode('ascii', 'backslashreplace')}")
    return ", ".join(texts)


def _qc(value: bytes) -> str:
    texts = []
    for statement in der.parse(value).expect(der.Tag.SEQUENCE).children():
        parts = statement.children()
        text = _named(der.read_oid(parts[0]))
        if len(parts) > 1 and text == "QcType":
            text += " " + "+".join(_named(der.read_oid(kind)) for kind in parts[1].children())
        texts.append(text)
    return ", ".join(texts) or "no statement"


def _named(dotted: str) -> str:
    return _QC_NAMES.get(dotted, dotted)


def _key_identifier(value: bytes) -> str:
    return _hex(der.parse(value).expect(der.Tag.OCTET_STRING).content)


def _authority(value: bytes) -> str:
    parts = der.parse(value).expect(der.Tag.SEQUENCE).children()
    named = {0x80: "key", 0xA1: "issuer name", 0x82: "serial number"}
    return ", ".join(f"{named.get(part.tag, 'other')} {_hex(part.content)}" for part in parts) or "empty"


def _names(value: bytes) -> str:
    return ", ".join(f"{kind} {text}" for kind, text in general_names(value)) or "no name"


def _extended(value: bytes) -> str:
    return ", ".join(extended_key_usages(value)) or "no purpose"


def _hex(value: bytes) -> str:
    return value[:40].hex() + ("..." if len(value) > 40 else "")


_EXPLAINERS: Mapping[str, Callable[[bytes], str]] = {
    "authority-key-identifier": _authority,
    "subject-key-identifier": _key_identifier,
    "key-usage": _key_usage,
    "certificate-policies": _policies,
    "subject-alternative-name": _names,
    "basic-constraints": _basic_constraints,
    "crl-distribution-points": _crl_points,
    "extended-key-usage": _extended,
    "authority-information-access": _access,
    "qc-statements": _qc,
    "ocsp-no-check": lambda value: "present",
}
