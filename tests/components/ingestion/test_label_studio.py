"""In: exports of Label Studio. Out: what annotators agree on, or errors that name the place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError
from components.ingestion.readers import read_records
from components.tasks import load_task
from components.tasks.ner import Options as NerOptions

TEXT = "Ada met 🙂 Grace\nin Rome."


def choices(*names: str, control: str = "intent") -> dict[str, Any]:
    return {
        "id": "c",
        "type": "choices",
        "from_name": control,
        "to_name": "text",
        "value": {"choices": list(names)},
    }


def span(start: int, end: int, *labels: str, text: str | None = None) -> dict[str, Any]:
    quoted = TEXT[start:end] if text is None else text
    value = {"start": start, "end": end, "text": quoted, "labels": list(labels)}
    return {"id": "s", "type": "labels", "from_name": "who", "to_name": "text", "value": value}


def annotated(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": 1, "completed_by": 1, "was_cancelled": False, "result": list(results), **more}


def of(*annotations: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"id": 9, "data": {"text": TEXT, "from": 17} | data, "annotations": list(annotations)}


def read(folder: Path, tasks: object, *columns: str) -> list[dict[str, str | None]]:
    path = folder / "export.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return [dict(record) for record in read_records(path, columns, "label_studio")]


def test_fields_of_the_data_and_the_one_choice_are_columns(tmp_path: Path) -> None:
    tasks = [of(annotated(choices("track"))), of(annotated(choices("NA")), **{"from": None})]
    assert read(tmp_path, tasks, "label", "text", "from") == [
        {"label": "track", "text": TEXT, "from": "17"},
        {"label": "NA", "text": TEXT, "from": None},
    ]


def test_several_choices_are_a_list_where_they_are_asked_for(tmp_path: Path) -> None:
    tasks = [of(annotated(choices("joy", "love"))), of(annotated(choices("joy")))]
    assert read(tmp_path, tasks, "labels") == [{"labels": '["joy", "love"]'}, {"labels": '["joy"]'}]


def test_spans_are_what_the_task_of_entities_reads(tmp_path: Path) -> None:
    tasks = [
        of(annotated(span(10, 15, "person"), span(0, 3, "person"), span(19, 23, "place"))),
        of(annotated()),
    ]
    found = read(tmp_path, tasks, "text", "entities")
    task = load_task(
        NerOptions(kind="ner", labels=("person", "place"), window_overlap=8, mark_capitals=False)
    )
    assert [task.reject(record) for record in found] == [None, None]
    assert [task.truth(record) for record in found] == [
        "person: Ada [0:3]; person: Grace [10:15]; place: Rome [19:23]",
        "(none)",
    ]


def test_quoted_line_breaks_are_those_of_the_text(tmp_path: Path) -> None:
    tasks = [of(annotated(span(10, 18, "x", text=r"Grace\nin")))]
    assert json.loads(str(read(tmp_path, tasks, "text", "entities")[0]["entities"])) == [
        {"start": 10, "end": 18, "label": "x"}
    ]


def test_text_that_nobody_decided_on_has_no_label(tmp_path: Path) -> None:
    tasks = [
        of(),
        of(annotated(choices("track"), was_cancelled=True)),
        of(annotated()),
        {**of(annotated()), "predictions": [annotated(choices("track"))]},
    ]
    assert read(tmp_path, tasks, "label", "labels") == [{"label": None, "labels": None}] * 4
    entities = [record["entities"] for record in read(tmp_path, tasks, "text", "entities")]
    assert entities == [None, None, "[]", "[]"], "who submitted no span says that there is none"


def test_annotators_must_agree_unless_one_is_the_ground_truth(tmp_path: Path) -> None:
    agreed = of(annotated(choices("a")), annotated(choices("a")))
    differ = of(annotated(choices("a")), annotated(choices("b")))
    settled = of(annotated(choices("a")), annotated(choices("b"), ground_truth=True))
    assert read(tmp_path, [agreed, settled], "label") == [{"label": "a"}, {"label": "b"}]
    with pytest.raises(DataError, match=r"json, \[1\]: annotators differ about label: a and b"):
        read(tmp_path, [agreed, differ], "label")
    silent = of(annotated(choices("a")), annotated())
    with pytest.raises(DataError, match="annotators differ about label: a and nothing"):
        read(tmp_path, [silent], "label")


def test_one_of_several_controls_is_named(tmp_path: Path) -> None:
    tasks = [of(annotated(choices("a"), choices("angry", control="mood")))]
    assert read(tmp_path, tasks, "label.mood", "labels.intent") == [
        {"label.mood": "angry", "labels.intent": '["a"]'}
    ]
    with pytest.raises(DataError, match=r"several controls: intent, mood") as caught:
        read(tmp_path, tasks, "label")
    assert "label.intent" in caught.value.cure
    apart = [of(annotated(choices("a"))), of(annotated(choices("angry", control="mood")))]
    with pytest.raises(DataError, match=r"\[1\]\.annotations\[0\]: there are several controls"):
        read(tmp_path, apart, "label")
    with pytest.raises(DataError, match="no annotation has the control 'moods'; found: int"):
        read(tmp_path, tasks, "label.moods")


def test_choices_about_a_span_are_no_label_of_the_text(tmp_path: Path) -> None:
    about = choices("sure", control="how")
    about["value"] |= {"start": 0, "end": 3, "text": "Ada"}
    relation = {"type": "relation", "from_id": "s", "to_id": "s", "direction": "right"}
    tasks = [of(annotated(choices("a"), about, span(0, 3, "x"), relation))]
    assert read(tmp_path, tasks, "label", "text", "entities")[0]["label"] == "a"


def change(place: Callable[[Any], Any], **fields: object) -> Callable[[Any], object]:
    return lambda tasks: place(tasks[0]).update(fields)


def first(tasks: Any) -> Any:
    return tasks["annotations"][0]["result"][0]["value"]


RESULT = r"export\.json, \[0\]\.annotations\[0\]\.result\[0\]"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (change(first, start=1), rf"{RESULT}\.value: from character 1 to 3 of 'text' stands 'da'"),
        (change(first, start=-3, end=0), "from character -3 to 0 of 'text' stands '', not 'Ada'"),
        (change(first, labels=["a", "b"]), rf"{RESULT}\.value: 2 labels where a span has one"),
        (change(first, labels=[]), "0 labels where a span has one"),
        (change(first, labels=[" "]), r"\.annotations\[0\]: a label is blank"),
        (change(first, labels=["\ud800"]), r"labels\[0\]: half a surrogate pair at character 1"),
        (change(first, start="0"), rf"{RESULT}\.value\.start: expected a whole number"),
        (change(first, start=True), "expected a whole number, found true or false"),
        (change(lambda t: t["data"], text=None), r"\[0\]\.data\.text: expected text, found null"),
        (change(lambda t: t, annotations={}), r"annotations: expected a list, found an object"),
        (change(lambda t: t, data=[]), r"\[0\]\.data: expected an object, found a list"),
        (change(lambda t: t["annotations"][0], was_cancelled="no"), "expected true or false"),
        (lambda tasks: tasks[0].pop("annotations"), r"\[0\]: 'annotations' is missing; found: id"),
        (lambda tasks: tasks[0]["data"].pop("text"), r"\[0\]\.data: column 'text' is missing"),
        (
            lambda tasks: tasks[0]["annotations"][0]["result"].append(span(2, 7, "y")),
            r"annotations\[0\]: the spans 0 to 3 \(x\) and 2 to 7 \(y\) overlap",
        ),
        (
            lambda tasks: tasks[0]["annotations"][0]["result"][0].update(to_name="body"),
            rf"{RESULT}: to_name is 'body', which is no field of the data: text, from",
        ),
    ],
)
def test_faults_are_named_by_their_place(
    tmp_path: Path, broken: Callable[[Any], object], message: str
) -> None:
    tasks = copy.deepcopy([of(annotated(span(0, 3, "x")))])
    broken(tasks)
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, tasks, "text", "entities")
    assert caught.value.cure


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            [of(annotated(choices("a", "b")))],
            r"\[0\]\.annotations\[0\]: 2 labels where one is need",
        ),
        (
            [of(annotated(choices("a")), label="b")],
            r"both the data and the annotations have 'label",
        ),
        (
            [of(annotated(choices("a")), other=[1])],
            r"\[0\]\.data\.other: expected text, found a li",
        ),
        ([of(annotated(choices("a")), other=0.5)], "expected text, found a number"),
        ([{"text": "a", "label": "b"}], r"\[0\]: has no data; found: text, label"),
        ({"data": []}, "expected a list, found an object"),
    ],
)
def test_more_than_a_column_holds_is_refused(tmp_path: Path, tasks: object, message: str) -> None:
    columns = ("text", "label", "other") if "other" in str(tasks) else ("text", "label")
    with pytest.raises(DataError, match=message):
        read(tmp_path, tasks, *columns)


def test_spans_must_lie_in_a_column_that_is_read(tmp_path: Path) -> None:
    tasks = [of(annotated(span(0, 3, "x")))]
    with pytest.raises(DataError, match="lie in 'text', which is none of the columns"):
        read(tmp_path, tasks, "from", "entities")
