from __future__ import annotations

import pyarrow as pa
import pytest

from components.schema import FIXED, SPLITS, example_schema, slice_column


def test_schema_is_fixed_then_task_then_slices() -> None:
    schema = example_schema({"text": "string", "label": "string"}, ("channel", "id"))
    assert schema.names == [*FIXED, "text", "label", "slice_channel", "slice_id"]
    assert schema.field("source_row").type == pa.int64()
    assert schema.field("slice_channel").type == pa.string()


def test_augmented_rows_add_parent_and_edit() -> None:
    plain = example_schema({"text": "string"}, ())
    augmented = example_schema({"text": "string"}, (), augmented=True)
    assert augmented.names == [*plain.names, "parent_id", "edit"]


def test_users_slices_never_meet_other_columns() -> None:
    taken = {*FIXED, "parent_id", "edit", "text"}
    assert all(slice_column(name) not in taken for name in taken)


def test_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="No type alias for poem"):
        example_schema({"text": "poem"}, ())


def test_training_comes_before_what_is_held_out() -> None:
    assert SPLITS == ("train", "validation", "test")
