"""prune removes what no model names, and nothing that anybody counts on."""
import os

import pytest
from support import ollama
from support.events import check_described
from support.model import MIB, Layer, Model, noise
from support.program import wait_for
from support.store import (age, blob_path, check_model, check_store, install, leave_ollama_partial, leftovers,
                           manifest_path, snapshot)

HOST = "registry.ollama.ai"
SHARED, LICENCE = Layer("model", noise(3 * MIB, 1)), Layer("license", b"do what you like")
ONE = Model([SHARED, LICENCE])
TWO = Model([SHARED, Layer("adapter", noise(4 * MIB, 2)), LICENCE])


def put_orphan(store, data, seconds=7200):
    path = blob_path(store, Layer("model", data).digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    age(path, seconds=seconds)
    return path


def needs(store):
    return list((store / ".pullm").glob("need-*.manifest"))


def test_it_says_which_files_go_how_large_they_are_and_why(pullama, store):
    install(store, HOST, "library/one", "latest", ONE)
    orphan, young = put_orphan(store, noise(MIB, 7)), put_orphan(store, noise(5000, 8), seconds=60)
    before = snapshot(store / "blobs")
    dry = pullama.run("prune", "--dry-run").ended(0)
    assert f"would remove blobs/{orphan.name}: no model names it (1.0 MB)" in dry.out
    assert f"would keep blobs/{young.name}: younger than 1h0m0s (5 KB)" in dry.out
    assert "1.0 MB would be reclaimed" in dry.out
    assert snapshot(store / "blobs") == before
    real = pullama.run("prune", "--output", "json").ended(0)
    check_described(real.events)
    assert real.named("prune_done")[0]["BytesReclaimed"] == MIB
    assert not orphan.exists() and young.exists()
    pullama.run("prune", "--older-than", "0s").ended(0)
    assert not young.exists()
    check_store(store)


def test_bytes_that_others_keep_are_not_counted(pullama, store, tmp_path):
    linked, sparse = put_orphan(store, noise(MIB, 7)), put_orphan(store, b"")
    os.link(linked, tmp_path / "mine.gguf")
    os.truncate(sparse, 64 * MIB)  # a hole: it takes no room
    age(linked, sparse, seconds=7200)
    done = pullama.run("prune", "--output", "json").ended(0).named("prune_done")[0]
    assert done["BlobsDeleted"] == 2 and done["BytesReclaimed"] == 0


@pytest.mark.broken_store
@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_manifest_that_does_not_parse_stops_it(pullama, store, more):
    orphan = put_orphan(store, noise(1000))
    bad = manifest_path(store, HOST, "library/bad", "latest")
    bad.parent.mkdir(parents=True)
    bad.write_text("{")
    assert "library/bad/latest" in pullama.run("prune", *more).ended(1).err
    assert orphan.exists()


def test_layers_that_ollama_has_for_a_model_without_a_manifest_stay(pullama, store):
    orphan = put_orphan(store, noise(1000))
    partial = leave_ollama_partial(store, Layer("model", noise(2 * MIB, 8)), [(0, 2 * MIB, 1000, 1000)])
    assert "Ollama is pulling" in pullama.run("prune").ended(0).out
    assert orphan.exists()
    pullama.run("prune", "--older-than", "1h").ended(0)  # asked for
    assert not orphan.exists() and partial.exists()
    for path in partial.parent.glob(partial.name + "*"):
        path.unlink()


@pytest.fixture
def half_pulled(pullama, store, serve):
    """A pull of two that found the weights here, in the midst of the rest; and the registry."""
    registry = serve(rate=2 * MIB)
    registry.add("library/one", "latest", ONE)
    registry.add("library/two", "latest", TWO)
    pullama.pull(registry.name("library/one")).ended(0)
    process = pullama.start_pull(registry.name("library/two"))
    process.wait_event("plan")
    wait_for(lambda: registry.blob_bytes() > ONE.size + MIB, "some bytes of the second model", process=process)
    return process, registry


def check_nothing_came_twice(process, store, registry):
    process.result().ended(0)
    check_model(store, registry, "library/two", "latest", TWO)
    assert registry.blob_bytes() <= len(SHARED.data) + len(TWO.layers[1].data) + 64 * 1024
    assert leftovers(store) == []


@pytest.mark.parametrize("command", [("rm", "one"), ("prune", "--older-than", "0s")])
def test_what_a_running_pull_found_here_stays(pullama, store, half_pulled, command):
    process, registry = half_pulled
    if command[0] == "rm":
        command = ("rm", registry.name("library/one"))
    else:  # as if one had been removed by somebody who does not clean up
        manifest_path(store, registry.host, "library/one", "latest").unlink()
    assert len(needs(store)) == 1
    pullama.run(*command).ended(0)
    assert blob_path(store, SHARED.digest).exists(), "the pull counts on it"
    check_nothing_came_twice(process, store, registry)
    assert not manifest_path(store, registry.host, "library/one", "latest").exists()


def test_a_blob_that_ollama_removes_is_fetched_again(pullama, store, half_pulled):
    process, registry = half_pulled
    ollama.remove(store, manifest_path(store, registry.host, "library/one", "latest"))
    assert not blob_path(store, SHARED.digest).exists()
    process.result().ended(0)
    check_model(store, registry, "library/two", "latest", TWO)


def test_a_pull_that_was_killed_needs_nothing(pullama, store, half_pulled):
    process, registry = half_pulled
    process.kill()
    assert len(needs(store)) == 1
    pullama.run("rm", registry.name("library/one")).ended(0)
    assert not blob_path(store, SHARED.digest).exists()
    pullama.pull(registry.name("library/two")).ended(0)
    check_model(store, registry, "library/two", "latest", TWO)
    assert needs(store) == [] and leftovers(store) == []


def test_pulls_prunes_and_removals_at_the_same_time(pullama, store, serve):
    """Whoever wins, every manifest that stands has its blobs, and the pull ends well."""
    registry = serve()
    models = {f"library/m{n}": Model([SHARED, Layer("system", f"{n}".encode()), LICENCE]) for n in range(4)}
    for name, one in models.items():
        registry.add(name, "latest", one)
    for _ in range(3):
        running = [pullama.start("pull", registry.name(name)) for name in models]
        running += [pullama.start("prune", "--older-than", "0s") for _ in range(3)]
        running += [pullama.start("rm", registry.name("library/m0"))]
        for process in running[:-1]:
            process.result().ended(0)
        assert running[-1].result().status in (0, 4)
        check_store(store)
        for name in list(models)[1:]:
            check_model(store, registry, name, "latest", models[name])
    assert leftovers(store) == []


def test_a_full_report_on_a_narrow_terminal_and_in_quiet(pullama, store):
    put_orphan(store, noise(MIB, 7))
    quiet = pullama.run("prune", "--quiet", "--dry-run").ended(0)
    assert quiet.out == "prune: 1 blob, 1.0 MB would be reclaimed\n"
    assert pullama.run("prune", "now").ended(64).err
