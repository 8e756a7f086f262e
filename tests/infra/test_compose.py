"""In: infra/compose.yaml. Out: loopback only, no secret inside, each service watched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

# The attributes of a service that the Compose specification knows, as far as they are used here.
KNOWN = {
    "build", "cap_drop", "command", "depends_on", "env_file", "environment", "healthcheck",
    "image", "init", "network_mode", "ports", "profiles", "read_only", "restart", "security_opt",
    "user", "volumes",
}  # fmt: skip
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
VARIABLE = re.compile(r"\$\{(\w+)(:?[-?][^}]*)?\}")
SECRET = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|TOKEN")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    path = Path(__file__).resolve().parents[2] / "infra" / "compose.yaml"
    return dict(yaml.safe_load(path.read_text()))


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    return [t for inner in value for t in texts(inner)] if isinstance(value, list) else [str(value)]


def test_only_what_compose_knows_is_written(compose: dict[str, Any]) -> None:
    assert {key for key in compose if not key.startswith("x-")} == {"name", "services", "volumes"}
    for service in compose["services"].values():
        assert set(service) <= KNOWN
        assert ("image" in service) != ("build" in service)


def test_everything_listens_on_loopback_only(compose: dict[str, Any]) -> None:
    ports = [port for s in compose["services"].values() for port in s.get("ports", [])]
    assert len(ports) == 4
    for port in ports:
        assert port.startswith("127.0.0.1:"), port


def test_every_secret_comes_from_the_environment_and_is_required(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if SECRET.search(name):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
    for text in texts(compose):
        for name, rule in VARIABLE.findall(text):
            if SECRET.search(name):
                assert rule.startswith(":?"), text
        assert not re.search(r"://[^/$@]*:[^$@/]+@", text), text


def test_each_variable_is_explained_in_the_example(compose: dict[str, Any], root: Path) -> None:
    used = {name for text in texts(compose) for name, _ in VARIABLE.findall(text)}
    example = (root / ".env.example").read_text()
    explained = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", example, flags=re.MULTILINE))
    assert used == explained
    secrets = re.findall(r"^(\w*(?:PASSWORD|KEY)\w*)=(.*)$", example, flags=re.MULTILINE)
    assert secrets
    assert all(value == "" for _, value in secrets)
    assert ".env" in (root / ".gitignore").read_text().split()


def test_whoever_is_waited_for_to_be_healthy_has_a_health(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        for name, rule in service.get("depends_on", {}).items():
            assert rule["condition"] in CONDITIONS
            if rule["condition"] == "service_healthy":
                assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_named_volumes_are_declared_and_paths_exist(compose: dict[str, Any], root: Path) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if not source.startswith("."):
                assert source in compose["volumes"]
            elif not source.endswith("models/int8"):
                assert (root / "infra" / source).exists()
        if "build" in service:
            assert (root / service["build"]["dockerfile"]).is_file()


def test_the_worker_and_its_servers_speak_of_each_other(compose: dict[str, Any]) -> None:
    services = compose["services"]
    worker = services["worker"]["environment"]
    assert worker["PREFECT_API_URL"] == "http://prefect:4200/api"
    assert worker["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"
    assert "mlflow:5000" in services["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"]
    assert set(services["worker"]["depends_on"]) == {"mlflow", "prefect"}
    # SQLAlchemy takes a plain postgresql:// for another driver: always named
    assert services["mlflow"]["environment"]["MLFLOW_BACKEND_STORE_URI"].startswith(
        "postgresql+psycopg://"
    )
    assert services["prefect"]["environment"]["PREFECT_API_DATABASE_CONNECTION_URL"].startswith(
        "postgresql+asyncpg://"
    )


def test_prefect_yaml_deploys_the_release_nightly_in_utc_one_at_a_time(root: Path) -> None:
    text = (root / "prefect.yaml").read_text()
    (deployment,) = yaml.safe_load(text)["deployments"]
    path, _, flow = deployment["entrypoint"].partition(":")
    assert f"\ndef {flow}(" in (root / path).read_text()
    (schedule,) = deployment["schedules"]
    assert (schedule["cron"], schedule["timezone"]) == ("0 3 * * *", "UTC")
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert deployment["work_pool"]["name"] == "touchstone"
    assert deployment["pull"] == []
    assert not re.search(r"[ :]/\w", text)
