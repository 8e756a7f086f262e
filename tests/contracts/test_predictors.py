"""In: one model as torch, fp32 and int8. Out: the laws that every predictor keeps."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from components.errors import IntegrityError
from components.files import MANIFEST, sha256_file, write_manifest
from components.inference import Predictor, load_predictor
from components.inference.bundle import CARD, GRAPH, WEIGHTS

ARTIFACTS = ("trained", "onnx", "int8")
TEXTS = (
    "where is my order",
    "refund",
    "please help i want to change the address of my order it has not arrived yet",
    "charged twice card",
)
EXAMPLES = [{"text": text} for text in TEXTS]
# One rounding that falls the other way moves an int8 logit by this much, and changes no answer.
TOLERANCE = {"trained": 1e-4, "onnx": 1e-4, "int8": 2e-2}


@pytest.fixture(params=ARTIFACTS)
def folder(request: pytest.FixtureRequest, bundles: dict[str, Path]) -> Path:
    return bundles[request.param]


@pytest.fixture
def predictor(folder: Path) -> Predictor:
    return load_predictor(folder, threads=1)


@pytest.fixture
def altered(folder: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may spoil."""
    return Path(shutil.copytree(folder, tmp_path / folder.name))


def tolerance(predictor: Predictor) -> float:
    return TOLERANCE[predictor.bundle.card.artifact]


def model_file(folder: Path) -> Path:
    return next(folder / name for name in (WEIGHTS, GRAPH) if (folder / name).exists())


def test_answers_come_in_the_order_of_the_examples(predictor: Predictor) -> None:
    together = predictor.logits(EXAMPLES, 2)
    backwards = predictor.logits(EXAMPLES[::-1], 2)[::-1]
    assert np.abs(together[0] - together[1]).max() > 0.1
    np.testing.assert_allclose(together, backwards, atol=tolerance(predictor))


@pytest.mark.parametrize("batch_size", [2, 3, 32])
def test_answers_do_not_depend_on_the_batch_size(predictor: Predictor, batch_size: int) -> None:
    alone = predictor.logits(EXAMPLES, 1)
    found = predictor.logits(EXAMPLES, batch_size)
    np.testing.assert_allclose(found, alone, atol=tolerance(predictor))


def test_answers_do_not_depend_on_padding(predictor: Predictor) -> None:
    plain = predictor.logits(EXAMPLES, 4)
    padded = predictor.logits(EXAMPLES, 4, stretch=3)
    np.testing.assert_allclose(padded, plain, atol=tolerance(predictor))


def test_a_label_in_the_examples_changes_no_answer(predictor: Predictor) -> None:
    labelled = [{**example, "label": "login"} for example in EXAMPLES]
    np.testing.assert_array_equal(predictor.logits(labelled, 4), predictor.logits(EXAMPLES, 4))


def test_predictions_are_probabilities_of_the_labels(predictor: Predictor) -> None:
    for answer in predictor.predict(EXAMPLES, 4):
        assert answer.label in predictor.bundle.task.labels
        scores = answer.value["scores"]
        assert sum(scores.values()) == pytest.approx(1, abs=1e-5)
        assert answer.score == pytest.approx(max(scores.values()), abs=1e-6)


def test_no_examples_give_no_answers(predictor: Predictor) -> None:
    assert predictor.logits([], 8) == []
    assert predictor.predict([], 8) == []


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "größe 東京 🙂🏽", "\u202eאבג", "e\u0301" * 40, "\ufeffrefund"]
)
def test_any_unicode_text_is_answered(predictor: Predictor, text: str) -> None:
    assert len(predictor.predict([{"text": text}], 1)) == 1


def test_what_stands_beyond_the_longest_text_is_ignored(predictor: Predictor) -> None:
    start = "refund " * predictor.bundle.card.max_length
    one, other = predictor.logits([{"text": start}, {"text": start + "login late " * 5000}], 1)
    np.testing.assert_allclose(one, other, atol=tolerance(predictor))


def test_every_artifact_carries_a_lineage(predictor: Predictor) -> None:
    assert predictor.bundle.card.lineage["id"]


def test_an_altered_byte_is_refused_with_file_and_both_digests(altered: Path) -> None:
    path = model_file(altered)
    expected = sha256_file(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=path.name) as error:
        load_predictor(altered)
    assert expected in str(error.value)
    assert sha256_file(path) in str(error.value)


def test_a_file_that_the_manifest_does_not_list_is_refused(altered: Path) -> None:
    (altered / "notes.txt").write_text("hello")
    with pytest.raises(IntegrityError, match=r"notes\.txt is not in the manifest"):
        load_predictor(altered)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling.py", "sub/model.onnx"])
def test_a_foreign_file_is_refused_even_when_the_manifest_lists_it(
    altered: Path, name: str
) -> None:
    (altered / name).parent.mkdir(exist_ok=True)
    (altered / name).write_bytes(b"\x80\x04.")
    write_manifest(altered)
    with pytest.raises(IntegrityError, match=f"{name} is no part of"):
        load_predictor(altered)


def test_a_missing_file_is_refused(altered: Path) -> None:
    model_file(altered).unlink()
    with pytest.raises(IntegrityError, match="is missing"):
        load_predictor(altered)


def test_a_folder_without_manifest_is_incomplete(altered: Path) -> None:
    (altered / MANIFEST).unlink()
    with pytest.raises(IntegrityError, match=r"manifest\.json is missing"):
        load_predictor(altered)


def test_a_model_with_another_number_of_labels_is_refused(altered: Path) -> None:
    card = json.loads((altered / CARD).read_bytes())
    card["task"]["labels"].append("one more")
    (altered / CARD).write_text(json.dumps(card))
    write_manifest(altered)
    with pytest.raises(IntegrityError, match="labels"):
        load_predictor(altered)
