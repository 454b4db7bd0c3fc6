"""A push that was killed, stopped or forgotten goes on with what the registry has."""
import json
import os
import shutil
import signal
import stat
import time

import pytest
from support import model
from support.model import MIB, Layer
from support.program import FAR_TOO_LONG_S, wait_for
from support.store import leftovers
from support.uploads import wait_quiet

SIZE = 64 * MIB
CHUNK = ("--chunk-size", "8MiB", "-x", "1")


def kill_after(pullama, registry, name, size, *flags, number=None):
    """Runs a push until the registry has read so many bytes of it, and kills it."""
    registry.inbox.limit(size)
    process = pullama.start_push(name, *(flags or CHUNK))
    wait_for(lambda: registry.inbox.passed >= size, "the bytes", 60, process)
    wait_for(lambda: list(pullama.store.glob(".pullm/push-*.json")), "the record", 60, process)
    wait_quiet(registry)
    if number is None:
        process.kill()
    else:
        process.signal(number)
    result = process.result()
    # What lay in the sockets' buffers still comes; the end of the connection is seen behind it.
    registry.inbox.limit(None)
    wait_for(lambda: not registry.registry.sockets and not registry.cdn.sockets, "the server to see it")
    return result


def record_of(store):
    (path,) = (store / ".pullm").glob("push-*.json")
    return path


@pytest.mark.parametrize("options", [{}, {"relative": True}], ids=["absolute", "relative"])
def test_killed_at_73_percent_of_a_layer(pullama, store, receive, put, options):
    registry = receive(**options)
    name = put(registry, big := model.small(SIZE))
    first = SIZE * 73 // 100
    kill_after(pullama, registry, name, first)
    read = registry.wire_bytes("/blobs/")
    result = pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    # Not a byte of what it had read before comes again.
    assert first <= read < first + 8 * MIB and registry.wire_bytes("/blobs/") == big.size
    assert result.named("blob_resumed")[0]["BytesKept"] == read and result.last["SentBytes"] == big.size - read
    assert not result.named("upload_lost") and not leftovers(store)


def test_killed_again_and_again(pullama, store, receive, put):
    registry = receive()
    name = put(registry, big := model.small(SIZE // 4, 7))
    for percent in (10, 11, 40, 41, 73, 99):
        kill_after(pullama, registry, name, big.size * percent // 100 - registry.wire_bytes("/blobs/"), "--chunk-size",
                   "1MiB", "-x", "1")
        registry.inbox.passed = 0
    pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert registry.wire_bytes("/blobs/") == big.size and not leftovers(store)


def test_killed_while_parts_go_to_the_object_store(pullama, store, receive, put):
    registry = receive(form="parts")
    name = put(registry, big := model.small(SIZE))
    flags = ("--chunk-size", "4MiB", "-x", "3")
    kill_after(pullama, registry, name, SIZE * 73 // 100, *flags)
    (session,) = (s for s in registry.sessions.values() if s.parts)
    there = sum(len(part) for part in session.parts.values())
    assert there > SIZE // 2
    registry.log.clear()
    # Also with another length of parts than now: the one of the session counts.
    result = pullama.push(name, "--chunk-size", "16MiB", "-x", "3").ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert registry.wire_bytes("^/parts/") <= big.size - there + 3 * 4 * MIB
    assert result.named("blob_resumed") and not leftovers(store)


def test_a_server_that_cannot_tell_how_far_it_is(pullama, store, receive, put):
    registry = receive(old=True)
    name = put(registry, big := model.small(SIZE // 2))
    held = registry.fault("/uploads/", method="PATCH", skip=3, times=1, delay=600)
    process = pullama.start_push(name, *CHUNK)
    wait_for(lambda: held.hits, "the fourth request", 60, process)
    wait_for(lambda: json.loads(record_of(store).read_text())["uploads"][0]["offset"] == 24 * MIB, "the record")
    process.kill()
    pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert registry.wire_bytes("/blobs/") == big.size


def test_a_server_that_drops_what_broke_off(pullama, receive, put):
    registry = receive(old=True)
    done, broken = Layer("model", model.noise(16 * MIB, 1)), Layer("adapter", model.noise(16 * MIB, 2))
    name = put(registry, two := model.Model([done, broken]))
    kill_after(pullama, registry, name, 28 * MIB)
    first = registry.wire_bytes("/blobs/")
    result = pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", two)
    (lost,) = result.named("upload_lost")
    assert lost["Blob"]["Digest"] == broken.digest and "wrong offset" in lost["Reason"]
    assert registry.wire_bytes("/blobs/") - first == two.size - len(done.data)


@pytest.mark.parametrize("status", [404, 410, 400])
def test_a_lost_session_restarts_that_blob_alone(pullama, store, receive, put, status):
    registry = receive()
    layers = [Layer("model", model.noise(8 * MIB, n)) for n in range(3)]
    name = put(registry, three := model.Model(layers))
    kill_after(pullama, registry, name, 20 * MIB)
    first = registry.wire_bytes("/blobs/")
    registry.fault("/uploads/.", status=status, method="GET", times=1, body=b"gone")
    result = pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", three)
    assert len(result.named("upload_lost")) == 1
    assert registry.wire_bytes("/blobs/") - first == 8 * MIB + len(three.config.data)
    assert not leftovers(store)


def test_a_session_that_the_registry_forgot_meanwhile(pullama, receive, put):
    registry = receive()
    name = put(registry, big := model.small(16 * MIB))
    kill_after(pullama, registry, name, 12 * MIB)
    registry.sessions.clear()
    pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", big)


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 401}, {"status": 503}, {"hang_up": True}],
                         ids=["403", "401", "503", "reset"])
def test_a_session_that_is_refused_does_not_block_the_push(pullama, store, receive, put, fault):
    registry = receive()
    name = put(registry, big := model.small(8 * MIB))
    kill_after(pullama, registry, name, 4 * MIB, "--chunk-size", "1MiB", "-x", "1")
    registry.fault("/uploads/.", method="GET", **fault)
    result = pullama.push(name, "--max-retries", "1", *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert len(result.named("upload_lost")) == 1 and not leftovers(store)


def test_a_session_is_kept_while_the_registry_lets_nobody_in(pullama, receive, put):
    registry = receive()
    name = put(registry, big := model.small(8 * MIB))
    kill_after(pullama, registry, name, 4 * MIB, "--chunk-size", "1MiB", "-x", "1")
    registry.fault("/uploads/", status=403, times=2)
    pullama.push(name, *CHUNK).ended(3)
    pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert registry.wire_bytes("/blobs/") == big.size


def test_an_expired_session_is_not_asked_for(pullama, store, receive, put):
    registry = receive()
    name = put(registry, big := model.small(16 * MIB))
    kill_after(pullama, registry, name, 12 * MIB)
    record = json.loads(record_of(store).read_text())
    record["uploads"][0]["time"] -= 8 * 24 * 3600
    record_of(store).write_text(json.dumps(record))
    registry.log.clear()
    result = pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert not registry.requests("/uploads/", "GET") and not result.named("upload_lost", "blob_resumed")


@pytest.mark.parametrize("text", ["", "{", '{"version":1,"target":"https://evil/v2/a/b","uploads":[]}'])
def test_a_record_of_no_use_is_told_of(pullama, store, receive, put, text):
    registry = receive()
    name = put(registry, big := model.small(4 * MIB))
    kill_after(pullama, registry, name, 2 * MIB, "--chunk-size", "1MiB")
    record_of(store).write_text(text)
    result = pullama.push(name).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert "of no use" in result.named("warning")[0]["Message"] and not leftovers(store)


def test_a_record_that_is_full_is_written_once_more(pullama, store, receive, put):
    registry = receive()
    put(registry, model.small(4 * MIB))
    kill_after(pullama, registry, registry.name("alice/m", "v1"), 2 * MIB, "--chunk-size", "1MiB")
    record = json.loads(record_of(store).read_text())
    (entry,) = record["uploads"]
    entry["location"] += "&" + "y" * 7000
    record["uploads"] = [{**entry, "digest": f"sha256:{n:064x}"} for n in range(255)]
    record_of(store).write_text(json.dumps(record))
    name = put(registry, many := model.Model([Layer("model", model.noise(2 * MIB, n)) for n in range(8)]), tag="v2")
    registry.fault("/uploads/$", method="POST", skip=1, delay=0.03)  # while the first is being noted
    result = pullama.push(name, "-x", "8", "--chunk-size", "1MiB").ended(0)
    registry.check_pushed("alice/m", "v2", many)
    # One place was left; that there are no more does not spoil what is being written.
    (warning,) = {event["Message"] for event in result.named("warning")}
    assert "more than 256" in warning and len(json.loads(record_of(store).read_text())["uploads"]) >= 255


def test_a_record_of_another_version_is_left_to_it(pullama, store, receive, put):
    registry = receive()
    name = put(registry, big := model.small(4 * MIB))
    kill_after(pullama, registry, name, 2 * MIB, "--chunk-size", "1MiB")
    record_of(store).write_text(text := '{"version":9}')
    result = pullama.push(name).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert "another version" in result.named("warning")[0]["Message"] and record_of(store).read_text() == text


def test_the_record_is_for_its_owner_alone(pullama, store, receive, put):
    registry = receive()
    name = put(registry, model.small(4 * MIB))
    kill_after(pullama, registry, name, 2 * MIB, "--chunk-size", "1MiB")
    path = record_of(store)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    entry = json.loads(path.read_text())["uploads"][0]
    assert entry["location"].startswith(registry.registry.url) and entry["size"] == 4 * MIB


def test_a_dry_run_counts_what_is_there(pullama, store, receive, put):
    registry = receive()
    name = put(registry, big := model.small(8 * MIB))
    kill_after(pullama, registry, name, 6 * MIB + 100, "--chunk-size", "1MiB", "-x", "1")
    plan = pullama.push(name, "--dry-run").ended(0).named("push_plan")[0]
    assert MIB <= plan["PresentBytes"] <= registry.wire_bytes()
    assert plan["SendBytes"] == big.size - plan["PresentBytes"] and record_of(store).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal(pullama, store, receive, put, number):
    registry = receive()
    name = put(registry, big := model.small(SIZE))
    registry.inbox.limit(SIZE // 2)
    process = pullama.start_push(name, *CHUNK, environment={"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"})
    wait_for(lambda: registry.inbox.passed >= SIZE // 2, "half of it", 60, process)
    began = time.monotonic()
    process.signal(number)
    result = process.result().ended(0)
    assert time.monotonic() - began < FAR_TOO_LONG_S
    assert result.last["Code"] == "interrupted" and "resume with: pullama push --insecure" in result.err
    registry.inbox.limit(None)
    # The server must be through with the old connection: what it still reads there belongs to the same upload.
    wait_for(lambda: not registry.registry.sockets, "the server to see it")
    pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert registry.wire_bytes("/blobs/") == big.size


def test_the_command_that_is_named_goes_on(pullama, store, receive, put):
    registry = receive()
    put(registry, big := model.small(8 * MIB), "library/tiny", "latest")
    target = registry.name("alice/m", "v1")
    stopped = kill_after(pullama, registry, registry.name("library/tiny"), 4 * MIB, "--as", target, "--chunk-size", "1MiB",
                         number=signal.SIGINT).ended(0)
    command = stopped.err.split("resume with: pullama ")[1].split()
    assert command[0] == "push" and "--as" in command and target in command and "--insecure" not in command
    pullama.run(*command).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert registry.wire_bytes("/blobs/") == big.size


def test_two_pushes_to_one_place_take_turns(pullama, receive, put):
    registry = receive()
    name = put(registry, big := model.small(8 * MIB))
    registry.inbox.limit(4 * MIB)
    first = pullama.start_push(name, "--chunk-size", "1MiB")
    wait_for(lambda: registry.inbox.passed >= 4 * MIB, "half of it", 60, first)
    second = pullama.start_push(name, "--chunk-size", "1MiB")
    assert second.wait_event("lock_waiting")["HolderPID"] == first.pid
    elsewhere = pullama.start_push(name, "--as", registry.name("alice/other", "v1"), "--dry-run")
    elsewhere.result().ended(0)
    registry.inbox.limit(None)
    first.result().ended(0)
    assert second.result().ended(0).last["UpToDate"]
    registry.check_pushed("alice/m", "v1", big)
    assert registry.wire_bytes("/blobs/") == big.size


def test_clean_takes_the_record_unless_it_is_in_use(pullama, store, receive, put):
    registry = receive()
    name = put(registry, big := model.small(8 * MIB))
    registry.inbox.limit(4 * MIB)
    process = pullama.start_push(name, "--chunk-size", "1MiB")
    wait_for(lambda: registry.inbox.passed >= 4 * MIB and list((store / ".pullm").glob("push-*.json")), "half of it", 60,
             process)
    pullama.run("clean").ended(0)
    assert record_of(store).exists()
    process.kill()
    dry = pullama.run("clean", "--dry-run").ended(0)
    assert "push-" in dry.out and record_of(store).exists()
    pullama.run("clean").ended(0)
    assert not list((store / ".pullm").glob("push-*"))
    registry.inbox.limit(None)
    pullama.push(name).ended(0)
    registry.check_pushed("alice/m", "v1", big)


@pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere")
def test_a_store_that_cannot_be_written(pullama, store, receive, put):
    registry = receive()
    name = put(registry, big := model.small(4 * MIB))
    wrapper = ("setpriv", "--reuid=65534", "--clear-groups") if os.getuid() == 0 else ()
    for path in [store.parent, *store.parents[1:3]]:
        path.chmod(path.stat().st_mode | 0o055)
    store.chmod(0o555)
    result = pullama.start_push(name, wrapper=wrapper).result()
    store.chmod(0o755)
    result.ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert "cannot be noted" in result.named("warning")[0]["Message"]
