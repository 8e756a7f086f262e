"""Where Touchstone runs: its installation, its local stack, and its containers."""
