"""Know-how without an orchestrator: each package turns files into files and can be used alone."""
