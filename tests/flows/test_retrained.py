"""In: a champion, trained again with another seed. Out: proof that chance promotes nobody (A/A).

The candidate was trained on the same rows with the same values, and is judged on the same test
examples: in truth it is neither better nor worse by more than a seed gives.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.files import read_json
from flows.__main__ import main
from tests.flows.projects import command, write_params

Verdict = dict[str, Any]
# What compares the two; all else must hold of a model that is like the champion.
COMPARED = ("superior", "beyond_luck", "accuracy_not_worse", "slice:")


@pytest.fixture(scope="module")
def retrained(line: Path, learning: dict[str, Any]) -> Path:
    """The line, its first model promoted, and a second one made with another seed of training.

    The seed also cuts the splits and draws the gate's resamples: only `train` sees another one.
    """
    assert main(["promote"]) == 0
    write_params(line, learning | {"project": learning["project"] | {"seed": 8}})
    assert main(command("train")) == 0
    write_params(line, learning)
    for verb in ("export", "evaluate", "register"):
        assert main(command(verb)) == 0, verb
    return line


def gated(line: Path, tree: dict[str, Any], when: str) -> Verdict:
    """Ask the gate under one rule of promotion."""
    write_params(line, tree | {"gate": tree["gate"] | {"promote_when": when}})
    assert main(command("gate")) == 0
    found: Verdict = read_json(line / "registry/verdict.json")
    return found


@pytest.fixture(scope="module")
def superior(retrained: Path, learning: dict[str, Any]) -> Verdict:
    return gated(retrained, learning, "superior")


@pytest.fixture(scope="module")
def non_inferior(retrained: Path, learning: dict[str, Any], superior: Verdict) -> Verdict:
    return gated(retrained, learning, "non_inferior")


def test_both_learned_and_neither_is_the_other(superior: Verdict) -> None:
    scores = superior["scores"]
    new, old = (scores[who]["accuracy"]["estimate"] for who in ("candidate", "champion"))
    assert min(new, old) > 0.6, "three labels: a third is right by chance"
    assert max(new, old) < 1, "a model that is always right has nothing to be compared in"
    assert superior["comparison"]["fixed"] + superior["comparison"]["broken"] > 0
    assert superior["candidate"]["digest"] != superior["champion"]["digest"]


def test_a_champion_retrained_with_another_seed_is_not_promoted(superior: Verdict) -> None:
    assert superior["verdict"] in {"hold", "undecidable"}
    failed = {rule["name"] for rule in superior["rules"] if rule["state"] in {"broken", "open"}}
    assert failed & {"superior", "beyond_luck"}
    assert all(name.startswith(COMPARED) for name in failed), "nothing else keeps it back"


def test_the_seeds_of_the_search_tell_how_far_luck_goes(superior: Verdict) -> None:
    (rule,) = [rule for rule in superior["rules"] if rule["name"] == "beyond_luck"]
    low, high = rule["interval"]
    assert superior["comparison"]["low"] - low > 0
    assert high - superior["comparison"]["high"] > 0


def test_it_moves_no_alias(retrained: Path, superior: Verdict) -> None:
    verdict = retrained / "registry/superior.json"
    verdict.write_bytes((retrained / "registry/verdict.json").read_bytes())
    assert main(["promote", "--verdict", str(verdict)]) == 1


def test_not_to_be_worse_never_counts_as_a_gain(non_inferior: Verdict) -> None:
    assert non_inferior["promote_when"] == "non_inferior"
    assert non_inferior["comparison"]["required"] < 0
    assert not {rule["name"] for rule in non_inferior["rules"]} & {"superior", "beyond_luck"}
    assert "above champion" not in non_inferior["sentence"] or non_inferior["verdict"] != "promote"


def test_both_rules_judge_one_comparison(superior: Verdict, non_inferior: Verdict) -> None:
    asked = ("rows", "estimate", "low", "high", "se", "fixed", "broken")
    for name in asked:
        assert superior["comparison"][name] == non_inferior["comparison"][name]
    assert superior["data"] == non_inferior["data"]


def test_the_test_split_has_judged_two_versions_however_often_it_was_asked(
    superior: Verdict, non_inferior: Verdict
) -> None:
    assert superior["test_uses"] == non_inferior["test_uses"] == 2
