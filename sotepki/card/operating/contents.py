"""What stands in the files of a card, and where (docs/field/card.md 3 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sotepki.card.kinds import CardKind, KeyUse, card_layout
from sotepki.card.operating import objects
from sotepki.card.operating.files import (
    APPLICATION,
    MASTER_FILE,
    SIGNATURE_DIRECTORY,
    DedicatedFile,
    ElementaryFile,
    FileTree,
)
from sotepki.card.operating.profiles import CardProfile, Labels, Placement
from sotepki.errors import Fault, Refused
from sotepki.x509.lenient import der_certificate

# Buffer sizes, card service data and pre-issuing data as the announcing bytes of the Idemia cards have them.
EF_ATR = bytes.fromhex("4301B8 460404 29ECC1 47039401 80 E010 02020104 02020104 02020100 02020100 82029000")
_SIGNATURE_DIRECTORY_NAME = b"E.SIGN"
_ROOT_CA = 0x4334
_AUTHENTICATION_CERTIFICATE = 0x4331
_DIR_SFI, _ATR_SFI, _SERIAL_SFI = 0x1E, 0x1D, 0x1C


@dataclass(frozen=True)
class PublicCard:
    """What the operating system must know of the keys: their kind and, for RSA, the modulus."""

    sizes: Mapping[KeyUse, tuple[str, int]]
    moduli: Mapping[KeyUse, int]


@dataclass(frozen=True)
class CardContents:
    """What a card shows of itself; faults change this and nothing else.

    Attributes:
        number: the card number, also its serial number.
        certificates: what stands in the two certificate files, in DER; None: the file is missing.
        issuers: CA certificates in DER, the issuing CA first, then the root; at most two.
        issuer_files: whether the CA files are there; the directory of certificates names them all the same.
        readable_issuers: whether the CA files can be read.
        sound_token_info: whether EF.TokenInfo is what it should be.
    """

    number: str
    certificates: Mapping[KeyUse, bytes | None]
    issuers: tuple[bytes, ...]
    issuer_files: bool = True
    readable_issuers: bool = True
    sound_token_info: bool = True


def public_card(certificates: Mapping[KeyUse, bytes]) -> PublicCard:
    """What the true certificates of a card say of its keys.

    Raises:
        Fault: rule ``card.content``: a certificate is not one, or is of a strange kind of key.
    """
    sizes: dict[KeyUse, tuple[str, int]] = {}
    moduli: dict[KeyUse, int] = {}
    for use, der in certificates.items():
        try:
            key = der_certificate(der).public_key
        except Refused as error:
            raise Fault(f"The {use} certificate of the card is not readable.", rule="card.content") from error
        if isinstance(key, rsa.RSAPublicKey):
            sizes[use] = ("rsa", key.key_size)
            moduli[use] = key.public_numbers().n
        elif isinstance(key, ec.EllipticCurvePublicKey):
            sizes[use] = ("ec", key.key_size)
        else:
            raise Fault(f"The {use} certificate of the card has a strange kind of key.", rule="card.content")
    return PublicCard(sizes, moduli)


def build_tree(
    contents: CardContents,
    public: PublicCard,
    kind: CardKind,
    profile: CardProfile,
    placement: Placement,
    labels: Labels,
) -> FileTree:
    """Every file of a card."""
    application = "3F00" if placement is Placement.MASTER_FILE else "3F005015"
    application_files = _application_files(contents, public, kind, profile, application, labels)
    shared = (
        ElementaryFile(0x2F00, objects.directory_record(profile.numbering, application), _DIR_SFI),
        ElementaryFile(0x2F01, EF_ATR, _ATR_SFI),
        ElementaryFile(0xD003, b"\x5a" + bytes([len(contents.number)]) + contents.number.encode(), _SERIAL_SFI),
        *_authority_files(contents, profile),
    )
    signing = DedicatedFile(SIGNATURE_DIRECTORY, _SIGNATURE_DIRECTORY_NAME, _signature_files(contents, profile))
    if placement is Placement.MASTER_FILE:
        root = DedicatedFile(MASTER_FILE, objects.PKCS15_AID, (*shared, *application_files), (signing,))
    else:
        inner = DedicatedFile(APPLICATION, objects.PKCS15_AID, application_files)
        root = DedicatedFile(MASTER_FILE, b"", shared, (inner, signing))
    return FileTree(root)


def _application_files(
    contents: CardContents,
    public: PublicCard,
    kind: CardKind,
    profile: CardProfile,
    application: str,
    labels: Labels,
) -> tuple[ElementaryFile, ...]:
    numbering = profile.numbering
    rsa_card = any(kind_of_key == "rsa" for kind_of_key, _ in public.sizes.values())
    info = objects.token_info(contents.number.encode(), numbering.token_label, rsa=rsa_card)
    directory = {
        "auth_objects": f"{application}4401",
        "private_keys": f"{application}4402",
        "certificates": f"{application}4403",
        "trusted_certificates": f"{application}4405",
    }
    files = [
        ElementaryFile(0x5031, objects.object_directory(directory)),
        ElementaryFile(0x5032, info if contents.sound_token_info else _damaged(info)),
        ElementaryFile(0x4401, objects.authentication_objects(numbering, labels, kind.lengths)),
        ElementaryFile(0x4402, _private_keys(public, profile, application, labels)),
        ElementaryFile(0x4403, _certificates(profile, application, labels)),
        ElementaryFile(0x4405, _trusted(contents, numbering.issuing_ca)),
    ]
    certificate = contents.certificates.get(KeyUse.AUTHENTICATION)
    if certificate is not None:
        files.append(ElementaryFile(_AUTHENTICATION_CERTIFICATE, certificate))
    return tuple(files)


def _private_keys(public: PublicCard, profile: CardProfile, application: str, labels: Labels) -> bytes:
    """EF.PrKD: the private keys, each in its directory."""
    places = card_layout().places
    # A bare 3F00 as the path of a key makes OpenSC fail; an empty one works (docs/field/card.md 5.2).
    paths = {
        KeyUse.AUTHENTICATION: "" if application == "3F00" else application,
        KeyUse.SIGNATURE: "3F005016",
    }
    ids = {use: places[use].id for use in KeyUse}
    return objects.private_key_objects(
        profile.numbering, labels, ids, public.sizes, paths, user_consent=profile.user_consent
    )


def _certificates(profile: CardProfile, application: str, labels: Labels) -> bytes:
    """EF.CD: where the holder's certificates are."""
    places = card_layout().places
    paths = {
        KeyUse.AUTHENTICATION: f"{application}{_AUTHENTICATION_CERTIFICATE:04X}",
        KeyUse.SIGNATURE: f"3F005016{profile.numbering.signature_certificates[0]:04X}",
    }
    return b"".join(
        objects.certificate_object(labels.certificates[use], places[use].id, paths[use]) for use in KeyUse
    )


def _trusted(contents: CardContents, issuing_ca: int) -> bytes:
    fids = (issuing_ca, _ROOT_CA)
    rows = zip(contents.issuers, fids, card_layout().issuer_ids, strict=False)
    return b"".join(
        objects.certificate_object(_common_name(der), object_id, f"3F00{fid:04X}", authority=True)
        for der, fid, object_id in rows
    )


def _authority_files(contents: CardContents, profile: CardProfile) -> tuple[ElementaryFile, ...]:
    if not contents.issuer_files:
        return ()
    fids = (profile.numbering.issuing_ca, _ROOT_CA)
    return tuple(
        ElementaryFile(fid, der, readable=contents.readable_issuers)
        for der, fid in zip(contents.issuers, fids, strict=False)
    )


def _signature_files(contents: CardContents, profile: CardProfile) -> tuple[ElementaryFile, ...]:
    certificate = contents.certificates.get(KeyUse.SIGNATURE)
    if certificate is None:
        return ()
    return tuple(ElementaryFile(fid, certificate) for fid in profile.numbering.signature_certificates)


def _common_name(der: bytes) -> str:
    try:
        names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return "CA"
    return str(names[0].value) if names else "CA"


def _damaged(info: bytes) -> bytes:
    # The outer length promises more than there is, and the version is no INTEGER any more.
    return info[:1] + b"\x7f\x13" + info[3:]
