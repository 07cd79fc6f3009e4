"""Names of hosts as certificates and registers carry them."""

from __future__ import annotations

import re

_HOST_NAME = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def is_host_name(text: str) -> bool:
    """Whether a text is a fully qualified host name in small letters: labels of letters, digits and hyphens, at most
    253 characters (RFC 1123 2.1, RFC 1035 2.3.4).
    """
    return _HOST_NAME.fullmatch(text) is not None
