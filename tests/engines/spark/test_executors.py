"""When an application of Spark is given up for another one."""

from __future__ import annotations

from fetcher.engines.spark.executors import Executors

MASTER = "spark://127.0.0.1:7077"


def test_an_application_waits_for_its_first_executor_for_ever() -> None:
    executors = Executors(MASTER)
    assert not executors.are_lost(0, 0.0, has_no_core=False)
    assert not executors.are_lost(0, 1000.0, has_no_core=True)


def test_a_master_that_starts_no_other_executor_has_forgotten_the_application() -> None:
    executors = Executors(MASTER)
    assert not executors.are_lost(2, 100.0, has_no_core=False)
    assert not executors.are_lost(0, 115.0, has_no_core=False)
    assert executors.are_lost(0, 121.0, has_no_core=False)


def test_an_executor_that_comes_in_time_is_enough() -> None:
    executors = Executors(MASTER)
    executors.are_lost(1, 100.0, has_no_core=False)
    executors.are_lost(0, 115.0, has_no_core=False)
    executors.are_lost(1, 119.0, has_no_core=False)
    assert not executors.are_lost(0, 130.0, has_no_core=False)


def test_other_clusters_may_take_long_until_spark_refuses_a_slot() -> None:
    executors = Executors("yarn")
    executors.are_lost(1, 0.0, has_no_core=False)
    assert not executors.are_lost(0, 1000.0, has_no_core=False)
    assert executors.are_lost(0, 1001.0, has_no_core=True)
