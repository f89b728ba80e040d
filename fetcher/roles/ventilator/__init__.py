"""The ventilator: hands out the URLs and learns what is committed."""
