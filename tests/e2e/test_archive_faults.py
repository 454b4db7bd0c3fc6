"""Exports and imports that are killed at any call, and disks that are full: nothing is lost, nothing is half."""
import contextlib
import os
import random
import subprocess
import zipfile

import pytest
from support import model, tracing
from support.archives import HOST
from support.model import MIB
from support.store import check_model, check_store, install, leftovers, snapshot

CALLS = ("pwrite64", "renameat", "fsync", "ftruncate", "unlinkat", "openat", "fdatasync")
SEED = int(os.environ.get("PULLAMA_SEED", "1"))
SAMPLE = 2  # of each call, beside the first ones


@pytest.fixture
def traced(pullama):
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")

    def run(call, when, *arguments):
        wrapper = tracing.inject(call, "signal=SIGKILL", when, pullama.folder / "trace")
        return pullama.run(*arguments, wrapper=wrapper, environment=tracing.UNTRACED)
    return run


@pytest.fixture
def whole():
    return model.whole(6 * MIB, 1)


def moments(call):
    """Which call of its kind, in its thread, the kill comes at."""
    few = random.Random(f"{SEED}/{call}")
    return sorted({1, 2, 3, *(few.randrange(4, 40) for _ in range(SAMPLE))})


@pytest.mark.parametrize("words", [(), ("--split", "2MiB")], ids=["file", "parts"])
@pytest.mark.parametrize("call", CALLS)
def test_a_killed_export_leaves_the_old_file(pullama, traced, store, tmp_path, whole, call, words):
    install(store, HOST, "library/m", "v1", whole)
    path = tmp_path / "out" / "a.zip"
    path.parent.mkdir()
    first = path if not words else path.with_name("a.zip.001")
    before = snapshot(store)
    for when in moments(call):
        first.write_bytes(b"old")
        result = traced(call, when, "export", "m:v1", "-o", path, "--force", *words)
        if result.status != 0:  # killed: the old one, the new one, or, of parts, none
            assert first.read_bytes() in (b"old",) if first.exists() and first.stat().st_size < 10 else True
            if words and first.exists() and first.stat().st_size > 10:
                parts = sorted(path.parent.glob("a.zip.0??"))
                (path.parent / "joined").write_bytes(b"".join(part.read_bytes() for part in parts))
                assert zipfile.ZipFile(path.parent / "joined").testzip() is None
            elif first.exists() and first.stat().st_size > 10:
                assert zipfile.ZipFile(first).testzip() is None
            pullama.run("export", "m:v1", "-o", path, "--force", *words).ended(0)
        assert not list(path.parent.glob("*.tmp")), list(path.parent.iterdir())
        pullama.run("import", first, "--models-dir", tmp_path / "to", "--dry-run").ended(0)
    assert snapshot(store) == before


@pytest.mark.parametrize("call", CALLS)
def test_a_killed_import_is_gone_on_with(pullama, traced, store, tmp_path, whole, call):
    install(tmp_path / "from", HOST, "library/m", "v1", whole)
    pullama.run("export", "m:v1", "-o", tmp_path / "a.zip", "--models-dir", tmp_path / "from").ended(0)
    for when in moments(call):
        target = tmp_path / f"to{when}"
        killed = traced(call, when, "import", tmp_path / "a.zip", "--models-dir", target)
        check_store(target)
        pullama.run("import", tmp_path / "a.zip", "--models-dir", target).ended(0)
        check_store(target)
        assert (target / "manifests" / HOST / "library/m/v1").read_bytes() == whole.manifest
        assert not leftovers(target), (killed, leftovers(target))


def test_bytes_that_were_read_before_a_kill_are_not_read_again(pullama, store, tmp_path, whole):
    install(tmp_path / "from", HOST, "library/m", "v1", whole)
    pullama.run("export", "m:v1", "-o", tmp_path / "a.zip", "--models-dir", tmp_path / "from").ended(0)
    read, write = os.pipe()
    process = pullama.start("import", "-", "--output", "json", stdin=read)
    os.close(read)
    data = (tmp_path / "a.zip").read_bytes()
    with contextlib.suppress(BrokenPipeError), open(write, "wb", buffering=0) as pipe:
        pipe.write(data[:5 * MIB])
        process.wait_event("progress", where=lambda event: event["OverallDone"] >= 4 * MIB)
        process.kill()
    result = pullama.run("import", tmp_path / "a.zip", "--output", "json").ended(0)
    assert result.named("imported")[0]["ReadBytes"] <= whole.size - 4 * MIB, result
    check_store(store)


@pytest.fixture
def disk(tmp_path):
    """A small file system."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(size):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder],
                              capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip("may not mount a file system here")
        return folder

    yield mount
    subprocess.run(["umount", "-l", folder], check=False, capture_output=True)


def test_an_export_that_does_not_fit_says_so_before_it_writes(pullama, store, disk, whole):
    install(store, HOST, "library/m", "v1", whole)
    place = disk(4 * MIB)
    (place / "a.zip").write_bytes(b"old")
    result = pullama.run("export", "m:v1", "-o", place / "a.zip", "--force").ended(2)
    assert "needs 6." in result.err and "(6" in result.err and "free" in result.err, result
    assert [entry.name for entry in place.iterdir()] == ["a.zip"] and (place / "a.zip").read_bytes() == b"old"


def test_a_disk_that_fills_up_under_an_export(pullama, store, tmp_path, whole):
    """A full disk that statfs does not know of."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    install(store, HOST, "library/m", "v1", whole)
    wrapper = tracing.inject("pwrite64", "error=ENOSPC", 3, pullama.folder / "trace")
    result = pullama.run("export", "m:v1", "-o", tmp_path / "a.zip", wrapper=wrapper, environment=tracing.UNTRACED)
    assert result.ended(2) and "a.zip" in result.err and not list(tmp_path.glob("a.zip*"))


def test_a_file_system_with_a_limit_is_told_of_with_the_way_out(pullama, store, tmp_path, whole):
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    install(store, HOST, "library/m", "v1", whole)
    wrapper = tracing.inject("pwrite64", "error=EFBIG", 3, pullama.folder / "trace")
    result = pullama.run("export", "m:v1", "-o", tmp_path / "a.zip", wrapper=wrapper, environment=tracing.UNTRACED)
    assert result.ended(2) and "--split 2GiB" in result.err and not list(tmp_path.glob("a.zip*"))


def test_an_import_that_does_not_fit_says_so_before_it_writes(pullama, disk, tmp_path, whole):
    install(tmp_path / "from", HOST, "library/m", "v1", whole)
    pullama.run("export", "m:v1", "-o", tmp_path / "a.zip", "--models-dir", tmp_path / "from").ended(0)
    place = disk(40 * MIB)
    result = pullama.run("import", tmp_path / "a.zip", "--models-dir", place / "models").ended(2)
    assert "needs" in result.err and not list((place / "models" / "blobs").iterdir())


def test_an_import_into_a_store_that_cannot_be_written(pullama, disk, tmp_path, whole):
    install(tmp_path / "from", HOST, "library/m", "v1", whole)
    pullama.run("export", "m:v1", "-o", tmp_path / "a.zip", "--models-dir", tmp_path / "from").ended(0)
    place = disk(100 * MIB)
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    result = pullama.run("import", tmp_path / "a.zip", "--models-dir", place / "models").ended(1)
    assert "Read-only file system" in result.err, result


def test_two_exports_to_one_name_do_not_meet(pullama, store, tmp_path, whole):
    install(store, HOST, "library/m", "v1", whole)
    path = tmp_path / "a.zip"
    with open(f"{path}.pullama.tmp", "wb") as held:
        import fcntl
        fcntl.flock(held, fcntl.LOCK_EX)
        result = pullama.run("export", "m:v1", "-o", path).ended(1)
        assert "another process is writing" in result.err, result
        assert os.path.exists(f"{path}.pullama.tmp")
    pullama.run("export", "m:v1", "-o", path).ended(0)


def test_an_import_beside_a_pull_of_the_same_model(pullama, store, tmp_path, registry):
    made = model.small(8 * MIB)
    registry.add("library/m", "v1", made)
    install(tmp_path / "from", registry.host, "library/m", "v1", made)
    name = f"{registry.host}/library/m:v1"
    pullama.run("export", name, "-o", tmp_path / "a.zip", "--models-dir", tmp_path / "from").ended(0)
    pull = pullama.start_pull(registry.name("library/m", "v1"), "--limit-rate", "4MiB")
    pull.wait_event("blob_start")
    result = pullama.run("import", tmp_path / "a.zip", "--output", "json").ended(0)
    pull.result().ended(0)
    assert result.last["event"] == "completed"
    check_model(store, registry, "library/m", "v1", made)
