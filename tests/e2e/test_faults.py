"""Whatever a server does wrong: what was received is kept, and the end is right or says why."""
import email.utils
import time

import pytest
from support import model
from support.model import MIB, Layer, Model, noise
from support.program import wait_for
from support.registry import Redirects
from support.store import blob_path, check_model, leftovers

QUICK = ("--stall-timeout", "1s", "--max-retries", "3", "--chunk-size", "1MiB", "-x", "2")

MENDED = {
    "range ignored": dict(ignore_range=True),
    "range ignored once": dict(ignore_range=True, times=1),
    "no length, chunked": dict(framing="chunked"),
    "no length, closed": dict(framing="close"),
    "HEAD refused": dict(method="HEAD", status=405),
    "reset at a byte": dict(reset_at=200_000, times=3),
    "reset before a byte": dict(reset_at=0, times=2),
    "short body": dict(close_at=123_456, times=3),
    "silence at a byte": dict(silent_at=300_000, times=1),
    "silence before a byte": dict(silent_at=0, times=1),
    "503 burst": dict(status=503, times=3),
    "502 burst": dict(status=502, times=3),
    "408": dict(status=408, times=1),
    "429 without a time": dict(status=429, times=2),
    "wrong bytes once": dict(flip=(70_000,), times=1),
    "longer body": dict(append=b"more than was promised"),
    "HTTP/1.0": dict(version="HTTP/1.0"),
    "empty reply": dict(raw=b"", times=2),
    # A server whose ranges are wrong can still give the whole blob.
    "206 with another start": dict(content_range=lambda s, e, t: f"bytes {s + 1}-{e + 1}/{t}"),
    "206 with another end": dict(content_range=lambda s, e, t: f"bytes {s}-{e - 1}/{t}"),
    "206 without a range": dict(headers={"Content-Range": None}),
    "206 with nonsense": dict(content_range=lambda s, e, t: "bytes all of them"),
}


@pytest.mark.parametrize("mode", ["direct", "redirect"])
@pytest.mark.parametrize("name", MENDED)
def test_mended(pullama, store, serve, name, mode):
    server = serve(mode=mode)
    tiny = server.add("library/m", "latest", model.small(3 * MIB))
    fault = dict(MENDED[name])
    server.fault("/(objects|blobs)/" + tiny.layers[0].digest, server="registry" if mode == "direct" else "cdn",
                 **fault)
    pullama.pull(server.name("library/m"), *QUICK).ended(0)
    check_model(store, server, "library/m", "latest", tiny)
    assert leftovers(store) == []


# What is wrong every time, with the exit statuses that say so.
FINAL = {
    "206 with another total": (dict(content_range=lambda s, e, t: f"bytes {s}-{e}/{t + 1}"), {5}),
    "wrong bytes": (dict(flip=(70_000,)), {5}),
    "gzip": (dict(gzip=True), {1}),
    "empty body": (dict(body=b""), {1, 5, 6}),
    "404": (dict(status=404), {1, 4, 6}),
    "400": (dict(status=400), {1}),
    "451": (dict(status=451), {1}),
    "416": (dict(status=416), {1}),
    "503": (dict(status=503), {6}),
    "reset before a byte": (dict(reset_at=0), {6}),
    "silence": (dict(silent_at=0), {6}),
    "a header of 1 MB": (dict(headers={"X-Filler": "a" * MIB}), {1}),
    "endless headers": (dict(endless_headers=True), {1}),
    "not HTTP": (dict(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), {1, 6}),
}


# Answers to a range that cannot be trusted: not a byte of them is written, all of the blob is asked for instead.
WRONG_RANGES = {
    "another start": dict(content_range=lambda s, e, t: f"bytes {s + 1}-{e + 1}/{t}"),
    "another end": dict(content_range=lambda s, e, t: f"bytes {s}-{e - 1}/{t}"),
    "no range": dict(headers={"Content-Range": None}),
    "nonsense": dict(content_range=lambda s, e, t: "bytes all of them"),
}


@pytest.mark.parametrize("name", WRONG_RANGES)
def test_a_part_of_other_bytes_is_never_written(pullama, store, registry, name):
    tiny = registry.add("library/m", "latest", model.small(MIB))
    registry.fault(tiny.layers[0].digest, **WRONG_RANGES[name])
    pullama.pull(registry.name("library/m"), "--chunk-size", "256KiB").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) <= 2 * MIB


@pytest.mark.parametrize("name", FINAL)
def test_final(pullama, store, registry, name):
    fault, statuses = FINAL[name]
    tiny = registry.add("library/m", "latest", model.small(MIB))
    registry.fault(tiny.layers[0].digest, **fault)
    result = pullama.pull(registry.name("library/m"), "--stall-timeout", "500ms", "--max-retries", "1",
                          "--chunk-size", "256KiB")
    assert result.status in statuses, result
    assert result.err.strip(), "failed without a word on stderr"
    assert result.last["event"] == "failed" and result.last["ExitStatus"] == result.status
    assert result.last["Message"] and result.last["Code"]
    assert not blob_path(store, tiny.layers[0].digest).exists()
    assert not list(store.rglob("latest"))
    # What was wrong then is right now: nothing that was kept stands in the way.
    registry.rules.clear()
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


def test_nothing_received_before_a_cut_is_fetched_again(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    registry.fault(tiny.layers[0].digest, reset_at=700_000, times=6)
    pullama.pull(registry.name("library/m"), "--chunk-size", "4MiB", "-x", "2").ended(0)
    # A reset throws away what lies in the sockets' buffers; what was read before stays.
    assert registry.blob_bytes(tiny.layers[0].digest) <= 8 * MIB + 6 * 400_000
    check_model(store, registry, "library/m", "latest", tiny)


def test_short_bodies_cost_nothing(pullama, registry):
    tiny = registry.add("library/m", "latest", model.small(4 * MIB))
    registry.fault(tiny.layers[0].digest, close_at=300_000, times=8)
    pullama.pull(registry.name("library/m"), "-x", "1", "--max-retries", "2").ended(0)
    assert registry.blob_bytes(tiny.layers[0].digest) == 4 * MIB


@pytest.mark.parametrize("where", ["/manifests/", "/blobs/", "/objects/", "/chunksums/"])
@pytest.mark.parametrize("fault", [dict(status=503), dict(reset_at=0), dict(raw=b""), dict(status=429)],
                         ids=["503", "reset", "empty", "429"])
def test_one_failure_anywhere_is_survived(pullama, store, far, where, fault):
    tiny = far.add("library/m", "latest", model.small(MIB))
    far.add_chunksums(tiny.layers[0].digest)
    far.fault(where, times=1, **fault)
    pullama.pull(far.name("library/m")).ended(0)
    check_model(store, far, "library/m", "latest", tiny)


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("where", ["/manifests/", "/objects/"])
def test_retry_after_is_obeyed(pullama, far, where, form):
    far.add("library/m", "latest", model.small(1000))
    value = "2" if form == "seconds" else email.utils.formatdate(time.time() + 3, usegmt=True)
    rule = far.fault(where, status=429, times=1, headers={"Retry-After": value})
    result = pullama.pull(far.name("library/m")).ended(0)
    assert rule.hits == 1
    at = [r.at for r in far.requests(where)]
    assert max(b - a for a, b in zip(at, at[1:])) >= 1.8, at
    retry = result.named("retry")[0]
    assert retry["event"] == "retry"


@pytest.mark.parametrize("expired", [401, 403, 404, 410])
def test_an_expired_signature_is_renewed(pullama, store, serve, expired):
    far = serve(mode="redirect", redirects=Redirects(uses=2, expired=expired))
    tiny = far.add("library/m", "latest", model.small(6 * MIB))
    pullama.pull(far.name("library/m"), *QUICK).ended(0)
    check_model(store, far, "library/m", "latest", tiny)


def test_a_target_that_always_refuses_is_asked_a_few_times_only(pullama, store, serve):
    far = serve(mode="redirect", redirects=Redirects(seconds=-1))
    far.add("library/m", "latest", model.small(1000))
    result = pullama.pull(far.name("library/m"))
    assert result.status != 0
    assert len(far.requests("/objects/")) <= 16


def test_a_digest_or_signature_with_403_in_it_is_no_403(pullama, registry):
    registry.add("library/m403", "v401", model.small(1000))
    registry.fault("/blobs/", status=503, times=2)
    pullama.pull(registry.name("library/m403", "v401")).ended(0)


def test_one_crawling_connection_does_not_hold_the_pull_up(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    registry.fault(tiny.layers[0].digest, rate=1024, times=1)
    result = pullama.pull(registry.name("library/m"), "--chunk-size", "2MiB", "-x", "4").ended(0)
    assert result.seconds < 25, "a range was left to a connection with 1 KiB/s"
    check_model(store, registry, "library/m", "latest", tiny)


@pytest.mark.parametrize("sums", ["right", "wrong line", "missing line", "broken", "error", "html"])
def test_chunk_digests_never_harm_a_good_blob(pullama, store, registry, sums):
    tiny = registry.add("library/m", "latest", model.small(4 * MIB))
    digest = tiny.layers[0].digest
    registry.add_chunksums(digest, MIB, wrong=[1] if sums == "wrong line" else [],
                           missing=[2] if sums == "missing line" else [])
    if sums == "broken":
        registry.sums[digest] = b"sha256:zz 0-1\nsha256: -1-5"
    if sums == "html":
        registry.sums[digest] = b"<html><body>Welcome to the hotel network</body></html>"
    if sums == "error":
        registry.fault("/chunksums/", status=500)
    pullama.pull(registry.name("library/m"), "--max-retries", "1", "--chunk-size", "1MiB").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes(digest) <= 6 * MIB


def test_with_chunk_digests_only_the_bad_chunk_comes_again(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    digest = tiny.layers[0].digest
    registry.add_chunksums(digest, MIB)
    registry.fault(digest, flip=(3 * MIB + 5,), when=covers(3 * MIB + 5), times=1)
    pullama.pull(registry.name("library/m"), "--chunk-size", "1MiB").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes(digest) <= 10 * MIB


def covers(offset):
    return lambda r: r.range and r.range[0] <= offset and (r.range[1] is None or offset <= r.range[1])


def test_wrong_bytes_twice_blame_the_source(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(MIB))
    registry.fault(tiny.layers[0].digest, flip=(70_000,))
    result = pullama.pull(registry.name("library/m")).ended(5)
    assert registry.blob_bytes(tiny.layers[0].digest) <= 3 * MIB
    assert tiny.layers[0].digest.removeprefix("sha256:")[:12] in result.err


def test_a_layer_of_another_size_than_promised(pullama, store, registry):
    layer = Layer("model", noise(MIB))
    short = Model([layer])
    for size in (MIB - 1, MIB + 1):
        raw = short.manifest.replace(b'"size":1048576', b'"size":%d' % size)
        registry.add("library/m", "latest", short, manifest=raw)
        result = pullama.pull(registry.name("library/m"), "--max-retries", "1")
        assert result.status in (1, 5, 6), result
        assert not blob_path(store, layer.digest).exists()


def test_the_retry_budget_refills_with_every_new_byte(pullama, registry):
    tiny = registry.add("library/m", "latest", model.small(2 * MIB))
    registry.fault(tiny.layers[0].digest, close_at=150_000, times=12)
    pullama.pull(registry.name("library/m"), "-x", "1", "--max-retries", "1").ended(0)


def test_a_dead_host_ends_as_a_network_failure(pullama, registry):
    registry.stop()
    result = pullama.pull(registry.name("library/m"), "--max-retries", "1").ended(6)
    assert registry.host in result.err


def test_an_unknown_host_ends_as_a_network_failure(pullama):
    result = pullama.pull("http://no-such-host.invalid/library/m", "--max-retries", "1").ended(6)
    assert "no-such-host.invalid" in result.err


def test_nothing_is_held_in_memory(pullama, registry):
    registry.add("library/m", "latest", model.small(48 * MIB))
    process = pullama.start_pull(registry.name("library/m"), "-x", "32", "--chunk-size", "1MiB")
    result = process.result().ended(0)
    assert pullama.is_sanitized or result.peak_kib < 32 * 1024


def test_a_stalled_connection_is_dropped_and_its_bytes_are_kept(pullama, registry):
    tiny = registry.add("library/m", "latest", model.small(2 * MIB))
    registry.fault(tiny.layers[0].digest, silent_at=MIB, times=1)
    process = pullama.start_pull(registry.name("library/m"), "-x", "1", "--stall-timeout", "1s")
    wait_for(lambda: len(registry.requests(tiny.layers[0].digest)) > 1, "another request", process=process)
    process.result().ended(0)
    assert registry.blob_bytes(tiny.layers[0].digest) == 2 * MIB


def test_chunk_digests_in_any_number_are_no_burden(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(2 * MIB))
    digest = tiny.layers[0].digest
    line = b"sha256:" + 64 * b"0" + b" %d-%d\n"
    registry.sums[digest] = b"".join(line % (at, at + 15) for at in range(0, 2 * MIB, 16))
    registry.fault(digest, flip=(70_000,), times=1)
    result = pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert pullama.is_sanitized or result.peak_kib < 32 * 1024
