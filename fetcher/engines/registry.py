"""The engines by name; each is imported when a job names it, as its library may be missing."""

from __future__ import annotations

import pkgutil
from typing import Final

from fetcher.engines.interface import Engine
from fetcher.errors import ConfigError
from fetcher.optional import REQUIREMENTS, missing_library
from fetcher.settings.schema import Settings
from fetcher.settings.suggest import guess

# name -> module:class. The module imports its library, which is in `fetcher.optional.REQUIREMENTS`.
ENGINES: Final = {
    "celery": "fetcher.engines.celery.driver:CeleryEngine",
    "command": "fetcher.engines.command:CommandEngine",
    "dask": "fetcher.engines.dask:DaskEngine",
    "ray": "fetcher.engines.ray.driver:RayEngine",
    "spark": "fetcher.engines.spark:SparkEngine",
}


def engine_of(settings: Settings) -> Engine:
    """Return the engine that the settings name. Raises ConfigError, UsageError."""
    name = settings.engine.name
    if name not in ENGINES:
        near = guess(name, ENGINES) or f"; there are {', '.join(sorted(ENGINES))}"
        raise ConfigError(f"engine.name = {name}: unknown engine{near}")
    try:
        engine: Engine = pkgutil.resolve_name(ENGINES[name])(settings)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in REQUIREMENTS:
            raise
        raise missing_library(library, needed_by=f"--engine {name}") from error
    return engine
