"""What anybody may fetch: CA certificates, revocation lists and OCSP, over HTTP."""
