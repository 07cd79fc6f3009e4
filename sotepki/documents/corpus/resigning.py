"""The corpus's own signer: makes the digests and the value of a signature that stands in a tree fit again.

It takes the algorithms from the signature as it stands, also where they are nonsense, and uses lxml's
canonicalisation and pyca directly.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from copy import deepcopy
from typing import cast

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from sotepki.xmldsig import DS, SigningKey

D = f"{{{DS}}}"
_DIGESTS = {"sha1": "sha1", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512", "sha224": "sha224"}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"


def resign(signature: etree._Element, key: SigningKey, *, digests: bool = True) -> None:
    """Write digests (those that can be made) and value of a ds:Signature anew."""
    if digests:
        for reference in signature.iterfind(f"{D}SignedInfo/{D}Reference"):
            refresh_digest(reference, signature)
    signed_info = signature.find(f"{D}SignedInfo")
    value = signature.find(f"{D}SignatureValue")
    if signed_info is None or value is None:
        return
    method = signed_info.find(f"{D}SignatureMethod")
    name = "" if method is None else method.get("Algorithm") or ""
    value.text = text64(sign(canonical(signed_info, _c14n(signed_info)), key, name))


def refresh_digest(reference: etree._Element, signature: etree._Element) -> None:
    """Write the digest of a reference anew, if what it refers to can be found."""
    value, method = reference.find(f"{D}DigestValue"), reference.find(f"{D}DigestMethod")
    octets = _octets(reference, signature)
    if octets is None or value is None or method is None:
        return
    name = (method.get("Algorithm") or "").rpartition("#")[2]
    value.text = text64(hashlib.new(_DIGESTS.get(name, "sha256"), octets).digest())


def sign(octets: bytes, key: SigningKey, method: str) -> bytes:
    """A signature value by the method's hash; HMAC takes the public key as its secret, which anybody has."""
    chosen = _HASHES.get(method.rpartition("-")[2], hashes.SHA256())
    if "hmac" in method:
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hmac.new(public, octets, "sha256").digest()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), chosen)
    r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(chosen)))
    width = (key.curve.key_size + 7) // 8
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def canonical(element: etree._Element, algorithm: str) -> bytes:
    """Canonical octets by the algorithm's name."""
    exclusive = "exc-c14n" in algorithm
    if not exclusive:
        # Below the document element libxml2 renders inherited namespaces only after the element stands alone.
        element = etree.fromstring(etree.tostring(element, with_tail=False))
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments="WithComments" in algorithm)


def text64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _octets(reference: etree._Element, signature: etree._Element) -> bytes | None:
    uri = reference.get("URI")
    root = signature.getroottree().getroot()
    transforms = reference.findall(f"{D}Transforms/{D}Transform")
    names = [transform.get("Algorithm") or "" for transform in transforms]
    if uri is None or (uri and not uri.startswith("#")):
        return None
    element = root if not uri else _identified(root, uri[1:])
    if element is None:
        return None
    if XPATH in names:
        name = "".join(map(str, transforms[names.index(XPATH)].itertext())).strip().rpartition(":")[2]
        whole = etree.fromstring(canonical(root, "exc-c14n"))
        found = next((node for node in whole.iter("*") if etree.QName(node).localname == name), None)
        return None if found is None else canonical(found, "")
    if any(name.endswith("enveloped-signature") for name in names):
        element = _without(element, signature)
    return canonical(element, next((name for name in names if "c14n" in name), ""))


def _identified(root: etree._Element, identifier: str) -> etree._Element | None:
    found = cast(list[etree._Element], root.xpath("//*[@ID=$v or @Id=$v or @id=$v]", v=identifier))
    return found[0] if found else None


def _without(element: etree._Element, signature: etree._Element) -> etree._Element:
    root = element.getroottree().getroot()
    nodes = list(root.iter("*"))
    copies = list(deepcopy(root).iter("*"))
    copied, gone = copies[nodes.index(element)], copies[nodes.index(signature)]
    parent = gone.getparent()
    if parent is not None and any(ancestor is copied for ancestor in gone.iterancestors()):
        parent.remove(gone)
    return copied


def _c14n(signed_info: etree._Element) -> str:
    method = signed_info.find(f"{D}CanonicalizationMethod")
    return "" if method is None else method.get("Algorithm") or ""
