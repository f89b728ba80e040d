"""One HTTP exchange over libcurl: request in, head and body out, within its limits of time."""
