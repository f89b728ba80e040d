"""Offers the fetch core to users of `requests`: a transport adapter, auth, handlers' pages."""
