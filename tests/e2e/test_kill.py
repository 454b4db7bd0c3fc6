"""Stopped at any moment, the store stays valid, and the same command finishes without fetching twice."""
import json
import os
import shutil
import subprocess
import time

import pytest
from support import campaign, model, tracing
from support.model import MIB
from support.program import wait_for
from support.store import blob_name, blob_path, check_model, check_store, install, leftovers, manifest_path

CHUNKED = ("--chunk-size", "1MiB", "-x", "2")


def kill_after(pullama, registry, tiny, size, *arguments):
    """SIGKILLs a pull when it has received `size` payload bytes. Returns its last events."""
    registry.gate.limit(size)
    process = pullama.start_pull(registry.name("library/m"), *CHUNKED, *arguments)
    near = size - 64 * 1024
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= near)
    killed = process.kill()
    registry.gate.limit(None)
    return killed


def staging(store, tiny, ending):
    folder = store / ".pullm"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / (blob_name(tiny.layers[0].digest) + ending)


def finish(pullama, store, registry, tiny, *arguments):
    result = pullama.pull(registry.name("library/m"), *CHUNKED, *arguments).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert leftovers(store) == []
    return result


@pytest.fixture
def tiny(registry):
    return registry.add("library/m", "latest", model.small(8 * MIB))


def test_k1_a_stale_lock_file_is_no_obstacle(pullama, store, registry, tiny):
    staging(store, tiny, ".lock").touch()
    (store / ".pullm" / "store.lock").touch()
    assert finish(pullama, store, registry, tiny).seconds < 10


def test_k2_an_empty_partial_of_full_size_counts_as_nothing(pullama, store, registry, tiny):
    with open(staging(store, tiny, ".partial"), "wb") as stream:
        stream.truncate(8 * MIB)
    finish(pullama, store, registry, tiny)


def test_k3_killed_in_a_chunk_resumes_in_the_chunk(pullama, store, registry, tiny):
    kill_after(pullama, registry, tiny, 5 * MIB + 300_000)
    check_store(store)
    registry.forget()
    result = finish(pullama, store, registry, tiny)
    resumed = result.named("blob_resumed")
    assert resumed, result
    # At most 1 MiB per connection, and what was still in the sockets' buffers.
    assert registry.blob_bytes() <= 3 * MIB + 2 * MIB


def test_k3_ten_kills_cost_next_to_nothing(pullama, store, registry):
    big = registry.add("library/m", "latest", model.small(32 * MIB))
    for _ in range(10):
        before = registry.gate.passed
        kill_after_more(pullama, registry, before + 2 * MIB)
        check_store(store)
    finish(pullama, store, registry, big)
    campaign.count("ten kills of one pull", again=(registry.gate.passed - big.size, big.size, "10 kills"))
    assert registry.gate.passed <= 32 * MIB + 10 * 2 * MIB // 4, registry.gate.passed / MIB


def kill_after_more(pullama, registry, until):
    registry.gate.limit(until - registry.gate.passed)
    process = pullama.start_pull(registry.name("library/m"), *CHUNKED)
    wait_for(lambda: registry.gate.passed >= until - 64 * 1024, "bytes", process=process)
    time.sleep(0.1)
    process.kill()
    registry.gate.limit(None)


def test_k4_without_a_checkpoint_the_live_file_is_enough(pullama, store, registry, tiny):
    kill_after(pullama, registry, tiny, 6 * MIB)
    staging(store, tiny, ".json").unlink(missing_ok=True)
    if not staging(store, tiny, ".live").exists():
        pytest.skip("no boot identity on this system: no live files")
    registry.forget()
    finish(pullama, store, registry, tiny)
    assert registry.blob_bytes() <= 4 * MIB


@pytest.mark.parametrize("ending", [".json.tmp", ".tmp"])
def test_k5_debris_of_a_checkpoint_is_ignored_and_cleaned(pullama, store, registry, tiny, ending):
    staging(store, tiny, ending).write_bytes(b'{"version":')
    finish_result = pullama.pull(registry.name("library/m")).ended(0)
    assert finish_result
    pullama.run("clean").ended(0)
    assert leftovers(store) == []


def test_k6_the_checkpoint_before_the_last_is_good_too(pullama, store, registry, tiny):
    kill_after(pullama, registry, tiny, 2 * MIB)
    saved = {p.name: p.read_bytes() for p in (store / ".pullm").glob("*.json")}
    kill_after(pullama, registry, tiny, 3 * MIB)
    for name, content in saved.items():
        (store / ".pullm" / name).write_bytes(content)
    finish(pullama, store, registry, tiny)


def test_k8_all_bytes_there_needs_no_blob_request(pullama, store, registry, tiny):
    """Killed when everything was received: what is left is local work."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    log = pullama.folder / "trace"
    name = registry.name("library/m")
    killed = pullama.start("pull", name, wrapper=tracing.inject("renameat", "signal=SIGKILL", 1, log),
                           environment=tracing.UNTRACED)
    for attempt in range(2, 30):
        killed.wait(30)
        if registry.blob_bytes() >= tiny.size:
            break
        killed = pullama.start("pull", name, environment=tracing.UNTRACED,
                               wrapper=tracing.inject("renameat", "signal=SIGKILL", attempt, log))
    killed.wait(30)
    assert not manifest_path(store, registry.host, "library/m", "latest").exists()
    registry.forget()
    pullama.pull(name).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes() == 0


def test_k9_debris_beside_a_finished_blob_goes(pullama, store, registry, tiny):
    install(store, registry.host, "library/m", "latest", tiny)
    for ending in (".partial", ".json", ".lock", ".live"):
        staging(store, tiny, ending).write_bytes(b"x")
    pullama.pull(registry.name("library/m")).ended(0)
    assert registry.blob_bytes() == 0
    pullama.run("clean").ended(0)
    assert leftovers(store) == []


def test_k10_blobs_without_a_manifest_are_used(pullama, store, registry, tiny):
    install(store, registry.host, "library/m", "latest", tiny).unlink()
    result = pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes() == 0 and result.last["event"] == "completed"


def rewrite(change):
    """Damages a checkpoint by changing its JSON."""
    def damage(path):
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
    return damage


def set_digest(content):
    key = next((k for k in content if k.lower() == "digest"), "digest")
    content[key] = "sha256:" + "0" * 64


def set_size(content):
    key = next((k for k in content if k.lower() == "size"), "size")
    content[key] = 5


def grow_spans(content):
    for key, value in content.items():
        if isinstance(value, list):
            content[key] = json.loads(json.dumps(value).replace("1048576", "99999999999"))


DAMAGE = {
    "C1 truncated": lambda path: path.write_bytes(path.read_bytes()[:20]),
    "C1 empty": lambda path: path.write_bytes(b""),
    "C2 another digest": rewrite(set_digest),
    "C3 another size": rewrite(set_size),
    "C4 spans past the end": rewrite(grow_spans),
    "C4 nested without end": lambda path: path.write_bytes(b"[" * 100_000),
    "another version": rewrite(lambda c: c.update(version=999, Version=999)),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_c_a_damaged_checkpoint_never_stops_a_pull(pullama, store, registry, tiny, name):
    kill_after(pullama, registry, tiny, 3 * MIB)
    path = staging(store, tiny, ".json")
    if not path.exists():
        path.write_text(json.dumps({"version": 1, "digest": tiny.layers[0].digest, "size": 8 * MIB}))
    DAMAGE[name](path)
    staging(store, tiny, ".live").unlink(missing_ok=True)
    pullama.pull(registry.name("library/m"), *CHUNKED).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


def test_c5_a_partial_shorter_than_the_checkpoint_says(pullama, store, registry, tiny):
    kill_after(pullama, registry, tiny, 6 * MIB)
    os.truncate(staging(store, tiny, ".partial"), MIB)
    finish(pullama, store, registry, tiny)


def test_c5_a_partial_that_is_gone(pullama, store, registry, tiny):
    kill_after(pullama, registry, tiny, 6 * MIB)
    staging(store, tiny, ".partial").unlink()
    finish(pullama, store, registry, tiny)


@pytest.mark.parametrize("with_sums", [True, False])
def test_c6_a_zeroed_region_is_found_and_fetched_again(pullama, store, registry, tiny, with_sums):
    if with_sums:
        registry.add_chunksums(tiny.layers[0].digest, MIB)
    kill_after(pullama, registry, tiny, 6 * MIB)
    with open(staging(store, tiny, ".partial"), "r+b") as stream:
        stream.write(bytes(4096))
    registry.forget()
    finish(pullama, store, registry, tiny)
    if with_sums:
        assert registry.blob_bytes() <= 6 * MIB


def test_c7_a_finished_blob_of_wrong_size_is_not_taken(pullama, store, registry, tiny):
    install(store, registry.host, "library/m", "latest", tiny)
    blob = blob_path(store, tiny.layers[0].digest)
    os.truncate(blob, 1000)
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


def test_x1_two_pulls_of_one_model_share_the_bytes(pullama, store, registry, tiny):
    registry.gate.limit(2 * MIB)
    first = pullama.start_pull(registry.name("library/m"), *CHUNKED)
    first.wait_event("progress", where=lambda e: e["OverallDone"] >= MIB)
    second = pullama.start_pull(registry.name("library/m"), *CHUNKED)
    second.wait_event("blob_waiting")
    registry.gate.limit(None)
    first.result().ended(0)
    second.result().ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) == 8 * MIB


def test_x1_the_second_goes_on_with_what_a_killed_first_left(pullama, store, registry, tiny):
    registry.gate.limit(4 * MIB)
    first = pullama.start_pull(registry.name("library/m"), *CHUNKED)
    first.wait_event("progress", where=lambda e: e["OverallDone"] >= 3 * MIB)
    second = pullama.start_pull(registry.name("library/m"), *CHUNKED)
    second.wait_event("blob_waiting")
    first.kill()
    registry.gate.limit(None)
    second.result().ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) <= 8 * MIB + 3 * MIB


def test_x2_rm_and_pull_exclude_one_another(pullama, store, registry, tiny):
    other = registry.add("library/other", "latest", model.Model([tiny.layers[0]], b'{"model_format":"gguf"}'))
    pullama.pull(registry.name("library/m")).ended(0)
    short = registry.name("library/m", scheme=False)
    for _ in range(3):
        pull = pullama.start_pull(registry.name("library/other"))
        rm = pullama.start("rm", short)
        rm.result()
        pull.result().ended(0)
        check_model(store, registry, "library/other", "latest", other)
        pullama.pull(registry.name("library/m")).ended(0)
        check_store(store)


def test_x2_clean_leaves_a_running_pull_alone(pullama, store, registry, tiny):
    registry.gate.limit(3 * MIB)
    pull = pullama.start_pull(registry.name("library/m"), *CHUNKED)
    pull.wait_event("progress", where=lambda e: e["OverallDone"] >= 2 * MIB)
    pullama.run("clean").ended(0)
    registry.gate.limit(None)
    pull.result().ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) == 8 * MIB


def test_x3_a_killed_process_holds_no_lock(pullama, store, registry, tiny):
    kill_after(pullama, registry, tiny, 2 * MIB)
    result = finish(pullama, store, registry, tiny)
    assert result.named("blob_waiting", "lock_waiting") == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", folder],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("may not mount a file system here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_d2_too_little_space_is_said_before_the_first_byte(pullama, small_disk, registry, tiny):
    result = pullama.pull(registry.name("library/m"), "--models-dir", small_disk / "models").ended(2)
    assert registry.blob_bytes(tiny.layers[0].digest) == 0
    assert "MB" in result.err or "bytes" in result.err
    assert result.last["Code"] == "disk_full" and result.last["ExitStatus"] == 2


def test_d2_a_disk_that_fills_up_keeps_everything(pullama, store, registry, tiny):
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    wrapper = tracing.inject("pwrite64", "error=ENOSPC", "20+", pullama.folder / "trace")
    full = pullama.start("pull", registry.name("library/m"), "-x", "1", wrapper=wrapper,
                         environment=tracing.UNTRACED).result().ended(2)
    assert full.err.strip()
    check_store(store)
    registry.forget()
    finish(pullama, store, registry, tiny)
    assert registry.blob_bytes() < 8 * MIB


def test_d5_a_folder_that_may_not_be_written_is_named(pullama, store, registry, tiny):
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root may write everywhere")
    store.mkdir()
    store.chmod(0o555)
    # Root without its override obeys permissions like everyone.
    wrapper = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    result = pullama.start("pull", registry.name("library/m"), wrapper=wrapper).result().ended(1)
    assert str(store) in result.err and "ermission denied" in result.err
    store.chmod(0o755)


def test_a_blob_that_vanishes_at_any_look_is_fetched(pullama, store, registry, tiny):
    """Another program may remove it between two system calls of ours."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    name = blob_name(tiny.layers[0].digest)
    for count in range(1, 8):
        shutil.rmtree(store, ignore_errors=True)
        install(store, registry.host, "library/other", "latest", tiny)
        log = pullama.folder / "trace"
        wrapper = ["strace", "-f", "-qq", "-o", str(log), "-P", name, "-e", "trace=openat",
                   "-e", f"inject=openat:error=ENOENT:when={count}"]
        pullama.start("pull", registry.name("library/m"), environment=tracing.UNTRACED,
                      wrapper=wrapper).result().ended(0)
        check_model(store, registry, "library/m", "latest", tiny)
        if "INJECTED" not in log.read_text():
            break
    assert count > 2, "nothing was injected: the test shows nothing"
