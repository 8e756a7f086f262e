from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.stats import norm, pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from tokenizers import Tokenizer

from components.tasks import load_task
from components.tasks.base import Prediction, metrics
from components.tasks.pair import Options

TWO, FOUR = ("different", "same"), ("a", "b", "c", "d")


def labelled(labels: tuple[str, ...]) -> Options:
    return Options(kind="pair", labels=labels, range=None, tolerance=None, scatter=None)


def graded(scatter: float | None = 0.1, tolerance: float = 0.5) -> Options:
    return Options(kind="pair", labels=None, range=(0.0, 5.0), tolerance=tolerance, scatter=scatter)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("labels", [TWO, FOUR])
def test_figures_of_labels_are_those_of_scikit_learn(seed: int, labels: tuple[str, ...]) -> None:
    task, rng = load_task(labelled(labels)), np.random.default_rng(seed)
    gold, logits = rng.integers(0, len(labels), 40), rng.normal(size=(40, len(labels)))
    answer = logits.argmax(axis=1)
    found = metrics(task, [{"label": labels[i]} for i in gold], list(logits))
    f1 = f1_score(gold, answer) if labels == TWO else f1_score(gold, answer, average="macro")
    assert found == pytest.approx(
        {
            "accuracy": accuracy_score(gold, answer),
            "f1": f1,
            "mcc": matthews_corrcoef(gold, answer),
        }
    )


@pytest.mark.parametrize(("gold", "answer"), [([1, 1, 1], [1, 0, 1]), ([0, 1, 1], [1, 1, 1])])
def test_where_one_side_never_differs_matthews_correlation_is_zero(
    gold: list[int], answer: list[int]
) -> None:
    task = load_task(labelled(TWO))
    logits = [np.eye(2)[i] for i in answer]
    assert metrics(task, [{"label": TWO[i]} for i in gold], logits)["mcc"] == 0
    assert matthews_corrcoef(gold, answer) == 0


@pytest.mark.parametrize("seed", range(6))
def test_correlations_are_those_of_scipy_ties_included(seed: int) -> None:
    task, rng = load_task(graded()), np.random.default_rng(seed)
    gold = rng.integers(0, 11, 60) / 2
    logits = np.round(gold - 2.5 + rng.normal(size=60) * 3, 1)
    shares = 1 / (1 + np.exp(-logits))
    found = metrics(task, [{"label": str(g)} for g in gold], list(logits[:, None]))
    assert found["pearson"] == pytest.approx(pearsonr(shares, gold).statistic)
    assert found["spearman"] == pytest.approx(spearmanr(logits, gold).statistic)


def test_answers_that_do_not_differ_correlate_with_nothing() -> None:
    examples = [{"label": str(number)} for number in (0, 1, 3, 5)]
    for logit in (0.0, 0.3, -7.1):
        found = metrics(load_task(graded()), examples, [np.array([logit])] * 4)
        assert found == {"pearson": 0, "spearman": 0}


def test_pearson_is_of_each_example_alone_and_ranks_of_all_that_are_given() -> None:
    task = load_task(graded())
    examples = [{"label": text} for text in ("1", "2.5", "4")]
    logits = [np.array([value]) for value in (-1.0, 2.0, 0.5)]
    together = task.tallies(examples, logits)
    for row, example, own in zip(together, examples, logits, strict=True):
        assert task.tallies([example], [own])[0, :6] == pytest.approx(row[:6])
    assert together[:, 6].tolist() == pytest.approx([0, 2 / 3, 1 / 3])
    for name in task.figures:
        assert math.isnan(float(task.score(np.zeros(11), name)))


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("2.5", None),
        ("0", None),
        ("5e0", None),
        ("", "missing_label"),
        ("5.01", "out_of_range"),
        ("-1", "out_of_range"),
        ("1e400", "out_of_range"),
        ("nan", "no_number"),
        ("inf", "no_number"),
        ("2,5", "no_number"),
        (" 2", "no_number"),
        ("2_0", "no_number"),
        ("\u0663", "no_number"),
        ("high", "no_number"),
        (2.5, "no_number"),
    ],
)
def test_numbers_are_read_strictly(label: object, reason: str | None) -> None:
    example = {"text": "one", "other": "two", "label": label}
    assert load_task(graded()).reject(example) == reason


@pytest.mark.parametrize("name", ["text", "other"])
@pytest.mark.parametrize("text", ["", "  \n", None])
def test_a_pair_lacks_no_text(name: str, text: str | None) -> None:
    example = {"text": "one", "other": "two", "label": "same", name: text}
    assert load_task(labelled(TWO)).reject(example) == "empty_text"


def test_an_answer_is_right_and_the_same_within_the_tolerance() -> None:
    task = load_task(graded(tolerance=0.5))
    answers = [Prediction(text, 1.0, {}) for text in ("2.000", "2.500", "2.502", "1.4")]
    assert task.right([{"label": "2"}] * 4, answers).tolist() == [True, True, False, False]
    assert task.same({}, {}, answers[:2])
    assert not task.same({}, {}, answers[1:])


def test_scores_say_how_often_answers_are_right_once_tuned() -> None:
    rng = np.random.default_rng(0)
    means = rng.uniform(0.05, 0.95, 20_000)
    targets = [np.float32(t) for t in rng.beta(means * 9, (1 - means) * 9)]
    rows = list(np.log(means / (1 - means))[:, None])
    raw = load_task(graded(scatter=None))
    assert raw.tunes
    options = raw.tuned(targets, rows)
    task = load_task(options)
    assert not task.tunes
    assert options.model_dump()["scatter"] == pytest.approx(1 / 10, rel=0.05)
    answers = task.decode(rows)
    examples, _ = task.from_tokens(targets, rows)
    right = task.right(examples, answers)
    assert np.mean([a.score for a in answers]) == pytest.approx(right.mean(), abs=0.02)
    (middle,) = load_task(graded(0.1)).decode([np.zeros(1)])
    assert middle.score == pytest.approx(1 - 2 * norm.sf(0.1, scale=math.sqrt(0.1 / 4)))


def test_extreme_logits_are_the_ends_of_the_range() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = load_task(graded()).decode([np.array([-1e5]), np.array([1e5])])
    assert (low.label, high.label) == ("0.000", "5.000")
    assert (low.value["value"], high.value["value"]) == (0.0, 5.0)


def test_targets_are_shares_of_the_range_and_back(tiny_tokenizer: object) -> None:
    task = load_task(graded())
    tokenizer = Tokenizer.from_file(f"{tiny_tokenizer}/tokenizer.json")
    examples = [{"text": "a", "other": "b", "label": text} for text in ("0", "2.5", "5")]
    targets = task.encode(tokenizer, examples, 16).targets
    assert targets is not None
    assert [float(t) for t in targets] == [0.0, 0.5, 1.0]
    back, _ = task.from_tokens(targets, [])
    assert [task.truth(example) for example in back] == ["0.000", "2.500", "5.000"]


def test_the_longer_text_is_cut_first_and_what_is_cut_is_counted(tiny_tokenizer: object) -> None:
    tokenizer = Tokenizer.from_file(f"{tiny_tokenizer}/tokenizer.json")
    pairs = [("refund " * 9, "late item"), ("late item", "refund " * 9), ("refund " * 9,) * 2]
    examples = [{"text": one, "other": other} for one, other in pairs]
    found = load_task(labelled(TWO)).encode(tokenizer, examples, 9)
    refund, late, item = (tokenizer.token_to_id(word) for word in ("refund", "late", "item"))
    first, second, both = (row[1:-1] for row in found.input_ids)
    assert first == [refund] * 4 + [3, late, item]
    assert second == [late, item, 3] + [refund] * 4
    assert both == [refund] * 3 + [3] + [refund] * 3
    assert found.truncated == [5, 5, 12]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"labels": None}, "either labels or range"),
        ({"range": (0.0, 1.0)}, "either labels or range"),
        ({"labels": ("a",)}, "at least 2"),
        ({"labels": ("a", "a")}, "listed once"),
        ({"tolerance": 0.1}, "must be null where there are labels"),
        ({"labels": None, "range": (1.0, 1.0), "tolerance": 0.1}, "range must rise"),
        ({"labels": None, "range": (0.0, math.inf), "tolerance": 0.1}, "range must rise"),
        ({"labels": None, "range": (0.0, 1.0)}, "tolerance must be given"),
    ],
)
def test_options_are_labels_or_a_range(change: dict[str, object], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Options.model_validate(labelled(TWO).model_dump() | change)
