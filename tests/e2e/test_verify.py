"""`verify` says of real stores which models are whole, whatever was done to them, and changes nothing but its notes."""
import hashlib
import os
import random
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from support import model, tracing
from support.events import check_described
from support.model import MIB, Layer, Model, noise
from support.program import FAR_TOO_LONG_S
from support.store import blob_path, install, inventory, manifest_path

HOST = "registry.ollama.ai"
SHARED = Layer("license", b"to whom it may concern")
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}  # it would count as our time


def verify(pullama, *arguments, **options):
    """JSON output; what must hold for every verification is held."""
    result = pullama.run("verify", "--output", "json", *arguments, **options)
    check_described(result.events)
    assert len(result.named("verify_done")) == (result.status != 64 and result.last.get("Code") != "interrupted")
    blobs = [event["Blob"]["Digest"] for event in result.named("blob_checked")]
    assert len(blobs) == len(set(blobs)), "a blob was checked twice"
    done = 0
    for event in result.named("progress"):
        assert done <= event["OverallDone"] <= event["OverallTotal"], result
        done = event["OverallDone"]
    return result


def verdicts(result):
    return {event["Ref"]: event["Verdict"] for event in result.named("model_checked")}


def found(result, digest):
    return next(event for event in result.named("blob_checked") if event["Blob"]["Digest"] == digest)


def can_keep_notes(store):
    try:
        os.setxattr(store, "user.pullama.test", b"x")
        return True
    except OSError:
        return False


@pytest.fixture
def models(store):
    """Three models as Ollama has them; two share a blob, one is a real GGUF file."""
    made = {"one:latest": Model([Layer("model", noise(3 * MIB, 1)), SHARED]),
            "two:7b": Model([Layer("model", noise(2 * MIB, 2)), SHARED]), "someone/three:latest": model.whole()}
    for name, one in made.items():
        repository, tag = name.split(":")
        install(store, HOST, repository if "/" in repository else f"library/{repository}", tag, one)
    return made


def test_a_whole_store_is_whole(pullama, store, models):
    before = inventory(store)
    result = verify(pullama).ended(0)
    assert set(verdicts(result).values()) == {"ok"} and set(verdicts(result)) == set(models)
    assert result.named("verify_done")[0]["HashedBytes"] == sum({d: len(b) for m in models.values()
                                                                   for d, b in m.blobs.items()}.values())
    assert inventory(store) == before and result.err == ""


def test_real_models_are_whole(pullama, store):
    paths = model.real_gguf()
    if not paths:
        pytest.skip("there are no real GGUF files here")
    for path in paths:
        install(store, HOST, "library/" + path.stem.lower(), "latest", Model([Layer("model", path.read_bytes())]))
    assert set(verdicts(verify(pullama).ended(0)).values()) == {"ok"}


DAMAGE = {
    "zeroed": (lambda path: path.write_bytes(bytes(path.stat().st_size)), "wrong_digest"),
    "one bit": (lambda path: flip(path, path.stat().st_size // 2), "wrong_digest"),
    "first byte": (lambda path: flip(path, 0), "wrong_digest"),
    "last byte": (lambda path: flip(path, path.stat().st_size - 1), "wrong_digest"),
    "truncated": (lambda path: os.truncate(path, path.stat().st_size - 1), "truncated"),
    "emptied": (lambda path: os.truncate(path, 0), "truncated"),
    "grown": (lambda path: os.truncate(path, path.stat().st_size + 1), "grown"),
    "missing": (lambda path: path.unlink(), "missing"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "no_file"),
    "a link": (lambda path: (path.unlink(), path.symlink_to("/etc/hostname")), "no_file"),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "no_file"),
}


def flip(path, at):
    with open(path, "r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 0x10]))


@pytest.mark.broken_store
@pytest.mark.parametrize("damage", DAMAGE)
def test_each_damage_is_found_and_named_with_the_models_that_it_breaks(pullama, store, models, damage):
    layer = models["one:latest"].layers[0]
    spoil, verdict = DAMAGE[damage]
    spoil(blob_path(store, layer.digest))
    result = verify(pullama).ended(5)
    assert found(result, layer.digest)["Verdict"] == verdict
    assert found(result, layer.digest)["Models"] == ["one:latest"]
    assert verdicts(result) == {"one:latest": "damaged", "two:7b": "ok", "someone/three:latest": "ok"}
    assert result.last["Code"] == "integrity"
    shown = pullama.run("verify").ended(5)
    assert layer.digest.removeprefix("sha256:")[:12] in shown.err and "one:latest" in shown.err
    pullama.run("verify", "two:7b", "someone/three").ended(0)


@pytest.mark.broken_store
def test_a_shared_blob_breaks_all_who_share_it(pullama, store, models):
    flip(blob_path(store, SHARED.digest), 3)
    result = verify(pullama).ended(5)
    assert found(result, SHARED.digest)["Models"] == ["one:latest", "two:7b"]
    assert found(result, SHARED.digest)["FoundDigest"] == "sha256:" + hashlib.sha256(
        blob_path(store, SHARED.digest).read_bytes()).hexdigest()
    assert verdicts(result)["two:7b"] == "damaged" and verdicts(result)["someone/three:latest"] == "ok"


@pytest.mark.broken_store
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"layers":5}', b"\xff\xfe", b"x" * (5 << 20)],
                         ids=["empty", "cut", "list", "number", "binary", "huge"])
def test_a_manifest_that_is_none_is_told_by_its_path(pullama, store, models, content):
    path = manifest_path(store, HOST, "library/bad", "latest")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    result = verify(pullama).ended(1)
    assert verdicts(result) == {**{name: "ok" for name in models}, "bad:latest": "bad_manifest"}
    shown = pullama.run("verify", "--quiet").ended(1)
    assert f"manifests/{HOST}/library/bad/latest" in shown.err
    flip(blob_path(store, SHARED.digest), 0)
    verify(pullama).ended(5)
    verify(pullama, "bad", "one").ended(1)


def test_what_cannot_be_read_is_not_called_damaged(pullama, store, models, trace):
    """EIO is what a dying disk says. strace says it for it."""
    result = trace("pread64", "pread64:error=EIO:when=8+", "verify", "--output", "json")
    assert result.status == 1 and "unreadable" in set(verdicts(result).values()), result
    assert "damaged" not in set(verdicts(result).values())
    assert any("Input/output error" in (event["Message"] or "") for event in result.named("blob_checked"))


def test_one_that_is_not_here_fails_and_the_others_are_checked(pullama, store, models):
    result = verify(pullama, "nothing", "one").ended(4)
    assert verdicts(result) == {"nothing:latest": "not_found", "one:latest": "ok"}
    assert verify(pullama, "one@" + models["two:7b"].digest).ended(4)
    assert verify(pullama, "one@" + models["one:latest"].digest).ended(0)
    assert pullama.run("verify", "a b").ended(64)


def test_nothing_is_whole(pullama, store):
    assert verify(pullama).ended(0).named("verify_done")[0]["ModelCount"] == 0
    assert not store.exists()


# ---- trust ----

def test_fast_trusts_what_was_hashed_and_says_so(pullama, store, models):
    if not can_keep_notes(store):
        pytest.skip("this file system keeps no notes")
    assert set(verdicts(verify(pullama, "--fast").ended(0)).values()) == {"ok"}
    result = verify(pullama, "--fast").ended(0)
    assert set(verdicts(result).values()) == {"trusted"} and result.named("verify_done")[0]["HashedBytes"] == 0
    day = result.named("model_checked")[0]["CheckedAt"][:10]
    shown = pullama.run("verify", "--fast").ended(0)
    line = next(line for line in shown.out.splitlines() if "two:7b" in line)
    assert "trusted" in line and f"checked on {day} and unchanged since" in line
    os.utime(blob_path(store, SHARED.digest))
    result = verify(pullama, "--fast").ended(0)
    assert found(result, SHARED.digest)["Verdict"] == "ok"
    assert set(verdicts(result).values()) == {"trusted"}


def test_what_a_pull_has_hashed_is_trusted(pullama, store, registry):
    one = registry.add("library/m", "latest", model.small(2 * MIB))
    pullama.pull(registry.name("library/m")).ended(0)
    if not can_keep_notes(store):
        pytest.skip("this file system keeps no notes")
    result = verify(pullama, "--fast", registry.name("library/m", scheme=False)).ended(0)
    assert found(result, one.layers[0].digest)["Verdict"] == "trusted"


@pytest.mark.broken_store
def test_silent_damage_is_found_by_a_full_check_and_mended_by_the_next_pull(pullama, store, registry):
    """The bytes change and the times do not, as a disk would have it."""
    one = registry.add("library/m", "latest", model.small(2 * MIB))
    name = registry.name("library/m")
    pullama.pull(name).ended(0)
    if not can_keep_notes(store):
        pytest.skip("this file system keeps no notes")
    path = blob_path(store, one.layers[0].digest)
    was = path.stat()
    flip(path, MIB)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    verify(pullama, "--fast").ended(0)
    verify(pullama).ended(5)
    verify(pullama, "--fast").ended(5)
    pullama.pull(name).ended(0)
    verify(pullama).ended(0)


def test_without_notes_all_is_hashed(pullama, store, models):
    # What a copy of the store to a file system without notes would look like.
    verify(pullama).ended(0)
    for path in (store / "blobs").iterdir():
        for name in os.listxattr(path):
            os.removexattr(path, name)
    assert set(verdicts(verify(pullama, "--fast").ended(0)).values()) == {"ok"}


@pytest.mark.slow
def test_a_hundred_models_that_are_trusted_take_less_than_a_second(pullama, store):
    for number in range(100):
        install(store, HOST, f"library/m{number}", "latest", Model(
            [Layer("model", noise(5000, number)), Layer("template", b"%d" % number), SHARED]))
    if not can_keep_notes(store):
        pytest.skip("this file system keeps no notes")
    verify(pullama).ended(0)
    result = verify(pullama, "--fast").ended(0)
    assert len(verdicts(result)) == 100 and result.named("verify_done")[0]["ElapsedMs"] < 1000


# ---- rights and resources ----

def test_a_read_only_store_is_verified(pullama, store, models, tmp_path):
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mounts can be made here")
    wrapper = ["unshare", "-m", "sh", "-c",
               f'mount --bind "{store}" "{store}" && mount -o remount,bind,ro "{store}" && exec "$@"', "sh"]
    result = verify(pullama, wrapper=wrapper).ended(0)
    assert set(verdicts(result).values()) == {"ok"}
    assert not any(os.listxattr(path) for path in (store / "blobs").iterdir())


def test_blobs_that_may_not_be_read_are_named(pullama):
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory(prefix="pullama-") as folder:
        Path(folder).chmod(0o755)
        closed, shared = model.small(2 * MIB, 1), model.small(MIB, 2)
        install(folder, HOST, "library/closed", "latest", closed)
        install(folder, HOST, "library/open", "latest", shared)
        blob_path(folder, closed.layers[0].digest).chmod(0o600)
        nobody = dict(user=65534, group=65534, extra_groups=[], environment={"OLLAMA_MODELS": folder})
        try:
            result = verify(pullama, **nobody)
        except PermissionError:
            pytest.skip("another user cannot run the program here")
    assert result.ended(1).last["Code"] == "access"
    assert verdicts(result) == {"closed:latest": "unreadable", "open:latest": "ok"}


def test_it_is_confined_to_reading(pullama, store, models, trace):
    result = trace("landlock_add_rule,landlock_restrict_self,socket,connect", None, "verify")
    assert result.status == 0, result
    log = (pullama.folder / "trace").read_text()
    assert "connect(" not in log
    rights = re.findall(r"allowed_access=([A-Z_|]+)", log)
    assert {right for rule in rights for right in rule.split("|")} <= {
        "LANDLOCK_ACCESS_FS_READ_FILE", "LANDLOCK_ACCESS_FS_READ_DIR"}, log


def test_memory_does_not_grow_with_the_blob(pullama, store):
    install(store, HOST, "library/large", "latest", Model([Layer("model", noise(96 * MIB))]))
    result = verify(pullama).ended(0)
    assert result.peak_kib < (400 if pullama.is_sanitized else 32) * 1024


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_within_half_a_second(pullama, store, number):
    """A sparse file of a terabyte: it would go on for ten minutes."""
    layer = Layer("model", b"x")
    layer.descriptor = lambda: {"mediaType": layer.media, "digest": layer.digest, "size": 1 << 40}
    install(store, HOST, "library/vast", "latest", Model([layer]))
    os.truncate(blob_path(store, layer.digest), 1 << 40)
    process = pullama.start("verify", "--output", "json", environment=NO_LEAK_CHECK)
    try:
        process.wait_event("progress")
        began = time.monotonic()
        process.signal(number)
        result = process.result(10).ended(0)
        assert time.monotonic() - began < FAR_TOO_LONG_S
    finally:
        blob_path(store, layer.digest).write_bytes(b"x")
        manifest_path(store, HOST, "library/vast", "latest").unlink()
    check_described(result.events)
    assert result.named("interrupted") and result.last["Code"] == "interrupted" and "interrupted" in result.err
    assert not result.named("verify_done", "model_checked")


# ---- beside others ----

def test_a_pull_and_an_rm_meanwhile_are_no_damage(pullama, store, registry):
    """Models come, change and go while the store is verified again and again."""
    rate = random.Random(7)
    names = [f"library/m{number}" for number in range(3)]
    for number, name in enumerate(names):
        registry.add(name, "latest", Model([Layer("model", noise(MIB, number)), SHARED]))
        pullama.pull(registry.name(name)).ended(0)
    changer = pullama.start("rm", registry.name(names[0], scheme=False))
    for round_ in range(12):
        result = verify(pullama)
        assert result.status == 0, result
        assert set(verdicts(result).values()) <= {"ok", "changed"}
        if changer.poll() is not None:
            name = rate.choice(names)
            registry.add(name, "latest", Model([Layer("model", noise(MIB, 100 + round_)), SHARED]))
            changer = pullama.start("pull", registry.name(name))
    changer.result().ended(0)


def test_it_waits_for_no_lock_and_holds_none(pullama, store, models, registry):
    registry.gate.limit(MIB)
    registry.add("library/m", "latest", model.small(4 * MIB))
    pull = pullama.start_pull(registry.name("library/m"))
    pull.wait_event("progress")
    verify(pullama).ended(0)
    registry.gate.limit(None)
    pull.result().ended(0)


@pytest.fixture
def trace(pullama):
    """Runs the program under strace, which may answer calls in the kernel's place."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")

    def run(calls, inject, *arguments):
        wrapper = ["strace", "-f", "-qq", "-o", str(pullama.folder / "trace"), "-e", f"trace={calls}"]
        wrapper += ["-e", f"inject={inject}"] if inject else []
        return pullama.run(*arguments, wrapper=wrapper, environment=tracing.UNTRACED)
    return run
