"""The engine `ray`: each slot is an actor, on whatever node Ray puts it.

Only the modules `process` and `actors` know Ray, and they run in a process of their own.
"""
