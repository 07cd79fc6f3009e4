"""The cases. A module is one area; a case is one short function whose docstring is its published description."""
