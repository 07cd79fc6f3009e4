"""The Finnish social-welfare-and-health-care PKI in a box. Everything here is TEST."""

__version__ = "0.1.0"
