"""In: counts of rows, and params. Out: small frames, and every rule that must be kept.

A rule is one Great Expectations expectation with a name for people; every one of them enforces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from components.anchors import anchored
from components.params import ValidationParams
from components.schema import GROUP, ID, SOURCE_ROW, SPLIT, SPLITS, example_schema
from components.tasks.base import Task
from components.validation.accepted import CHARACTERS, FOREIGN, TEXT_KEY, Accepted
from components.validation.sieve import Sieve

ROWS: Final = "rows"
LABELS: Final = "labels"
TOTALS: Final = "totals"
COLUMNS: Final = "columns"
LABEL: Final = "label"


@dataclass(frozen=True)
class Rule:
    """One hard rule.

    Attributes:
        name: what must hold, in plain words.
        frame: the frame that it is checked on.
        expectation: the class of great_expectations.expectations.
        options: the arguments of that class, the thresholds among them.
        suite: the file of the user's that asks for it, if one does.
    """

    name: str
    frame: str
    expectation: str
    options: Mapping[str, Any] = field(default_factory=dict)
    suite: Path | None = None


def frames(task: Task, accepted: Accepted, sieve: Sieve) -> dict[str, pd.DataFrame]:
    """Return one frame of the accepted rows' types, one of labels, and one of totals."""
    return {
        COLUMNS: accepted.types(),
        LABELS: _label_frame(task, accepted),
        TOTALS: _total_frame(accepted, sieve),
    }


def columns(task: Task, slices: Sequence[str]) -> dict[str, list[str]]:
    """Return the names that there are to be asked of, by frame."""
    splits = [f"rows_{split}" for split in SPLITS]
    return {
        ROWS: [*example_schema(task.columns, slices).names, TEXT_KEY, CHARACTERS, FOREIGN],
        LABELS: [LABEL, *SPLITS, "train_share"],
        TOTALS: [
            "rows", "accepted", "rejected", "reject_share", "unknown_labels",
            "groups_in_two_splits", "variants_in_two_splits", *splits,
        ],
    }  # fmt: skip


def _label_frame(task: Task, accepted: Accepted) -> pd.DataFrame:
    """Return a row per label: rows with it in each split, and their share of the training rows."""
    counts, labels = accepted.labels, _needed(task)
    table: dict[str, Any] = {LABEL: labels}
    # A label that is known by its text may be one that a split has no row of.
    absent = 0 if anchored(task) is None else None
    table |= {split: [counts[split][label] or absent for label in labels] for split in SPLITS}
    train = max(1, accepted.rows["train"])
    table["train_share"] = [counts["train"][label] / train for label in labels]
    return pd.DataFrame(table)


def _needed(task: Task) -> list[str]:
    """Return the labels that must have rows: not an answer that the head itself never gives.

    Texts out of scope are welcome in each split, and can be done without.
    """
    answered = bool(task.outputs) and set(task.outputs) <= set(task.labels)
    return list(task.outputs if answered else task.labels)


def _total_frame(accepted: Accepted, sieve: Sieve) -> pd.DataFrame:
    """Return one row of totals over all splits."""
    reasons = sieve.reasons()
    passed, rejected = sum(accepted.rows.values()), sum(reasons.values())
    totals: dict[str, Any] = {
        "rows": passed + rejected,
        "accepted": passed,
        "rejected": rejected,
        "reject_share": rejected / max(1, passed + rejected),
        "unknown_labels": reasons.get("unknown_label", 0),
        "groups_in_two_splits": sieve.crossing("group"),
        "variants_in_two_splits": sieve.crossing("variant"),
    }
    totals |= {f"rows_{split}": accepted.rows[split] for split in SPLITS}
    return pd.DataFrame([totals])


def rules(task: Task, params: ValidationParams, slices: Sequence[str]) -> list[Rule]:
    """Return every hard rule of the data, in the order in which a person would ask."""
    columns, *others = _column_rules(task, slices)
    return [
        columns,
        *_total_rules(params),
        *(_label_rules(params) if task.labels else []),
        *_row_rules(task, params),
        *others,
    ]


def _column_rules(task: Task, slices: Sequence[str]) -> list[Rule]:
    schema = example_schema(task.columns, slices)
    found = [
        Rule(
            "all columns are there",
            ROWS,
            "ExpectTableColumnsToMatchSet",
            {"column_set": list(schema.names), "exact_match": False},
        )
    ]
    for name in schema.names:
        kind = "int64" if name == SOURCE_ROW else "str"
        of_type = {"column": name, "type_": kind}
        if not name.startswith("slice_"):
            found.append(Rule(f"{name} is {kind}", ROWS, "ExpectColumnValuesToBeOfType", of_type))
    for name in (ID, GROUP, SPLIT, SOURCE_ROW, *task.columns):
        options = {"column": name}
        found.append(Rule(f"{name} is never null", ROWS, "ExpectColumnValuesToNotBeNull", options))
    return found


def _row_rules(task: Task, params: ValidationParams) -> list[Rule]:
    lengths = {"min_value": params.min_characters, "max_value": params.max_characters}
    found = [
        Rule("ids are unique", ROWS, "ExpectColumnValuesToBeUnique", {"column": ID}),
        Rule(
            "no text stands twice, on two sides of a split or on one",
            ROWS,
            "ExpectColumnValuesToBeUnique",
            {"column": TEXT_KEY},
        ),
        Rule(
            "texts have a length in bounds",
            ROWS,
            "ExpectColumnValuesToBeBetween",
            {"column": CHARACTERS, **lengths},
        ),
        Rule(
            "splits are named as they are",
            ROWS,
            "ExpectColumnValuesToBeInSet",
            {"column": SPLIT, "value_set": list(SPLITS)},
        ),
    ]
    if LABEL in task.columns and task.labels:
        # A cell is a label where each row has one that is written as it is answered.
        plain = task.loss == "one_label"
        options = {"column": LABEL, "value_set": list(task.labels)}
        counted = {"column": FOREIGN, "value_set": [0]}
        name, kind = "labels are those of the task", "ExpectColumnValuesToBeInSet"
        found.append(Rule(name, ROWS, kind, options if plain else counted))
    return found


def _total_rules(params: ValidationParams) -> list[Rule]:
    def at_most(name: str, column: str, value: float) -> Rule:
        options = {"column": column, "max_value": value}
        return Rule(name, TOTALS, "ExpectColumnMaxToBeBetween", options)

    return [
        at_most("few rows are rejected", "reject_share", params.max_reject_share),
        at_most("unknown labels are few", "unknown_labels", params.max_unknown_labels),
        at_most("no group stands in two splits", "groups_in_two_splits", 0),
        at_most("no text stands in two splits in another form", "variants_in_two_splits", 0),
        *(
            Rule(
                f"{split} has rows",
                TOTALS,
                "ExpectColumnMinToBeBetween",
                {"column": f"rows_{split}", "min_value": 1},
            )
            for split in SPLITS
        ),
    ]


def _label_rules(params: ValidationParams) -> list[Rule]:
    found = [
        Rule(
            f"every label has its rows in {split}",
            LABELS,
            "ExpectColumnMinToBeBetween",
            {"column": split, "min_value": getattr(params.min_rows_per_label, split)},
        )
        for split in SPLITS
    ]
    share = {"column": "train_share", "max_value": params.max_label_share}
    return [*found, Rule("no label dominates train", LABELS, "ExpectColumnMaxToBeBetween", share)]
