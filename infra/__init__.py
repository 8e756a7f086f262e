"""In: a machine. Out: where Touchstone runs: installation, local stack and containers."""
