"""Steps on the bytes of a document: what transport, editors and hostile senders do without parsing."""

from __future__ import annotations

import base64
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.documents.corpus.world import CorpusWorld
from sotepki.documents.vocabulary import SignatureKind

Step = Callable[[bytes, Any, CorpusWorld], bytes]

_VALUE = re.compile(rb"(SignatureValue>)([^<]*)(<)")
_CERTIFICATE = re.compile(rb"(X509Certificate>)([^<]*)(<)")


def _replace(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[expression, replacement] or [expression, replacement, how often]."""
    pattern, new, *count = arguments
    return re.sub(pattern.encode(), new.encode(), data, count=count[0] if count else 1, flags=re.DOTALL)


def _certificate(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """The certificates of these signers, in this order, instead of the one that stands there."""
    names = arguments if isinstance(arguments, list) else [arguments]
    ders = [world.identities[name].certificate.public_bytes(Encoding.DER) for name in names]
    texts = [base64.b64encode(der) for der in ders]
    prefix = b"ds:" if b"ds:X509Certificate" in data else b""
    joined = (b"</%sX509Certificate><%sX509Certificate>" % (prefix, prefix)).join(texts)
    return _CERTIFICATE.sub(lambda match: match[1] + joined + match[3], data, count=1)


def _certificate_bytes(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """Cut the certificate to its first bytes (an integer), or put other bytes in its place (hexadecimal text)."""
    return _changed(
        _CERTIFICATE, data, lambda der: der[:arguments] if isinstance(arguments, int) else bytes.fromhex(arguments)
    )


def _value(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """Write the signature value in another form."""
    return _changed(_VALUE, data, _VALUE_FORMS[arguments])


def _signed_by(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[who, kind]: our signer's signature by an identity that may not sign so."""
    who, kind = arguments
    return world.signed(data, who, SignatureKind(kind))


def _encode(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[encoding, what the declaration says]."""
    encoding, declared = arguments
    text = re.sub(r"<\?xml[^>]*\?>", f"<?xml version='1.0' encoding='{declared}'?>", data.decode())
    return text.encode(encoding)


def _zip(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("document.xml", data)
    return stream.getvalue()


def _pad(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[expression, unit, how often]: set the unit in after the first match, many times."""
    pattern, unit, count = arguments
    return re.sub(pattern.encode(), lambda match: match[0] + unit.encode() * count, data, count=1)


def _copies(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """Further copies of the signature (their number), with identifiers of their own."""
    entry = re.search(rb"<hl7fi:signature .*</hl7fi:signature>", data, re.DOTALL)
    if entry is None:
        raise LookupError("there is no signature")
    copies = (entry[0].replace(b'ID="', b'ID="c%d.' % number) for number in range(arguments))
    return data.replace(entry[0], entry[0] + b"".join(copies))


def _changed(pattern: re.Pattern[bytes], data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return pattern.sub(
        lambda match: match[1] + base64.b64encode(change(base64.b64decode(match[2]))) + match[3], data, count=1
    )


def _as_der(raw: bytes) -> bytes:
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))


_VALUE_FORMS: Mapping[str, Callable[[bytes], bytes]] = {
    "der": _as_der,
    "swapped": lambda raw: raw[len(raw) // 2 :] + raw[: len(raw) // 2],
    "zero": lambda raw: bytes(len(raw)),
    "one-zero-more": lambda raw: b"\x00" + raw,
    "cut": lambda raw: raw[:-1],
    "reversed": lambda raw: raw[::-1],
    "one-bit": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
    "in-base64-again": base64.b64encode,
}

SOURCE_STEPS: Mapping[str, Step] = {
    "replace": _replace,
    "certificate": _certificate,
    "certificate-bytes": _certificate_bytes,
    "value": _value,
    "signed-by": _signed_by,
    "encode": _encode,
    "zip": _zip,
    "gzip": lambda data, arguments, world: gzip.compress(data, mtime=0),
    "pad": _pad,
    "copies": _copies,
    "prepend": lambda data, arguments, world: bytes.fromhex(arguments) + data,
    "append": lambda data, arguments, world: data + bytes.fromhex(arguments),
    "text": lambda data, arguments, world: arguments.encode(),
    "keep": lambda data, arguments, world: data[: int(len(data) * arguments)],
    "crlf": lambda data, arguments, world: data.replace(b"\n", b"\r\n"),
}
