"""In: files and parameters. Out: files; no orchestrator, and each package works alone."""
