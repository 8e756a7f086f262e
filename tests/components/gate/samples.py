"""In: nothing. Out: the verdict on a first candidate, and the parts that others are made from."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

Verdict = dict[str, Any]
STORED = Path(__file__).with_suffix(".json")

LABELS = [
    "billing_address_change",
    "cancel_order",
    "change_delivery_address",
    "charged_twice",
    "delivery_delayed",
    "forgot_password",
    "invoice_copy",
    "item_damaged",
    "item_missing",
    "refund_request",
    "refund_status",
    "return_item",
    "track_order",
    "wrong_item",
]
CHANNELS = {"channel": ["mail", "chat", "app", "phone"], "segment": ["private", "business"]}
TEXTS = [
    "Where is my parcel? It was due on Monday & nobody answers.",
    'please cancel order #88213 <script>alert("1")</script>',
    "I was charged twice for the *same* item | see [receipt](https://shop.example/r/1)",
    "the money has not arrived, @support said it takes 3 days",
    "\u05d4\u05d7\u05d1\u05d9\u05dc\u05d4 \u05dc\u05d0 \u05d4\u05d2\u05d9\u05e2\u05d4, order 17",
    "Wrong size again!!! `size 42` was ordered and 24 came. " * 12,
]


def score(estimate: float, half: float) -> Verdict:
    return {"estimate": estimate, "low": estimate - half, "high": min(1.0, estimate + half)}


def rule(name: str, heading: str, state: str, **more: Any) -> Verdict:
    made = {
        "name": name,
        "title": name.replace("_", " ").replace("latency p95 ms", "latency, 95th percentile"),
        "heading": heading,
        "state": state,
        "figure": None,
        "threshold": None,
        "interval": None,
        "unit": "share",
        "bound": "none",
        "reason": "",
        "cure": "",
        "needed": None,
        "waiver": None,
    }
    return made | more


def limits() -> list[Verdict]:
    at = "Limits"
    floor, ceiling = {"bound": "least"}, {"bound": "most"}
    return [
        rule(
            "accuracy", at, "holds", figure=0.943, threshold=0.85, interval=[0.914, 0.966], **floor
        ),
        rule(
            "macro_f1", at, "holds", figure=0.94, threshold=0.85, interval=[0.908, 0.964], **floor
        ),
        rule(
            "calibration_error",
            at,
            "holds",
            figure=0.184,
            threshold=0.35,
            interval=[0.15, 0.212],
            **ceiling,
        ),
        rule("accuracy_loss", at, "holds", figure=0.0, threshold=0.01, unit="loss", **ceiling),
        rule("broken_share", at, "holds", figure=0.004, threshold=0.03, **ceiling),
        rule("batch_dependent", at, "holds", figure=0, threshold=0, unit="count", **ceiling),
        rule("near_copy_share", at, "holds", figure=0.008, threshold=0.05, **ceiling),
        rule("latency_p95_ms", at, "holds", figure=6.0, threshold=200.0, unit="ms", **ceiling),
        rule("latency_ratio", at, "holds", figure=1.02, threshold=1.5, unit="ratio", **ceiling),
        rule("size_mb", at, "holds", figure=23.1, threshold=100.0, unit="MB", **ceiling),
    ]


def edits(rows: int = 265) -> list[Verdict]:
    out = []
    for index, (edit, share) in enumerate(
        {"typo": 0.868, "case": 0.996, "punctuation": 0.977, "words": 0.94}.items()
    ):
        half = 1.96 * math.sqrt(share * (1 - share) / rows) + 0.002
        text = TEXTS[index]
        example = {
            "text": text,
            "edited": text.replace("a", "q", 1).replace("it ", "ti "),
            "before": LABELS[12],
            "after": LABELS[4],
        }
        examples = [] if share > 0.99 else [example] * 2
        bounds = {"low": share - half, "high": min(1.0, share + half)}
        out.append({"edit": edit, "rows": rows, "survived": share, "examples": examples} | bounds)
    return out


def confusion(labels: int, rows: int, right: float, seed: int) -> list[list[int]]:
    draw = random.Random(seed)
    counts = [[0] * labels for _ in range(labels)]
    for _ in range(rows):
        gold = draw.randrange(labels)
        near = min(labels - 1, max(0, gold + draw.choice([-2, -1, 1, 3])))
        counts[gold][gold if draw.random() < right else near] += 1
    return counts


def calibration(error: float) -> Verdict:
    rows = [0, 0, 2, 5, 11, 16, 24, 41, 77, 89]
    bins = []
    for index, count in enumerate(rows):
        claimed = index / 10 + 0.05
        right = min(1.0, claimed + error * (1.2 - claimed))
        known = {"confidence": claimed, "accuracy": right}
        unknown = {"confidence": None, "accuracy": None}
        ends = {"low": index / 10, "high": (index + 1) / 10, "rows": count}
        bins.append(ends | (known if count else unknown))
    return {"error": error, "low": error - 0.03, "high": error + 0.03, "bins": bins}


def parity() -> Verdict:
    def graph(difference: float, fixed: int, broken: int, neutral: int) -> Verdict:
        flips = {"fixed": fixed, "broken": broken, "neutral": neutral}
        figures = {"max_logit_difference": difference, "batch_dependent": 0}
        return figures | flips | {"disagreements": fixed + broken + neutral}

    flips = [
        {
            "id": f"test-{index}",
            "text": TEXTS[index],
            "label": LABELS[index],
            "torch": LABELS[index if kind == "broken" else index + 1],
            "int8": LABELS[index if kind == "fixed" else index + 2],
            "kind": kind,
        }
        for index, kind in enumerate(["broken", "fixed"])
    ]
    artifacts = {
        "trained": graph(0.0, 0, 0, 0),
        "onnx": graph(3.1e-6, 0, 0, 0),
        "int8": graph(0.412, 1, 1, 0),
    }
    return {"rows": 265, "artifacts": artifacts, "flips": flips}


def slices() -> list[Verdict]:
    unknown = dict.fromkeys(("champion", "estimate", "low", "high", "p_value", "needed"))
    informs = {"judged": False, "state": "informs", **unknown}
    return [
        {"column": column, "value": value, "rows": 60 + 8 * index}
        | {**informs, "candidate": 0.93 + 0.01 * index}
        for column, values in CHANNELS.items()
        for index, value in enumerate(values)
    ]


def survived() -> list[Verdict]:
    least = {"typo": (0.8, 0.868), "case": (0.95, 0.996), "punctuation": (0.9, 0.977)}
    return [
        rule(f"robust:{name}", "Robustness", "holds", title=name, bound="least")
        | {"figure": found, "threshold": asked}
        for name, (asked, found) in least.items()
    ]


def first(rows: int = 265) -> Verdict:
    """A first promotion: there is no champion."""
    return stored("first") | {
        "rows": rows,
        "scores": {
            "candidate": {"accuracy": score(0.943, 0.026), "macro_f1": score(0.94, 0.028)},
            "champion": None,
        },
        "slices": slices(),
        "robustness": edits(),
        "parity": parity(),
        "calibration": {"candidate": calibration(0.184), "champion": None},
        "confusion": {
            "labels": [*LABELS],
            "candidate": confusion(14, rows, 0.94, 1),
            "champion": None,
        },
        "rules": [
            *[each for each in limits() if each["name"] != "latency_ratio"],
            *survived(),
            rule("registered", "Evidence", "holds", reason="the registry holds these bytes"),
            rule("trained_bytes", "Evidence", "holds", reason="torch and graph have one lineage"),
        ],
    }


def stored(name: str) -> Verdict:
    """Return what of a verdict is the same whatever else is in it."""
    found: Verdict = json.loads(STORED.read_text())[name]
    return found
