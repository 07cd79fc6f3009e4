"""The certificate authority: plan, issuing, the ledger of serial numbers, revocation and its lists."""
