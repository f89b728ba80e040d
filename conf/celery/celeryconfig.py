"""Settings of Celery for fetcher; see docs/engines.md.

Copy it to where the workers of Celery, beat and `fetcher run --engine celery` are started.
"""

import os

from celery.schedules import crontab

# Redis or RabbitMQ (amqp://user:password@host//). The environment, not this file, has passwords.
broker_url = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")

# Redis hands out a task again that is not acknowledged within this time. A slot is acknowledged
# when it ends: at most some seconds after engine.slot_s (600 s). So this time must be longer.
broker_transport_options = {"visibility_timeout": 3600}

# A worker reserves only slots that it can run now, and leaves the others to other workers.
worker_prefetch_multiplier = 1

# Whole jobs have a queue and workers of their own. They wait for slots, so they must not take the
# places of slots.
task_routes = {
    "fetcher.start": {"queue": "fetcher-jobs"},
    "fetcher.refresh": {"queue": "fetcher-jobs"},
}

# beat starts whole jobs. The list and OUT are paths on the host whose worker serves the queue
# fetcher-jobs. Each night has an OUT of its own. If a job was interrupted, the next call with the
# same OUT resumes it.
beat_schedule = {
    "nightly": {
        "task": "fetcher.start",
        "schedule": crontab(hour=2, minute=30),
        "args": ["/srv/lists/nightly.txt", "/srv/fetcher/nightly-%Y-%m-%d"],
        "kwargs": {
            "options": ["--engine", "celery", "--workers", "8"],
            # If slots run on other hosts: "engine.bind": "tcp://10.0.0.1:0", an address of this
            # host that they reach, and FETCHER_ENGINE__SECRET in the environment of both.
            "settings": {"http.total_timeout_s": 30},
        },
    },
}
