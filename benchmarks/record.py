"""In: params.yaml and several training seeds. Out: what each retrained model answers to one test.

    python -m benchmarks.record

The sample data is cut so that some 900 rows train and some 3,000 test; the same rows are trained
on once per seed. `gate_audit` draws its test sets from what is recorded here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from components import encoders
from components.augmentation import augment
from components.inference import load_predictor
from components.ingestion import ingest
from components.params import Params
from components.params.load import check_params, read_tree
from components.records import iter_examples
from components.schema import GROUP, SLICE_PREFIX
from components.seeding import derive
from components.tasks import load_task
from components.tasks.base import Array, Example, Task, metrics
from components.tokenization import tokenize
from components.training import fit, save
from components.validation import validate

ROOT: Final = Path(__file__).resolve().parents[1]
RECORDED: Final = ROOT / "benchmarks" / "recorded" / "tickets.npz"
ROWS: Final = 4600
SHARES: Final = {"test": 0.66, "validation": 0.12}
SEEDS: Final = 4
BATCH_SIZE: Final = 32


def main() -> None:
    """Make the data, train once per seed, and write the answers."""
    params = parameters()
    task = load_task(params.task)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        encoder = encoders.locate(params.encoder.source, params.encoder.sha256, place / "encoder")
        prepare(params, task, encoder, place)
        examples = list(iter_examples(place / "valid", "test"))
        answers = list(_answers(params, task, encoder, place, examples))
    RECORDED.parent.mkdir(exist_ok=True)
    np.savez_compressed(RECORDED, **_columns(task, examples), answers=np.stack(answers))
    print(f"{RECORDED.relative_to(ROOT)}: {len(examples)} rows, {RECORDED.stat().st_size} bytes")


def parameters() -> Params:
    """Return params.yaml with more sample rows, most of them for the test."""
    tree = read_tree(ROOT / "params.yaml")
    tree["ingestion"] |= {"source": f"sample:tickets?rows={ROWS}&seed=7", "splits": SHARES}
    return check_params(tree, "params.yaml")


def prepare(params: Params, task: Task, encoder: Path, place: Path) -> None:
    """Run the line up to the tokens."""
    ingest(params.project, task, params.ingestion, ROOT / params.ingestion.folder, place / "raw")
    columns = params.ingestion.columns.slices
    report = place / "report"
    validate(task, params.validation, columns, place / "raw", place / "valid", report)
    augment(params.project, task, params.augmentation, place / "valid", place / "augmented")
    tokenize(
        task,
        params.tokenization,
        encoder,
        encoders.digest(params.encoder.sha256),
        place / "augmented",
        place / "tokens",
    )


def _answers(
    params: Params, task: Task, encoder: Path, place: Path, examples: list[Example]
) -> Iterator[Array]:
    """Yield, per seed, (examples,) the index of each answer's label."""
    for number in range(SEEDS):
        seed = derive(params.project.seed, "recorded", number)
        fitted = fit(task, params.training, encoder, place / "tokens", seed)
        bundle = place / f"trained-{number}"
        save(fitted, task, place / "tokens", {}, bundle)
        logits = load_predictor(bundle).logits(examples, BATCH_SIZE)
        score = metrics(task, examples, logits)[task.metric]
        print(f"seed {number}: test {task.metric} {score:.4f}", flush=True)
        yield np.stack(logits).argmax(axis=1).astype(np.uint8)


def _columns(task: Task, examples: list[Example]) -> Mapping[str, Any]:
    """Return what stands beside the answers, numbers in place of names where names are many."""
    groups = np.unique([example[GROUP] for example in examples], return_inverse=True)[1]
    slices = {
        name: np.array([str(example[name]) for example in examples])
        for name in examples[0]
        if name.startswith(SLICE_PREFIX)
    }
    labels = [task.labels.index(example["label"]) for example in examples]
    return {
        "names": np.array(task.labels),
        "labels": np.array(labels, dtype=np.uint8),
        "groups": groups.astype(np.uint16),
        **slices,
    }


if __name__ == "__main__":
    main()
