"""What the HTTP services of the offices share: fault knobs, the history of requests, a guard around handlers."""
