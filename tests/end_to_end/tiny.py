"""In: the project's files and a tiny encoder. Out: a clone whose whole line runs in a minute."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.orchestration import copy_of


def small_params(sha256: Mapping[str, str]) -> dict[str, Any]:
    """Return an overlay on params.yaml: few rows, one tiny encoder, limits that noise meets."""
    return {
        "ingestion": {"source": "sample:tickets?rows=420&seed=3"},
        "validation": {"min_rows_per_label": {"train": 1, "validation": 1, "test": 1}},
        "survey": {"budgets": {"rare_labels": 1.0, "near_copies": 1.0}},
        "encoder": {"source": "path:encoder", "sha256": dict(sha256)},
        "tokenization": {"max_length": 48, "max_truncated_share": 1.0},
        "search": {
            "trials": 2,
            "epochs": 1,
            "startup_trials": 1,
            "finalists": {"trials": 1, "seeds": 1, "minutes": None},
            "ablation": None,
        },
        "training": {"epochs": 2, "batch_size": 16},
        "export": {
            "calibration_rows": 16,
            "accept": {"batch_dependent": 1000, "broken_share": 1.0, "accuracy_loss": 1.0},
        },
        "evaluation": {"latency_requests": 10, "throughput_batches": 2, "min_slice_rows": 5},
        "gate": {
            "resamples": 1000,
            "floors": {"accuracy": 0.0, "macro_f1": 0.0},
            "ceilings": {
                "calibration_error": 1.0,
                "accuracy_loss": 1.0,
                "broken_share": 1.0,
                "batch_dependent": 1000,
                "near_copy_share": 1.0,
                "latency_p95_ms": None,
                "latency_ratio": 1000.0,
            },
            "robustness": {"typo": 0.0, "case": 0.0, "punctuation": 0.0, "words": 0.0},
        },
    }


def laid_over(tree: dict[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree with the overlay's values in place of its own."""
    for name, value in overlay.items():
        inner = tree.get(name)
        nested = isinstance(inner, dict) and inner and isinstance(value, Mapping)
        tree[name] = laid_over(inner, value) if nested else value
    return tree


def clone(root: Path, to: Path, encoder: Path, sha256: Mapping[str, str]) -> Path:
    """Copy what git would commit, add the tiny encoder, and shrink params.yaml."""
    copy_of(root, to)
    shutil.copytree(encoder, to / "encoder")
    yaml = YAML(typ="safe", pure=True)
    tree = laid_over(yaml.load((root / "params.yaml").read_text()), small_params(sha256))
    tree["encoder"]["sha256"] = dict(sha256)  # not laid over: other files, other names
    with (to / "params.yaml").open("w") as file:
        yaml.dump(tree, file)
    for command in (["add", "-A"], ["commit", "-q", "-m", "A team's clone"]):
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *command],
            cwd=to,
            check=True,
        )
    return to
