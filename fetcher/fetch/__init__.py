"""The fetch core: one Task in, one Result out, whatever the server does."""
