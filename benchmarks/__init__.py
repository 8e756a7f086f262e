"""In: a machine. Out: what the README claims about speed, as commands that print a table."""
