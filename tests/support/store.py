"""Model stores on the disk: what must hold for them, and fixtures that other programs left."""
import hashlib
import json
import os
import re
import stat
import time
from pathlib import Path

BLOB_NAME = re.compile(r"sha256-[0-9a-f]{64}")


def blob_name(digest):
    return digest.replace(":", "-", 1)


def blob_path(store, digest):
    return Path(store) / "blobs" / blob_name(digest)


def manifest_path(store, host, repository, tag):
    return Path(store, "manifests", host, *repository.split("/"), tag)


def check_store(store):
    """I2: blobs are whole. I3: manifests' blobs are there. I4: nothing temporary outside .pullm."""
    store = Path(store)
    if not store.exists():
        return
    assert {entry.name for entry in store.iterdir()} <= {"blobs", "manifests", ".pullm"}, list(store.iterdir())
    blobs = store / "blobs"
    for blob in blobs.iterdir() if blobs.exists() else ():
        assert BLOB_NAME.fullmatch(blob.name), f"not a blob: {blob}"
        assert not blob.is_symlink() and blob.is_file(), f"not a file: {blob}"
        assert "sha256-" + hash_of(blob) == blob.name, f"wrong bytes under {blob}"
    for path in manifest_files(store):
        relative = path.relative_to(store / "manifests")
        assert len(relative.parts) == 4, f"not a manifest's place: {path}"
        for entry in descriptors(path):
            blob = blob_path(store, entry["digest"])
            assert blob.is_file(), f"{path} names {entry['digest']}, which is not there"
            assert blob.stat().st_size == entry["size"], f"{blob} has not the size that {path} says"


def manifest_files(store):
    return [path for path in Path(store, "manifests").rglob("*") if not path.is_dir()]


def descriptors(path):
    manifest = json.loads(path.read_bytes())
    return [*manifest["layers"], *([manifest["config"]] if manifest.get("config") else [])]


def hash_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def check_model(store, registry, repository, tag, model, manifest=None, host=None):
    """The model is whole in the store, its manifest byte for byte as it was served."""
    path = manifest_path(store, host or registry.host, repository, tag)
    assert path.read_bytes() == (model.manifest if manifest is None else manifest)
    for digest, data in model.blobs.items():
        assert blob_path(store, digest).read_bytes() == data, digest
    check_store(store)


DATABASE = ("pullama.db", "pullama.db-wal", "pullama.db-shm")


def leftovers(store):
    """Names of temporary state: what a finished pull must not leave (lock files, and the database of queue and
    history, may stay)."""
    staging = Path(store, ".pullm")
    return sorted(entry.name for entry in staging.rglob("*")
                  if not entry.is_dir() and not entry.name.endswith(".lock")
                  and entry.name not in DATABASE) if staging.exists() else []


def snapshot(folder):
    """Every path under folder with its type, content and target: equal when nothing changed."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(root, name)
            if os.path.islink(path):
                found[path] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                found[path] = ("folder",)
            else:
                found[path] = ("file", Path(path).read_bytes())
    return found


def inventory(folder):
    """What stands under a folder: kind, owner, size, time and content of everything."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(root, name)
            is_ = path.lstat()
            found[str(path)] = (is_.st_mode, is_.st_uid, is_.st_size, is_.st_mtime_ns,
                                path.read_bytes() if stat.S_ISREG(is_.st_mode) else None)
    return found


def install(store, host, repository, tag, model):
    """Puts a model into a store as Ollama has it."""
    for digest, data in model.blobs.items():
        path = blob_path(store, digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    path = manifest_path(store, host, repository, tag)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.manifest)
    return path


# ---- what other programs leave behind ----

def leave_pullama_partial(store, layer, verified, total=None, with_digests=True, **changes):
    """Pullama's `.partial` in blobs/ and its checkpoint: `verified` of chunks of 1 MiB are done.

    changes replace members of the checkpoint.
    """
    data, size = layer.data, 1 << 20
    starts = range(0, len(data), size)
    chunks = []
    for index, start in enumerate(starts):
        end = min(start + size, len(data))
        chunk = {"start": start, "end": end - 1}
        if with_digests:
            chunk["expected_digest"] = "sha256:" + hashlib.sha256(data[start:end]).hexdigest()
        chunk["verified"] = index < verified
        chunks.append(chunk)
    done = min(verified * size, len(data))
    checkpoint = {"version": 1, "digest": layer.digest, "size": len(data), "chunks": chunks, **changes}
    blobs, staging = Path(store, "blobs"), Path(store, ".pullm")
    blobs.mkdir(parents=True, exist_ok=True)
    staging.mkdir(parents=True, exist_ok=True)
    partial = blobs / (blob_name(layer.digest) + ".partial")
    with open(partial, "wb") as stream:
        stream.write(data[:done])
        stream.truncate(len(data) if total is None else total)
    state = staging / (blob_name(layer.digest) + ".json")
    state.write_text(json.dumps(checkpoint, separators=(",", ":")))
    age(partial, state)
    return partial, state


def leave_ollama_partial(store, layer, parts):
    """Ollama's `-partial` and `-partial-N`. parts: (offset, size, completed, really there) each."""
    blobs = Path(store, "blobs")
    blobs.mkdir(parents=True, exist_ok=True)
    name = blob_name(layer.digest)
    with open(blobs / f"{name}-partial", "wb") as stream:
        stream.truncate(len(layer.data))
        for index, (offset, size, completed, there) in enumerate(parts):
            stream.seek(offset)
            stream.write(layer.data[offset:offset + there])
            state = {"N": index, "Offset": offset, "Size": size, "Completed": completed}
            (blobs / f"{name}-partial-{index}").write_text(json.dumps(state) + "\n")
    age(*blobs.glob(f"{name}-partial*"))
    return blobs / f"{name}-partial"


def age(*paths, seconds=300):
    """Makes files look as if nobody had written to them for a while."""
    for path in paths:
        os.utime(path, (time.time() - seconds,) * 2)
