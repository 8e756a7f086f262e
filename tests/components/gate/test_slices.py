"""In: answers by slice. Out: slices that hold, are broken, stay open, or only inform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.gate import decide
from tests.components.gate.conftest import ONE_WRONG, SETTINGS, TODAY, Bench, params_of
from tests.components.gate.test_decide import names, rules


def verdict_of(bench: Bench, out: Path, **slices: Any) -> dict[str, Any]:
    """Return the verdict on a worse candidate, a fifth of whose answers are broken everywhere."""
    params = params_of(slices=slices, promote_when="non_inferior", margin=0.9)
    evidence = bench.evidence(out, bench.make("poor", ONE_WRONG), bench.make("good"))
    return decide(params, evidence, SETTINGS, TODAY)


@pytest.mark.parametrize(("margin", "state"), [(0.01, "broken"), (0.15, "open"), (0.40, "holds")])
def test_judged_slice_is_held_against_its_margin(
    bench: Bench, tmp_path: Path, margin: float, state: str
) -> None:
    verdict = verdict_of(bench, tmp_path, min_rows=60, margin=margin)
    found = {name: rule for name, rule in rules(verdict).items() if name.startswith("slice:")}
    assert set(found) == {"slice:channel=chat", "slice:channel=mail"}
    assert {rule["state"] for rule in found.values()} == {state}
    for part in verdict["slices"]:
        rule = found[f"slice:{part['column']}={part['value']}"]
        assert part["judged"]
        assert part["rows"] == 60
        assert (part["state"], part["needed"]) == (rule["state"], rule["needed"])
        assert part["low"] < part["estimate"] < part["high"]
        assert rule["heading"] == "Slices"
        assert rule["threshold"] == -margin


def test_slice_below_the_least_rows_only_informs(bench: Bench, tmp_path: Path) -> None:
    verdict = verdict_of(bench, tmp_path, min_rows=61, margin=0.01)
    assert not [name for name in rules(verdict) if name.startswith("slice:")]
    assert [part["state"] for part in verdict["slices"]] == ["informs", "informs"]
    assert all(not part["judged"] and part["p_value"] is None for part in verdict["slices"])
    assert all(part["candidate"] < part["champion"] for part in verdict["slices"])
    assert {power["where"] for power in verdict["power"]} == {"overall"}


def test_slice_is_waived_by_its_own_name_and_no_other_with_it(bench: Bench, tmp_path: Path) -> None:
    champion = bench.make("poor", ONE_WRONG)
    params = params_of(slices={"min_rows": 60, "margin": 0.01})
    verdict = decide(
        params, bench.evidence(tmp_path, bench.make("good"), champion), SETTINGS, TODAY
    )
    assert verdict["verdict"] == "promote"
    waiver = {"rule": "slice:channel=chat", "reason": "chat is closed soon", "by": "Ada"}
    worse = params_of(
        slices={"min_rows": 60, "margin": 0.01},
        promote_when="non_inferior",
        margin=0.9,
        waivers=[{**waiver, "until": "2026-12-31"}],
    )
    found = decide(
        worse, bench.evidence(tmp_path / "w", champion, bench.make("good")), SETTINGS, TODAY
    )
    assert names(found, "waived") == ["slice:channel=chat"]
    assert names(found, "broken") == ["accuracy_not_worse", "slice:channel=mail"]
