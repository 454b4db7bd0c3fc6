"""Mirrors: asked for blobs first, left when they fail, and never trusted."""
import pytest
from support import model
from support.docker import pair, write_config
from support.model import MIB
from support.store import check_model
from support.tokens import Realm


@pytest.fixture
def origin(registry):
    return registry.add("library/m", "latest", model.small(8 * MIB))


def mirror_of(serve, tiny, **options):
    mirror = serve(**options)
    mirror.blobs.update(tiny.blobs)
    return mirror


def test_blobs_come_from_the_mirror_and_the_manifest_from_the_registry(pullama, store, registry, origin, serve):
    mirror = mirror_of(serve, origin)
    pullama.pull(registry.name("library/m"), "--mirror", mirror.registry.url).ended(0)
    assert registry.requests("/blobs/") == [] and len(registry.requests("/manifests/")) == 1
    assert mirror.requests("/manifests/") == [] and mirror.blob_bytes() == sum(map(len, origin.blobs.values()))
    check_model(store, registry, "library/m", "latest", origin)


def test_mirrors_from_the_environment_in_their_order(pullama, registry, origin, serve):
    empty, full = serve(), mirror_of(serve, origin)
    pullama.pull(registry.name("library/m"),
                 environment={"PULLAMA_MIRRORS": f"{empty.registry.url}, {full.registry.url}"}).ended(0)
    assert empty.requests("/blobs/") and full.blob_bytes() and not registry.requests("/blobs/")


def test_a_mirror_that_lacks_a_blob_is_asked_for_the_others(pullama, registry, origin, serve):
    mirror = mirror_of(serve, origin)
    del mirror.blobs[origin.layers[0].digest]
    result = pullama.pull(registry.name("library/m"), "--mirror", mirror.registry.url).ended(0)
    assert registry.blob_bytes(origin.layers[0].digest) == 8 * MIB and not result.named("warning")
    assert all(origin.layers[0].digest in r.target for r in registry.requests("/blobs/"))


def test_what_a_mirror_brought_before_it_failed_is_kept(pullama, registry, origin, serve):
    mirror = mirror_of(serve, origin)
    mirror.gate.limit(4 * MIB)
    mirror.fault("/blobs/" + origin.layers[0].digest, skip=1, hang_up=True)
    process = pullama.start_pull(registry.name("library/m"), "--mirror", mirror.registry.url, "-x", "2",
                                 "--chunk-size", "2MiB", "--stall-timeout", "500ms")
    result = process.result(60).ended(0)
    fetched = registry.blob_bytes(origin.layers[0].digest) + mirror.blob_bytes(origin.layers[0].digest)
    assert fetched <= 8 * MIB + 2 * MIB, fetched
    assert any(mirror.host in warning["Message"] for warning in result.named("warning")), result


@pytest.mark.parametrize("fault", [dict(status=500), dict(status=403), dict(hang_up=True), dict(raw=b"rubbish\r\n\r\n")])
def test_a_mirror_that_fails_costs_no_pull(pullama, registry, origin, serve, fault):
    mirror = mirror_of(serve, origin)
    mirror.fault("/blobs/", **fault)
    pullama.pull(registry.name("library/m"), "--mirror", mirror.registry.url, "--max-retries", "1").ended(0)
    assert mirror.requests("/blobs/") and registry.blob_bytes(origin.layers[0].digest) == 8 * MIB


def test_a_mirror_that_is_not_there_is_left(pullama, registry, origin, serve):
    gone = serve()
    gone.stop()
    result = pullama.pull(registry.name("library/m"), "--mirror", gone.registry.url).ended(0)
    assert any(gone.host in warning["Message"] for warning in result.named("warning")), result


def test_wrong_bytes_of_a_mirror_are_mended_from_the_registry(pullama, store, registry, origin, serve):
    mirror = mirror_of(serve, origin)
    mirror.fault("/blobs/" + origin.layers[0].digest, flip=(5 * MIB,))
    registry.add_chunksums(origin.layers[0].digest)
    result = pullama.pull(registry.name("library/m"), "--mirror", mirror.registry.url).ended(0)
    assert registry.blob_bytes(origin.layers[0].digest) == MIB, "only the damaged chunk"
    assert any("not those of the blob" in warning["Message"] for warning in result.named("warning"))
    check_model(store, registry, "library/m", "latest", origin)


def test_a_mirror_gets_no_credential_of_the_registry(pullama, serve):
    registry = serve(realm=Realm())
    tiny = registry.add("library/m", "latest", model.small(2 * MIB))
    mirror = mirror_of(serve, tiny)
    pullama.pull(registry.name("library/m"), "--mirror", mirror.registry.url).ended(0)
    assert registry.realm.issued and mirror.blob_bytes()
    assert all("authorization" not in request.headers for request in mirror.log)


@pytest.mark.parametrize("value", ["https://host/v2", "ftp://host", "https://me:word@host"])
def test_what_is_no_mirror_is_wrong_usage(pullama, registry, origin, value):
    result = pullama.run("pull", registry.name("library/m"), "--mirror", value).ended(64)
    assert "no mirror" in result.err and registry.log == []


# ---- credentials of a mirror ----

def test_a_mirror_gets_what_is_kept_for_its_own_host(pullama, serve):
    registry = serve(realm=Realm("basic", users={"ann": "of-the-registry"}))
    mirror = serve(realm=Realm("basic", users={"bob": "of-the-mirror"}))
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    mirror.blobs.update(tiny.blobs)
    write_config(pullama.home, auths={registry.host: {"auth": pair("ann", "of-the-registry")},
                                      mirror.host: {"auth": pair("bob", "of-the-mirror")}})
    result = pullama.pull(registry.name("library/m"), "--mirror", mirror.registry.url).ended(0)
    assert not registry.requests("/blobs/") and not result.named("warning")

    def shown(server):
        return {r.headers["authorization"] for r in server.requests() if "authorization" in r.headers}
    assert shown(registry) == {"Basic " + pair("ann", "of-the-registry")}
    assert shown(mirror) == {"Basic " + pair("bob", "of-the-mirror")}


# ---- manifests ----

MANIFESTS = "--mirror-manifests"


def test_a_mirror_may_stand_for_a_registry_that_is_gone(pullama, store, registry, serve):
    tiny, mirror = registry.add("library/m", "latest", model.small(2 * MIB)), serve()
    mirror.add("library/m", "latest", tiny)
    name = registry.name("library/m")
    registry.stop()
    pullama.pull(name, "--mirror", mirror.registry.url, MANIFESTS).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)  # under the name of the registry
    assert len(mirror.requests("/manifests/latest")) == 1


@pytest.mark.parametrize("fault", [None, dict(status=500), dict(status=401), dict(hang_up=True), dict(body=b"<html>"),
                                   dict(body=b'{"schemaVersion":2}')])
def test_without_a_manifest_of_the_mirror_the_registry_is_asked(pullama, store, registry, origin, serve, fault):
    mirror = mirror_of(serve, origin)
    if fault:
        mirror.add("library/m", "latest", origin)
        mirror.fault("/manifests/", **fault)
    result = pullama.pull(registry.name("library/m"), "--mirror", mirror.registry.url, MANIFESTS).ended(0)
    check_model(store, registry, "library/m", "latest", origin)
    assert len(registry.requests("/manifests/")) == 1 and bool(result.named("warning")) == bool(fault), result
    assert all(mirror.host in warning["Message"] for warning in result.named("warning"))


def test_a_pinned_manifest_is_held_to_its_digest(pullama, store, registry, origin, serve):
    stale, mirror = model.small(MIB, 9), mirror_of(serve, origin)
    mirror.add("library/m", "latest", stale)
    mirror.manifests["library/m", origin.digest] = stale.manifest
    mirror.digest_header = False
    pullama.pull(f"{registry.name('library/m')}@{origin.digest}", "--mirror", mirror.registry.url, MANIFESTS).ended(0)
    check_model(store, registry, "library/m", "latest", origin)
    # Without a pin, the mirror's word counts.
    pullama.pull(registry.name("library/m"), "--mirror", mirror.registry.url, MANIFESTS).ended(0)
    check_model(store, registry, "library/m", "latest", stale)


def test_an_index_of_a_mirror_leads_on_by_digest(pullama, store, registry, origin, serve):
    mirror = mirror_of(serve, origin)
    mirror.add_index("library/m", "latest", {"linux/amd64": origin})
    registry.stop()
    pullama.pull(registry.name("library/m"), "--mirror", mirror.registry.url, MANIFESTS, "--platform", "linux/amd64").ended(0)
    check_model(store, registry, "library/m", "latest", origin)
