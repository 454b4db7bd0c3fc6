"""How many connections and requests a pull takes: counted at the server, never timed."""
import threading
import time

import pytest
from support import model, tracing
from support.model import MIB
from support.program import wait_for
from support.store import check_model


class Crowd:
    """The most connections that were open at once, looked at by a thread of its own."""

    def __init__(self, *servers):
        self.servers, self.most, self.stopping = servers, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def now(self):
        return sum(len(server.sockets) for server in self.servers)

    def watch(self):
        while not self.stopping.wait(0.002):
            self.most = max(self.most, self.now())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def many(registry, count=120, size=5000):
    return registry.add_model("library/many", layers=[model.noise(size, n) for n in range(count)])


# ---- as many as help ----

def test_a_server_that_slows_each_connection_is_asked_on_more(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(24 * MIB))
    registry.fault(tiny.layers[0].digest, rate=MIB)
    with Crowd(registry.registry) as crowd:
        pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert 8 < crowd.most <= 36  # one that is closed may not be gone yet


def test_a_number_that_was_given_is_kept(pullama, store, registry):
    """Over several models, too: the cap is the host's."""
    models = [registry.add(f"library/{n}", "latest", model.small(6 * MIB, n)) for n in range(2)]
    for one in models:
        registry.fault(one.layers[0].digest, rate=MIB)
    with Crowd(registry.registry) as crowd:
        pullama.pull(*(registry.name(f"library/{n}") for n in range(2)), "-x", "3").ended(0)
    for n, one in enumerate(models):
        check_model(store, registry, f"library/{n}", "latest", one)
    assert 2 <= crowd.most <= 4


def test_a_server_that_takes_six_is_not_asked_for_more_all_the_time(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(32 * MIB))
    crowd = Crowd(registry.registry)
    refusal = registry.fault(tiny.layers[0].digest, status=503, when=lambda _: crowd.now() > 6)
    registry.fault(tiny.layers[0].digest, rate=MIB)
    result = pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert refusal.hits > 0, "nothing was refused: the test shows nothing"
    assert refusal.hits <= 30, result


# ---- one that crawls ----

@pytest.mark.parametrize("pinned", [0, 3, 6])
@pytest.mark.parametrize("connections", [(), ("-x", "8")])
def test_a_connection_that_crawls_does_not_hold_the_end_back(pullama, store, registry, connections, pinned):
    """1 KiB a second: of 24 MiB it would bring its part in an hour. Others take it over."""
    tiny = registry.add("library/m", "latest", model.small(24 * MIB))
    digest = tiny.layers[0].digest
    rule = registry.fault(digest, rate=1024, times=1, skip=pinned)
    registry.fault(digest, rate=4 * MIB)
    pullama.pull(registry.name("library/m"), *connections, timeout=60).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert rule.hits == 1
    requests = registry.requests(digest)
    crawled = [r for r in requests if r.sent < 64 * 1024]
    assert crawled, "nothing crawled: the test shows nothing"
    assert len(requests) <= 64
    assert registry.blob_bytes(digest) <= 24 * MIB + MIB


def test_connections_that_all_crawl_are_not_replaced_for_ever(pullama, store, registry):
    tiny = registry.add("library/m", "latest", model.small(MIB))
    digest = tiny.layers[0].digest
    registry.fault(digest, rate=64 * 1024)
    pullama.pull(registry.name("library/m"), "-x", "4", timeout=60).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert len(registry.requests(digest)) <= 12


# ---- small blobs ----

@pytest.mark.parametrize("mode, requests", [("direct", 1), ("redirect", 2)])
def test_a_small_blob_takes_one_request_and_no_connection_of_its_own(pullama, store, serve, mode, requests):
    registry = serve(mode=mode)
    tiny = many(registry)
    pullama.pull(registry.name("library/many")).ended(0)
    check_model(store, registry, "library/many", "latest", tiny)
    blobs = registry.requests("/(blobs|objects)/")
    assert len(blobs) == requests * len(tiny.blobs)
    assert len(registry.requests("/manifests/")) == 1
    assert {r.method for r in registry.requests()} == {"GET"}
    assert len({(r.server, r.connection) for r in blobs}) <= 32 * requests


def test_small_blobs_share_their_syncs(pullama, store, registry):
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    tiny = many(registry)
    log = pullama.folder / "trace"
    pullama.run("pull", registry.name("library/many"), environment=tracing.UNTRACED, wrapper=[
        "strace", "-f", "-qq", "-o", str(log), "-e", "trace=fsync,fdatasync,syncfs"]).ended(0)
    check_model(store, registry, "library/many", "latest", tiny)
    syncs = [line for line in log.read_text().splitlines() if "resumed" not in line]
    if not any("syncfs" in line for line in syncs):
        pytest.skip("this file system is not synced as a whole")
    assert len(syncs) <= len(tiny.blobs) // 3


# ---- no more than is allowed ----

def test_the_rate_holds_over_all_connections(pullama, registry):
    """Wide bounds: what the server has handed to the kernel runs ahead of what was read."""
    rate = 2 * MIB
    tiny = registry.add("library/m", "latest", model.small(32 * MIB))
    digest = tiny.layers[0].digest
    process = pullama.start_pull(registry.name("library/m"), "-x", "8", "--limit-rate", str(rate))
    wait_for(lambda: registry.blob_bytes(digest) >= 4 * MIB, "the buffers to be full", process=process)
    began, before = time.monotonic(), registry.blob_bytes(digest)
    time.sleep(4)
    seconds, passed = time.monotonic() - began, registry.blob_bytes(digest) - before
    process.kill()
    assert 0.7 * rate * seconds <= passed <= 1.3 * rate * seconds
