"""Messages in and out of SOAP envelopes, 1.1 and 1.2; a message without an envelope is taken as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from sotepki.errors import Refused
from sotepki.kela.acknowledgement import Acknowledgement
from sotepki.xmldsig import parse

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"

MEDIA_TYPES = {"": "application/xml", SOAP_11: "text/xml", SOAP_12: "application/soap+xml"}
"""Media type of an answer by the namespace of its envelope."""


_ROOT = re.compile(rb"\s*(?:<\?xml [^<>]*\?>\s*)?<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
"""The name of the first element, where it is plain; anything else is left to the parser."""


@dataclass(frozen=True)
class Carried:
    """A message and the envelope that it came in: its namespace, or empty for none."""

    message: bytes
    envelope: str


def unwrap(body: bytes, *, limit: int) -> Carried:
    """Take the message out of its envelope. The document within it is base64 text, so its bytes are untouched.

    Raises:
        Refused: the body is no XML that is taken (the rule of the parser), or an envelope without exactly one
            message in it (``kanta.message.soap``).
    """
    root = _ROOT.match(body)
    if root is not None and root[1] != b"Envelope" and len(body) <= limit:
        return Carried(body, "")  # opening the frame reads all of it, and says what is wrong with it
    element = parse(body, limit=limit)
    name = etree.QName(element)
    if name.localname != "Envelope" or name.namespace not in (SOAP_11, SOAP_12):
        return Carried(body, "")
    bodies = element.findall(f"{{{name.namespace}}}Body")
    messages = [child for found in bodies for child in found if isinstance(child.tag, str)]
    if len(bodies) != 1 or len(messages) != 1:
        raise Refused(
            f"The SOAP envelope has {len(bodies)} Body elements with {len(messages)} messages.",
            rule="kanta.message.soap",
            advice="Send one message in one Body.",
        )
    return Carried(etree.tostring(messages[0], with_tail=False), str(name.namespace))


def wrap(answer: Acknowledgement, envelope: str) -> bytes:
    """The acknowledgement as XML, in the envelope that the message came in."""
    if not envelope:
        return answer.as_xml()
    root = etree.Element(f"{{{envelope}}}Envelope", nsmap={"soap": envelope})
    etree.SubElement(root, f"{{{envelope}}}Body").append(answer.element())
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
