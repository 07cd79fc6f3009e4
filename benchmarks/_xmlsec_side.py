"""python-xmlsec's side of ``benchmarks.documents``.

The build from PyPI is called in the process of the benchmark; Debian's belongs to /usr/bin/python3, which runs this
file as a program. So both do the same, and nothing is imported here that Debian's Python would lack.

As a program it reads the ``Material`` from the first line, answers with the document that it signed, and then takes
turns: a line names operation and count, the answer is the processor time that they took, in seconds.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import xmlsec
from lxml import etree

_SIGNATURE = ".//{http://www.w3.org/2000/09/xmldsig#}Signature"


@dataclass(frozen=True)
class Material:
    """One document and its keys, in a form that goes through a pipe.

    Attributes:
        template: the document with a signature in it whose digests and value are empty.
        signed: the same document, signed.
        key: PEM of the private key.
        certificate: PEM of its certificate.
    """

    template: str
    signed: str
    key: str
    certificate: str


class XmlsecSide:
    """Signing and verifying one document, with keys loaded beforehand."""

    def __init__(self, material: Material) -> None:
        self._template = material.template.encode()
        self._signed = material.signed.encode()
        self._private = xmlsec.Key.from_memory(material.key.encode(), xmlsec.constants.KeyDataFormatPem)
        self._public = xmlsec.Key.from_memory(material.certificate.encode(), xmlsec.constants.KeyDataFormatCertPem)

    def sign(self) -> bytes:
        root, signature, context = _opened(self._template, self._private)
        context.sign(signature)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def verify(self) -> None:
        """Raises ``xmlsec.Error`` if the signature does not verify."""
        _, signature, context = _opened(self._signed, self._public)
        context.verify(signature)


def _opened(data: bytes, key: Any) -> tuple[Any, Any, Any]:
    root = etree.fromstring(data)
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = key
    return root, root.find(_SIGNATURE), context


def processor_time(operation: Callable[[], object], count: int) -> float:
    """Seconds of processor time that ``count`` operations take."""
    begin = time.process_time()
    for _ in range(count):
        operation()
    return time.process_time() - begin


def main() -> None:
    side = XmlsecSide(Material(**json.loads(sys.stdin.readline())))
    side.verify()
    print(json.dumps(side.sign().decode()), flush=True)
    gc.disable()
    for line in sys.stdin:
        operation, count = line.split()
        print(processor_time(getattr(side, operation), int(count)), flush=True)


if __name__ == "__main__":
    main()
