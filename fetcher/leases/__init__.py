"""Who has which lines: the ventilator's decisions. No socket, file, clock or greenlet."""
