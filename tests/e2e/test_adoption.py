"""adopt makes a model of a GGUF file, and damages neither."""
import fcntl
import json
import os
import signal

import pytest
from support import gguf, model
from support.events import check_described
from support.model import MIB, noise
from support.store import blob_path, check_store, descriptors, leftovers, manifest_path

HOST = "registry.ollama.ai"


def put(folder, name="mine.gguf", size=2 * MIB, **keys):
    path = folder / name
    path.write_bytes(gguf.make_of_about(size, filler=lambda n: noise(n, 1), **keys))
    return path


def parts(store, name="library/a"):
    path = manifest_path(store, HOST, name, "latest")
    manifest = json.loads(path.read_bytes())
    return manifest, json.loads(blob_path(store, manifest["config"]["digest"]).read_bytes())


def test_a_file_becomes_what_ollama_create_makes_of_it(pullama, store, tmp_path):
    path = put(tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    result = pullama.run("adopt", path, "--as", "a", "--output", "json").ended(0)
    check_described(result.events)
    manifest, config = parts(store)
    assert list(config) == ["model_format", "model_family", "model_families", "model_type", "file_type",
                            "architecture", "os"]
    assert config["model_family"] == "llama" and config["file_type"] == "F16" and config["model_type"].endswith("M")
    assert blob_path(store, manifest["layers"][0]["digest"]).read_bytes() == before[0]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert result.named("adopted")[0]["How"] in ("copy", "reflink")
    assert leftovers(store) == []
    check_store(store)
    shown = pullama.run("show", "a", "--output", "json").ended(0).named("show")[0]
    assert shown["Architecture"] == "llama" and shown["GGUFWarning"] is None
    pullama.run("verify").ended(0)


def test_a_copy_is_a_file_of_its_own(pullama, store, tmp_path):
    path = put(tmp_path)
    pullama.run("adopt", path, "--as", "a").ended(0)
    with open(path, "r+b") as stream:
        stream.write(b"overwritten")
    pullama.run("verify").ended(0)


def test_a_hard_link_must_be_asked_for_and_says_what_it_means(pullama, store, tmp_path):
    path = put(tmp_path)
    mode = path.stat().st_mode
    result = pullama.run("adopt", path, "--as", "a", "--link").ended(0)
    assert "by a hard link: who writes to the file damages the model" in result.out
    manifest, _ = parts(store)
    assert os.path.samefile(path, blob_path(store, manifest["layers"][0]["digest"]))
    assert path.stat().st_mode == mode
    done = pullama.run("rm", "a", "--output", "json").ended(0).named("rm_done")[0]
    assert path.exists() and done["BytesReclaimed"] < MIB


def test_a_linked_file_that_changes_while_the_lock_is_waited_for_is_no_blob(pullama, store, tmp_path):
    path = put(tmp_path)
    (store / ".pullm").mkdir(parents=True)
    with open(store / ".pullm" / "store.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = pullama.start("adopt", path, "--as", "a", "--link", "--output", "json")
        process.wait_event("lock_waiting")
        with open(path, "r+b") as stream:
            stream.seek(MIB)
            stream.write(b"overwritten")
    result = process.result().ended(1)
    assert "somebody writes to this file" in result.err and path.exists()
    assert not manifest_path(store, HOST, "library/a", "latest").exists()
    check_store(store)
    assert leftovers(store) == []


def test_a_link_to_a_file_is_followed(pullama, store, tmp_path):
    (tmp_path / "named.gguf").symlink_to(put(tmp_path))
    pullama.run("adopt", tmp_path / "named.gguf", "--as", "a").ended(0)
    check_store(store)


@pytest.mark.parametrize("cut", [0, 3, 100, 5000, MIB])
def test_a_truncated_file_is_refused(pullama, store, tmp_path, cut):
    path = put(tmp_path)
    os.truncate(path, cut)
    result = pullama.run("adopt", path, "--as", "a").ended(1)
    assert "mine.gguf" in result.err and ("byte" in result.err), result
    assert not manifest_path(store, HOST, "library/a", "latest").exists()
    assert leftovers(store) == []


@pytest.mark.parametrize("data", [b"not a model at all" * 100, b"GGUF" + b"\xff" * 100, b"\0" * 4096])
def test_what_is_no_gguf_is_refused(pullama, store, tmp_path, data):
    path = tmp_path / "odd.gguf"
    path.write_bytes(data)
    assert "odd.gguf" in pullama.run("adopt", path, "--as", "a").ended(1).err


@pytest.mark.parametrize("keys, word", [
    ({"extra": {"general.type": "adapter"}}, "adapter"), ({"extra": {"general.type": "mmproj"}}, "projector"),
    ({"arch": "clip", "blocks": 0}, "projector"), ({"extra": {"split.count": 3}}, "3 parts")])
def test_what_is_no_model_of_its_own_is_refused(pullama, store, tmp_path, keys, word):
    assert word in pullama.run("adopt", put(tmp_path, **keys), "--as", "a").ended(1).err


@pytest.mark.parametrize("path", model.real_gguf(), ids=lambda path: path.name)
def test_real_files_are_adopted_or_refused_with_a_reason(pullama, store, path):
    result = pullama.run("adopt", path, "--as", "real")
    assert result.status == 0 or "byte" in result.err, result


def test_wrong_usage(pullama, store, tmp_path):
    path = put(tmp_path)
    assert "--as MODEL" in pullama.run("adopt", path).ended(64).err
    assert "no file" in pullama.run("adopt", tmp_path / "none", "--as", "a").ended(64).err
    pullama.run("adopt", path, "--as", "a b").ended(64)
    pullama.run("adopt", path, path, "--as", "a").ended(64)
    assert not store.exists() or leftovers(store) == []


def test_a_fifo_is_not_waited_for(pullama, store, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "regular" in pullama.run("adopt", tmp_path / "pipe", "--as", "a").ended(1).err


@pytest.mark.parametrize("more", [(), ("--link",)])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_one_that_is_stopped_leaves_the_store_valid(pullama, store, tmp_path, number, more):
    path = put(tmp_path, size=48 * MIB)
    process = pullama.start("adopt", path, "--as", "a", "--output", "json", *more)
    process.wait_event("adopt_start")
    process.signal(number)
    process.result()
    check_store(store)
    if number == signal.SIGINT:
        assert leftovers(store) == []
    pullama.run("adopt", path, "--as", "a", *more).ended(0)
    check_store(store)
    assert descriptors(manifest_path(store, HOST, "library/a", "latest"))
    assert leftovers(store) == []
