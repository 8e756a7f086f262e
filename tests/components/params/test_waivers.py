from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from components.errors import ParamsError
from components.params import load_params
from components.params.load import check_params

WAIVER = {"rule": "size_ratio", "reason": "the new graph is worth it", "by": "Ada"}


def with_waiver(tree: dict[str, Any], **changes: Any) -> dict[str, Any]:
    tree["gate"]["waivers"] = [{**WAIVER, "until": "2027-01-31", **changes}]
    return tree


@pytest.mark.parametrize("until", ["2027-01-31", '"2027-01-31"', "'2027-01-31'"])
def test_last_day_of_a_waiver_may_be_quoted_or_not(root: Path, tmp_path: Path, until: str) -> None:
    text = (root / "params.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("  waivers:")]
    place = lines.index("release:")
    entry = ", ".join(f"{name}: {value}" for name, value in WAIVER.items())
    lines.insert(place, f"  waivers: [{{{entry}, until: {until}}}]\n")
    (tmp_path / "params.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (waiver,) = load_params(tmp_path / "params.yaml").gate.waivers
    assert waiver.until == "2027-01-31"
    assert waiver.rule == "size_ratio"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"until": "2027-02-30"}, "gate.waivers.0.until: must be a day such as 2027-01-31"),
        ({"until": "soon"}, "gate.waivers.0.until: "),
        ({"until": "2027-01-31T12:00:00"}, "gate.waivers.0.until: "),
        ({"until": None}, "gate.waivers.0.until: "),
        ({"reason": "because"}, "gate.waivers.0.reason: "),
        ({"by": ""}, "gate.waivers.0.by: "),
        ({"since": "2026-01-01"}, "gate.waivers.0.since: unknown field"),
    ],
)
def test_waiver_without_reason_person_or_day_is_refused(
    params_tree: dict[str, Any], changes: dict[str, Any], line: str
) -> None:
    with pytest.raises(ParamsError, match=re.escape(line)):
        check_params(with_waiver(params_tree, **changes), "params.yaml")
