"""Vartti, the card registration: orders, production, hand-over, closing, renewal, and the lookup interface."""
