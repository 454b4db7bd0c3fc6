"""outdated and update: one small request for a model, and only what changed is fetched."""
import signal

import pytest
from support import campaign
from support.events import check_described
from support.model import MIB, Layer, Model, noise
from support.program import wait_for
from support.store import blob_path, check_model, check_store, install, leftovers, manifest_path

SHARED, LICENCE = Layer("model", noise(2 * MIB, 1)), Layer("license", b"do what you like")
OLD = Model([SHARED, LICENCE, Layer("template", b"old")])
NEW = Model([SHARED, LICENCE, Layer("template", b"new, and longer")])
OTHER = Model([Layer("model", noise(MIB, 3)), LICENCE])
DEAD = "127.0.0.1:1"


@pytest.fixture
def models(store, registry):
    """m is outdated, other is current."""
    install(store, registry.host, "library/m", "latest", OLD)
    install(store, registry.host, "library/other", "latest", OTHER)
    registry.add("library/m", "latest", NEW)
    registry.add("library/other", "latest", OTHER)
    return registry


def verdicts(result):
    check_described(result.events)
    return {event["Ref"].rpartition("/")[2].partition(":")[0]: event["Verdict"] for event in result.named("upstream")}


def test_outdated_says_what_is_and_how_much_would_come(pullama, store, models):
    before = blob_path(store, SHARED.digest).stat().st_atime_ns
    result = pullama.run("outdated", "--insecure").ended(1)
    lines = result.out.splitlines()
    assert lines[0].startswith("outdated") and "library/m:latest" in lines[0] and "1 of 4 blobs" in lines[0]
    assert lines[1].startswith("current") and "library/other:latest" in lines[1]
    assert lines[2].startswith("1 of 2 models outdated, ")
    assert result.err == ""
    assert len(models.requests("/manifests/")) == 2 and models.requests("/blobs/") == []
    assert blob_path(store, SHARED.digest).stat().st_atime_ns == before


def test_status_0_when_all_are_current(pullama, models):
    result = pullama.run("outdated", "--insecure", models.name("library/other")).ended(0)
    assert "1 of 1 model up to date" in result.out


def test_json_says_both_digests_and_the_bytes(pullama, models):
    result = pullama.run("outdated", "--insecure", "--output", "json").ended(1)
    assert verdicts(result) == {"m": "outdated", "other": "current"}
    m = result.named("upstream")[0]
    assert m["LocalDigest"] == OLD.digest and m["RemoteDigest"] == NEW.digest
    assert m["FetchBytes"] == len(b"new, and longer") and m["BlobsToFetch"] == 1
    assert result.named("outdated_done")[0]["Outdated"] == 1 and result.last["event"] == "completed"


def test_update_fetches_what_changed_and_frees_what_did(pullama, store, models):
    result = pullama.run("update", "--all", "--insecure", "--output", "json").ended(0)
    check_described(result.events)
    check_model(store, models, "library/m", "latest", NEW)
    check_model(store, models, "library/other", "latest", OTHER)
    assert models.blob_bytes() == len(b"new, and longer")
    assert len(models.requests("/manifests/")) == 2, "one manifest request a model"
    assert not blob_path(store, OLD.layers[2].digest).exists()
    assert result.named("update_done")[0]["Updated"] == 1
    assert result.last["event"] == "completed" and result.last["verb"] == "update"
    assert leftovers(store) == []
    again = pullama.run("update", "--all", "--insecure").ended(0)
    assert again.out == "2 of 2 models up to date\n"


def test_layers_that_another_model_names_stay(pullama, store, models):
    pullama.run("cp", models.name("library/m"), "kept").ended(0)
    pullama.run("update", models.name("library/m")).ended(0)
    check_model(store, models, "library/m", "latest", NEW)
    assert blob_path(store, OLD.layers[2].digest).exists()
    check_store(store)


def test_update_dry_run_changes_nothing(pullama, store, models):
    result = pullama.run("update", "--all", "--insecure", "--dry-run").ended(0)
    assert "1 of 2 models outdated" in result.out
    assert manifest_path(store, models.host, "library/m", "latest").read_bytes() == OLD.manifest
    assert models.requests("/blobs/") == []


def test_registries_that_are_gone_are_reported_and_fail_nothing(pullama, store, models):
    install(store, DEAD, "library/gone", "latest", OTHER)
    install(store, models.host, "library/local", "latest", OTHER)
    for command, status in (("outdated", 1), ("update", 0)):
        more = ("--all",) if command == "update" else ()
        result = pullama.run(command, *more, "--insecure", "--max-retries", "0", "--output", "json").ended(status)
        assert verdicts(result) == {"gone": "unknown", "m": "outdated", "local": "not_served", "other": "current"}
        assert DEAD in next(e for e in result.named("upstream") if e["Verdict"] == "unknown")["Message"]
    check_model(store, models, "library/m", "latest", NEW)
    pullama.run("outdated", "--insecure", "--max-retries", "0").ended(0)


def test_when_nobody_answers_it_fails(pullama, store):
    for name in "ab":
        install(store, DEAD, f"library/{name}", "latest", OTHER)
    result = pullama.run("outdated", "--insecure", "--max-retries", "0").ended(6)
    assert len([line for line in result.out.splitlines() if line.startswith("unknown")]) == 2
    assert "no registry could say" in result.err


def test_a_broken_manifest_stops_no_other(pullama, store, models):
    bad = manifest_path(store, models.host, "library/bad", "latest")
    bad.parent.mkdir(parents=True)
    bad.write_text("{")
    result = pullama.run("outdated", "--insecure", "--output", "json").ended(1)
    assert verdicts(result)["bad"] == "unknown" and verdicts(result)["m"] == "outdated"
    bad.unlink()
    bad.parent.rmdir()


def test_names_that_are_none_or_not_here(pullama, models):
    pullama.run("outdated", "nothing").ended(4)
    pullama.run("outdated", "a b").ended(64)
    pullama.run("update").ended(64)
    pullama.run("update", "--all", "m").ended(64)
    pullama.run("update", f"m@{OLD.digest}").ended(64)


def test_a_failed_pull_fails_the_update_but_not_the_others(pullama, store, models):
    models.add("library/other", "latest", Model([Layer("model", noise(1000, 9))]))
    models.fault("/library/other/blobs/", status=404)
    result = pullama.run("update", "--all", "--insecure", "--output", "json")
    assert result.status != 0 and result.last["event"] == "failed" and result.last["verb"] == "update"
    check_model(store, models, "library/m", "latest", NEW)
    check_model(store, models, "library/other", "latest", OTHER, manifest=OTHER.manifest)


def test_a_hundred_models_are_asked_about_side_by_side(pullama, store, registry):
    small = Model([Layer("model", b"weights")])
    for n in range(100):
        install(store, registry.host, f"library/m{n}", "latest", small)
        registry.add(f"library/m{n}", "latest", small)
    registry.fault("/library/m/manifests/", times=1, silent_at=0)  # the first has to wait
    install(store, registry.host, "library/m", "latest", small)
    registry.add("library/m", "latest", small)
    process = pullama.start("outdated", "--insecure", "--output", "json", "--stall-timeout", "2s")
    wait_for(lambda: len(registry.requests("/manifests/")) >= 16, "requests beside one without an answer",
             process=process)
    result = process.result().ended(0)
    assert result.named("outdated_done")[0]["Current"] == 101
    assert len(registry.requests("/manifests/")) == 102


@pytest.mark.parametrize("command", [("outdated",), ("update", "--all")])
def test_an_interrupt_ends_it(pullama, store, models, command):
    models.fault("/manifests/", silent_at=0)
    process = pullama.start(*command, "--insecure", "--output", "json")
    process.wait_event("outdated_start")
    wait_for(lambda: models.requests("/manifests/"), "a request", process=process)
    process.signal(signal.SIGINT)
    result = process.result().ended(0)
    assert result.last["event"] == "failed" and result.last["Code"] == "interrupted"
    check_store(store)


@pytest.mark.campaign("updates that are killed")
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_update_that_is_killed_is_finished_by_the_next(pullama, store, serve, share):
    registry = serve(rate=4 * MIB)
    new = Model([Layer("model", noise(3 * MIB, 5)), LICENCE])
    install(store, registry.host, "library/m", "latest", OLD)
    registry.add("library/m", "latest", new)
    process = pullama.start("update", "--all", "--insecure")
    wait_for(lambda: registry.blob_bytes() > share * new.size, "bytes", process=process)
    process.kill()
    check_store(store)
    pullama.run("update", "--all", "--insecure").ended(0)
    check_model(store, registry, "library/m", "latest", new)
    twice = registry.blob_bytes() - new.size
    campaign.count("updates that are killed", cases=0, again=(max(0, twice), new.size, f"{share}"))
    assert leftovers(store) == []
