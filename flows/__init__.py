"""When a stage runs and how it went: each file is one verb, and only this folder knows Prefect."""
