"""Contracts with organisations, registration points, and registrars with their course."""
