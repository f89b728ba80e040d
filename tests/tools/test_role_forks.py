"""The fork server of roles (support.role_forks)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support import role_forks


def test_a_role_is_not_forked_with_options_that_the_server_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in role_forks.variables(os.environ).items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "fetcher.roles.main", "a spec"]
    with pytest.raises(TypeError, match="umask"):
        role_forks.subprocesses().Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, umask=7
        )
