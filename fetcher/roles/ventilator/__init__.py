"""The ventilator: hands out the URLs and learns which rows are committed."""
