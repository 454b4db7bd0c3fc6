"""freeze writes down what is here, and sync brings a store there again."""
import signal

import pytest
from support import campaign
from support.events import check_described
from support.model import MIB, Layer, Model, noise
from support.program import Program, wait_for
from support.store import blob_path, check_model, check_store, install, leftovers, manifest_path, snapshot

SHARED = Layer("model", noise(2 * MIB, 1))
ONE, TWO = Model([SHARED, Layer("template", b"one")]), Model([SHARED, Layer("template", b"two, longer")])
OTHER = Model([Layer("model", noise(MIB, 3))])


@pytest.fixture
def models(registry):
    registry.add("library/m", "latest", ONE)
    registry.add("library/other", "v1", OTHER)
    return registry


@pytest.fixture
def lock(models, tmp_path):
    path = tmp_path / "models.lock"
    path.write_text(f"version 1\nhttp://{models.host}/library/m@{ONE.digest}\n"
                    f"http://{models.host}/library/other:v1@{OTHER.digest}\nend\n")
    return path


def test_freeze_prints_a_file_that_sync_takes(pullama, store, models, tmp_path):
    install(store, models.host, "library/m", "latest", ONE)
    install(store, "registry.ollama.ai", "library/other", "v1", OTHER)
    result = pullama.run("freeze").ended(0)
    assert result.out.splitlines()[1:] == [
        "version 1", f"{models.host}/library/m:latest@{ONE.digest}", f"other:v1@{OTHER.digest}", "end"]
    path = tmp_path / "frozen"
    assert "froze 2 models in" in pullama.run("freeze", "-o", path).ended(0).out
    assert path.read_text() == result.out
    assert pullama.run("freeze", "-o", "-").ended(0).out == result.out
    assert pullama.run("freeze", "-o", path).ended(0) and path.read_text() == result.out  # an older list is replaced
    dear = tmp_path / "dear"
    dear.write_text("precious\n")
    assert "is no lock file" in pullama.run("freeze", "-o", dear).ended(64).err and dear.read_text() == "precious\n"
    events = pullama.run("freeze", "--output", "json").ended(0)
    check_described(events.events)
    assert events.named("frozen")[0]["Text"] == result.out
    before = {path: what for path, what in snapshot(store).items() if ".pullm" not in path}
    assert "2 of 2 models as frozen" in pullama.run("sync", path, "--prune").ended(0).out
    after = snapshot(store)
    assert {path: what for path, what in after.items() if ".pullm" not in path} == before
    assert models.requests() == []


def test_sync_fetches_what_is_not_here_and_then_nothing(pullama, store, models, lock):
    result = pullama.run("sync", lock, "--output", "json").ended(0)
    check_described(result.events)
    check_model(store, models, "library/m", "latest", ONE)
    check_model(store, models, "library/other", "v1", OTHER)
    assert result.named("update_done")[0]["Updated"] == 2
    asked = len(models.requests())
    again = pullama.run("sync", lock).ended(0)
    assert again.out == "2 of 2 models as frozen\n" and len(models.requests()) == asked
    assert leftovers(store) == []


def test_exactly_that_version_is_fetched_though_the_tag_moved(pullama, store, models, lock):
    models.add("library/m", "latest", TWO)
    install(store, models.host, "library/m", "latest", TWO)
    pullama.run("sync", lock).ended(0)
    check_model(store, models, "library/m", "latest", ONE)
    assert not blob_path(store, TWO.layers[1].digest).exists()


def test_a_version_that_is_gone_names_both_digests(pullama, store, models, lock):
    models.manifests.clear()
    models.add("library/m", "latest", TWO)
    models.add("library/other", "v1", OTHER)
    result = pullama.run("sync", lock).ended(4)
    assert ONE.digest in result.err and TWO.digest in result.err
    check_model(store, models, "library/other", "v1", OTHER)
    assert not manifest_path(store, models.host, "library/m", "latest").exists()


@pytest.mark.parametrize("lacking", [1, 4, 5, 30])
def test_a_list_that_was_cut_is_written_anew(pullama, store, models, tmp_path, lacking):
    install(store, models.host, "library/m", "latest", ONE)
    path = tmp_path / "models.lock"
    pullama.run("freeze", "-o", path).ended(0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-lacking])
    told = pullama.run("sync", path, "--prune")
    assert told.status == (0 if lacking == 1 else 64)
    assert lacking == 1 or ("was cut" in told.err and "pullama freeze" in told.err)
    pullama.run("freeze", "-o", path).ended(0)
    assert path.read_bytes() == whole


def test_prune_removes_the_rest_only_when_all_is_here(pullama, store, models, lock):
    install(store, "registry.ollama.ai", "library/extra", "latest", TWO)
    extra = manifest_path(store, "registry.ollama.ai", "library/extra", "latest")
    models.fault("/library/other/blobs/", status=404)
    pullama.run("sync", lock, "--prune")
    assert extra.exists(), "something of the file is not here"
    models.rules.clear()
    dry = pullama.run("sync", lock, "--prune", "--dry-run").ended(0)
    assert "1 of 2 models missing" in dry.out
    assert extra.exists()
    result = pullama.run("sync", lock, "--prune").ended(0)
    assert "removed 1" in result.out
    assert not extra.exists() and not blob_path(store, TWO.layers[1].digest).exists()
    check_model(store, models, "library/m", "latest", ONE)


@pytest.mark.parametrize("text, word", [
    ("", "no line"), ("hello\n", "line 1"), ("version 2\n", "version 2"), ("version 1\nm\n", "line 2"),
    ("version 1\n\x1b[31m\n", "line 2"), (f"version 1\nother@{OTHER.digest}\n", "was cut"),
    (f"version 1\nother@{OTHER.digest[:30]}", "was cut")])
def test_a_file_that_is_wrong_removes_nothing(pullama, store, tmp_path, text, word):
    install(store, "registry.ollama.ai", "library/m", "latest", ONE)
    path = tmp_path / "wrong.lock"
    path.write_text(text)
    result = pullama.run("sync", path, "--prune").ended(64)
    assert word in result.err and "wrong.lock" in result.err and "\x1b" not in result.err
    check_store(store)
    assert manifest_path(store, "registry.ollama.ai", "library/m", "latest").exists()


def test_two_stores_become_equal(pullama, store, models, lock, tmp_path):
    pullama.run("sync", lock).ended(0)
    frozen = tmp_path / "frozen"
    pullama.run("freeze", "-o", frozen).ended(0)
    (tmp_path / "second").mkdir()
    second = Program(tmp_path / "second", tmp_path / "second" / "models")
    second.run("sync", frozen, "--insecure").ended(0)
    assert second.run("freeze").ended(0).out == frozen.read_text()
    check_store(tmp_path / "second" / "models")


@pytest.mark.campaign("syncs that are stopped")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("share", [0.2, 0.8])
def test_a_sync_that_is_stopped_goes_on(pullama, store, serve, tmp_path, number, share):
    registry = serve(rate=4 * MIB)
    size = ONE.size + OTHER.size
    for name, one in (("m", ONE), ("other", OTHER)):
        registry.add(f"library/{name}", "latest", one)
    path = tmp_path / "lock"
    path.write_text(f"version 1\n{registry.host}/library/m@{ONE.digest}\n"
                    f"{registry.host}/library/other@{OTHER.digest}\nend\n")
    install(store, "registry.ollama.ai", "library/extra", "latest", TWO)
    process = pullama.start("sync", path, "--insecure", "--prune")
    wait_for(lambda: registry.blob_bytes() > share * (size - len(SHARED.data)), "bytes", process=process)
    process.signal(number)
    process.result()
    check_store(store)
    assert manifest_path(store, "registry.ollama.ai", "library/extra", "latest").exists()
    pullama.run("sync", path, "--insecure", "--prune").ended(0)
    check_model(store, registry, "library/m", "latest", ONE)
    check_model(store, registry, "library/other", "latest", OTHER)
    campaign.count("syncs that are stopped", cases=0)
    assert leftovers(store) == []
