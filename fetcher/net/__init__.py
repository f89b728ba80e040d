"""Old names of modules of fetcher.fetch, for one minor version: importing one warns."""
