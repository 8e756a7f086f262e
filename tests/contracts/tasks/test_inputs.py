"""In: every file of components/tasks. Out: the laws of their options, inputs and edits."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer

from components.schema import FIXED
from components.tasks import load_task, options_type, task_kinds
from components.tasks.base import Encoded, Example, Task, TaskOptions, bare
from tests.contracts.tasks.conftest import MAX_LENGTH

# Of the samples of every task, at least one is longer, and the other inputs leave room.
SHORT = 8


def test_there_is_a_task() -> None:
    assert "classification" in task_kinds()


def test_file_name_is_the_kind(kind: str, task: Task) -> None:
    assert task.options.kind == kind


def test_task_provides_the_whole_protocol(task: Task) -> None:
    members = [name for name in vars(Task) if not name.startswith("_")]
    assert len(members) > 10
    assert [name for name in members if not hasattr(task, name)] == []


def test_options_survive_json(kind: str, task: Task) -> None:
    again = options_type(kind).model_validate_json(task.options.model_dump_json())
    assert again == task.options
    assert load_task(again).labels == task.labels


def test_stored_options_are_json_and_read_again(task: Task) -> None:
    stored = task.options.stored()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert type(task.options).read(stored) == task.options


def test_options_are_closed_and_have_no_defaults(kind: str) -> None:
    options = options_type(kind)
    assert options.model_config["extra"] == "forbid"
    assert options.model_config["frozen"] is True
    assert all(field.is_required() for field in options.model_fields.values())
    assert all(field.description for field in options.model_fields.values())


def test_base_options_give_no_example() -> None:
    with pytest.raises(NotImplementedError, match="gives no example"):
        TaskOptions.example()


def test_columns_are_arrow_types_and_shadow_no_fixed_column(task: Task) -> None:
    for name, alias in task.columns.items():
        assert pa.type_for_alias(alias) is not None
        assert name not in FIXED


def test_head_is_an_auto_class_of_transformers(task: Task) -> None:
    # read, not imported: transformers takes seconds to import
    spec = importlib.util.find_spec("transformers")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    source = (folder / "models" / "auto" / "modeling_auto.py").read_text(encoding="utf-8")
    assert f"class {task.head}(" in source


def test_samples_are_two_usable_examples_of_different_lengths(
    task: Task, examples: list[Example], encoded: Encoded
) -> None:
    assert len(examples) == 2
    for example in examples:
        assert set(example) == set(task.columns)
        assert task.reject(example) is None
    assert len({len(row) for row in encoded.input_ids}) == 2


def test_encoding_gives_ids_of_the_vocabulary_and_a_target_each(
    task: Task, tokenizer: Tokenizer, examples: list[Example], encoded: Encoded
) -> None:
    assert encoded.targets is not None
    assert len(encoded.targets) == len(encoded.input_ids) == len(encoded.owners)
    assert sorted(set(encoded.owners)) == list(range(len(examples)))
    assert encoded.owners == sorted(encoded.owners)
    assert len({target.dtype for target in encoded.targets}) == 1
    if task.loss == "each_token":
        assert [len(t) for t in encoded.targets] == [len(row) for row in encoded.input_ids]
    else:
        assert len({target.shape for target in encoded.targets}) == 1
    assert all(0 <= i < tokenizer.get_vocab_size() for row in encoded.input_ids for i in row)
    assert encoded.truncated == [0] * len(examples)


def test_encoding_does_not_depend_on_company(
    task: Task, tokenizer: Tokenizer, examples: list[Example], encoded: Encoded
) -> None:
    for index, example in enumerate(examples):
        alone = task.encode(tokenizer, [example], MAX_LENGTH)
        rows = zip(encoded.input_ids, encoded.owners, strict=True)
        assert alone.input_ids == [row for row, owner in rows if owner == index]


def test_encoding_undoes_settings_of_the_tokenizer(
    task: Task, tokenizer: Tokenizer, examples: list[Example], encoded: Encoded
) -> None:
    tokenizer.enable_padding(length=MAX_LENGTH)
    tokenizer.enable_truncation(3)
    assert task.encode(tokenizer, examples, MAX_LENGTH).input_ids == encoded.input_ids


def test_tokens_that_do_not_fit_are_counted_or_read_in_a_further_row(
    task: Task, tokenizer: Tokenizer, examples: list[Example], encoded: Encoded
) -> None:
    cut = task.encode(tokenizer, examples, SHORT)
    assert all(len(row) <= SHORT for row in cut.input_ids)
    for index in range(len(examples)):
        rows = [r for r, owner in zip(cut.input_ids, cut.owners, strict=True) if owner == index]
        (whole,) = (
            r for r, owner in zip(encoded.input_ids, encoded.owners, strict=True) if owner == index
        )
        if len(rows) == 1:
            assert cut.truncated[index] == len(whole) - len(rows[0])
        else:
            lost = set(whole) - {token for row in rows for token in row}
            assert len(lost) <= cut.truncated[index]


def test_requests_without_labels_have_no_targets(
    task: Task, tokenizer: Tokenizer, examples: list[Example], encoded: Encoded
) -> None:
    asked = task.encode(tokenizer, [bare(task, e) for e in examples], MAX_LENGTH)
    assert asked.targets is None
    assert asked.input_ids == encoded.input_ids


def test_nothing_is_encoded_to_nothing(task: Task, tokenizer: Tokenizer) -> None:
    assert task.encode(tokenizer, [], MAX_LENGTH).input_ids == []


@pytest.mark.parametrize("surplus", [0, 3])
def test_collating_pads_on_the_right_and_masks_what_it_padded(
    task: Task, encoded: Encoded, surplus: int
) -> None:
    pad_id = 4
    length = max(len(row) for row in encoded.input_ids) + surplus
    batch = task.collate(encoded.input_ids, pad_id, length)
    assert set(batch) >= {"input_ids", "attention_mask"}
    for array in batch.values():
        assert array.shape[:2] == (len(encoded.input_ids), length)
        assert array.dtype == np.int64
    for row, ids, mask in zip(
        encoded.input_ids, batch["input_ids"], batch["attention_mask"], strict=True
    ):
        assert ids[: len(row)].tolist() == list(row)
        assert (ids[len(row) :] == pad_id).all()
        assert mask.tolist() == [1] * len(row) + [0] * (length - len(row))


def label_columns(task: Task, example: Example) -> list[str]:
    return [name for name in task.columns if name not in task.inputs]


def test_unknown_label_is_rejected(task: Task, examples: list[Example]) -> None:
    for name in label_columns(task, examples[0]):
        unknown = "no such label" if isinstance(examples[0][name], str) else ["no such label"]
        assert task.reject({**examples[0], name: unknown}) == "unknown_label"


@pytest.mark.parametrize("value", [None, "", 0, 7, float("nan"), [], ["x"], {}, {"x": 1}, "\ud800"])
def test_rejecting_never_raises(task: Task, examples: list[Example], value: Any) -> None:
    assert task.reject({}) is not None
    for name in label_columns(task, examples[0]):
        assert task.reject({**examples[0], name: value}) is not None
    for name in task.columns:
        task.reject({**examples[0], name: value})


def test_editing_alters_the_text_and_keeps_all_else(task: Task, examples: list[Example]) -> None:
    if task.points:
        pytest.skip("labels that point into the text move with it, as the next test asks")
    for example in examples:
        row = {**example, "id": "1", "slice_channel": "chat"}
        before = dict(row)
        edited = task.edited(row, "another text")
        assert row == before
        assert task.editable(edited) == "another text"
        assert set(edited) == set(row)
        for name in ("id", "slice_channel", *label_columns(task, example)):
            assert edited[name] == row[name]
        assert task.edited(row, task.editable(row)) == row
        assert task.reject(edited) is None


@pytest.mark.parametrize("change", [str, "Well, {}".format, "{} Thanks!".format, str.upper])
def test_labels_that_point_into_the_text_move_with_it(
    task: Task, examples: list[Example], change: Callable[[str], str]
) -> None:
    for example in examples:
        row = {**example, "id": "1", "slice_channel": "chat"}
        before, text = dict(row), change(task.editable(row))
        edited = task.edited(row, text)
        assert row == before
        assert set(edited) == set(row)
        assert edited["id"] == "1"
        assert edited["slice_channel"] == "chat"
        assert task.editable(edited) == text
        assert task.reject(edited) is None
        assert list(task.tags(edited)) == list(task.tags(row))


def test_marked_parts_lie_in_the_content_and_are_its_tags(
    task: Task, examples: list[Example]
) -> None:
    for example in examples:
        spans, content = task.marked(example), task.content(example)
        assert bool(spans) == bool(task.points and task.labels and task.tags(example))
        assert not spans or [span.label for span in spans] == list(task.tags(example))
        ends = [0, *(end for span in spans for end in span[:2]), len(content)]
        assert ends == sorted(ends)
        assert all(content[span.start : span.end].strip() for span in spans)


def test_an_edit_that_leaves_a_label_unsure_changes_nothing(
    task: Task, examples: list[Example]
) -> None:
    for example in examples if task.points else ():
        assert task.edited(example, "") == example


def test_edits_of_its_own_keep_a_row_right_and_alter_what_it_says(
    task: Task, examples: list[Example]
) -> None:
    rows = [
        {**example, "id": str(n), "slice_channel": "chat"} for n, example in enumerate(examples)
    ]
    before = [dict(row) for row in rows]
    for alter in task.edits(rows).values():
        found = [(row, alter(row, np.random.default_rng(n))) for row in rows for n in range(20)]
        again = [(row, alter(row, np.random.default_rng(n))) for row in rows for n in range(20)]
        assert found == again
        made = [(row, altered) for row, altered in found if altered is not None]
        assert made
        for row, altered in made:
            assert set(altered) == set(row)
            assert (altered["id"], altered["slice_channel"]) == (row["id"], "chat")
            assert task.content(altered) != task.content(row)
            assert task.reject(altered) is None
            assert list(task.tags(altered)) == list(task.tags(row))
    assert rows == before


def test_edits_of_its_own_find_nothing_where_there_is_nothing(task: Task) -> None:
    for alter in task.edits(()).values():
        for example in task.samples():
            altered = alter(example, np.random.default_rng(0))
            assert altered is None or task.reject(altered) is None
