"""Bodies as they arrive: limits, decoding, memory, and what is kept of them."""
