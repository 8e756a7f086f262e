"""In: what the evaluation stored, and the gate's own answers. Out: whether the two agree.

No stored figure is trusted: each is predicted again, and a report that was rewritten, is of another
model, or is older than the data breaks a rule that says so. None of these rules can be waived.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from components.files import sha256_file
from components.gate.answers import Answers, Candidate
from components.gate.evidence import PREDICTIONS, Evidence
from components.gate.rules import Rule, agree, at, check, differ, number
from components.schema import ID

AGREE: Final = 1e-6

Reported = Mapping[str, Mapping[str, Any]]


def reported(evidence: Evidence, found: Candidate, confusion: list[list[int]] | None) -> list[Rule]:
    """Return whether the evaluation's reports and predictions are about this and unedited.

    Args:
        evidence: what is judged.
        found: the candidate's answers, predicted by the gate itself.
        confusion: of the served bundle, (labels, labels); None for tasks that have none.
    """
    reports = evidence.reports.by_artifact
    return [
        *_about(found, sha256_file(evidence.test), reports),
        _report_metrics(found, confusion, reports),
        _finite(found, reports),
        _predictions(found, evidence),
    ]


def _about(found: Candidate, test: str, reports: Reported) -> Iterator[Rule]:
    """Yield whether the reports are about these bundles, these examples, and the test split."""
    each = found.each()
    digests = [
        line
        for name, who in each.items()
        for line in differ(f"the {name} report", who.bundle.digest, reports[name].get("digest"))
    ]
    yield agree("report_digest", digests, "every report names its bundle's digest")
    data = [
        line
        for name in each
        for line in differ(f"the {name} report", test, reports[name].get("data"))
    ]
    yield agree("report_data", data, "every report names these test examples")
    splits = [
        line
        for name in each
        for key, expected in (("split", "test"), ("artifact", name))
        for line in differ(f"{key} of the {name} report", expected, reports[name].get(key))
    ]
    yield agree("report_split", splits, "every report is about the test split")


def _report_metrics(found: Candidate, confusion: list[list[int]] | None, reports: Reported) -> Rule:
    """Return whether the reports' figures are those that come out when predicted again."""
    off = []
    for name, who in found.each().items():
        for metric, value in who.metrics.items():
            stored = at(reports[name], "metrics", metric)
            told = number(stored)
            if _nothing(who, metric, reports[name]):
                continue
            if told is None or not abs(told - value) <= AGREE:  # NaN agrees with nothing
                off.append(f"{metric} of {name} is {value:.6f} here and {stored} in the report")
        off += differ(f"rows of the {name} report", len(who.examples), reports[name].get("rows"))
    if reports["int8"].get("confusion") != confusion:
        off.append("the confusion matrix of int8 is another one in the report")
    return agree("report_metrics", off, "predicted again, the reports' figures come out")


def _finite(found: Candidate, reports: Reported) -> Rule:
    """Return whether every metric is a number, and no figure of a report is NaN or infinite."""
    off = []
    for name, who in found.each().items():
        for metric in who.metrics:
            stored = at(reports[name], "metrics", metric)
            if number(stored) is None and not _nothing(who, metric, reports[name]):
                off.append(
                    f"{metric} of the {name} report is "
                    + ("missing" if stored is None else f"no finite number: {stored}")
                )
        off += [
            f"{place} of the {name} report is {value}" for place, value in _odd(reports[name], "")
        ]
    return agree("finite", list(dict.fromkeys(off)), "every figure of the reports is a number")


def _nothing(who: Answers, metric: str, report: Mapping[str, Any]) -> bool:
    """Return whether the test split has no row that a figure tells of, and the report says so.

    That is seen from the examples, not from the report; never of the metric that is compared.
    """
    own, told = who.metrics.get(metric), report.get("metrics")
    unknown = metric != who.task.metric and own is not None and number(own) is None
    return unknown and isinstance(told, Mapping) and metric in told and told[metric] is None


def _odd(tree: object, place: str) -> Iterator[tuple[str, object]]:
    """Yield where NaN and infinities stand."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from _odd(value, f"{place}.{name}".lstrip("."))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _odd(value, f"{place}.{index}")
    elif isinstance(tree, float) and number(tree) is None and not place.startswith("metrics."):
        yield place, tree


def _predictions(found: Candidate, evidence: Evidence) -> Rule:
    """Return whether the stored predictions are there, and are the gate's own."""
    path = evidence.reports.evaluation / PREDICTIONS
    try:
        table = pq.read_table(path, columns=[ID, "artifact", "label", "answer"])
    except FileNotFoundError:
        return check("predictions", passed=False, reason=f"{path} is missing")
    except (OSError, pa.ArrowException) as error:
        return check("predictions", passed=False, reason=f"{path} cannot be read: {error}")
    stored = {name: ([], [], []) for name in found.each()} | _columns(table)
    off = []
    for name, who in found.each().items():
        ids, labels, answers = stored[name]
        off += _predictions_off(name, who, (list(ids), list(labels), list(answers)))
    return agree("predictions", off, "predicted again, the stored answers come out")


def _columns(table: pa.Table) -> dict[str, tuple[list[Any], list[Any], list[Any]]]:
    rows: dict[str, tuple[list[Any], list[Any], list[Any]]] = {}
    for artifact, *values in zip(
        *(table[name].to_pylist() for name in ("artifact", ID, "label", "answer")), strict=True
    ):
        kept = rows.setdefault(str(artifact), ([], [], []))
        for column, value in zip(kept, values, strict=True):
            column.append(value)
    return rows


def _predictions_off(
    name: str, who: Answers, stored: tuple[list[Any], list[Any], list[Any]]
) -> list[str]:
    ids, labels, answers = stored
    if ids != [row[ID] for row in who.examples]:
        return [f"{len(ids)} stored predictions of {name} are not about these examples"]
    if labels != [who.task.truth(row) for row in who.examples]:
        return [f"the stored predictions of {name} have other true labels"]
    pairs = zip(who.predictions, answers, strict=True)
    other = sum(own.label != told for own, told in pairs)
    return [f"{other} stored answers of {name} are others than predicted here"] if other else []
