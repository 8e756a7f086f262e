"""In: dvc.yaml and the flows' signatures. Out: proof that they say the same."""

from __future__ import annotations

import inspect
import shlex
from pathlib import Path
from typing import Any

import pytest

from components.params.load import read_tree
from flows.probe import SOURCE
from flows.stage import VERBS, flow_of, parser_of, sections_of

GRAPH = read_tree(Path(__file__).parents[2] / "dvc.yaml")
STAGES: dict[str, Any] = GRAPH["stages"]


def command_of(verb: str) -> list[str]:
    """Return the stage's command, its templates filled in with any path."""
    return shlex.split(STAGES[verb]["cmd"].replace("${ingestion.folder}", "data/source"))


def paths_of(verb: str) -> dict[str, str]:
    """Return the stage's options, as parameter to path."""
    words = command_of(verb)[4:]
    return {
        flag.removeprefix("--"): path for flag, path in zip(words[::2], words[1::2], strict=True)
    }


def outs_of(verb: str) -> set[str]:
    """Return the stage's outs."""
    return {
        name for out in STAGES[verb]["outs"] for name in ([out] if isinstance(out, str) else out)
    }


@pytest.mark.parametrize("verb", STAGES)
def test_what_dvc_keeps_is_ignored_so_that_a_run_changes_no_file_of_the_project(
    root: Path, verb: str
) -> None:
    """DVC adds what is missing to these files, which a new user would see as changes of theirs."""
    kept = [Path(out) for out in STAGES[verb]["outs"] if isinstance(out, str)]
    for out in kept:
        ignored = (root / out.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
        assert f"/{out.name}" in ignored, out


def test_stages_are_the_verbs_up_to_the_gate_in_their_order() -> None:
    assert tuple(STAGES) == VERBS[: VERBS.index("gate") + 1]


@pytest.mark.parametrize("verb", STAGES)
def test_a_stage_runs_the_flow_of_its_name(verb: str) -> None:
    assert command_of(verb)[:4] == ["python", "-m", "flows", verb]


@pytest.mark.parametrize("verb", STAGES)
def test_a_stage_depends_on_exactly_the_sections_that_its_flow_receives(verb: str) -> None:
    assert set(STAGES[verb]["params"]) == set(sections_of(flow_of(verb).fn))


@pytest.mark.parametrize("verb", STAGES)
def test_a_stage_gives_its_flow_every_path_and_no_other(verb: str) -> None:
    function = flow_of(verb).fn
    paths = set(inspect.signature(function).parameters) - set(sections_of(function))
    assert set(paths_of(verb)) == paths
    parser_of(verb, function).parse_args(command_of(verb)[4:])


@pytest.mark.parametrize("verb", STAGES)
def test_every_path_of_a_command_is_a_dependency_or_an_out(verb: str) -> None:
    dependencies = {
        path.replace("${ingestion.folder}", "data/source") for path in STAGES[verb]["deps"]
    }
    assert set(paths_of(verb).values()) <= dependencies | outs_of(verb)
    assert outs_of(verb) <= set(paths_of(verb).values())


@pytest.mark.parametrize("verb", STAGES)
def test_a_stage_depends_on_the_code_of_its_step(verb: str) -> None:
    root = Path(__file__).parents[2]
    code = [path for path in STAGES[verb]["deps"] if path.startswith("components/")]
    assert code
    assert all((root / path).is_dir() for path in code)


@pytest.mark.parametrize("verb", STAGES)
def test_every_stage_says_what_it_does(verb: str) -> None:
    assert STAGES[verb]["desc"].endswith(".")


def test_a_stage_only_reads_what_a_stage_before_it_made() -> None:
    made: set[str] = set()
    for verb, stage in STAGES.items():
        read = {p for p in stage["deps"] if not p.startswith(("components/", "${"))}
        assert read - {str(SOURCE)} <= made, verb
        made |= outs_of(verb)


def test_the_first_stage_depends_on_what_a_probe_finds() -> None:
    assert [verb for verb, stage in STAGES.items() if str(SOURCE) in stage["deps"]] == ["ingest"]
    assert (Path(__file__).parents[2] / SOURCE).is_file(), "DVC refuses a stage without it"


def test_the_readme_shows_the_graph_as_it_is() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for verb, stage in STAGES.items():
        outs = [out if isinstance(out, str) else next(iter(out)) for out in stage["outs"]]
        made = ", ".join(f"`{out}`" for out in outs)
        assert f"| `{verb}` | {stage['desc']} | {made} |" in readme
