"""The hierarchy and its data: finished after a crash anywhere, its keys changed under it, its plan without typos."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from authority_world import World, authority_keys, new_world, open_world
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from sqlalchemy import select

from sotepki.dvv.authority import certification, revocation_lists
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.authority.plan import HolderKind, load_plan
from sotepki.dvv.authority.reasons import load_reasons, reason_called
from sotepki.dvv.authority.rules import authority_rules
from sotepki.errors import Fault, Refused
from sotepki.records import JournalEntry
from sotepki.resources import package_file
from sotepki.tokens import KeyKind, PrivateKey
from sotepki.x509.crl import RevokedEntry, build_crl
from sotepki.x509.issuing import Issuer
from sotepki.x509.profile_values import AccessValue, UrlValue
from sotepki.x509.profiles import load_profiles
from sotepki.x509.serials import serial_text

NAME = x509.NameOID.COMMON_NAME


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    yield made
    made.records.database.close()


def existing(label: str, _kind: KeyKind) -> PrivateKey:
    return authority_keys()[label]


def power_cut(*_given: object, **_named: object) -> NoReturn:
    raise KeyboardInterrupt


def test_the_hierarchy_bears_the_confirmed_names_which_relying_software_matches_on(world: World) -> None:
    names = {a: world.authorities.certificate(a).subject.rfc4514_string() for a in world.authorities.made()}
    assert names["root"] == (
        "CN=DVV TEST Root CA - G3 RSA,OU=Varmennepalvelut,OU=Certification Authority Services,"
        "O=Digi- ja vaestotietovirasto TEST,C=FI"
    )
    assert "CN=DVV TEST Social Welfare and Healthcare Prof. Certs - G2R," in names["sote-persons"]
    assert "CN=DVV TEST Social Welfare and Healthcare Service Certs - G3R," in names["sote-services"]


def test_every_chain_ends_at_the_root_and_every_signature_holds(world: World) -> None:
    for authority_id in ("sote-persons", "sote-services"):
        issuing, root = world.authorities.chain(authority_id)
        issuing.verify_directly_issued_by(root)
        assert root == world.authorities.root
    root.verify_directly_issued_by(root)


def test_a_hierarchy_is_made_only_once(world: World) -> None:
    def never(label: str, kind: KeyKind) -> PrivateKey:
        raise AssertionError("a second key was asked for")

    with pytest.raises(Refused, match="exist already") as caught:
        world.authorities.create_hierarchy(never)
    assert caught.value.rule == "authority.exists"


def test_a_hierarchy_that_a_crash_left_half_done_is_finished_with_the_same_root(tmp_path: Path) -> None:
    def fails_late(label: str, _kind: KeyKind) -> PrivateKey:
        if label == "ca-sote-services":
            raise KeyboardInterrupt
        return authority_keys()[label]

    with pytest.raises(KeyboardInterrupt):
        new_world(tmp_path, fails_late)
    world = open_world(tmp_path)
    root = world.authorities.root
    with pytest.raises(Fault, match="has not been made"):
        world.authorities.certificate("sote-services")
    world.authorities.create_hierarchy(lambda label, _kind: authority_keys()[label])
    assert world.authorities.root == root
    world.authorities.certificate("sote-services").verify_directly_issued_by(root)


def test_the_addresses_in_the_profiles_are_those_that_are_published() -> None:
    """A client that follows a certificate's CRL, OCSP or caIssuers address must meet the authority that issued it."""
    plan = load_plan()
    for profile in load_profiles().values():
        for authority in plan.authorities.values():
            if authority.profile not in profile.issuers or profile.id in plan.responders.profiles:
                continue
            access = profile.find("extension.authority-information-access", AccessValue)
            points = profile.find("extension.crl-distribution-points", UrlValue)
            if access is not None:
                assert access.ocsp.endswith(f"/{authority.publication_id}"), profile.id
                assert access.ca_issuers.endswith(f"/ca/{authority.publication_id}.crt"), profile.id
            if points is not None:
                assert points.url.endswith(f"/crl/{authority.publication_id}.crl"), profile.id


# ------------------------------------------------------------------------------------------------------------- making


@pytest.mark.parametrize("label", ["ca-sote-services", "ocsp-root", "ocsp-sote-services", "ocsp-general-ec"])
def test_a_hierarchy_that_lacks_a_key_is_finished(tmp_path: Path, label: str) -> None:
    """An authority without its responder's key would never answer whether its certificates are good."""

    def fails(wanted: str, kind: KeyKind) -> PrivateKey:
        return power_cut() if wanted == label else existing(wanted, kind)

    with pytest.raises(KeyboardInterrupt):
        new_world(tmp_path, fails)
    world = open_world(tmp_path)
    world.authorities.create_hierarchy(existing)
    assert world.authorities.missing() == []
    for authority_id in world.authorities.made():
        assert len(world.authorities.issued(holder=f"responder:{authority_id}")) == 1, authority_id


def test_an_authority_that_was_planned_and_not_certified_is_certified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut between its plan and its certificate: the workspace could neither use nor make it."""
    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr(certification, "issue_der", power_cut)
        new_world(tmp_path, existing)
    world = open_world(tmp_path)
    assert not world.authorities.is_made("root") and world.authorities.made() == []
    with pytest.raises(Fault, match="has not been made"):
        world.server_certificate()
    world.authorities.create_hierarchy(existing)
    with world.records.look() as session:
        said = {
            (one.action, one.subject): json.loads(one.details)
            for one in session.scalars(select(JournalEntry).where(JournalEntry.action.startswith("authority-")))
        }
    root = world.authorities.root
    key_id = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    assert said["authority-planned", "root"] == {"key_id": key_id}
    assert said["authority-created", "root"] == {"serial": serial_text(root.serial_number)}


def test_a_verifier_is_given_both_roots_and_nothing_else_to_trust(world: World) -> None:
    """With an issuing authority among the roots, revoking it would change nothing."""
    assert world.authorities.roots == tuple(map(world.authorities.certificate, ("root", "root-ec")))


def test_keys_of_a_token_that_was_opened_again_are_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the session before are dead: nothing would be issued until the service is started anew."""
    label = "ca-sote-persons-ec"
    der = authority_keys()[label].private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    opened: list[PrivateKey] = []
    used: list[object] = []

    def build(issuer: Issuer, entries: list[RevokedEntry], **named: Any) -> x509.CertificateRevocationList:
        used.append(issuer.key)
        return build_crl(issuer, entries, **named)

    def keys(wanted: str) -> PrivateKey:
        return opened[-1] if wanted == label else authority_keys()[wanted]

    monkeypatch.setattr(revocation_lists, "build_crl", build)
    world.authorities = Authorities(world.records, keys, load_profiles())
    for _ in range(2):
        opened.append(load_der_private_key(der, None))  # type: ignore[arg-type]
        world.authorities.sign_crl("sote-persons-ec")
    assert used == opened


# --------------------------------------------------------------------------------------------------------- responders


def test_responders_are_numbered_by_authority(world: World) -> None:
    """Two responders of one name could not be told apart in a log; the count of other certificates is no number."""

    def names() -> list[str]:
        made = world.authorities.issued(holder="responder:root")
        return [str(one.certificate.subject.get_attributes_for_oid(NAME)[0].value)[-5:] for one in made]

    assert names() == ["OCSP1"]
    world.clock.advance(timedelta(days=80))
    world.authorities.responder("root")
    assert names() == ["OCSP1", "OCSP2"]


def test_near_the_end_of_an_authority_its_last_responder_serves_on(world: World) -> None:
    """A new certificate could not end later: one would be issued for every minute of the last two weeks."""
    end = world.authorities.certificate("sote-persons").not_valid_after_utc
    world.clock.moment = end - timedelta(days=5)
    for _ in range(4):
        world.authorities.responder("sote-persons")
        world.clock.advance(timedelta(hours=1))
    assert len(world.authorities.issued(holder="responder:sote-persons")) == 2


def test_the_responder_of_a_revoked_authority_answers_until_its_certificate_ends(world: World) -> None:
    """In the two weeks before that end nobody learnt any more that its certificates are revoked."""
    (ca,) = world.authorities.issued(holder="authority:sote-persons")
    (own,) = world.authorities.issued(holder="responder:sote-persons")
    reason = x509.ReasonFlags.ca_compromise
    world.authorities.revoke((ca.authority_id, ca.serial_number), reason=reason, actor="test")
    world.clock.moment = own.not_after - timedelta(days=5)
    assert world.authorities.responder("sote-persons").responder_certificate == own.certificate
    world.clock.moment = own.not_after + timedelta(days=1)
    with pytest.raises(Refused, match="revoked"):
        world.authorities.responder("sote-persons")


def test_answers_hold_as_long_as_the_plan_says(world: World) -> None:
    """Who shortens it for a course must see a revocation within that time."""
    short = replace(world.authorities.plan.responders, answer_validity=timedelta(minutes=5))
    world.authorities.plan = replace(world.authorities.plan, responders=short)
    assert world.authorities.responder("sote-persons").validity == timedelta(minutes=5)


# --------------------------------------------------------------------------------------------------------------- data


def test_answers_and_lists_hold_as_long_as_planned() -> None:
    plan = load_plan()
    assert (plan.responders.answer_validity, plan.responders.renew_before) == (timedelta(hours=1), timedelta(days=14))
    held = {one: plan.list_policy(one).next_update for one in plan.authorities}
    assert {one for one, holds in held.items() if holds == timedelta(days=30)} == {"root", "root-ec"}
    assert set(held.values()) == {timedelta(days=30), timedelta(days=1)}


def test_each_authority_certifies_its_own_kind_of_holder_in_its_own_tree() -> None:
    """The kind decides for which reasons a certificate may be revoked, and the tree with which keys it is checked."""
    person, service, authority = HolderKind.PERSON, HolderKind.SERVICE, HolderKind.AUTHORITY
    plan = load_plan()
    assert {one.id: (one.issuer, one.key, one.holders, one.on_demand) for one in plan.authorities.values()} == {
        "root": (None, "rsa-4096", authority, False),
        "sote-persons": ("root", "rsa-4096", person, False),
        "sote-services": ("root", "rsa-4096", service, False),
        "root-ec": (None, "p-384", authority, False),
        "sote-persons-ec": ("root-ec", "p-384", person, False),
        "sote-services-ec": ("root-ec", "p-384", service, False),
        "general-ec": ("root-ec", "p-384", person, False),
        "sote-temporary": ("root", "rsa-4096", person, True),
        "general": ("root", "rsa-4096", person, True),
    }
    keys = {one.id: plan.responders.key_for(one) for one in plan.authorities.values()}
    assert {one for one, key in keys.items() if key == "rsa-3072"} == {
        "root", "sote-persons", "sote-services", "sote-temporary", "general",
    }  # fmt: skip
    assert set(keys.values()) == {"rsa-3072", "p-384"}


def test_the_advice_names_every_authority_of_the_plan() -> None:
    (advice,) = (rule.advice for rule in authority_rules() if rule.id == "authority.unknown")
    named = advice.removeprefix("Name one of ").removesuffix(".").replace(" and ", ", ").split(", ")
    assert named == list(load_plan().authorities)


def test_each_reason_is_given_for_the_certificates_that_it_fits() -> None:
    """An employment ends for a person and not for a server; only an authority's key compromises an authority."""
    person, service, authority = HolderKind.PERSON, HolderKind.SERVICE, HolderKind.AUTHORITY
    assert {one.reason.value: one.kinds for one in load_reasons().values()} == {
        "keyCompromise": {person, service, authority},
        "cessationOfOperation": {person, service, authority},
        "superseded": {person, service, authority},
        "unspecified": {person, service, authority},
        "affiliationChanged": {person},
        "privilegeWithdrawn": {person},
        "cACompromise": {authority},
    }


def test_every_rule_that_is_used_is_in_the_rule_book() -> None:
    book = authority_rules()
    assert {"authority.exists", "serial.unique", "revocation.final", "publication.crl-number"} <= {
        rule.id for rule in book
    }


def test_the_reasons_cover_what_the_field_names() -> None:
    codes = {reason.reason for reason in load_reasons().values()}
    assert not codes & {x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl}
    assert {
        x509.ReasonFlags.key_compromise, x509.ReasonFlags.cessation_of_operation, x509.ReasonFlags.superseded,
        x509.ReasonFlags.affiliation_changed, x509.ReasonFlags.privilege_withdrawn,
    } <= codes  # fmt: skip


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("key-compromise", "key-compromise"), ("keyCompromise", "key-compromise"),
        ("key-compromised", "key-compromise"),
        ("not-needed", "not-needed"), ("no-longer-needed", "not-needed"), ("cessation-of-operation", "not-needed"),
        ("cACompromise", "ca-compromise"), ("certificateHold", None), ("lost", None), ("", None),
    ],
)  # fmt: skip
def test_a_reason_is_known_by_its_word_its_code_and_the_word_it_had_before(said: str, meant: str | None) -> None:
    """Who knows RFC 5280, and who learned the words of an earlier release, is understood; nobody is guessed at."""
    found = reason_called(said)
    assert (found.id if found else None) == meant


def test_two_reasons_that_go_by_one_word_are_refused(tmp_path: Path) -> None:
    text = package_file("dvv", "authority", "revocation_reasons.yaml").read_text("utf-8")
    path = tmp_path / "revocation_reasons.yaml"
    path.write_text(text.replace("formerly: [no-longer-needed]", "formerly: [key-compromise]"), "utf-8")
    with pytest.raises(Fault, match="two reasons go by 'key-compromise'"):
        load_reasons(path)


PLAN_TYPOS = [
    ("responders:\n", "respondents:\n", "unknown key 'respondents'"),
    ("    on_demand: true\n", "    on_demand: soon\n", "on_demand must be true or false"),
    ("  ec_profile: ocsp-responder-ec\n", "  profile_ec: ocsp-responder-ec\n", "unknown key 'profile_ec'"),
    ("  key_label_prefix: ocsp-\n", "", "responders lacks key_label_prefix"),
    ("answer_valid_minutes: 60", "answer_valid_minutes: 0", "answer_valid_minutes must be a number above zero"),
    ("renew_before_days: 14", "renew_before_days: true", "renew_before_days must be a number above zero"),
    ("next_update_hours: 24", "next_update_hours: '24'", "next_update_hours must be a number above zero"),
    ("republish_after_hours: 12", "republish_after_hours: 24", "replaced only after it has run out"),
    ("    holders: person\n", "    holders: people\n", "'people' is not a valid HolderKind"),
    ("publication_id: dvvtest3rc", "publication_idd: dvvtest3rc", "unknown key"),
    ("    key: rsa-4096\n", "    key: rsa-1024\n", "rsa-1024"),
    ("issuer: root", "issuer: moon", "before its issuer"),
    ("next_update_hours: 24", "next_update_hours: 0", "above zero"),
    ("  next_update_hours: 24\n", "", "lacks next_update_hours"),
]
REASON_TYPOS = [
    ("  reason: superseded\n", "  reason: lost\n", "reason purpose-changed: 'lost' is not a valid"),
    ("  kinds: [authority]\n", "  kinds: [ca]\n", "'ca' is not a valid HolderKind"),
    ("  formerly: [key-compromised]\n", "  formally: [key-compromised]\n", "unknown key 'formally'"),
    ("  kinds: [authority]\n", "", "ca-compromise lacks kinds"),
    ("# Why", "lost:\n# Why", "reason lost must be a mapping"),
]


@pytest.mark.parametrize(
    ("name", "load", "old", "new", "message"),
    [("authorities.yaml", load_plan, *typo) for typo in PLAN_TYPOS]
    + [("revocation_reasons.yaml", load_reasons, *typo) for typo in REASON_TYPOS],
)
def test_a_typo_in_the_data_is_said_with_its_place(
    tmp_path: Path, name: str, load: Callable[[Path], object], old: str, new: str, message: str
) -> None:
    """Who changes a policy for a course must not get another one in silence."""
    text = package_file("dvv", "authority", name).read_text("utf-8")
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(Fault, match=message):
        load(tmp_path / name)
