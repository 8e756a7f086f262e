"""In: a trained bundle and examples. Out: its fp32 graph, the one to serve, and how they part."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

from components.errors import DataError, IntegrityError, TouchstoneError
from components.files import atomic_folder, verify_manifest, write_json
from components.inference import Bundle, load_bundle, load_predictor
from components.inference.bundle import GRAPH
from components.inference.parity import answer, compare, largest
from components.lineage import extend
from components.params import ExportParams
from components.records import read_examples, split_path
from components.schema import ID
from components.seeding import generator
from components.tasks.base import Array, Example


def export(  # noqa: PLR0913, PLR0917 - the stage's three outputs are three arguments
    params: ExportParams,
    seed: int,
    trained: Path,
    examples: Path,
    onnx: Path,
    int8: Path,
    parity: Path,
) -> dict[str, Any]:
    """Turn a trained bundle into the one that is served, and prove that it is the same model.

    Args:
        params: the `export` section.
        seed: the project's; chooses the calibration texts.
        trained: the trained bundle.
        examples: the folder whose training texts calibrate and whose validation texts compare.
        onnx: receives the fp32 bundle.
        int8: receives the bundle to serve: the first of `export.ladder` that holds `export.accept`.
        parity: receives the comparison, and the figures of every rung that was tried, as JSON.

    Returns:
        The comparison as written, and `digests` and `size_bytes` by artifact.

    Raises:
        TouchstoneError: fp32 logits differ from torch's by more than `max_logit_difference`, or
            no rung holds.
        DataError: the validation split is empty.
    """
    from components.export.graph import to_graph
    from components.export.int8 import Quantizer
    from components.export.ladder import climb
    from components.export.trial import BATCH, Held, write_bundle

    held_out = read_examples(examples, "validation")
    if not held_out:
        raise DataError(f"{split_path(examples, 'validation')} is empty", "give it some rows")
    bundle = _grown(load_bundle(trained), {"seed": seed, "export": params.model_dump(mode="json")})
    torch = load_predictor(trained).logits(held_out, BATCH)
    with (
        atomic_folder(onnx) as fp32_folder,
        atomic_folder(int8) as int8_folder,
        tempfile.TemporaryDirectory() as scratch,
    ):
        graph = to_graph(bundle)
        digest = write_bundle(bundle, graph, fp32_folder, "onnx")
        fp32 = answer(load_predictor(fp32_folder), held_out, BATCH)
        _hold(params, largest(torch, fp32.logits))
        quantizer = Quantizer(
            graph, lambda: _inputs(bundle, _calibration(params, examples, seed)), Path(scratch)
        )
        trial, ladder = climb(bundle, quantizer, Held(params, held_out, torch), Path(scratch))
        copytree(trial.folder, int8_folder, dirs_exist_ok=True)
        sizes = {
            "onnx": (fp32_folder / GRAPH).stat().st_size,
            "int8": (int8_folder / GRAPH).stat().st_size,
        }
    digests = {"trained": bundle.digest, "onnx": digest, "int8": verify_manifest(int8)}
    artifacts = {"onnx": fp32, "int8": trial.answered}
    report = compare(bundle.task, torch, artifacts, held_out)
    report |= {"ladder": ladder, "chosen": trial.figures["rung"]}
    write_json(parity, report)
    return report | {"digests": digests, "size_bytes": sizes}


def _grown(bundle: Bundle, made_with: Mapping[str, Any]) -> Bundle:
    if bundle.card.artifact != "trained":
        raise IntegrityError(
            f"{bundle.folder} holds a {bundle.card.artifact} bundle", "name the folder of `train`"
        )
    lineage = extend(bundle.card.lineage, made_with)
    return replace(bundle, card=bundle.card.model_copy(update={"lineage": lineage}))


def _calibration(params: ExportParams, examples: Path, seed: int) -> list[Example]:
    return calibration_examples(read_examples(examples, "train"), params.calibration_rows, seed)


def calibration_examples(rows: list[Example], count: int, seed: int) -> list[Example]:
    """Draw at most `count` rows, whatever order they stand in.

    Raises:
        DataError: there are no rows.
    """
    if not rows:
        raise DataError("the training split is empty", "static quantization needs training texts")
    ordered = sorted(rows, key=lambda row: str(row[ID]))
    drawn = generator(seed, "export", "calibration").permutation(len(ordered))[:count]
    return [ordered[index] for index in drawn]


def _inputs(bundle: Bundle, rows: list[Example]) -> Iterator[Mapping[str, Array]]:
    card, task = bundle.card, bundle.task
    for ids in task.encode(bundle.tokenizer, rows, card.max_length).input_ids:
        yield task.collate([ids], card.pad_id, len(ids))


def _hold(params: ExportParams, found: float) -> None:
    if not found <= params.max_logit_difference:
        raise TouchstoneError(
            f"export: fp32 ONNX logits must be within {params.max_logit_difference} of torch's "
            f"(export.max_logit_difference), found {found:.2e}",
            "raise the limit if that is acceptable; else the exporter does not fit this encoder",
        )
