"""In: one verb and its parameters. Out: a run of that stage; only this folder knows Prefect."""
