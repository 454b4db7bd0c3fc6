"""`verify --repair` makes damaged models whole, fetches little more than what is damaged, and changes nothing else."""
import os
import shutil
import signal
import time

import pytest
from support import model, tracing
from support.docker import pair, write_config
from support.events import check_described
from support.model import MIB, Layer, Model, noise
from support.program import FAR_TOO_LONG_S
from support.store import blob_name, blob_path, check_store, install, leftovers, manifest_path
from support.tokens import Realm

NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}  # it would count as our time
SIZE = 12 * MIB
CHUNK = MIB


def repair(pullama, *arguments, **options):
    result = pullama.run("verify", "--repair", "--insecure", "--output", "json", *arguments, **options)
    check_described(result.events)
    done = 0
    for event in result.named("progress"):
        assert done <= event["OverallDone"] <= event["OverallTotal"], result
        done = event["OverallDone"]
    return result


def verdicts(result):
    return {event["Ref"].rpartition("/")[2]: event["Verdict"] for event in result.named("model_checked")}


def whole(pullama):
    return pullama.run("verify", "--output", "json").status == 0


@pytest.fixture
def large(registry, store, pullama):
    """A model of this registry, installed by somebody else, so that nothing is known of its blobs."""
    one = registry.add("library/large", "latest", Model([Layer("model", noise(SIZE, 1)), Layer("license", b"for all")]))
    other = registry.add("library/other", "latest", Model([Layer("model", noise(2 * MIB, 2)), Layer("license", b"for all")]))
    install(store, registry.host, "library/large", "latest", one)
    install(store, registry.host, "library/other", "latest", other)
    return one


def write(path, at, data):
    with open(path, "r+b") as stream:
        stream.seek(at)
        stream.write(data)


# What is done to the blob, and how much of it must come again when there are digests of its chunks.
DAMAGE = {
    "one bit": (lambda path: write(path, 5 * MIB + 17, b"\0\0\0\0"), CHUNK),
    "first byte": (lambda path: write(path, 0, b"not GGUF"), CHUNK),
    "last bytes": (lambda path: write(path, SIZE - 4, b"\0\0\0\0"), CHUNK),
    "across a border": (lambda path: write(path, 3 * MIB - 2, b"\0\0\0\0"), 2 * CHUNK),
    "a zeroed part": (lambda path: write(path, 4 * MIB, bytes(2 * MIB)), 2 * CHUNK),
    "a hole": (lambda path: punch(path, 4 * MIB, 2 * MIB), 2 * CHUNK),
    "zeroed": (lambda path: path.write_bytes(bytes(SIZE)), SIZE),
    "truncated": (lambda path: os.truncate(path, 7 * MIB + 1000), 5 * CHUNK),
    "nearly gone": (lambda path: os.truncate(path, 5), SIZE),
    "emptied": (lambda path: os.truncate(path, 0), SIZE),
    "grown": (lambda path: os.truncate(path, SIZE + 1), 0),
    "grown and changed": (lambda path: (os.truncate(path, 2 * SIZE), write(path, MIB, b"\0\0\0\0")), CHUNK),
    "missing": (lambda path: path.unlink(), SIZE),
    "a link": (lambda path: (path.unlink(), path.symlink_to("/etc/hostname")), SIZE),
}


def punch(path, at, length):
    data = path.read_bytes()
    path.unlink()
    with open(path, "wb") as stream:
        stream.write(data[:at])
        stream.seek(at + length)
        stream.write(data[at + length:])


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("sums", ["digests", "none"])
def test_what_is_damaged_is_fetched_and_little_else(pullama, store, registry, large, damage, sums):
    spoil, least = DAMAGE[damage]
    layer = large.layers[0]
    if sums == "digests":
        registry.add_chunksums(layer.digest, CHUNK)
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (store / "blobs").iterdir()}
    manifest = manifest_path(store, registry.host, "library/large", "latest").stat()
    spoil(blob_path(store, layer.digest))
    result = repair(pullama).ended(0)
    assert verdicts(result) == {"large:latest": "repaired", "other:latest": "ok"}
    assert result.named("blob_repaired")[0]["Models"] == [registry.name("library/large", scheme=False)]
    assert blob_path(store, layer.digest).read_bytes() == layer.data
    fetched = registry.blob_bytes()
    if sums == "digests" or least in (0, SIZE) or damage == "truncated":
        assert fetched <= least, f"{fetched} bytes were fetched for {least}"
    else:
        assert fetched <= SIZE
    assert not registry.requests("/manifests/")
    for path in (store / "blobs").iterdir():
        if path.name != blob_name(layer.digest):
            assert before[path.name] == (path.stat().st_ino, path.stat().st_mtime_ns)
    assert manifest_path(store, registry.host, "library/large", "latest").stat().st_mtime_ns == manifest.st_mtime_ns
    assert leftovers(store) == [] and whole(pullama)


def test_a_whole_store_asks_nobody(pullama, store, registry, large):
    repair(pullama).ended(0)
    assert registry.requests() == []


def test_all_damage_is_repaired_in_one_go_and_a_shared_blob_once(pullama, store, registry, large):
    for path in (store / "blobs").iterdir():
        path.write_bytes(b"\0" * path.stat().st_size)
    result = repair(pullama).ended(0)
    assert set(verdicts(result).values()) == {"repaired"}
    assert len(result.named("blob_repaired")) == len(list((store / "blobs").iterdir()))
    assert registry.blob_bytes() == sum(path.stat().st_size for path in (store / "blobs").iterdir())
    line = pullama.run("verify").ended(0).out.splitlines()[-1]
    assert line.startswith("verified 2 models")


@pytest.mark.broken_store
def test_a_blob_that_nobody_has_is_named_and_left_as_it_is(pullama, store, registry, large):
    gone, shared = large.layers
    write(blob_path(store, gone.digest), MIB, b"\0\0\0\0")
    blob_path(store, shared.digest).write_bytes(b"FOR ALL")
    was = blob_path(store, gone.digest).read_bytes()
    del registry.blobs[gone.digest]
    result = repair(pullama).ended(5)
    assert verdicts(result) == {"large:latest": "damaged", "other:latest": "repaired"}
    failed = next(event for event in result.named("blob_repaired") if event["Failed"])
    assert failed["Blob"]["Digest"] == gone.digest and "404" in failed["Message"]
    assert failed["Models"] == [registry.name("library/large", scheme=False)]
    assert blob_path(store, gone.digest).read_bytes() == was and leftovers(store) == []
    shown = pullama.run("verify", "--repair", "--insecure").ended(5)
    assert f"{gone.digest[7:19]} could not be repaired" in shown.err and "library/large:latest" in shown.err


def test_the_next_model_that_names_the_blob_is_asked(pullama, store, registry, serve, large):
    """Two registries served it once; the first has lost it, and does not answer for another tag either."""
    second = serve()
    layer = large.layers[0]
    install(store, registry.host, "library/large", "tag", large)
    second.add("library/zzz", "latest", large)
    install(store, second.host, "library/zzz", "latest", large)
    del registry.blobs[layer.digest]
    write(blob_path(store, layer.digest), 0, b"\0\0\0\0")
    result = repair(pullama).ended(0)
    assert second.blob_bytes() == SIZE
    assert len(registry.requests(f"/blobs/{layer.digest}")) <= 1
    assert verdicts(result) == {"large:latest": "repaired", "large:tag": "repaired", "zzz:latest": "repaired",
                                "other:latest": "ok"}


@pytest.mark.broken_store
@pytest.mark.parametrize("name, status", [("wrong", 5), ("unreachable", 6), ("forbidden", 3)])
def test_a_registry_that_does_not_help_leaves_things_as_they_are(pullama, store, registry, large, name, status):
    layer = large.layers[0]
    write(blob_path(store, layer.digest), MIB, b"\0\0\0\0")
    was = blob_path(store, layer.digest).read_bytes()
    if name == "wrong":
        registry.blobs[layer.digest] = noise(SIZE, 99)
    elif name == "unreachable":
        registry.fault("/blobs/", reset_at=0)
    else:
        registry.fault("/blobs/", status=403)
    result = repair(pullama, "--max-retries", "0").ended(status)
    assert verdicts(result)["large:latest"] == "damaged"
    assert blob_path(store, layer.digest).read_bytes() == was
    registry.rules.clear()
    registry.blobs[layer.digest] = layer.data
    repair(pullama).ended(0)
    check_store(store)


@pytest.mark.broken_store
def test_no_room_is_said_before_a_byte_is_fetched(pullama, store, registry, large):
    layer = large.layers[0]
    write(blob_path(store, layer.digest), MIB, b"\0\0\0\0")
    repair(pullama, "--min-free", "1000T").ended(2)
    assert registry.blob_bytes() == 0 and leftovers(store) == []


def test_silent_damage_whose_note_cannot_be_voided_is_repaired(pullama, store, registry, large):
    """The file is somebody else's: its note still says that it is whole."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    pullama.run("verify").ended(0)
    path = blob_path(store, large.layers[0].digest)
    was = path.stat()
    write(path, MIB, b"\0\0\0\0")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsetxattr", "-e", "inject=fsetxattr:error=EPERM"]
    repair(pullama, wrapper=wrapper, environment=tracing.UNTRACED).ended(0)
    assert path.read_bytes() == large.layers[0].data


def test_only_the_models_that_are_named_are_repaired(pullama, store, registry, large):
    write(blob_path(store, large.layers[0].digest), MIB, b"\0\0\0\0")
    repair(pullama, registry.name("library/other")).ended(0)
    assert registry.requests() == []
    repair(pullama, registry.name("library/large")).ended(0)
    check_store(store)


# ---- interrupted ----

def start_slow(pullama, registry, large, store, bytes_first):
    write(blob_path(store, large.layers[0].digest), 0, bytes(SIZE - 1))
    registry.gate.limit(bytes_first)
    process = pullama.start("verify", "--repair", "--insecure", "--output", "json", environment=NO_LEAK_CHECK)
    process.wait_event("blob_start")
    return process


def test_killed_it_goes_on_where_it_was_and_the_old_blob_stands_until_then(pullama, store, registry, large):
    path = blob_path(store, large.layers[0].digest)
    process = start_slow(pullama, registry, large, store, 6 * MIB)
    process.wait_event("progress", where=lambda e: e["Blob"]["Size"] == SIZE and e["Connections"] > 0
                       and e["BlobBytesDone"] >= 5 * MIB)
    inode = path.stat().st_ino
    process.kill()
    assert path.stat().st_ino == inode and path.read_bytes()[:SIZE - 1] == bytes(SIZE - 1)
    first = registry.blob_bytes()
    registry.gate.limit(None)
    repair(pullama).ended(0)
    assert registry.blob_bytes() <= SIZE + first - 4 * MIB
    check_store(store)


def test_a_signal_ends_it_within_half_a_second(pullama, store, registry, large):
    process = start_slow(pullama, registry, large, store, 2 * MIB)
    process.wait_event("progress", where=lambda e: e["Connections"] > 0)
    began = time.monotonic()
    process.signal(signal.SIGINT)
    result = process.result(10).ended(0)
    assert time.monotonic() - began < FAR_TOO_LONG_S
    assert result.last["Code"] == "interrupted" and not result.named("verify_done")
    registry.gate.limit(None)
    repair(pullama).ended(0)
    check_store(store)


def test_two_at_a_time_fetch_it_once(pullama, store, registry, large):
    process = start_slow(pullama, registry, large, store, 2 * MIB)
    second = pullama.start("verify", "--repair", "--insecure", "--output", "json")
    second.wait_event("blob_waiting")
    registry.gate.limit(None)
    process.result().ended(0)
    second.result().ended(0)
    assert registry.blob_bytes() <= SIZE + MIB
    check_store(store)


# ---- a pull over damage ----

@pytest.mark.parametrize("damage", ["one bit", "truncated", "a zeroed part"])
def test_a_pull_takes_over_what_is_good_of_a_damaged_blob(pullama, store, registry, large, damage):
    spoil, least = DAMAGE[damage]
    registry.add_chunksums(large.layers[0].digest, CHUNK)
    spoil(blob_path(store, large.layers[0].digest))
    pullama.pull(registry.name("library/large")).ended(0)
    assert registry.blob_bytes() <= least
    check_store(store)


def test_digests_that_lie_cost_a_whole_fetch_and_no_more(pullama, store, registry, large):
    layer = large.layers[0]
    registry.add_chunksums(layer.digest, CHUNK, wrong=[3, 4])
    write(blob_path(store, layer.digest), 8 * MIB, b"\0\0\0\0")
    repair(pullama).ended(0)
    assert blob_path(store, layer.digest).read_bytes() == layer.data
    assert registry.blob_bytes() <= SIZE + 4 * CHUNK


# ---- who is asked, and what he is shown ----

def test_each_registry_is_shown_its_own_password_alone(pullama, store, serve):
    """What belongs to which is found out before the program is confined."""
    auths = {}
    registries = [serve(realm=Realm("basic", users={f"ann{number}": f"secret-{number}"})) for number in range(2)]
    for number, one in enumerate(registries):
        made = one.add("team/m", "latest", Model([Layer("model", noise(2 * MIB, number))]))
        install(store, one.host, "team/m", "latest", made)
        auths[one.host] = {"auth": pair(f"ann{number}", f"secret-{number}")}
        write(blob_path(store, made.layers[0].digest), MIB, b"\0\0\0\0")
    write_config(pullama.home, auths=auths)
    result = repair(pullama).ended(0)
    for number, one in enumerate(registries):
        shown = {r.headers["authorization"] for r in one.requests() if "authorization" in r.headers}
        assert shown == {"Basic " + pair(f"ann{number}", f"secret-{number}")}
        assert f"secret-{number}" not in result.out + result.err
    check_store(store)


def test_a_mirror_is_asked_first(pullama, store, registry, serve, large):
    mirror = serve()
    mirror.add("library/large", "latest", large)
    write(blob_path(store, large.layers[0].digest), MIB, b"\0\0\0\0")
    repair(pullama, "--mirror", f"http://{mirror.host}").ended(0)
    assert mirror.blob_bytes() == SIZE and registry.blob_bytes() == 0
    check_store(store)


def test_a_store_without_its_blobs_is_filled_again(pullama, store, registry, large):
    shutil.rmtree(store / "blobs")
    result = repair(pullama).ended(0)
    assert set(verdicts(result).values()) == {"repaired"}
    check_store(store)
