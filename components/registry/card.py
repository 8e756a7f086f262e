"""In: a verdict, and what a version's registration knew. Out: the version's model card, Markdown.

Its order is of what a person asks first, because MLflow keeps no more than a description's length.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from components.markdown import code, plain, table
from components.pages.words import METRICS
from components.tasks import load_task, options_type
from components.tasks.base import Task, bare

# Characters that MLflow's databases keep of a description.
DESCRIPTION: Final = 5000
SECTION: Final = "\n\n## "
PERCENT: Final = 100
LISTED: Final = 20
WORST_FIRST: Final = ("broken", "open", "waived", "informs", "holds")
UNKNOWN: Final = "not stated"

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What registration knows of a version and no verdict says.

    Attributes:
        owner: who answers for the model.
        intended_use: what it is for, and what not.
        licence: of the data.
        task: the task's options, labels among them.
        rows: examples by split.
        max_length: tokens that are read of a text.
        origin: where it comes from, by name: commit, study, trial and such.
    """

    owner: str = UNKNOWN
    intended_use: str = UNKNOWN
    licence: str = UNKNOWN
    task: Tree | None = None
    rows: Mapping[str, int] | None = None
    max_length: int | None = None
    origin: Mapping[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def model_card(verdict: Tree, facts: Facts) -> str:
    """Return the whole card.

    Args:
        verdict: of format 2.
        facts: what it does not say.
    """
    parts = {
        "": _headline(verdict, facts),
        "Intended use": _use(facts),
        "How to load it": how_to_load(verdict["candidate"]["name"], "@champion", facts.task),
        "How it scored": _scores(verdict),
        "Limits": _limits(verdict, facts),
        "Waivers": _waivers(verdict["rules"]),
        "Slices": _slices(verdict),
        "Robustness": _robustness(verdict.get("robustness") or []),
        "Calibration": _calibration(verdict.get("calibration")),
        "Data and licence": _data(verdict, facts),
        "Lineage": _lineage(verdict, facts),
    }
    return "\n\n".join(
        f"## {title}\n\n{part}" if title else part for title, part in parts.items() if part
    )


def fitting(card: str, rest: str, longest: int = DESCRIPTION) -> str:
    """Return as many whole sections of a card as fit, and where the rest stands.

    Args:
        card: Markdown whose sections begin with `## `.
        rest: a sentence on where the whole of it is found; left out when nothing is.
        longest: in characters.
    """
    if len(card) <= longest:
        return card
    kept, *sections = card.split(SECTION)
    for section in sections:
        longer = f"{kept}{SECTION}{section}"
        if len(longer) + len(rest) + 2 <= longest:
            kept = longer
    return f"{kept[: longest - len(rest) - 2]}\n\n{rest}"


def how_to_load(name: str, which: str, task: Tree | None = None) -> str:
    """Return the lines of Python that load and ask a version.

    Args:
        name: of the registered model.
        which: alias or version, with its sign.
        task: its options; None for those of texts with labels.
    """
    kind = load_task(options_type(str(task["kind"])).read(task)) if task else None
    request, answer = _request(kind), f"  # {', '.join(kind.answers)}" if kind else ""
    return (
        "```python\nimport mlflow\n\n"
        f'model = mlflow.pyfunc.load_model("models:/{name}{which}")\n'
        f"model.predict([{request}]){answer}\n```"
    )


def _request(task: Task | None) -> str:
    """Return a request in Python, as the task's file gives samples of them."""
    asked = bare(task, task.samples()[0]) if task else {"text": "Where is my parcel?"}
    told = next(iter(asked.values())) if len(asked) == 1 else asked
    return json.dumps(told, ensure_ascii=False)


def _headline(verdict: Tree, facts: Facts) -> str:
    task, new = facts.task or {}, verdict["candidate"]
    counted = next((name for name in ("labels", "items") if task.get(name)), None)
    labels = f" of {len(task[counted])} {counted}" if counted else ""
    rung = new.get("quantization")
    kind = f", quantized: {_quantization(rung)}" if rung else ""
    size = (verdict.get("size_bytes") or {}).get("candidate")
    weight = f" of {size / 1e6:.1f} MB" if size else ""
    return (
        f"**{plain(verdict['sentence'])}**\n\n"
        f"{plain(new['name'])} version {plain(new['version'])}: an encoder for "
        f"{plain(task.get('kind', 'texts'))}{labels}, served as an ONNX graph{weight}{kind}."
    )


def _quantization(rung: object) -> str:
    if isinstance(rung, Mapping):
        return ", ".join(f"{plain(name)} {plain(value)}" for name, value in rung.items())
    return plain(rung)


def _use(facts: Facts) -> str:
    return f"{plain(facts.intended_use)}\n\nOwner: {plain(facts.owner)}."


def _scores(verdict: Tree) -> str:
    own = verdict["scores"]["candidate"]
    their = verdict["scores"]["champion"] or {}
    rows = [
        [_name(metric), _score(own[metric]), _score(their.get(metric)), ""][: 3 if their else 2]
        for metric in own
    ]
    head = ["metric", "this version", *(["champion"] if their else [])]
    said = f"On {_count(verdict['rows'])} test examples, with intervals of "
    said += f"{PERCENT * verdict['confidence']:g} %."
    return "\n\n".join(part for part in (said, table(head, rows), _gap(verdict)) if part)


def _gap(verdict: Tree) -> str:
    found = verdict["comparison"]
    if not found:
        return "There was no champion to compare it with."
    return (
        f"Against champion version {verdict['champion']['version']}: {_points(found['estimate'])} "
        f"points of {_name(found['metric'])} ({_points(found['low'])} to {_points(found['high'])}),"
        f" {found['fixed']} answers fixed and {found['broken']} broken."
    )


def _limits(verdict: Tree, facts: Facts) -> str:
    small = [part for part in verdict.get("slices") or [] if not part["judged"]]
    lines = [
        f"{plain(rule['title'])} is {rule['state']}: {plain(rule['reason'] or rule['cure'])}"
        for rule in verdict["rules"]
        if rule["state"] in {"broken", "open"}
    ][:LISTED]
    if small:
        named = ", ".join(f"{plain(p['column'])}: {plain(p['value'])}" for p in small[:LISTED])
        lines.append(f"too few test examples to judge {named}")
    task = facts.task or {}
    if facts.max_length:
        in_windows = "window_overlap" in task
        lines.append(
            f"a long text it reads in windows of {facts.max_length} tokens, each on its own"
            if in_windows
            else f"of a text it reads the first {facts.max_length} tokens"
        )
    if always := _always(task):
        lines.append(f"it always answers with {always}, whatever it is asked")
    return "\n".join(f"* {line}" for line in lines)


def _always(task: Tree) -> str:
    """Return what no request is spared, or nothing."""
    if span := task.get("range"):
        return f"a number from {span[0]:g} to {span[1]:g}"
    if task.get("no_answer") is False:
        return "some part of the text"
    if task.get("items"):
        return "one of its items"
    return "one of its labels" if task.get("labels") or not task else ""


def _waivers(rules: Iterable[Tree]) -> str:
    lines = []
    for rule in rules:
        if given := rule.get("waiver"):
            word = "expired on" if given["expired"] else "until"
            lines.append(
                f"* {plain(rule['title'])}, {word} {plain(given['until'])}, by "
                f"{plain(given['by'])}: {plain(given['reason'])}"
            )
    return "\n".join(lines)


def _slices(verdict: Tree) -> str:
    parts = sorted(verdict.get("slices") or [], key=lambda p: WORST_FIRST.index(p["state"]))
    rows = [
        [
            f"{plain(part['column'])}: {plain(part['value'])}",
            _count(part["rows"]),
            _figure(part["candidate"]),
            _between(part, _points),
            part["state"],
        ]
        for part in parts[:LISTED]
    ]
    head = ["slice", "rows", _name(verdict["metric"]), "points to the champion", "state"]
    return table(head, rows) if rows else ""


def _robustness(edits: Iterable[Tree]) -> str:
    rows = [
        [_name(e["edit"]), _figure(e["survived"]), _between(e, _figure)]
        for e in edits
        if e["survived"] is not None
    ]
    head = ["edit that leaves the label", "answers that survive", "interval"]
    return table(head, rows) if rows else ""


def _calibration(found: Tree | None) -> str:
    own = (found or {}).get("candidate")
    if not own:
        return ""
    return f"Expected calibration error {_figure(own['error'])} ({_between(own, _figure)})."


def _data(verdict: Tree, facts: Facts) -> str:
    counts = ", ".join(f"{_count(n)} {split}" for split, n in (facts.rows or {}).items())
    leak = verdict.get("leakage") or {}
    near = f" {leak['near']} test examples have a near-copy in training." if leak else ""
    copies = (facts.origin or {}).get("altered_copies")
    altered = f" Altered copies of training rows: {plain(copies)}." if copies else ""
    licence = f"Licence of the data: {plain(facts.licence)}."
    return f"Examples: {counts or UNKNOWN}.{altered} {licence}{near}"


def _lineage(verdict: Tree, facts: Facts) -> str:
    parts = {
        "bundle": verdict["candidate"]["digest"],
        **(verdict.get("lineage") or {}),
        "test examples": verdict["data"],
        **(facts.origin or {}),
    }
    return table(["what", "which"], [[plain(n), code(v)] for n, v in parts.items() if v])


def _name(metric: str) -> str:
    return METRICS.get(metric, plain(metric.replace("_", " ")))


def _score(score: Tree | None) -> str:
    return f"{_figure(score['estimate'])} ({_between(score, _figure)})" if score else "none"


def _between(ends: Tree, write: Any) -> str:  # noqa: ANN401 - a function of a figure
    low, high = ends.get("low"), ends.get("high")
    return "" if low is None or high is None else f"{write(low)} to {write(high)}"


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _points(value: float | None) -> str:
    return "none" if value is None else f"{PERCENT * value:+.1f}"


def _count(value: int) -> str:
    return f"{value:,}"
