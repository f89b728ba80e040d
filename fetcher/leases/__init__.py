"""The ventilator's decisions, without I/O: which worker gets which lines, and when."""
