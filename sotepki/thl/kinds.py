"""Kinds of organisations that the test world tells apart (choice: the register's own types are not public)."""

from __future__ import annotations

from enum import StrEnum


class OrganisationKind(StrEnum):
    """What an organisation is; ``Organisation.kind`` holds the value."""

    WELLBEING_SERVICES_COUNTY = "wellbeing-services-county"
    HOSPITAL = "hospital"
    PRIVATE_CLINIC = "private-clinic"
    PUBLIC_SOCIAL_CARE = "public-social-care"
    PRIVATE_SOCIAL_CARE = "private-social-care"
    PHARMACY = "pharmacy"
    KANTA_INTERMEDIARY = "kanta-intermediary"
    SOFTWARE_VENDOR = "software-vendor"
    STUDENT_HEALTH = "student-health"
    AUTHORITY = "authority"
