"""The profile explorer: tables say what the profiles say, and a what-if is measured on something really made."""

from __future__ import annotations

import pytest

from sotepki.errors import Misuse
from sotepki.x509.explorer import (
    Algorithm,
    Overlay,
    available_algorithms,
    crl_growth_frame,
    diff_profiles,
    profile_frame,
    profiles_frame,
    rows_frame,
    what_if,
    what_if_frame,
)
from sotepki.x509.profiles import load_profiles

CARD = "professional-signature-ec"


def test_tables_hold_every_profile_and_every_row() -> None:
    profiles, rows = profiles_frame(), rows_frame()
    assert list(profiles.index) == list(load_profiles())
    assert len(rows) == sum(len(profile.rows) for profile in load_profiles().values())
    grades = ["confirmed", "secondhand", "inferred", "recalled", "unknown"]
    assert (profiles[grades].sum(axis=1) == profiles["rows"]).all()
    assert profile_frame("test-server").loc["validity", "value"] == {"years": 1}


def test_a_difference_names_field_and_both_values() -> None:
    frame = diff_profiles("professional-signature-rsa", CARD).set_index("field")
    assert frame.loc["key", CARD] == '{"allowed": ["p-384"]}'
    assert "validity" not in frame.index
    assert diff_profiles("personnel-signature-rsa", "actor-signature-rsa").empty
    assert not diff_profiles("personnel-signature-rsa", "actor-signature-rsa", wording=True).empty
    rows = diff_profiles("professional-signature-rsa", "personnel-signature-rsa")
    assert {"subject.organisation", "subject.pseudonym"} <= set(rows[rows["what"] == "row"]["field"])


def test_a_profile_without_an_overlay_is_as_long_as_one_that_was_issued() -> None:
    """Otherwise an architect would decide on figures of another certificate; names may differ by some octets."""
    import x509_world as w
    from cryptography.hazmat.primitives.serialization import Encoding

    issued = len(w.signature_certificate().public_bytes(Encoding.DER))
    assert abs(what_if("professional-signature-rsa", rounds=1).certificate_octets - issued) < 64


def test_an_extension_adds_its_octets_and_a_lifetime_its_days() -> None:
    plain, longer = (what_if(CARD, overlay, rounds=1) for overlay in (Overlay(), Overlay(extension_octets=500)))
    assert 500 < longer.certificate_octets - plain.certificate_octets < 560
    assert what_if(CARD, Overlay(lifetime_years=2), rounds=1).lifetime_days == 731


def test_algorithms_are_compared_with_the_first_line() -> None:
    frame = what_if_frame(CARD, [Overlay(name="today"), Overlay(algorithm=Algorithm.P_256)], rounds=3)
    assert frame.loc["today", "chain_ratio"] == 1.0
    assert frame.loc["p-256", "key_octets"] < frame.loc["today", "key_octets"]
    assert (frame["sign_ms"] > 0).all() and (frame["verify_ms"] > 0).all()


@pytest.mark.skipif(Algorithm.ML_DSA_65 not in available_algorithms(), reason="this cryptography has no ML-DSA")
def test_ml_dsa_has_the_sizes_of_its_standard() -> None:
    """FIPS 204 table 2: an ML-DSA-65 signature has 3309 octets, a key 1952."""
    made = what_if(CARD, Overlay(algorithm=Algorithm.ML_DSA_65), rounds=1)
    assert (made.signature_octets, made.ca_algorithm) == (3309, "ml-dsa-65")
    assert 1952 <= made.key_octets < 1990
    assert made.chain_octets > 3 * 3309 + 3 * 1952


def test_a_revocation_list_grows_until_certificates_expire_as_fast_as_they_are_revoked() -> None:
    frame = crl_growth_frame(
        issued_per_year=1000, revoked_share=0.1, lifetime_years=5, years=12, algorithm=Algorithm.P_384
    )
    assert list(frame["entries"][:2]) == [10, 40]
    assert frame["entries"].iloc[-1] == 250 and frame["delta_octets"].iloc[-1] == 0
    assert frame["octets"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("profile_id", "overlay"),
    [
        ("nothing", Overlay()),
        ("test-root-ec", Overlay()),
        (CARD, Overlay(lifetime_years=-1)),
        (CARD, Overlay(extension_octets=1 << 30)),
    ],
)
def test_what_makes_no_sense_is_a_sentence(profile_id: str, overlay: Overlay) -> None:
    with pytest.raises(Misuse):
        what_if(profile_id, overlay, rounds=1)
