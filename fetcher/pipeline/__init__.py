"""The flow: source -> ventilator -> worker -> sink. The roles know core.wire, not each other."""
