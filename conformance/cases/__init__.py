"""The cases. Each module is one area; each case is one short function whose docstring is its published description."""
