"""In: promoters at once, overtaken, killed. Out: one move after the other, each with its end."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from components.errors import PromotionError
from components.registry import Registry, Seen, champion, promote
from tests.candidates import Verdict, judged, lift, moves

# The package shows the function under the module's name.
promote_module = importlib.import_module("components.registry.promote")


def test_of_two_promoters_at_once_one_wins_and_the_other_is_stale(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    verdicts = [judged(registry, name, version) for version in versions[:2]]
    results: list[str] = []
    gate = threading.Barrier(2)

    def run(verdict: Verdict) -> None:
        gate.wait()
        try:
            results.append(promote(registry, verdict).sentence)
        except PromotionError as error:
            results.append(error.what)

    threads = [threading.Thread(target=run, args=(verdict,)) for verdict in verdicts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("stale" in result for result in results) == [False, True]
    assert moves(registry, name) == ["intent", "done"]


def test_promoter_that_is_overtaken_after_its_last_look_is_stale(
    registry: Registry, name: str, versions: list[Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    worse, better = (judged(registry, name, version) for version in versions[:2])
    try_out = promote_module.smoke

    def overtaken(folder: Path, verdict: Verdict) -> None:
        try_out(folder, verdict)
        with monkeypatch.context() as patch:
            patch.setattr(promote_module, "smoke", try_out)
            promote(registry, better)

    monkeypatch.setattr(promote_module, "smoke", overtaken)
    with pytest.raises(PromotionError, match="stale"):
        promote(registry, worse)
    assert champion(registry, name) == versions[1]


@pytest.mark.parametrize(("moved", "end"), [(False, "abandoned"), (True, "done")])
def test_move_that_a_kill_cut_short_is_settled_by_where_the_alias_is(
    registry: Registry,
    name: str,
    versions: list[Seen],
    monkeypatch: pytest.MonkeyPatch,
    moved: bool,
    end: str,
) -> None:
    lift(registry, name, versions[0])
    verdict = judged(registry, name, versions[1])
    killed: Callable[..., None] = type(registry.client).set_registered_model_alias

    def cut(*arguments: object) -> None:
        if moved:
            killed(*arguments)
        raise KeyboardInterrupt("killed")

    with monkeypatch.context() as patch:
        patch.setattr(type(registry.client), "set_registered_model_alias", cut)
        with pytest.raises(KeyboardInterrupt, match="killed"):
            promote(registry, verdict)
    assert champion(registry, name) == versions[1 if moved else 0]
    promote(registry, verdict)
    again = [] if moved else ["intent", "done"]
    assert moves(registry, name) == ["intent", "done", "intent", end, *again]
    assert champion(registry, name) == versions[1]
