"""Servers that give a whole blob or nothing, and wrong bytes that change: what is asked for, how often, and when it ends."""
import time

from support import model
from support.model import MIB
from support.program import wait_for
from support.store import check_model


def test_a_small_blob_that_is_split_is_fetched_once(pullama, store, registry):
    """A blob that fits one request is answered by 200; what is split off it is not taken from it as well."""
    tiny = registry.add("library/m", "latest", model.small(MIB))
    digest = tiny.layers[0].digest
    registry.fault(digest, rate=64 * 1024, times=1)
    registry.fault(digest, rate=24 * 1024)
    pullama.pull(registry.name("library/m"), "-x", "4").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert len(registry.requests(digest)) > 1, "nothing was split: the test shows nothing"
    # A connection that is cut throws away what was on its way.
    assert registry.blob_bytes(digest) <= MIB + MIB // 4


def test_a_small_blob_of_a_server_without_ranges_is_split_in_vain(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(MIB))
    digest = tiny.layers[0].digest
    registry.fault(digest, ignore_range=True, rate=100 * 1024)
    pullama.pull(registry.name("library/m"), "-x", "2").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert len(registry.requests(digest)) > 1, "nothing was split: the test shows nothing"
    assert registry.blob_bytes(digest) <= MIB + MIB // 4


def test_a_stream_that_always_ends_at_the_same_place_is_given_up(pullama, registry):
    """Bytes that are here already are no progress."""
    tiny = registry.add("library/m", "latest", model.small(4 * MIB))
    registry.fault(tiny.layers[0].digest, ignore_range=True, close_at=2 * MIB)
    result = pullama.pull(registry.name("library/m"), "--chunk-size", "1MiB", "-x", "1", "--max-retries", "2",
                          timeout=30).ended(6)
    assert "blob" in result.err
    assert len(registry.requests(tiny.layers[0].digest)) <= 6


def test_a_stream_of_the_whole_blob_may_take_longer_than_a_chunk(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(4 * MIB))
    registry.fault(tiny.layers[0].digest, ignore_range=True, rate=1 * MIB)
    pullama.pull(registry.name("library/m"), "--chunk-size", "1MiB", "-x", "2", "--timeout", "2s",
                 "--max-retries", "1", timeout=30).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) <= 6 * MIB


def test_ever_changing_wrong_bytes_cost_two_clean_starts(pullama, registry):
    tiny = registry.add("library/m", "latest", model.small(MIB))
    for n in range(20):
        registry.fault(tiny.layers[0].digest, flip=(1000 + n,), times=1)
    pullama.pull(registry.name("library/m")).ended(5)
    assert registry.blob_bytes(tiny.layers[0].digest) <= 3 * MIB


def test_what_was_dropped_is_not_claimed_after_a_kill(pullama, store, registry):
    """Wrong bytes, a clean start, and a kill in it: what the clean start brought counts."""
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    digest = tiny.layers[0].digest
    registry.fault(digest, flip=(70_000, 3 * MIB, 5 * MIB, 8 * MIB - 1000), times=2)
    process = pullama.start_pull(registry.name("library/m"), "--chunk-size", "8MiB", "-x", "1")
    registry.gate.limit(12 * MIB)
    wait_for(lambda: registry.gate.passed >= 12 * MIB - 64 * 1024, "bytes", process=process)
    time.sleep(0.3)
    process.kill()
    registry.gate.limit(None)
    pullama.pull(registry.name("library/m"), "--chunk-size", "8MiB", "-x", "1").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.blob_bytes(digest) <= 17 * MIB


def test_bytes_of_another_blob_refill_the_budget(pullama, store, registry):
    """The events never tell of more tries than are allowed: check_events() looks at each."""
    two = registry.add_model("library/m", layers=[model.noise(2 * MIB, 1), model.noise(MIB, 2)])
    registry.fault(two.layers[0].digest, rate=300 * 1024)
    rule = registry.fault(two.layers[1].digest, close_at=0, times=5)
    pullama.pull(registry.name("library/m"), "-x", "2", "--max-retries", "2").ended(0)
    assert rule.hits == 5
    check_model(store, registry, "library/m", "latest", two)


def test_a_failing_range_is_given_up_though_connections_are_idle(pullama, registry):
    """Whoever takes a failing request's rest over must not begin to count anew."""
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    digest = tiny.layers[0].digest
    registry.fault(digest, status=503, when=lambda r: r.range and r.range[0] >= 7 * MIB)
    pullama.pull(registry.name("library/m"), "-x", "4", "--max-retries", "5", "--chunk-size", "1MiB",
                 timeout=90).ended(6)
    refused = [r for r in registry.requests(digest) if r.status == 503]
    gaps = [b.at - a.at for a, b in zip(refused, refused[1:])]
    assert len(refused) <= 4 * 6, gaps
