"""The decisions, pure: no clock, socket, file or greenlet; time comes in as `now`, in seconds."""
