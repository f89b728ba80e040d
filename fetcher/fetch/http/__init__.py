"""HTTP by libcurl on gevent's loop."""
