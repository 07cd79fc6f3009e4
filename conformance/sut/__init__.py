"""Systems under test: the facets that a case may use, and the ways of attaching them."""
