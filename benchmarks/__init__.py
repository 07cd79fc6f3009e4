"""Speed as ratios in one run: to the token's raw signing rate, and to a peer on the same input."""
