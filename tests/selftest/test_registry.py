"""The scripted registry keeps its promises, seen with an ordinary HTTP client."""
import hashlib
import http.client
import json
import struct
import time

import pytest
from support import gguf, model, tokens
from support.registry import Redirects, Registry
from support.tokens import Realm


@pytest.fixture
def tiny():
    return model.small(300_000)


def serve(tiny, **options):
    registry = Registry(**options)
    registry.add("library/m", "latest", tiny)
    return registry


def get(host, path, headers=None, method="GET", timeout=5):
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def blob_path(tiny):
    return "/v2/library/m/blobs/" + tiny.layers[0].digest


def test_serves_manifest_bytes_and_blob_ranges(tiny):
    with serve(tiny) as registry:
        status, headers, body = get(registry.host, "/v2/library/m/manifests/latest")
        assert (status, body) == (200, tiny.manifest)
        assert headers["Docker-Content-Digest"] == tiny.digest
        assert get(registry.host, blob_path(tiny))[2] == tiny.layers[0].data
        status, headers, body = get(registry.host, blob_path(tiny), {"Range": "bytes=10-19"})
        assert (status, body) == (206, tiny.layers[0].data[10:20])
        assert headers["Content-Range"] == "bytes 10-19/300000"
        assert get(registry.host, blob_path(tiny), {"Range": "bytes=300000-"})[0] == 416
        assert get(registry.host, "/v2/")[0] == 200 and get(registry.host, "/v1/")[0] == 404
        assert registry.blob_bytes() == 300_010


def test_redirects_to_a_signed_object_that_refuses_credentials(tiny):
    with serve(tiny, mode="redirect") as registry:
        status, headers, _ = get(registry.host, blob_path(tiny))
        assert status == 307
        target = headers["Location"].removeprefix(registry.cdn.url)
        assert get(registry.cdn.host, target)[2] == tiny.layers[0].data
        assert get(registry.cdn.host, target, {"Authorization": "Bearer x"})[0] == 400
        assert get(registry.cdn.host, target.partition("?")[0])[0] == 403


def test_signature_expires_by_time_and_by_use(tiny):
    with serve(tiny, mode="redirect", redirects=Redirects(uses=1, expired=410)) as registry:
        target = get(registry.host, blob_path(tiny))[1]["Location"].removeprefix(registry.cdn.url)
        assert get(registry.cdn.host, target)[0] == 200
        assert get(registry.cdn.host, target)[0] == 410
    with serve(tiny, mode="redirect", redirects=Redirects(seconds=-1)) as registry:
        target = get(registry.host, blob_path(tiny))[1]["Location"].removeprefix(registry.cdn.url)
        assert get(registry.cdn.host, target)[0] == 403


def test_redirect_chain_ends_at_the_object(tiny):
    with serve(tiny, mode="redirect", redirects=Redirects(hops=2, form="relative")) as registry:
        path, seen = blob_path(tiny), []
        for _ in range(4):
            status, headers, body = get(registry.host, path)
            seen.append(status)
            path = headers.get("Location", path)
        assert seen == [307, 307, 307, 200] and body == tiny.layers[0].data


def test_chunksums_say_what_they_are_told_to(tiny):
    digest = tiny.layers[0].digest
    with serve(tiny) as registry:
        path = "/v2/library/m/chunksums/" + digest
        assert get(registry.host, path)[0] == 404
        registry.add_chunksums(digest, 100_000, wrong=[1], missing=[2])
        lines = get(registry.host, path)[2].decode().splitlines()
        right = hashlib.sha256(tiny.layers[0].data[:100_000]).hexdigest()
        assert lines[0] == f"sha256:{right} 0-99999"
        assert len(lines) == 2 and lines[1].endswith(" 100000-199999")
        assert hashlib.sha256(tiny.layers[0].data[100_000:200_000]).hexdigest() not in lines[1]


def test_anonymous_realm_hands_out_tokens_that_can_be_used_up(tiny):
    with serve(tiny, realm=Realm("anonymous", uses=1)) as registry:
        status, headers, _ = get(registry.host, "/v2/library/m/manifests/latest")
        assert status == 401 and f'realm="{registry.registry.url}/token"' in headers["WWW-Authenticate"]
        token = json.loads(get(registry.host, "/token?service=tests")[2])["token"]
        headers = {"Authorization": "Bearer " + token}
        assert get(registry.host, "/v2/library/m/manifests/latest", headers)[0] == 200
        assert get(registry.host, "/v2/library/m/manifests/latest", headers)[0] == 401


# RFC 8032, section 7.1, test 3.
PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")


@pytest.mark.parametrize("check", [tokens.verify, tokens.verify_with_openssl])
def test_signatures_are_really_verified(check):
    assert check(PUBLIC, SIGNATURE, bytes.fromhex("af82"))
    assert not check(PUBLIC, SIGNATURE, bytes.fromhex("af83"))


def test_ollama_realm_refuses_unsigned_requests(tiny):
    with serve(tiny, realm=Realm("ollama")) as registry:
        assert get(registry.host, "/token?service=a&scope=b&ts=1&nonce=c")[0] == 401
        assert get(registry.host, f"/token?service=a&scope=b&ts={int(time.time())}&nonce={'n' * 22}")[0] == 401
        assert registry.realm.refusals[0] == "ts is not now" and registry.realm.issued == 0


def test_faults_bend_only_what_they_match_and_only_so_often(tiny):
    with serve(tiny) as registry:
        registry.fault("/blobs/", status=503, times=2, headers={"Retry-After": "1"})
        assert get(registry.host, "/v2/library/m/manifests/latest")[0] == 200
        status, headers, _ = get(registry.host, blob_path(tiny))
        assert (status, headers["Retry-After"]) == (503, "1")
        assert [get(registry.host, blob_path(tiny))[0] for _ in range(2)] == [503, 200]


def test_bodies_end_early_in_the_way_that_was_asked_for(tiny):
    with serve(tiny) as registry:
        registry.fault("/blobs/", close_at=1000, times=1)
        with pytest.raises(http.client.IncompleteRead) as short:
            get(registry.host, blob_path(tiny))
        assert len(short.value.partial) == 1000
        registry.fault("/blobs/", reset_at=1000, times=1)
        with pytest.raises(ConnectionResetError):
            get(registry.host, blob_path(tiny))
        registry.fault("/blobs/", silent_at=1000, times=1)
        with pytest.raises(TimeoutError):
            get(registry.host, blob_path(tiny), timeout=0.3)
        assert get(registry.host, blob_path(tiny))[0] == 200


def test_answers_can_lie_about_ranges_lengths_and_bytes(tiny):
    data = tiny.layers[0].data
    part = {"Range": "bytes=100-199"}
    with serve(tiny) as registry:
        registry.fault("/blobs/", ignore_range=True, times=1)
        assert get(registry.host, blob_path(tiny), part)[::2] == (200, data)
        registry.fault("/blobs/", content_range=lambda s, e, t: f"bytes {s + 1}-{e + 1}/{t}", times=1)
        assert get(registry.host, blob_path(tiny), part)[1]["Content-Range"] == "bytes 101-200/300000"
        registry.fault("/blobs/", flip=(150,), times=1)
        body = get(registry.host, blob_path(tiny), part)[2]
        assert body[50] == data[150] ^ 0xFF and body[:50] == data[100:150]
        for framing in ("chunked", "close"):
            registry.fault("/blobs/", framing=framing, times=1)
            status, headers, body = get(registry.host, blob_path(tiny))
            assert "Content-Length" not in headers and body == data
        registry.fault("/blobs/", gzip=True, times=1)
        assert get(registry.host, blob_path(tiny))[1]["Content-Encoding"] == "gzip"
        registry.fault("/blobs/", version="HTTP/1.0", times=1)
        assert get(registry.host, blob_path(tiny))[1]["Connection"] == "close"
        registry.fault("/blobs/", endless_headers=True, times=1)
        with pytest.raises(http.client.HTTPException):
            get(registry.host, blob_path(tiny))


def test_gate_and_rate_hold_bytes_back(tiny):
    with serve(tiny) as registry:
        registry.gate.limit(32 * 1024)
        connection = http.client.HTTPConnection(registry.host, timeout=5)
        connection.request("GET", blob_path(tiny))
        response = connection.getresponse()
        assert len(response.read(32 * 1024)) == 32 * 1024
        assert registry.gate.passed == 32 * 1024
        registry.gate.limit(None)
        assert len(response.read()) == 300_000 - 32 * 1024
        connection.close()
        registry.fault("/blobs/", rate=1_000_000, times=1)
        began = time.monotonic()
        get(registry.host, blob_path(tiny))
        assert time.monotonic() - began >= 0.29


def test_gguf_files_have_the_layout_that_readers_expect():
    raw = gguf.make(arch="llama", context=4096)
    assert raw[:4] == b"GGUF"
    version, tensors, keys = struct.unpack_from("<IQQ", raw, 4)
    assert (version, tensors) == (3, 4) and keys == 9
    assert b"llama.context_length" in raw and len(raw) % gguf.ALIGNMENT == 0
    big = gguf.make_of_about(3 << 20)
    assert 3 << 20 <= len(big) < (3 << 20) + 65536
