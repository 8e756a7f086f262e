"""In: a rule's name. Out: how a person calls it, where it stands, what mends it, who may waive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from components.pages.words import METRICS

Heading = Literal["Against the champion", "Slices", "Limits", "Robustness", "Evidence"]

AGAINST: Final = "Against the champion"
SLICES: Final = "Slices"
LIMITS: Final = "Limits"
ROBUSTNESS: Final = "Robustness"
EVIDENCE: Final = "Evidence"

SLICE: Final = "slice:"
ROBUST: Final = "robust:"
WAIVER: Final = "waiver:"
AGAIN: Final = "run `dvc repro`, which makes bundles and reports anew"
FEWER: Final = "a lighter quantization: put a later rung of export.ladder first"
GAIN: Final = "a larger gain, or more labelled test examples"
MORE: Final = "a better model, or more labelled test examples"
SMALLER: Final = "a smaller encoder or graph, or a higher ceiling in params.yaml"
FASTER: Final = "a smaller encoder, a quieter machine, or a higher ceiling in params.yaml"


@dataclass(frozen=True)
class Kind:
    """What is known of a rule before it is asked.

    Attributes:
        title: its name for a person.
        heading: under which it stands.
        cure: what would mend it.
        waivable: whether a person may let it be broken. Rules that hold the evidence together
            may not: with one of them broken, nobody knows what the other figures are about.
    """

    title: str
    heading: Heading
    cure: str
    waivable: bool = True


def _identity(title: str, cure: str = AGAIN) -> Kind:
    return Kind(title, "Evidence", cure, waivable=False)


KINDS: Final = {
    "superior": Kind("superior to the champion", "Against the champion", GAIN),
    "non_inferior": Kind("not inferior to the champion", "Against the champion", MORE),
    "beyond_luck": Kind(
        "gain beyond a lucky seed",
        "Against the champion",
        "a larger gain, or more seeds in search.finalists, which tell the spread better",
    ),
    "accuracy_not_worse": Kind(
        "accuracy not worse than the champion's", "Against the champion", "a model that breaks less"
    ),
    "mcnemar": Kind("McNemar test", "Against the champion", ""),
    "label_set": Kind(
        "same labels",
        "Against the champion",
        "a waiver that says why the labels changed, or the champion's labels in task.labels",
    ),
    "new": Kind(
        "new bytes",
        "Against the champion",
        "train on new data or with other values",
        waivable=False,
    ),
    **{name: Kind(title, "Limits", MORE) for name, title in METRICS.items()},
    "calibration_error": Kind(
        "calibration error", "Limits", "more epochs or less label smoothing, or more test examples"
    ),
    "accuracy_loss": Kind("accuracy lost from torch to what is served", "Limits", FEWER),
    "broken_share": Kind("right answers of torch that turn wrong", "Limits", FEWER),
    "batch_dependent": Kind("answers that depend on the batch", "Limits", FEWER),
    "latency_p95_ms": Kind("latency p95", "Limits", FASTER),
    "latency_ratio": Kind("latency against the champion, median and p95", "Limits", FASTER),
    "size_mb": Kind("size", "Limits", SMALLER),
    "size_ratio": Kind("size against the champion", "Limits", SMALLER),
    "robust:typo": Kind("answers survive typos", "Robustness", "more typos in augmentation.edits"),
    "robust:case": Kind(
        "answers survive a change of case", "Robustness", "more case in augmentation.edits"
    ),
    "robust:punctuation": Kind(
        "answers survive other punctuation",
        "Robustness",
        "more punctuation in augmentation.edits",
    ),
    "robust:words": Kind(
        "answers survive words of another group",
        "Robustness",
        "training texts in which each group stands with each label",
    ),
    "near_copy_share": Kind(
        "test examples with a near-copy in training", "Evidence", "group near-copies by a column"
    ),
    "leakage": Kind(
        "no test example in training",
        "Evidence",
        "drop the copies from the source, or group them by ingestion.columns.group",
    ),
    "validation": _identity("the data passed validation"),
    "registered": _identity("these bytes are registered", "run `dvc repro register`"),
    "same_model": _identity("the served model is the trained one"),
    "label_order": _identity("labels in the order they were trained in"),
    "tokenizer": _identity("the tokenizer is the trained one"),
    "data": _identity("the test examples are those of the card"),
    "trained_data": _identity("the training rows are of the same data"),
    "report_digest": _identity("reports are about these bundles"),
    "report_data": _identity("reports are about these examples"),
    "report_split": _identity("reports are about the test split"),
    "report_metrics": _identity("reports' figures, predicted again"),
    "predictions": _identity("stored predictions, predicted again"),
    "finite": _identity("every reported figure is a number"),
}


def kind(name: str) -> Kind:
    """Return what is known of a rule by its name; slices and waivers have as many as there are."""
    if name.startswith(SLICE):
        title = name.removeprefix(SLICE).replace("=", ": ", 1)
        return Kind(title, "Slices", "more training texts of this slice, or more test examples")
    if name.startswith(WAIVER):
        title = f"waiver of {name.removeprefix(WAIVER)}"
        return Kind(title, "Evidence", "mend or remove it in gate.waivers", waivable=False)
    return KINDS[name]


def exists(name: str, slices: Iterable[str]) -> bool:
    """Return whether the gate has a rule of that name, given those of the slices there are."""
    return name in KINDS or name in set(slices)
