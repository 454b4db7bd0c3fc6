"""Nothing that a registry says touches anything outside the store, or makes the program grow."""
import json
import signal

import pytest
from support import model
from support.model import MANIFEST_TYPE, MIB, Layer, Model, noise
from support.registry import Redirects
from support.store import snapshot

pytestmark = pytest.mark.campaign("hostile registries, stores and names")

HEX = "0" * 64


def manifest(*layers, **members):
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": list(layers), **members}).encode()


def layer(digest="sha256:" + HEX, size=10, **members):
    return {"mediaType": "application/vnd.ollama.image.model", "digest": digest, "size": size, **members}


DIGESTS = [
    "../../../../victim", "sha256:../../../../../victim", "sha256:" + "../" * 20 + "victim" + "0" * 4, "", "sha256:",
    "sha256:" + HEX[:-1], "sha256:" + HEX + "0", "sha256:" + HEX[:-1] + "G", "sha256:" + "A" * 64, "SHA256:" + HEX,
    "sha256-" + HEX, "md5:" + HEX, "sha256:" + HEX + "\n", "sha256:" + HEX[:-2] + "\u0000/", "/etc/passwd",
    "sha512:" + HEX * 2, "sha256:" + HEX[:31] + "/" + HEX[:32], 5, None, ["sha256:" + HEX]]

MANIFESTS = {
    "empty": b"", "not JSON": b"<html>captive portal</html>", "half": b'{"schemaVersion":2,"layers":[',
    "a list": b"[]", "null": b"null", "a string": b'"x"', "no layers": b"{}", "empty layers": manifest(),
    "layers are text": b'{"layers":"x"}', "layer is a number": b'{"layers":[5]}', "NUL inside": b'{"layers":[]\0}',
    "two values": manifest(layer()) + manifest(layer()), "deep": b"[" * 200_000, "deep objects": b'{"a":' * 50_000,
    "size negative": manifest(layer(size=-1)), "size fraction": manifest(layer(size=1.5)),
    "size text": manifest(layer(size="10")), "size absent": b'{"layers":[{"digest":"sha256:%s"}]}' % HEX.encode(),
    "size over 64 bits": manifest(layer(size=1 << 70)), "sizes that overflow": manifest(
        layer(size=(1 << 63) - 1), layer("sha256:" + "1" * 64, (1 << 63) - 1), layer("sha256:" + "2" * 64, 10)),
    "one digest, two sizes": manifest(layer(size=1), layer(size=2)), "bad UTF-8": b'{"layers":["\xff\xfe"]}',
    "duplicate members": b'{"layers":[],"layers":[]}', "config is a list": manifest(layer(), config=[]),
    "too many layers": manifest(*[{"digest": "sha256:" + HEX, "size": 1}] * 120_000),
}


@pytest.fixture
def world(tmp_path, store):
    """Files around the store that a path in a digest could reach."""
    store.mkdir()
    for name in ("victim", "victim0000", "victim.txt"):
        (tmp_path / name).write_text("keep me")
    return tmp_path


def outside(world, store):
    skipped = (str(store), str(world / "runs"))
    return {path: what for path, what in snapshot(world).items() if not path.startswith(skipped)}


def check_refused(pullama, store, world, before, arguments, statuses=(1, 5)):
    result = pullama.pull(*arguments, "--max-retries", "0")
    assert result.status in statuses and result.err.strip(), result
    assert outside(world, store) == before
    assert not list(store.rglob("latest"))
    assert b"\0" not in result.raw_err and b"\x1b" not in result.raw_err
    return result


@pytest.mark.parametrize("digest", DIGESTS, ids=range(len(DIGESTS)))
@pytest.mark.parametrize("place", ["layer", "config"])
def test_digests_that_are_none_are_refused(pullama, store, registry, world, digest, place):
    if place == "config" and digest == "":
        pytest.skip("a config without a digest is no config, for Ollama too")
    good = Layer("model", noise(100))
    registry.add("library/m", "latest", Model([good]))
    if place == "layer":
        raw = manifest(good.descriptor(), layer(digest))
    else:
        raw = manifest(good.descriptor(), config=layer(digest))
    registry.put_manifest("library/m", "latest", raw)
    before = outside(world, store)
    check_refused(pullama, store, world, before, [registry.name("library/m")])
    assert registry.requests("/blobs/") == [], "a blob was asked for by a digest that is none"


@pytest.mark.parametrize("name", MANIFESTS)
def test_hostile_manifests_are_refused(pullama, store, registry, world, name):
    registry.put_manifest("library/m", "latest", MANIFESTS[name])
    before = outside(world, store)
    check_refused(pullama, store, world, before, [registry.name("library/m")], (1, 2, 4, 5, 6))


def test_a_manifest_without_end_is_cut_off(pullama, store, registry, world):
    registry.put_manifest("library/m", "latest", b'{"layers":[' + b" " * (64 * MIB))
    registry.fault("/manifests/", framing="chunked")
    result = check_refused(pullama, store, world, outside(world, store), [registry.name("library/m")])
    assert registry.requests("/manifests/")[0].sent < 16 * MIB
    assert pullama.is_sanitized or result.peak_kib < 32 * 1024


def test_a_manifest_with_a_huge_length_is_not_read(pullama, store, registry, world):
    registry.put_manifest("library/m", "latest", b" " * (8 * MIB))
    check_refused(pullama, store, world, outside(world, store), [registry.name("library/m")])


def test_a_config_or_text_layer_of_any_size_is_never_held(pullama, store, registry):
    big = Model([Layer("model", noise(100)), Layer("license", noise(40 * MIB)), Layer("system", noise(10 * MIB))],
                noise(10 * MIB, 4))
    registry.add("library/m", "latest", big)
    pullama.pull(registry.name("library/m")).ended(0)
    process = pullama.start("show", registry.name("library/m", scheme=False))
    result = process.result()
    assert pullama.is_sanitized or result.peak_kib < 32 * 1024


@pytest.mark.parametrize("header", [
    {"Location": "/x\tb"}, {"Location": "a" * 100_000}, {"Retry-After": "-5"}, {"Retry-After": "soon"}, {"Content-Length": "-1"}, {"Content-Length": "99999999999999999999999"},
    {"Content-Range": "bytes 0-99999999999999999999/99999999999999999999"},
    {"WWW-Authenticate": "Bearer realm=" + "\"" * 5000}], ids=lambda h: next(iter(h)))
def test_header_values_without_sense(pullama, store, registry, world, header):
    registry.add("library/m", "latest", model.small(1000))
    status = {"Location": 307, "Retry-After": 503, "WWW-Authenticate": 401}.get(next(iter(header)))
    registry.fault("/blobs/", times=2, status=status, headers=header)
    before = outside(world, store)
    result = pullama.pull(registry.name("library/m"), "--max-retries", "1", timeout=20)
    assert outside(world, store) == before
    assert result.status in (0, 1, 3, 5, 6)


def test_a_retry_after_without_end_is_cut_and_can_be_interrupted(pullama, registry):
    registry.add("library/m", "latest", model.small(1000))
    registry.fault("/blobs/", status=503, headers={"Retry-After": "99999999999999999999"})
    process = pullama.start_pull(registry.name("library/m"))
    assert process.wait_event("retry")["BackoffMs"] <= 24 * 3600 * 1000
    process.signal(signal.SIGINT)
    process.result(5).ended(0)


def test_a_link_in_the_staging_folder_is_not_followed(pullama, store, registry, world):
    tiny = registry.add("library/m", "latest", model.small(MIB))
    staging = store / ".pullm"
    staging.mkdir()
    name = "sha256-" + tiny.layers[0].digest.removeprefix("sha256:")
    for ending in (".partial", ".json", ".live"):
        (staging / (name + ending)).symlink_to(world / "victim")
    before = outside(world, store)
    pullama.pull(registry.name("library/m"))
    assert outside(world, store) == before
    for ending in (".partial", ".json", ".live"):
        if (staging / (name + ending)).is_symlink():
            (staging / (name + ending)).unlink()


@pytest.mark.parametrize("name", ["../../x/y", "..", "/m", "//m", "a/../b", "a/b/c/d/e", "m:../t", ".hidden", "-x",
                                  "a\\..\\b", "m:", "a b", "m\x00", "hf.co/o.x/m"])
def test_names_that_lead_elsewhere_are_usage_errors(pullama, store, registry, world, name):
    if "\0" in name:
        pytest.skip("no argument can hold a NUL")
    before = outside(world, store)
    for verb in ("pull", "show", "rm"):
        assert pullama.run(verb, "--", name).status == 64
    assert outside(world, store) == before


def test_a_redirect_to_a_stranger_takes_nothing_of_ours_along(pullama, serve):
    other = serve()
    far = serve(mode="redirect")
    far.redirects = Redirects(target=other.registry.url + "/latest/meta-data")
    far.add("library/m", "latest", model.small(1000))
    pullama.pull(far.name("library/m"), "--max-retries", "0")
    for request in other.requests():
        assert "authorization" not in request.headers and "cookie" not in request.headers
        assert request.method in ("GET", "HEAD")
