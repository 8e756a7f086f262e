"""In: versions judged on test data, again and again. Out: how many versions those data judged."""

from __future__ import annotations

from components.registry import Registry, Seen
from components.registry import test_uses as uses_of
from tests.candidates import judged, record, verdict_on

DATA = "d" * 64


def test_each_version_counts_once_and_the_one_that_is_judged_now_with_them(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    assert uses_of(registry, name, DATA, versions[0].digest) == 1
    judged(registry, name, versions[0])
    assert uses_of(registry, name, DATA, versions[0].digest) == 1
    assert uses_of(registry, name, DATA, versions[1].digest) == 2


def test_a_version_that_is_judged_by_other_rules_is_no_further_version(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    judged(registry, name, versions[0], "hold")
    other = verdict_on(registry, name, versions[0])
    other["evidence"]["params"] = "q" * 64
    record(registry, other)
    assert uses_of(registry, name, DATA, versions[0].digest) == 1
    assert uses_of(registry, name, DATA, versions[2].digest) == 2


def test_other_test_data_have_judged_nobody_yet(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    judged(registry, name, versions[0])
    assert uses_of(registry, name, "e" * 64, versions[1].digest) == 1
