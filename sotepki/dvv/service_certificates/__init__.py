"""The e-service for service certificates: accounts, applications, DVV at work, delivery, revocation."""
