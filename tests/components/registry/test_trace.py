"""In: a registered version with a past. Out: both ends of its line, from any id on it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from components.errors import TouchstoneError
from components.params import RegistryParams
from components.registry import (
    Registry,
    Seen,
    Trace,
    open_ledger,
    promote,
    register,
    rollback,
    trace,
)
from tests.candidates import Verdict, add_version, judged, make_model
from tests.components.registry.conftest import Factory

NAME = "traced"
NUMBERS = itertools.count(1)
# What the flow adds to what stands in the bundle.
ORIGIN = {
    "study": "study-17",
    "trial": "3",
    "encoder_source": "hub:team/encoder@0123456789abcdef",
    "raw_data": "9a" * 32,
    "commit": "ab" * 20,  # where the tests run in a clone, that one's in its place
}


@pytest.fixture(scope="module")
def receipt(
    registry: Registry,
    owner: RegistryParams,
    submit: Factory,
    tmp_path_factory: pytest.TempPathFactory,
) -> Verdict:
    """Version 1, promoted, then replaced by version 2 and given back."""
    given = replace(submit("traced-1"), origin=ORIGIN)
    receipt = register(registry, NAME, owner, given, tmp_path_factory.mktemp("r"))
    second = add_version(registry, NAME, make_model(tmp_path_factory.mktemp("m") / "m", "traced-2"))
    for version in (Seen(1, receipt["digest"]), second):
        promote(registry, judged(registry, NAME, version, probes=[]))
    rollback(registry, NAME, None)
    return receipt


def test_any_id_on_the_line_leads_to_the_version(registry: Registry, receipt: Verdict) -> None:
    decision = open_ledger(registry).read(NAME, ("decision",))[0]
    lineage = receipt["lineage"]
    ways = ["1", receipt["digest"], receipt["digest"][:6], lineage["id"]]
    ways += [receipt["run_id"], decision.hash, ORIGIN["raw_data"], ORIGIN["study"]]
    for way in ways:
        titles = [found.title for found in trace(registry, NAME, way)]
        assert titles == ["traced version 1"], way


def test_what_several_versions_share_leads_to_all(registry: Registry, receipt: Verdict) -> None:
    page = open_ledger(registry).read(NAME, ("decision",))[0].payload["report"]["gate.html"]
    assert len(trace(registry, NAME, page)) == 2


def test_both_ways_are_told(registry: Registry, receipt: Verdict) -> None:
    found: Trace = trace(registry, NAME, "1")[0]
    origin, outcome = dict(found.origin), [title for title, _ in found.outcome]
    assert origin["data"] == receipt["lineage"]["data"]
    assert origin["bundle"] == receipt["digest"]
    assert origin["run"].startswith(receipt["run_id"])
    told = {"raw data", "data", "test split", "code", "commit", "params", "lock file", "encoder"}
    told |= {"encoder source", "study", "trial", "lineage", "bundle", "run"}
    assert set(origin) == told
    for name in ("raw_data", "encoder_source", "study", "trial"):
        assert origin[name.replace("_", " ")] == ORIGIN[name]
    assert outcome == [
        "verdict",
        "gate.html",
        "gate.json",
        "in production",
        "no longer",
        "in production",
        "now",
    ]


@pytest.mark.parametrize("of", ["9", "abc", "0" * 64, ""])
def test_what_nobody_knows_is_told(registry: Registry, receipt: Verdict, of: str) -> None:
    with pytest.raises(TouchstoneError, match="is neither a version of traced"):
        trace(registry, NAME, of)
