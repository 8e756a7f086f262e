"""In: a verdict, and the report on it. Out: both beside the version that they are about, in MLflow.

Called again with the same it changes nothing: names are fixed, and what stands there is replaced.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from components.errors import IntegrityError
from components.failpoints import failpoint
from components.files import sha256_file, write_text
from components.registry.about import fetch_facts
from components.registry.aliases import model_version, seen
from components.registry.card import SECTION, fitting, model_card
from components.registry.place import Registry
from components.registry.waiting import patient

VERDICT: Final = "touchstone.verdict"
SENTENCE: Final = "touchstone.verdict_sentence"
REPORT: Final = "touchstone.report"
PAGE: Final = "gate.html"
CARD: Final = "card.md"
REST: Final = "The rest of this card stands in card.md, beside the report."
# Of a tag's value.
LONGEST: Final = 5000


@patient
def attach(
    registry: Registry,
    name: str,
    version: int,
    verdict: Mapping[str, Any],
    files: Mapping[str, Path],
) -> None:
    """Put the report beside a version, tag it, and make the model card its description.

    Args:
        registry: where.
        name: of the model.
        version: its number.
        verdict: on exactly its bytes.
        files: by the name that they get: `gate.html`, and whatever else belongs to it.

    Raises:
        IntegrityError: the verdict is about other bytes than the version's.
        PromotionError: there is no such version.
    """
    entry = model_version(registry, name, version)
    if seen(entry).digest != verdict["candidate"]["digest"] or not entry.run_id:
        raise IntegrityError(
            f"the verdict is about digest {verdict['candidate']['digest']}, version {version} of "
            f"{name} has {seen(entry).digest or 'none'}",
            "run `dvc repro`: the gate must judge the version that was registered",
        )
    card = model_card(verdict, fetch_facts(registry, name, version))
    folder = f"gate/{version}"
    _upload(registry, str(entry.run_id), folder, files, card)
    failpoint("attach.uploaded")
    beside = _beside(registry, str(entry.run_id), folder, [*files, CARD])
    registry.client.update_model_version(
        name, str(version), fitting(card.replace(SECTION, f"\n\n{beside}{SECTION}", 1), REST)
    )
    tags = {VERDICT: verdict["verdict"], SENTENCE: str(verdict["sentence"])[:LONGEST]}
    # Last, since it says that all is there.
    tags |= {REPORT: sha256_file(files[PAGE])} if PAGE in files else {}
    for key, value in tags.items():
        registry.client.set_model_version_tag(name, str(version), key, value)


def _upload(
    registry: Registry, run_id: str, folder: str, files: Mapping[str, Path], card: str
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for title, path in files.items():
            shutil.copyfile(path, Path(scratch) / title)
        write_text(Path(scratch) / CARD, card)
        for path in sorted(Path(scratch).iterdir()):
            registry.client.log_artifact(run_id, str(path), folder)


def _beside(registry: Registry, run_id: str, folder: str, titles: list[str]) -> str:
    """Return where the files are: addresses within MLflow's pages."""
    where = registry.client.get_run(run_id).info.experiment_id
    place = f"#/experiments/{where}/runs/{run_id}/artifacts/{folder}"
    links = ", ".join(f"[{title}]({place}/{title})" for title in titles)
    return f"What the gate found, beside this version's run under `{folder}`: {links}."
