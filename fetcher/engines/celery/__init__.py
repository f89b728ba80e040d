"""The engine `celery`: each slot is a task that a worker of Celery runs.

Workers are started by `celery -A fetcher.engines.celery worker -Q fetcher`, or by an application of
the user that has this module in its `imports`. Only this package knows Celery.
"""

from fetcher.engines.celery.app import app

__all__ = ["app"]
