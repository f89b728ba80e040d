"""The engine `ray`: each slot is an actor, on whatever node Ray puts it.

Only the modules `client` and `actors` know Ray, and they run in the helper.
"""
