"""Models to pull: random bytes below a web root, at the paths of a registry."""
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
LAYER_TYPE = "application/vnd.ollama.image.model"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
PIECE = 1 << 20


@dataclass(frozen=True)
class Blob:
    digest: str
    size: int


@dataclass(frozen=True)
class Model:
    name: str
    layers: tuple
    extra: int  # bytes of the manifest and the config

    @property
    def size(self):
        return sum(layer.size for layer in self.layers)

    @property
    def path(self):
        return f"library/{self.name}:latest"

    def blob_path(self, layer):
        return f"/v2/library/{self.name}/blobs/sha256:{layer.digest}"


def file_digest(path):
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(4 * PIECE):
            digest.update(piece)
    return digest.hexdigest()


def write_blob(folder, size, sparse):
    """A file of size bytes, named by its digest as registries name it."""
    made, digest = folder / "new", hashlib.sha256()
    with open(made, "wb", buffering=0) as file:
        for offset in range(0, size, PIECE):
            length = min(PIECE, size - offset)
            piece = bytes(length) if sparse else os.urandom(length)
            digest.update(piece)
            if not sparse:
                file.write(piece)
        file.truncate(size)
    made.rename(folder / f"sha256:{digest.hexdigest()}")
    return Blob(digest.hexdigest(), size)


def make(root, name, count, size, sparse=False):
    """A model of count layers of size bytes each; sparse: of zeros, which take no room."""
    folder = Path(root, "v2", "library", name)
    blobs, manifests = folder / "blobs", folder / "manifests"
    blobs.mkdir(parents=True)
    manifests.mkdir()
    layers = tuple(write_blob(blobs, size, sparse) for _ in range(count))
    config = json.dumps({"model_format": "gguf", "architecture": "amd64", "os": "linux"}).encode()
    config_digest = hashlib.sha256(config).hexdigest()
    (blobs / f"sha256:{config_digest}").write_bytes(config)
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": f"sha256:{config_digest}", "size": len(config)},
        "layers": [{"mediaType": LAYER_TYPE, "digest": f"sha256:{layer.digest}", "size": layer.size}
                   for layer in layers]}).encode()
    (manifests / "latest").write_bytes(manifest)
    return Model(name, layers, len(config) + len(manifest))
