"""What a registry says reaches no terminal raw, whatever part of an answer it stands in; and no size of it is held."""
import json
import os
import pty
import re
import select
import time

import pytest
from support import model
from support.model import INDEX_TYPE, MANIFEST_TYPE, MIB, Layer, Model, noise
from support.registry import Redirects
from support.store import check_model, install

pytestmark = pytest.mark.campaign("hostile registries, stores and names")

# An escape sequence, a bell, C1 controls in UTF-8, NUL, a line that looks like ours, and text that runs backwards.
EVIL = "\x1b]0;owned\x07\x1b[2J\u009b31m\u0085\x08\x7f\0\r\nerror: all is well\n\u202egnp\u2066\u2028"
# The same for a header, which can hold no line end and no NUL.
EVIL_LINE = "\x1b]0;owned\x07\x1b[2J\x08\x7f\u009b31m"
MODES = ("table", "compact", "json", "debug")
# What a terminal would act on, in any output that is not a terminal's own.
RAW = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
OWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def check_text(result, name="stdout"):
    for stream, text in (("stdout", result.out), ("stderr", result.err)):
        found = RAW.search(text)
        assert not found, f"{found[0]!r} on {stream}: {result}"
        (result.raw_out + result.raw_err).decode()
        assert not re.search(r"^error: all is well", text, re.M), result


def check_terminal(raw):
    """Only sequences that draw; no title, no bell, no C1 control."""
    text = raw.decode("utf-8", "replace")
    assert "owned" not in text or "\x1b]" not in text, text
    for bad in ("\x07", "\x1b]", "\x1b[2J", "\x9b", "\x85", "\x08", "\x7f", "\0", "\u202e", "\u2066"):
        assert bad not in text, f"{bad!r} on the terminal: {text!r}"


def run_on_terminal(pullama, *arguments, seconds=20):
    """What a terminal would be sent."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(pullama.path, [str(pullama.path), *map(str, arguments)], pullama.environment)
    said, until = b"", time.monotonic() + seconds
    while time.monotonic() < until:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        try:
            piece = os.read(terminal, 65536) if ready else None
        except OSError:
            break
        if piece == b"":
            break
        said += piece or b""
    else:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        raise AssertionError(f"still running: {said[-3000:]!r}")
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.WIFEXITED(status), f"{status} {said[-3000:]!r}"
    return said


def check_everywhere(pullama, *arguments):
    for mode in MODES:
        check_text(pullama.run(*arguments, "--output", mode))
    check_terminal(run_on_terminal(pullama, *arguments))


def errors(text):
    return json.dumps({"errors": [{"code": text, "message": text, "detail": {"x": text}}], "error": text,
                       "details": text, "message": text}).encode()


BODIES = {
    "JSON error": (errors(EVIL), "application/json"),
    "raw bytes": (EVIL.encode() + b"\xff\xfe\xc3", "text/plain"),
    "HTML": (b"<html><title>" + EVIL.encode() + b"</title></html>", "text/html"),
    "long": (errors("x" * 5000 + EVIL), "application/json"),
    "cut in a character": (errors("\u00e4" * 5000), "application/json"),
    "lone surrogate": (b'{"errors":[{"message":"\\ud800\\u001b[2J"}]}', "application/json"),
    "type": (errors("x"), EVIL_LINE),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("where, status", [
    ("/manifests/", 404), ("/manifests/", 400), ("/manifests/", 401), ("/manifests/", 500), ("/blobs/", 404),
    ("/blobs/", 403), ("/blobs/", 500), ("/manifests/", 200)])
def test_an_error_of_a_registry_is_only_text(pullama, registry, where, status, body):
    content, kind = BODIES[body]
    registry.add("library/m", "latest", model.small(1000))
    registry.fault(where, status=status, body=content, headers={"Content-Type": kind})
    for mode in MODES:
        result = pullama.run("pull", registry.name("library/m"), "--max-retries", "0", "--output", mode)
        assert result.status != 0 and result.err.strip(), result
        check_text(result)
    check_terminal(run_on_terminal(pullama, "pull", registry.name("library/m"), "--max-retries", "0"))


@pytest.mark.parametrize("header, status", [
    ("Location", 307), ("WWW-Authenticate", 401), ("Retry-After", 503), ("Content-Type", 200), ("Content-Range", 206),
    ("Docker-Content-Digest", 200), ("Content-Encoding", 200), ("Transfer-Encoding", 200), ("Content-Length", 200)])
@pytest.mark.parametrize("form", ["plain", "URL", "realm"])
def test_a_header_is_only_text(pullama, registry, header, status, form):
    registry.add("library/m", "latest", model.small(1000))
    value = {"plain": EVIL_LINE, "URL": f"http://{EVIL_LINE}.invalid/{EVIL_LINE}",
             "realm": f'Bearer realm="http://127.0.0.1:9/{EVIL_LINE}",service="{EVIL_LINE}",scope="{EVIL_LINE}"'}[form]
    registry.fault("/(manifests|blobs)/", status=status, headers={header: value.encode().decode("latin-1")})
    for mode in MODES:
        check_text(pullama.run("pull", registry.name("library/m"), "--max-retries", "0", "--stall-timeout", "500ms",
                                "--output", mode, timeout=20))


def test_a_status_line_is_only_text(pullama, registry):
    registry.add("library/m", "latest", model.small(1000))
    registry.fault("/manifests/", raw=b"HTTP/1.1 418 " + EVIL_LINE.encode() + b"\r\nContent-Length: 0\r\n\r\n")
    check_everywhere(pullama, "pull", registry.name("library/m"), "--max-retries", "0")


def evil_model():
    config = json.dumps({key: EVIL for key in (
        "model_format", "model_family", "model_type", "file_type", "requires", "renderer", "parser", "architecture",
        "os")} | {"capabilities": [EVIL] * 100, "model_families": [EVIL]}).encode()
    texts = [Layer(kind, (EVIL * 3).encode() + b"\xff\xfe") for kind in ("template", "license", "system", EVIL)]
    return Model([Layer("model", model.gguf.make(name=EVIL), **{"from": EVIL, EVIL: EVIL}),
                  Layer("params", json.dumps({EVIL: [EVIL, {EVIL: EVIL}], "stop": EVIL}).encode()),
                  Layer(MANIFEST_TYPE + EVIL, b"odd"), *texts], config)


def test_a_model_full_of_control_characters(pullama, store, registry):
    """Such a manifest may be refused; otherwise it is kept to the byte, and shown without harm."""
    evil = registry.add("library/evil", "latest", evil_model())
    pulled = pullama.pull(registry.name("library/evil"))
    check_everywhere(pullama, "pull", registry.name("library/evil"))
    if pulled.status == 0:
        check_model(store, registry, "library/evil", "latest", evil)
    install(store, registry.host, "library/evil", "latest", evil)
    for arguments in (["list"], ["show", registry.name("library/evil", scheme=False)],
                      ["rm", "--dry-run", registry.name("library/evil", scheme=False)], ["clean"]):
        check_everywhere(pullama, *arguments)


@pytest.mark.broken_store
def test_file_names_full_of_control_characters(pullama, store, registry):
    good = model.small(1000)
    path = install(store, registry.host, "library/good", "latest", good)
    name = EVIL.replace("\0", "").replace("/", "")[:60]
    (path.parent / name).write_bytes(b"{")
    (path.parent.parent / name).mkdir()
    (path.parent.parent / name / name).write_bytes(good.manifest)
    (store / "blobs" / name).write_bytes(b"")
    (store / ".pullm").mkdir()
    for ending in (".json.tmp", ".partial", ""):
        (store / ".pullm" / (name + ending)).write_bytes(b"")
    for arguments in (["list"], ["show", "good"], ["clean", "--dry-run"], ["clean"],
                      ["rm", registry.name("library/good", scheme=False)]):
        check_everywhere(pullama, *arguments)


def test_an_index_of_control_characters(pullama, registry):
    raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [
        {"mediaType": MANIFEST_TYPE, "digest": "sha256:" + "0" * 64, "size": 5,
         "platform": {"os": EVIL, "architecture": EVIL, "variant": EVIL}}] * 50}).encode()
    registry.put_manifest("library/m", "latest", raw)
    check_everywhere(pullama, "pull", registry.name("library/m"), "--max-retries", "0", "--platform", "linux/amd64")


# ---- sizes ----

def many_layers(most):
    """As many distinct layers as a manifest that is still read can hold."""
    entries, size, number = [], 100, 0
    while size < most:
        entries.append(b'{"digest":"sha256:%064x","size":1}' % number)
        size += len(entries[-1]) + 1
        number += 1
    return b'{"schemaVersion":2,"layers":[%s]}' % b",".join(entries), number


@pytest.mark.broken_store
@pytest.mark.parametrize("most", [1 << 20, 4 * MIB - 2000])
def test_a_manifest_of_very_many_layers_stays_small(pullama, store, registry, most):
    raw, _ = many_layers(most)
    registry.put_manifest("library/m", "latest", raw)
    result = pullama.pull(registry.name("library/m"), "--max-retries", "0", timeout=30)
    assert result.status != 0
    assert pullama.is_sanitized or result.peak_kib < 32 * 1024, result.peak_kib
    name = registry.name("library/m", scheme=False)
    path = store / "manifests" / registry.host / "library" / "m" / "latest"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    for arguments in (["list"], ["show", name], ["rm", "--dry-run", name], ["rm", name]):
        result = pullama.run(*arguments, timeout=30)
        assert result.status in (0, 1), result
        assert pullama.is_sanitized or result.peak_kib < 32 * 1024, (arguments, result.peak_kib)


def test_200000_layers_are_too_many(pullama, registry):
    registry.put_manifest("library/m", "latest", b'{"layers":[%s]}' % b",".join(
        [b'{"digest":"sha256:%s","size":1}' % (b"0" * 64)] * 200_000))
    result = pullama.pull(registry.name("library/m"), "--max-retries", "0")
    assert result.status == 1 and "hint" in result.err
    assert pullama.is_sanitized or result.peak_kib < 32 * 1024


SHAPES = {
    "numbers": b"[" + b"1," * (2 * MIB - 10) + b"1]",
    "objects": b"[" + b"{}," * (4 * MIB // 3 - 10) + b"{}]",
    "empty lists": b"[" + b"[]," * (4 * MIB // 3 - 10) + b"[]]",
    "texts": b"[" + b'"",' * (4 * MIB // 3 - 10) + b'""]',
    "keys": b"{" + b",".join(b'"%x":0' % n for n in range(390_000)) + b"}",
    "same key": b"{" + b",".join([b'"a":0'] * 690_000) + b"}",
    "one text": b'"' + b"a" * (4 * MIB - 10) + b'"',
    "escapes": b'"' + b"\\u0001" * (4 * MIB // 6 - 10) + b'"',
    "spaces": b" " * (4 * MIB - 10) + b"{}",
    "deep": b"[" * (4 * MIB - 10),
}


@pytest.mark.parametrize("place", ["manifest", "layers", "token", "error"])
@pytest.mark.parametrize("shape", SHAPES)
def test_json_made_to_fill_the_memory(pullama, registry, shape, place):
    """Below the cap on a body, but a tree of it would be many times as large."""
    body, name = SHAPES[shape], registry.name("library/m")
    registry.put_manifest("library/m", "latest", body)
    if place == "layers":
        registry.put_manifest("library/m", "latest", b'{"layers":[],"x":' + body[:-100] + body[-1:] + b"}")
    if place == "error":
        registry.fault("/manifests/", status=400, body=body, headers={"Content-Type": "application/json"})
    if place == "token":
        registry.fault("/manifests/", status=401, headers={
            "WWW-Authenticate": f'Bearer realm="{registry.registry.url}/token",service="s",scope="x"'})
        registry.fault("/token", body=body, headers={"Content-Type": "application/json"})
    result = pullama.pull(name, "--max-retries", "0", timeout=30)
    assert result.status != 0 and result.err.strip()
    check_text(result)
    assert pullama.is_sanitized or result.peak_kib < 32 * 1024, result.peak_kib


@pytest.mark.parametrize("where", ["/manifests/", "/token", "/chunksums/", "/blobs/"])
@pytest.mark.parametrize("status", [200, 400])
def test_bodies_of_100_mb_are_cut_off(pullama, registry, where, status):
    tiny = registry.add("library/m", "latest", model.small(1000))
    registry.add_chunksums(tiny.layers[0].digest)
    registry.fault(where, status=status, body=b'{"token":"' + b"a" * (100 * MIB) + b'"}')
    if where == "/token":
        registry.fault("/manifests/", status=401, headers={
            "WWW-Authenticate": f'Bearer realm="{registry.registry.url}/token",service="s",scope="x"'})
    if where == "/chunksums/":
        registry.fault(tiny.layers[0].digest, flip=(5,))
    result = pullama.pull(registry.name("library/m"), "--max-retries", "0", timeout=40)
    assert result.status != 0
    assert max(request.sent for request in registry.requests(where)) < 24 * MIB
    assert pullama.is_sanitized or result.peak_kib < 32 * 1024, result.peak_kib


@pytest.mark.parametrize("size", [0, 9, 11, 1 << 40, 1 << 61, (1 << 62) - 1, 1 << 62, (1 << 63) - 1])
def test_sizes_that_are_not_what_is_served(pullama, store, registry, size):
    layer = Layer("model", noise(10))
    raw = json.dumps({"layers": [layer.descriptor() | {"size": size}]}).encode()
    registry.add("library/m", "latest", Model([layer]), manifest=raw)
    result = pullama.pull(registry.name("library/m"), "--max-retries", "0", timeout=20)
    assert result.status in (1, 2, 5, 6) and "hint: " in result.err, result
    assert result.status == 2 or size < 1 << 40 or size >= 1 << 62, result
    assert not list(store.rglob("latest")) and not list((store / "blobs").iterdir())


def test_conflicting_layers_are_refused_and_repeated_ones_fetched_once(pullama, store, registry):
    layer = Layer("model", noise(MIB))
    repeated = Model([layer] * 500)
    registry.add("library/m", "latest", repeated)
    pullama.pull(registry.name("library/m")).ended(0)
    assert registry.blob_bytes(layer.digest) == MIB
    check_model(store, registry, "library/m", "latest", repeated)
    wrong = [layer.descriptor(), layer.descriptor() | {"size": 5}]
    registry.put_manifest("library/x", "latest", json.dumps({"layers": wrong}).encode())
    assert pullama.pull(registry.name("library/x")).status in (1, 5)


def test_a_redirect_to_strange_places_is_refused(pullama, serve):
    for target in ("file:///etc/passwd", "gopher://127.0.0.1/x", "unix:/x", "ftp://127.0.0.1/x", "//", "http://",
                   "http://user:secret@127.0.0.1:9/x", "http://[::1", "http://127.0.0.1:99999/x", "data:,x", "?" * 9000):
        far = serve(mode="redirect", redirects=Redirects(target=target))
        far.add("library/m", "latest", model.small(1000))
        result = pullama.pull(far.name("library/m"), "--max-retries", "0", timeout=20)
        assert result.status in (1, 6) and "secret" not in result.err + result.out, result
        check_text(result)
