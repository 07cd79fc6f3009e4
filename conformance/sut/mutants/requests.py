"""Certificate requests that DVV would send back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from conformance.sut.facets import Facet
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Reference, Requests
from sotepki.tokens import PrivateKey
from sotepki.x509 import der
from sotepki.x509.csr import CsrKind

_SERVER, _SYSTEM = CsrKind.SERVER, CsrKind.SYSTEM_SIGNATURE
_SHA1_WITH_RSA = "1.2.840.113549.1.1.5"
_EMAIL = "tekninen.tuki@example.fi"

Keys = Callable[[], PrivateKey]


def _key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=exponent, key_size=bits)


def _close_primes() -> rsa.RSAPrivateKey:
    """A key of 2048 bits whose two primes are neighbours, so that Fermat's method finds them at once."""
    p = next(prime for prime in iter(lambda: _key().private_numbers().p, 0) if (prime - 1) % 65537)
    q = p + 2
    while pow(2, q - 1, q) != 1 or (q - 1) % 65537 == 0:
        q += 2
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return numbers.private_key()


def _remade(
    kind: CsrKind,
    *,
    subject: Mapping[x509.ObjectIdentifier, str | None] | None = None,
    names: Sequence[x509.GeneralName] | None = None,
    authority: bool = False,
    key: Keys | None = None,
) -> Fault:
    """A request like the one of the reference system, but for what is given.

    Args:
        subject: attributes to set; None leaves one out.
        names: requested alternative names instead of its own.
    """

    def fault(reference: Reference) -> Mapping[str, Any]:
        model = x509.load_pem_x509_csr(reference.csrs.made[kind])
        values = {a.oid: a.value for a in model.subject} | dict(subject or {})
        name = x509.Name([x509.NameAttribute(oid, value) for oid, value in values.items() if value])
        builder = x509.CertificateSigningRequestBuilder().subject_name(name)
        wanted = list(names) if names is not None else _names(model)
        if wanted:
            builder = builder.add_extension(x509.SubjectAlternativeName(wanted), critical=False)
        if authority:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return _with(
            reference,
            kind,
            builder.sign(key() if key else _own_key(reference, kind), hashes.SHA256()).public_bytes(Encoding.PEM),
        )

    return fault


def _own_key(reference: Reference, kind: CsrKind) -> PrivateKey:
    provider = reference.provider
    return (provider.server if kind is _SERVER else provider.system_signature).key()


def _names(model: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(model.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _with(reference: Reference, kind: CsrKind, request: bytes) -> Mapping[str, Any]:
    return {"csrs": Requests({**reference.csrs.made, kind: request})}


def _changed_after_signing(kind: CsrKind, old: bytes, new: bytes) -> Fault:
    def fault(reference: Reference) -> Mapping[str, Any]:
        encoded = x509.load_pem_x509_csr(reference.csrs.made[kind]).public_bytes(Encoding.DER)
        return _with(reference, kind, encoded.replace(old, new, 1))

    return fault


def _signed_with_sha1(reference: Reference) -> Mapping[str, Any]:
    info = x509.load_pem_x509_csr(reference.csrs.made[_SERVER]).tbs_certrequest_bytes
    key = _own_key(reference, _SERVER)
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(info, padding.PKCS1v15(), hashes.SHA1())
    return _with(
        reference,
        _SERVER,
        der.sequence(info, der.sequence(der.oid(_SHA1_WITH_RSA), der.NULL), der.bit_string(signature)),
    )


def _with_private_key(reference: Reference) -> Mapping[str, Any]:
    pem = _key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _with(reference, _SERVER, pem + reference.csrs.made[_SERVER])


def _with_the_server_key(reference: Reference) -> Mapping[str, Any]:
    return _remade(_SYSTEM, key=reference.provider.server.key)(reference)


def _certificate_instead(reference: Reference) -> Mapping[str, Any]:
    return _with(reference, _SYSTEM, reference.provider.system_signature.chain_file.read_bytes())


def _mutant(name: str, title: str, fault: Fault) -> Mutant:
    return Mutant(f"csr-{name}", title, Facet.CSRS, fault)


MUTANTS = (
    _mutant("server-with-private-key", "Sends the private key along with the request", _with_private_key),
    _mutant("server-changed-after-signing", "Edits the request for the server certificate after it was signed",
            _changed_after_signing(_SERVER, b"Finland", b"Finlend")),
    _mutant("server-signed-with-sha1", "Signs the request with SHA-1", _signed_with_sha1),
    _mutant("server-short-key", "Asks for a server certificate for an RSA key of 1024 bits",
            _remade(_SERVER, key=lambda: _key(1024))),
    _mutant("server-exponent-three", "Makes its key with the public exponent 3",
            _remade(_SERVER, key=lambda: _key(exponent=3))),
    _mutant("server-close-primes", "Makes its key from two neighbouring primes", _remade(_SERVER, key=_close_primes)),
    _mutant("server-ip-only", "Asks for a server certificate for an IP address without a domain name",
            _remade(_SERVER, subject={NameOID.COMMON_NAME: "192.0.2.10"}, names=[])),
    _mutant("server-with-bare-host", "Names a host of its inner network beside the full one",
            _remade(_SERVER, names=[x509.DNSName("kanta.esimerkki.test"), x509.DNSName("kantapalvelin")],
                    subject={NameOID.COMMON_NAME: "kanta.esimerkki.test"})),
    _mutant("server-ip-as-dns-name", "Writes an IP address as DNS name beside the host",
            _remade(_SERVER, names=[x509.DNSName("kanta.esimerkki.test"), x509.DNSName("192.0.2.10")],
                    subject={NameOID.COMMON_NAME: "kanta.esimerkki.test"})),
    _mutant("server-common-name-only", "Names the host in the common name alone", _remade(_SERVER, names=[])),
    _mutant("server-wildcard", "Asks for a certificate for every host of its domain",
            _remade(_SERVER, names=[x509.DNSName("*.esimerkki.test")],
                    subject={NameOID.COMMON_NAME: "*.esimerkki.test"})),
    _mutant("server-with-unit", "Asks for a server certificate with an organisational unit",
            _remade(_SERVER, subject={NameOID.ORGANIZATIONAL_UNIT_NAME: "Tietohallinto"})),
    _mutant("server-with-email-in-subject", "Puts an e-mail address into the subject",
            _remade(_SERVER, subject={NameOID.EMAIL_ADDRESS: _EMAIL})),
    _mutant("server-with-email-as-name", "Asks for an e-mail address beside the DNS name",
            _remade(_SERVER, names=[x509.DNSName("kanta.esimerkki.test"), x509.RFC822Name(_EMAIL)],
                    subject={NameOID.COMMON_NAME: "kanta.esimerkki.test"})),
    _mutant("server-without-organisation", "Leaves the organisation out of the request",
            _remade(_SERVER, subject={NameOID.ORGANIZATION_NAME: None})),
    _mutant("server-of-another-country", "Keeps the country of its program's template",
            _remade(_SERVER, subject={NameOID.COUNTRY_NAME: "AU"})),
    _mutant("server-asks-for-authority", "Makes the request with the template of an authority",
            _remade(_SERVER, authority=True)),
    _mutant("system-changed-after-signing", "Edits the request after it was signed",
            _changed_after_signing(_SYSTEM, b"TEST", b"TSET")),
    _mutant("system-is-a-certificate", "Sends its certificate in the place of a request", _certificate_instead),
    _mutant("system-short-key", "Asks for a system signature certificate for an RSA key of 1024 bits",
            _remade(_SYSTEM, key=lambda: _key(1024))),
    _mutant("system-without-oid", "Asks for a system signature certificate without the organisation's OID",
            _remade(_SYSTEM, subject={NameOID.SERIAL_NUMBER: None})),
    _mutant("system-with-business-id", "Writes the business ID in the place of the OID",
            _remade(_SYSTEM, subject={NameOID.SERIAL_NUMBER: "1234567-1"})),
    _mutant("system-with-email", "Asks for an e-mail address in the system signature certificate",
            _remade(_SYSTEM, names=[x509.RFC822Name(_EMAIL)])),
    _mutant("system-with-the-server-key", "Asks for both certificates with one key", _with_the_server_key),
)  # fmt: skip
"""In the order of the cases."""
