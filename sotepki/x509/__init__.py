"""X.509 by data: profiles, issuing, revocation lists, OCSP, path validation, lint and the check of requests."""
