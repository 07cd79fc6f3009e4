"""The handbook: `docs/`, the notebooks and pages made from data and code, as one site that opens from a disk."""
