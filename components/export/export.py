"""In: a trained bundle and examples. Out: an fp32 and an int8 bundle, and how far they part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

from components.errors import DataError, IntegrityError, TouchstoneError
from components.export.parity import compare
from components.files import atomic_folder, write_json
from components.inference import Bundle, load_bundle, load_predictor, seal
from components.inference.bundle import GRAPH, TOKENIZER, Artifact
from components.lineage import extend
from components.params import ExportParams
from components.records import read_examples, split_path
from components.schema import ID
from components.seeding import generator
from components.tasks.base import Array, Example

if TYPE_CHECKING:
    import onnx


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
        int8: receives the int8 bundle.
        parity: receives the comparison, as JSON.

    Returns:
        The comparison as written, and `digests` and `size_bytes` by artifact.

    Raises:
        TouchstoneError: fp32 logits differ from torch's by more than `max_logit_difference`.
        DataError: the validation split is empty.
    """
    from components.export.graph import save_graph, to_graph

    held_out = read_examples(examples, "validation")
    if not held_out:
        raise DataError(f"{split_path(examples, 'validation')} is empty", "give it some rows")
    bundle = load_bundle(trained)
    if bundle.card.artifact != "trained":
        raise IntegrityError(
            f"{trained} holds a {bundle.card.artifact} bundle", "name the folder of `train`"
        )
    made_with = {"seed": seed, "export": params.model_dump(mode="json")}
    grown = bundle.card.model_copy(update={"lineage": extend(bundle.card.lineage, made_with)})
    bundle = replace(bundle, card=grown)
    lineage = grown.lineage["id"]
    with atomic_folder(onnx) as fp32_folder, atomic_folder(int8) as int8_folder:
        plain, fused = to_graph(bundle)
        save_graph(fused, lineage, fp32_folder / GRAPH)
        quantized = _quantize(params, seed, bundle, plain, examples)
        save_graph(quantized, lineage, int8_folder / GRAPH)
        digests = {
            "trained": bundle.digest,
            "onnx": _finish(bundle, "onnx", fp32_folder),
            "int8": _finish(bundle, "int8", int8_folder),
        }
        sizes = {
            "onnx": (fp32_folder / GRAPH).stat().st_size,
            "int8": (int8_folder / GRAPH).stat().st_size,
        }
        predictors = [load_predictor(f) for f in (trained, fp32_folder, int8_folder)]
        report = compare(predictors[0], predictors[1], predictors[2], held_out)
        _hold(params, report["fp32"]["max_logit_difference"])
    write_json(parity, report)
    return report | {"digests": digests, "size_bytes": sizes}


def _quantize(
    params: ExportParams, seed: int, bundle: Bundle, plain: onnx.ModelProto, examples: Path
) -> onnx.ModelProto:
    from components.export.int8 import dynamic_int8, static_int8

    if "static" not in params.ladder:
        return dynamic_int8(plain)
    chosen = calibration_examples(read_examples(examples, "train"), params.calibration_rows, seed)
    return static_int8(plain, _inputs(bundle, chosen))


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


def _finish(bundle: Bundle, artifact: Artifact, folder: Path) -> str:
    copyfile(bundle.folder / TOKENIZER, folder / TOKENIZER)
    return seal(folder, bundle.card.model_copy(update={"artifact": artifact}))


def _hold(params: ExportParams, found: float) -> None:
    if not found <= params.max_logit_difference:
        raise TouchstoneError(
            f"export: fp32 ONNX logits must be within {params.max_logit_difference} of torch's "
            f"(export.max_logit_difference), found {found:.2e}",
            "raise the limit if that is acceptable; else the exporter does not fit this encoder",
        )
