"""The world of defects on the keys that the other tests of the x509 room made already."""

from __future__ import annotations

import functools

import x509_world as w

from sotepki.x509.defects import DefectWorld
from sotepki.x509.defects.world import make_key
from sotepki.x509.keys import PrivateKey

_SHARED = {"root": "root", "persons": "test-sote-person-ca-rsa", "services": "test-sote-service-ca-rsa"}


@functools.cache
def _key(name: str, kind: str) -> PrivateKey:
    if name in _SHARED:
        return w.rsa_key(4096, _SHARED[name])
    return make_key(kind)


@functools.cache
def defect_world() -> DefectWorld:
    return DefectWorld(w.NOW, _key)
