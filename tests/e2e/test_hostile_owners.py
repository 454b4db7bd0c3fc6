"""Stores that belong to others, are closed, or can only be read: what can be done is done, the rest is named."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from support import model
from support.model import MIB
from support.store import blob_name, blob_path, check_model, install, inventory

pytestmark = pytest.mark.campaign("hostile registries, stores and names")

STATE = (".partial", ".json", ".live", ".lock", ".json.tmp", ".live.tmp")
SECONDS = 15
NOBODY = 65534


@pytest.fixture
def tiny(registry):
    return registry.add("library/m", "latest", model.small(3 * MIB // 2))


@pytest.fixture
def shared(registry, tiny):
    """A store that is reachable for everyone, and how to run the program as nobody."""
    if os.getuid() != 0:
        pytest.skip("only root can give files to others")
    folder = Path(tempfile.mkdtemp(prefix="pullama-"))
    folder.chmod(0o755)
    home, models = folder / "home", folder / "models"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    models.mkdir()
    as_nobody = dict(user=NOBODY, group=NOBODY, extra_groups=[],
                     environment={"HOME": str(home), "OLLAMA_MODELS": str(models)})
    yield models, as_nobody
    subprocess.run(["umount", "-l", models], capture_output=True, check=False)
    shutil.rmtree(folder)


def give(path, user=NOBODY):
    for root, folders, files in os.walk(path):
        for name in folders + files:
            os.lchown(Path(root, name), user, user)
    os.chown(path, user, user)


def can_run_as_nobody(pullama, as_nobody):
    try:
        return pullama.run("version", **as_nobody).status == 0
    except OSError:
        return False


def run_as_nobody(pullama, registry, models, as_nobody, works=()):
    """Runs everything. What is not in works ends with 1, a path, and what to do."""
    if not can_run_as_nobody(pullama, as_nobody):
        pytest.skip("another user cannot run the program here")
    name = registry.name("library/m", scheme=False)
    for verb in ("list", "show", "clean", "rm", "pull"):
        operands = {"list": [], "clean": []}.get(verb, [f"http://{name}" if verb == "pull" else name])
        result = pullama.run(verb, *operands, timeout=SECONDS, **as_nobody)
        if verb in works:
            result.ended(0)
        else:
            assert result.status == 1, result
            assert str(models) in result.err and "hint: " in result.err, result


def test_a_store_of_another_user_can_be_read(pullama, registry, shared, tiny):
    models, as_nobody = shared
    install(models, registry.host, "library/m", "latest", tiny)
    (models / ".pullm").mkdir()
    (models / ".pullm" / (blob_name(tiny.layers[0].digest) + ".json.tmp")).write_text("{")
    before = inventory(models)
    run_as_nobody(pullama, registry, models, as_nobody, works=("list", "show"))
    assert inventory(models) == before


def test_a_store_of_another_user_without_state(pullama, registry, shared, tiny):
    models, as_nobody = shared
    install(models, registry.host, "library/m", "latest", tiny)
    before = inventory(models)
    run_as_nobody(pullama, registry, models, as_nobody, works=("list", "show"))
    assert inventory(models) == before


def test_a_closed_store_is_named(pullama, registry, shared, tiny):
    models, as_nobody = shared
    install(models, registry.host, "library/m", "latest", tiny)
    models.chmod(0o700)
    run_as_nobody(pullama, registry, models, as_nobody)
    models.chmod(0o755)


@pytest.mark.parametrize("part", ["blobs", "manifests", ".pullm"])
@pytest.mark.parametrize("mode", [0o000, 0o444, 0o555])
def test_one_closed_folder_is_named(pullama, registry, shared, tiny, part, mode):
    models, as_nobody = shared
    install(models, registry.host, "library/m", "latest", tiny)
    (models / ".pullm").mkdir()
    give(models)
    os.chown(models / part, 0, 0)
    (models / part).chmod(mode)
    if not can_run_as_nobody(pullama, as_nobody):
        pytest.skip("another user cannot run the program here")
    name = registry.name("library/m", scheme=False)
    for verb in ("list", "show", "clean", "rm", "pull"):
        operands = {"list": [], "clean": []}.get(verb, [f"http://{name}" if verb == "pull" else name])
        result = pullama.run(verb, *operands, timeout=SECONDS, **as_nobody)
        assert result.status in (0, 1, 4), result
        if result.status == 1:
            assert str(models) in result.err or part in result.err, result
            assert "hint: " in result.err, result


@pytest.mark.parametrize("ending", STATE)
def test_a_file_of_ours_that_belongs_to_another(pullama, registry, shared, tiny, ending):
    models, as_nobody = shared
    for part in ("blobs", "manifests", ".pullm"):
        (models / part).mkdir()
    path = models / ".pullm" / (blob_name(tiny.layers[0].digest) + ending)
    path.write_bytes(tiny.layers[0].data[:5000])
    path.chmod(0o600)
    give(models)
    os.chown(path, 0, 0)
    if not can_run_as_nobody(pullama, as_nobody):
        pytest.skip("another user cannot run the program here")
    result = pullama.pull(registry.name("library/m"), timeout=SECONDS, **as_nobody)
    if result.status != 0:
        assert result.status == 1 and path.name in result.err and "hint: " in result.err, result
        clean = pullama.run("clean", timeout=SECONDS, **as_nobody)
        assert clean.status == 0 or path.name in clean.err, clean
        path.unlink(missing_ok=True)
        pullama.pull(registry.name("library/m"), **as_nobody).ended(0)
    path.unlink(missing_ok=True)
    check_model(models, registry, "library/m", "latest", tiny)


def test_a_blob_that_only_another_may_read(pullama, registry, shared, tiny):
    """It can be replaced, or it is named; it never counts as there."""
    models, as_nobody = shared
    install(models, registry.host, "library/m", "latest", tiny)
    give(models)
    path = blob_path(models, tiny.layers[0].digest)
    os.chown(path, 0, 0)
    path.chmod(0o600)
    if not can_run_as_nobody(pullama, as_nobody):
        pytest.skip("another user cannot run the program here")
    for verb in ("list", "show", "pull"):
        operands = [] if verb == "list" else [registry.name("library/m")]
        result = pullama.run(verb, *operands, timeout=SECONDS, **as_nobody)
        if result.status != 0:
            assert result.status == 1 and path.name in result.err and "hint: " in result.err, result
    pullama.run("rm", registry.name("library/m"), **as_nobody).ended(0)


@pytest.mark.parametrize("state", [False, True], ids=["fresh", "used"])
def test_a_file_system_that_is_only_to_be_read(pullama, registry, shared, tiny, state):
    """Not even root can write there."""
    models, _ = shared
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "none", models], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("may not mount a file system here")
    install(models, registry.host, "library/m", "latest", tiny)
    if state:
        (models / ".pullm").mkdir()
        (models / ".pullm" / (blob_name(tiny.layers[0].digest) + ".json.tmp")).write_text("{")
    before = inventory(models)
    subprocess.run(["mount", "-o", "remount,ro", models], check=True)
    as_root = dict(environment={"OLLAMA_MODELS": str(models)})
    name = registry.name("library/m", scheme=False)
    for verb, status in (("list", 0), ("show", 0), ("clean", 1), ("rm", 1), ("pull", 1)):
        operands = {"list": [], "clean": []}.get(verb, [f"http://{name}" if verb == "pull" else name])
        result = pullama.run(verb, *operands, timeout=SECONDS, **as_root).ended(status)
        if status:
            assert str(models) in result.err and "Read-only file system" in result.err, result
            assert "hint: " in result.err, result
    pullama.run("clean", "--dry-run", **as_root).ended(0)
    assert inventory(models) == before
