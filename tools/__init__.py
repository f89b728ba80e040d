"""Development tools; the program never imports them."""
