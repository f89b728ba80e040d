"""The application of Celery, for workers that have none of their own, and its settings.

It reads `celeryconfig.py` in the current folder or on the path, like any program with Celery.
"""

from __future__ import annotations

import os
from typing import Any, Final

from celery import Celery
from celery.utils.imports import import_from_cwd

QUEUE: Final = "fetcher"
TASKS: Final = "fetcher.engines.celery.tasks"
_CONFIG_MODULE: Final = "CELERY_CONFIG_MODULE"  # Celery's own variable
_DEFAULTS: Final[dict[str, Any]] = {
    "broker_connection_retry_on_startup": True,
    "task_default_queue": QUEUE,
    "task_ignore_result": True,
    # A worker takes as many slots as it can run, and leaves the others to other workers.
    "worker_prefetch_multiplier": 1,
    # A slot goes on while the broker is away: it needs none.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
}


def make_app(broker: str = "") -> Celery:
    """Return an application with the user's settings, if there are any.

    `broker`: its URL; "": as CELERY_BROKER_URL or else the user's settings say.
    """
    made = Celery("fetcher", include=[TASKS], set_as_current=False)
    given = _user_settings()
    # CELERY_BROKER_URL wins over `broker_url`, and not over the other two.
    names = ("broker_url", "broker_read_url", "broker_write_url") if broker else ()
    made.config_from_object({**_DEFAULTS, **given, **dict.fromkeys(names, broker)})
    return made


def _user_settings() -> dict[str, Any]:
    name = os.environ.get(_CONFIG_MODULE, "celeryconfig")
    try:
        module = import_from_cwd(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise  # the module is there, and lacks one that it imports
        return {}
    return {key: value for key, value in vars(module).items() if not key.startswith("_")}


app = make_app()
