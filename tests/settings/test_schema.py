"""What follows from several settings together."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.settings.schema import Http, Settings, Worker


def test_the_longest_step_is_an_attempt_and_the_call_of_the_handler() -> None:
    http = Http(total_timeout_s=30.0)
    alone = replace(Settings(), http=http, worker=Worker(handler_timeout_s=7.0))
    assert alone.longest_step_s == 30.0
    handled = replace(alone, worker=Worker(handler="my:function", handler_timeout_s=7.0))
    assert handled.longest_step_s == 37.0
