"""HTTP: libcurl on gevent's loop."""
