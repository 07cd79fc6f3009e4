"""The whole way of a vendor, step by step: the demo prints it, the tour explains it, the reference system uses it."""

from sotepki.journey.cast import Cast, load_cast
from sotepki.journey.openssl import CertificateRequest, make_request

__all__ = ["Cast", "CertificateRequest", "load_cast", "make_request"]
