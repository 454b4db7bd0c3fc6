"""A pull brings exactly what the registry has, and nothing that is here already."""
import pytest
from support import model
from support.model import MIB, Layer, Model, noise
from support.program import wait_for
from support.registry import Redirects
from support.store import blob_path, check_model, leftovers, manifest_path, snapshot


def test_pull_installs_every_byte_and_leaves_no_debris(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.whole())
    result = pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert leftovers(store) == []
    assert registry.blob_bytes() == tiny.size
    assert result.last["event"] == "completed"
    assert result.last["TotalBytes"] == tiny.size and result.last["BlobCount"] == 6


def test_events_come_in_the_order_of_a_pull(pullama, registry):
    tiny = registry.add("library/m", "latest", model.small())
    result = pullama.pull(registry.name("library/m")).ended(0)
    order = ["pull_start", "manifest_fetch_start", "manifest_fetched", "plan", "blob_start",
             "blob_verified", "blob_finalized", "manifest_written", "completed"]
    first = [next(i for i, e in enumerate(result.events) if e["event"] == name) for name in order]
    assert first == sorted(first), result
    fetched = result.named("manifest_fetched")[0]
    assert fetched["BlobCount"] == 2 and fetched["TotalSize"] == tiny.size
    start = result.named("pull_start")[0]
    assert start["Tag"] == "latest" and start["Model"].endswith("m")
    assert result.named("progress")[-1]["OverallTotal"] == tiny.size


def test_an_operand_that_is_no_command_is_a_model(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(MIB))
    pullama.run("--insecure", registry.name("library/m", scheme=False)).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_every_kind_are_followed(pullama, store, serve, status):
    far = serve(mode="redirect", redirects=Redirects(status=status))
    tiny = far.add("library/m", "latest", model.small(MIB))
    pullama.pull(far.name("library/m")).ended(0)
    check_model(store, far, "library/m", "latest", tiny)


@pytest.mark.parametrize("redirects", [
    Redirects(form="relative"), Redirects(form="network"), Redirects(hops=8), Redirects(signed=False)],
    ids=["relative", "network-path", "nine-hops", "unsigned"])
def test_locations_of_every_form_are_followed(pullama, store, serve, redirects):
    far = serve(mode="redirect", redirects=redirects)
    tiny = far.add("library/m", "latest", model.small(MIB))
    pullama.pull(far.name("library/m")).ended(0)
    check_model(store, far, "library/m", "latest", tiny)


@pytest.mark.parametrize("redirects", [
    Redirects(hops=30), Redirects(form="loop"), Redirects(target="file:///etc/hostname"),
    Redirects(target="gopher://127.0.0.1/x"), Redirects(target="http://user:secret@127.0.0.1:1/x"),
    Redirects(target=""), Redirects(target="http://")],
    ids=["endless", "loop", "file", "gopher", "user-info", "empty", "no-host"])
def test_redirects_to_nowhere_end_in_an_error(pullama, store, serve, redirects):
    far = serve(mode="redirect", redirects=redirects)
    far.add("library/m", "latest", model.small(MIB))
    result = pullama.pull(far.name("library/m"), "--max-retries", "1").ended(1)
    assert result.last["event"] == "failed" and result.err.strip()
    assert not list(store.rglob("latest"))


def test_a_redirect_target_is_kept_for_all_chunks(pullama, store, far):
    tiny = far.add("library/m", "latest", model.small(8 * MIB))
    pullama.pull(far.name("library/m"), "--chunk-size", "1MiB").ended(0)
    asked = far.requests(tiny.layers[0].digest, server="registry")
    assert len(asked) <= 4, "each chunk asked the registry again"
    check_model(store, far, "library/m", "latest", tiny)


def test_many_layers(pullama, store, far):
    layers = [Layer("tensor", noise(3000 + i, i), name=f"t.{i}") for i in range(150)]
    many = far.add("library/m", "latest", Model(layers))
    pullama.pull(far.name("library/m")).ended(0)
    check_model(store, far, "library/m", "latest", many)


def test_a_layer_named_twice_is_fetched_once(pullama, store, registry):
    layer = Layer("model", noise(MIB))
    twice = registry.add("library/m", "latest", Model([layer, layer]))
    pullama.pull(registry.name("library/m")).ended(0)
    assert registry.blob_bytes(layer.digest) == MIB
    check_model(store, registry, "library/m", "latest", twice)


def test_zero_byte_blobs_work(pullama, store, registry):
    empty = registry.add("library/m", "latest", Model([Layer("model", noise(1000)), Layer("params", b"")]))
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", empty)


@pytest.mark.parametrize("manifest", [
    lambda m: m.encode(annotations={"x": "y"}, extra=[1, {"a": None}]),
    lambda m: m.manifest + b"\n",
    lambda m: m.manifest.replace(b",", b" ,\n\t"),
], ids=["unknown-members", "newline", "spaces"])
def test_manifest_bytes_are_kept_as_served(pullama, store, registry, manifest):
    tiny = model.small(1000)
    raw = manifest(tiny)
    registry.add("library/m", "latest", tiny, manifest=raw)
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny, raw)


def test_a_second_pull_asks_for_no_blob_and_says_up_to_date(pullama, registry):
    registry.add("library/m", "latest", model.small(MIB))
    pullama.pull(registry.name("library/m")).ended(0)
    registry.forget()
    result = pullama.run("pull", registry.name("library/m")).ended(0)
    assert registry.requests("/(blobs|objects|chunksums)/") == []
    assert "up to date" in result.out + result.err


def test_a_new_version_fetches_only_what_changed_and_drops_what_nothing_names(pullama, store, registry):
    shared = Layer("license", b"the same")
    old = registry.add("library/m", "latest", Model([Layer("model", noise(MIB, 1)), shared]))
    pullama.pull(registry.name("library/m")).ended(0)
    new = registry.add("library/m", "latest", Model([Layer("model", noise(MIB, 2)), shared]))
    registry.forget()
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", new)
    assert registry.blob_bytes() == MIB
    assert not blob_path(store, old.layers[0].digest).exists()


def test_no_prune_keeps_the_old_version(pullama, store, registry):
    old = registry.add("library/m", "latest", model.small(1000, 1))
    pullama.pull(registry.name("library/m")).ended(0)
    registry.add("library/m", "latest", model.small(1000, 2))
    pullama.pull(registry.name("library/m"), environment={"OLLAMA_NOPRUNE": "1"}).ended(0)
    assert blob_path(store, old.layers[0].digest).exists()


def test_pinned_digest(pullama, store, registry):
    old = registry.add("library/m", "latest", model.small(1000, 1))
    registry.add("library/m", "latest", model.small(1000, 2))
    name = registry.name("library/m")
    pullama.pull(f"{name}@{old.digest}").ended(0)
    assert blob_path(store, old.layers[0].digest).exists()


def test_a_manifest_with_another_digest_than_pinned_is_an_integrity_failure(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(1000))
    lie = "sha256:" + "0" * 64
    registry.manifests["library/m", lie] = tiny.manifest
    pullama.pull(f"{registry.name('library/m')}@{lie}").ended(5)
    assert not list(store.rglob("latest"))


@pytest.mark.parametrize("platform", ["linux/arm64", "windows/amd64"])
def test_platform_selects_from_an_index(pullama, store, registry, platform):
    models = {"linux/arm64": model.small(1000, 1), "windows/amd64": model.small(1000, 2)}
    registry.add_index("library/m", "latest", models)
    pullama.pull(registry.name("library/m"), "--platform", platform).ended(0)
    check_model(store, registry, "library/m", "latest", models[platform])


def test_a_platform_that_is_not_there_is_named(pullama, registry):
    registry.add_index("library/m", "latest", {"linux/arm64": model.small(1000)})
    result = pullama.pull(registry.name("library/m"), "--platform", "plan9/mips").ended(4)
    assert "linux/arm64" in result.err


def test_several_models_and_the_first_failure_is_the_status(pullama, store, registry):
    one = registry.add("library/one", "latest", model.small(1000, 1))
    two = registry.add("user/two", "v1", model.small(1000, 2))
    registry.fault("/library/broken/", status=403)
    pullama.pull(registry.name("library/one"), registry.name("library/missing"),
                 registry.name("library/broken"), registry.name("user/two", "v1")).ended(4)
    check_model(store, registry, "library/one", "latest", one)
    check_model(store, registry, "user/two", "v1", two)


def test_dry_run_changes_nothing(pullama, store, registry):
    registry.add("library/m", "latest", model.small(MIB))
    result = pullama.pull("--dry-run", registry.name("library/m")).ended(0)
    assert not store.exists() or snapshot(store) == {}
    assert registry.requests("/blobs/", method="GET") == []
    assert len(result.named("plan")) == 1
    text = pullama.run("pull", "--dry-run", registry.name("library/m")).ended(0)
    assert "1.0 MB" in text.out, text


def test_insecure_means_plain_http(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(1000))
    name = registry.name("library/m", scheme=False)
    pullama.pull("--insecure", name).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


def test_without_insecure_nothing_is_sent_in_the_clear(pullama, store, registry):
    registry.add("library/m", "latest", model.small(1000))
    result = pullama.pull(registry.name("library/m", scheme=False), "--max-retries", "0")
    assert result.status in (1, 6) and registry.requests() == []


def test_host_with_port_and_no_namespace_means_library(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(1000))
    pullama.pull("--insecure", f"{registry.host}/m").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


def test_case_of_names_is_kept(pullama, store, registry):
    tiny = registry.add("Org-Name/Model-GGUF", "Q4_K_M", model.small(1000))
    pullama.pull(registry.name("Org-Name/Model-GGUF", "Q4_K_M")).ended(0)
    check_model(store, registry, "Org-Name/Model-GGUF", "Q4_K_M", tiny)


def test_manifest_of_any_content_type_is_taken(pullama, store, serve):
    plain = serve(manifest_type="text/plain; charset=utf-8", digest_header=False)
    tiny = plain.add("library/m", "latest", model.small(1000))
    pullama.pull(plain.name("library/m")).ended(0)
    check_model(store, plain, "library/m", "latest", tiny)


def test_limit_rate_slows_down(pullama, registry):
    registry.add("library/m", "latest", model.small(3 * MIB))
    result = pullama.pull(registry.name("library/m"), "--limit-rate", "2MiB").ended(0)
    assert result.seconds >= 0.9


def test_connections_are_as_many_as_asked_for(pullama, registry):
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    registry.gate.limit(MIB)
    process = pullama.start_pull(registry.name("library/m"), "-x", "3", "--chunk-size", "1MiB")
    wait_for(lambda: len(open_requests(registry, tiny)) >= 3, "three requests", process=process)
    registry.gate.limit(None)
    process.result().ended(0)
    assert len({r.connection for r in registry.requests(tiny.layers[0].digest)}) <= 4


def open_requests(registry, tiny):
    return [r for r in registry.requests(tiny.layers[0].digest) if r.status == 206]


def test_small_blob_requests_carry_no_name_of_ours_to_the_object_store(pullama, far):
    far.add("library/m", "latest", model.small(1000))
    pullama.pull(far.name("library/m")).ended(0)
    assert all(r.headers["user-agent"].startswith("ollama/") for r in far.requests(server="registry"))
    for request in far.requests(server="cdn"):
        assert "authorization" not in request.headers and "cookie" not in request.headers


@pytest.mark.parametrize("arguments, status", [
    (["pull"], 64), (["pull", "--no-such-flag", "m"], 64), (["pull", "a b"], 64), (["pull", ""], 64),
    (["pull", "m:t:u"], 64), (["pull", "--max-retries"], 64), (["pull", "--max-retries", "x", "m"], 64),
    (["pull", "--chunk-size", "1QiB", "m"], 64), (["pull", "-x", "33", "m"], 64), (["pull", "-x", "0", "m"], 64),
    (["pull", "--output", "xml", "m"], 64), (["pull", "m@sha256:12"], 64), (["list", "a", "b", "c"], 64),
    (["show"], 64), (["rm"], 64), (["cp", "a"], 64), (["pull", "../../etc/x"], 64),
    (["pull", "ftp://h/n/m"], 64)], ids=str)
def test_usage_errors(pullama, store, arguments, status):
    result = pullama.run(*arguments).ended(status)
    assert result.err.strip() and "\x1b" not in result.err
    assert not store.exists() or snapshot(store) == {}


def test_not_found_is_said_once_and_not_retried(pullama, registry):
    result = pullama.run("pull", registry.name("library/nothing")).ended(4)
    assert len(registry.requests("/manifests/")) == 1
    assert result.err.count("error:") == 1 and "library/nothing:latest" in result.err


def test_flags_stand_anywhere(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(1000))
    other = store.parent / "elsewhere"
    pullama.run(f"--models-dir={other}", "pull", "--quiet", "--", registry.name("library/m")).ended(0)
    assert not store.exists()
    assert manifest_path(other, registry.host, "library/m", "latest").read_bytes() == tiny.manifest
