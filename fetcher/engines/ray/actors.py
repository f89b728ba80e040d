"""The slots of a job as actors of Ray, from the process that is Ray's driver."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import ray

_MOST_TEXT: Final = 500  # characters of an error


class RayActors:
    """See fetcher.engines.ray.slots.Actors."""

    def __init__(self, cpus: float, folders: Sequence[str]) -> None:
        """`folders`: where actors also look for modules, after all others."""
        self._class = ray.remote(_slot_class()).options(
            num_cpus=cpus,
            scheduling_strategy="SPREAD",
            max_restarts=-1,
            # A call that was under way when its actor died runs again, and ends at once if its
            # ticket has expired. Without retries, Ray also refuses calls to an actor that restarts.
            max_task_retries=-1,
        )
        self._folders = tuple(folders)
        self._begun: dict[Any, Any] = {}  # actor -> the call that ends once it has begun

    def start(self) -> Any:
        actor = self._class.remote(self._folders)
        self._begun[actor] = actor.__ray_ready__.remote()
        return actor

    def has_begun(self, actor: Any) -> bool:
        return bool(self.ended([self._begun[actor]]))

    def serve(self, actor: Any, ticket: Mapping[str, Any]) -> Any:
        return actor.serve.remote(dict(ticket))

    def ended(self, calls: Sequence[Any]) -> Collection[Any]:
        if not calls:
            return ()
        ended: list[Any]
        ended, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0, fetch_local=False)
        return set(ended)

    def result(self, call: Any) -> Mapping[str, Any]:
        try:
            result: Mapping[str, Any] = ray.get(call)
        except ray.exceptions.RayError as error:
            return {"error": one_line(error)}
        return result

    def kill(self, actor: Any) -> None:
        self._begun.pop(actor)
        ray.kill(actor, no_restart=True)


def one_line(error: BaseException) -> str:
    """Return an error of Ray, which may have many lines, as one that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"


def _slot_class() -> type:
    """Return the class of the actors.

    As a class within a function it travels with its code, so that a node without fetcher can say
    so. It may use nothing of this module.
    """

    class FetcherSlot:
        def __init__(self, folders: tuple[str, ...]) -> None:
            import sys  # noqa: PLC0415

            sys.path += [folder for folder in folders if folder not in sys.path]

        def serve(self, ticket: dict[str, Any]) -> dict[str, Any]:
            try:
                from fetcher.engines.slot import serve  # noqa: PLC0415
            except ImportError as error:
                import socket  # noqa: PLC0415
                import sys  # noqa: PLC0415

                return {
                    "error": f"fetcher cannot be imported on {socket.gethostname()} by "
                    f"{sys.executable} ({error}); install fetcher {ticket['version']} for it"
                }
            return serve(ticket)

    return FetcherSlot
