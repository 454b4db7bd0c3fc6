"""Against the servers that people run: CNCF Distribution, with nginx before it for TLS and objects."""
import hashlib

from support import model
from support.distribution import needs_servers
from support.model import MIB
from support.registry import Redirects
from support.store import blob_path, check_store, manifest_path


# ---- TLS of the scripted registry ----

def test_tls_with_our_own_authority(pullama, store, serve, tls, authority):
    registry = serve(mode="redirect", tls=tls)
    registry.add("library/m", "latest", model.small(2 * MIB))
    refused = pullama.pull(registry.name("library/m"), "--max-retries", "1").ended(1)
    assert refused.last["Code"] == "tls" and "certificate" in refused.err.lower()
    pullama.pull(registry.name("library/m"), "--cacert", authority / "ca.pem").ended(0)


def test_tls_authority_from_the_environment(pullama, serve, tls, authority):
    registry = serve(tls=tls)
    registry.add("library/m", "latest", model.small(1000))
    pullama.pull(registry.name("library/m"), environment={"SSL_CERT_FILE": str(authority / "ca.pem")}).ended(0)


def test_tls_without_checks_when_the_scheme_says_so(pullama, serve, tls):
    registry = serve(tls=tls)
    registry.add("library/m", "latest", model.small(1000))
    pullama.pull("https+insecure://" + registry.name("library/m", scheme=False)).ended(0)


def test_https_never_goes_to_http(pullama, serve, tls, authority):
    plain = serve()
    registry = serve(mode="redirect", tls=tls)
    tiny = registry.add("library/m", "latest", model.small(1000))
    plain.blobs.update(tiny.blobs)
    registry.redirects = Redirects(target=lambda digest: f"{plain.registry.url}/objects/{digest}")
    pullama.pull(registry.name("library/m"), "--cacert", authority / "ca.pem", "--max-retries", "0").ended(1)
    assert plain.requests() == []


def test_a_file_of_authorities_that_cannot_be_read(pullama, serve, tls, tmp_path):
    registry = serve(tls=tls)
    registry.add("library/m", "latest", model.small(1000))
    result = pullama.pull(registry.name("library/m"), "--cacert", tmp_path / "nothing.pem", "--max-retries", "0")
    assert result.status in (1, 64) and "nothing.pem" in result.err


# ---- Distribution and nginx ----

def check_pulled(store, host, repository, tag, pushed):
    assert manifest_path(store, host, repository, tag).read_bytes() == pushed.manifest
    for digest, data in pushed.blobs.items():
        assert blob_path(store, digest).stat().st_size == len(data)
    check_store(store)


@needs_servers
def test_from_a_real_registry(pullama, store, distribution):
    server = distribution()
    pushed = server.push("team/llama", "v1", model.whole(8 * MIB))
    pullama.pull(f"http://127.0.0.1:{server.port}/team/llama:v1", "--chunk-size", "1MiB").ended(0)
    check_pulled(store, f"127.0.0.1:{server.port}", "team/llama", "v1", pushed)
    again = pullama.pull(f"http://127.0.0.1:{server.port}/team/llama:v1").ended(0)
    assert again.last["UpToDate"] is True
    digest = hashlib.sha256(pushed.manifest).hexdigest()
    pullama.pull(f"http://127.0.0.1:{server.port}/team/llama:v1@sha256:{digest}").ended(0)
    pullama.pull(f"http://127.0.0.1:{server.port}/team/llama:v2").ended(4)


@needs_servers
def test_through_tls(pullama, store, distribution, authority):
    server = distribution()
    pushed = server.push("team/llama", "v1", model.whole(8 * MIB))
    pullama.pull(f"127.0.0.1:{server.tls_port}/team/llama:v1", "--cacert", authority / "ca.pem",
                 "--chunk-size", "1MiB").ended(0)
    check_pulled(store, f"127.0.0.1:{server.tls_port}", "team/llama", "v1", pushed)


@needs_servers
def test_redirected_to_a_real_object_store(pullama, store, distribution, authority):
    server = distribution(redirect=True)
    pushed = server.push("team/llama", "v1", model.whole(8 * MIB))
    pullama.pull(f"127.0.0.1:{server.tls_port}/team/llama:v1", "--cacert", authority / "ca.pem",
                 "--chunk-size", "1MiB").ended(0)
    check_pulled(store, f"127.0.0.1:{server.tls_port}", "team/llama", "v1", pushed)
    access = (server.folder / "access.log").read_text()
    assert '" 206 ' in access and "/docker/registry/" in access


@needs_servers
def test_killed_and_resumed_against_a_real_registry(pullama, store, distribution):
    server = distribution()
    pushed = server.push("team/llama", "v1", model.small(24 * MIB))
    name = f"http://127.0.0.1:{server.port}/team/llama:v1"
    for _ in range(3):
        process = pullama.start_pull(name, "--limit-rate", "16MiB", "--chunk-size", "1MiB")
        process.wait_event("progress", where=lambda e: e["OverallDone"] > 2 * MIB)
        process.kill()
    result = pullama.pull(name).ended(0)
    assert result.named("blob_resumed")
    check_pulled(store, f"127.0.0.1:{server.port}", "team/llama", "v1", pushed)
