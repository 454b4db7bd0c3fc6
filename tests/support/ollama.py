"""What an Ollama server does to a store when it starts and when it removes a model."""
import json
import os
import re
import time
from pathlib import Path

from .store import age, descriptors, manifest_files

DIGEST = re.compile(r"sha256:[0-9a-fA-F]{64}")
GRACE_S = 3600


def start(store):
    """Old blob names are renamed; unless a manifest is bad, what is old and not needed goes."""
    store = Path(store)
    blobs = store / "blobs"
    for path in list(blobs.iterdir()) if blobs.exists() else []:
        if path.name.startswith("sha256:"):
            path.rename(path.with_name(path.name.replace(":", "-", 1)))
    try:
        needed = {entry["digest"] for path in manifest_files(store) for entry in descriptors(path)}
    except (OSError, ValueError, KeyError, TypeError):
        return
    for path in list(blobs.iterdir()) if blobs.exists() else []:
        if path.is_dir() or time.time() - path.stat().st_mtime <= GRACE_S:
            continue
        if path.name.replace("-", ":") not in needed or not DIGEST.fullmatch(path.name.replace("-", ":")):
            path.unlink()
    remove_empty(store / "manifests")


def remove(store, path):
    """`ollama rm`: the manifest, then every blob of it that no other manifest names."""
    manifest = json.loads(Path(path).read_bytes())
    Path(path).unlink()
    remove_empty(Path(store, "manifests"))
    needed = {entry["digest"] for other in manifest_files(store) for entry in descriptors(other)}
    for entry in [*manifest["layers"], manifest["config"]]:
        if entry["digest"] not in needed:
            Path(store, "blobs", entry["digest"].replace(":", "-")).unlink(missing_ok=True)


def remove_empty(folder):
    for root, _, _ in os.walk(folder, topdown=False):
        if not os.listdir(root):
            os.rmdir(root)


def let_time_pass(store, seconds=2 * GRACE_S):
    """Makes every file look as if it had been written long ago."""
    age(*[path for path in Path(store).rglob("*") if path.is_file()], seconds=seconds)
