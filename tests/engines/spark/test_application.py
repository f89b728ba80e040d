"""What the user has set for Spark stays, other than what slots rely on."""

from __future__ import annotations

import msgspec
import pytest

from fetcher.engines.spark import application
from fetcher.settings.schema import Settings


class Conf(dict[str, str]):
    """As pyspark.SparkConf."""

    def set(self, key: str, value: str) -> None:
        self[key] = value

    def setIfMissing(self, key: str, value: str) -> None:
        self.setdefault(key, value)


def completed(before: dict[str, str], **engine: object) -> Conf:
    conf = Conf(before)
    plain = {"engine": {"name": "spark", **engine}, "worker": {"processes": 3}}
    application.complete(conf, msgspec.convert(plain, Settings))
    return conf


@pytest.mark.parametrize(
    ("before", "address", "master"),
    [
        ({}, "", "local[3]"),
        ({"spark.master": "local[*]"}, "", "local[3]"),
        ({"spark.master": "spark://h:7077"}, "", "spark://h:7077"),
        ({"spark.master": "spark://h:7077"}, "spark://other:7077", "spark://other:7077"),
    ],
)
def test_the_master(before: dict[str, str], address: str, master: str) -> None:
    assert completed(before, address=address)["spark.master"] == master


def test_speculation_and_retries_are_off_whatever_is_set() -> None:
    conf = completed({"spark.speculation": "true", "spark.task.maxFailures": "4"})
    assert conf["spark.speculation"] == "false"
    assert conf["spark.task.maxFailures"] == "1"


def test_what_the_user_has_set_otherwise_stays() -> None:
    assert completed({"spark.cores.max": "40"})["spark.cores.max"] == "40"
    assert completed({})["spark.cores.max"] == "3"


@pytest.mark.parametrize(
    ("engine", "bound", "host"),
    [
        ({}, "127.0.0.1", "127.0.0.1"),
        ({"bind": "tcp://10.0.0.1:5700"}, "10.0.0.1", "10.0.0.1"),
        ({"bind": "tcp://0.0.0.0:5700", "advertise": "node1"}, "0.0.0.0", "node1"),
        ({"bind": "tcp://[::1]:5700"}, "::1", "[::1]"),
    ],
)
def test_executors_reach_the_driver_as_workers_reach_the_ventilator(
    engine: dict[str, str], bound: str, host: str
) -> None:
    conf = completed({}, **engine)
    assert conf["spark.driver.bindAddress"] == bound
    assert conf["spark.driver.host"] == host
