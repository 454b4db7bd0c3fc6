"""Whole models as a registry has them: layers, config and manifest."""
import hashlib
import json
import os
import random
from pathlib import Path

from . import gguf

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
KIND = "application/vnd.ollama.image."
MIB = 1 << 20

# Real vocabularies of llama.cpp, where a checkout of them lies beside the project.
REAL_GGUF = Path(os.environ.get("PLM_SHARED_DATA")
                 or Path(__file__).resolve().parents[2].parent / "shared" / "data")


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def noise(size, seed=0):
    """size bytes that look random and are the same for the same seed."""
    return random.Random(f"{seed}/{size}").randbytes(size)


class Layer:
    """One blob with its media type; `fields` are more members of its descriptor."""

    def __init__(self, kind, data, **fields):
        self.media = kind if "/" in kind else KIND + kind
        self.data = data
        self.digest = digest_of(data)
        self.fields = fields

    def descriptor(self):
        return {"mediaType": self.media, "digest": self.digest, "size": len(self.data), **self.fields}


class Model:
    """Layers and a config, and the manifest that names them; `manifest` may be replaced at will."""

    def __init__(self, layers, config=None, manifest=None):
        self.layers = [Layer("model", item) if isinstance(item, bytes) else item for item in layers]
        self.config = Layer(CONFIG_TYPE, config_of() if config is None else config)
        self.manifest = self.encode() if manifest is None else manifest

    def encode(self, **changes):
        return json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": self.config.descriptor(),
            "layers": [layer.descriptor() for layer in self.layers], **changes},
            separators=(",", ":")).encode()

    @property
    def blobs(self):
        """digest → bytes of everything that the manifest names."""
        return {layer.digest: layer.data for layer in [*self.layers, self.config]}

    @property
    def size(self):
        """Bytes of the distinct blobs."""
        return sum(len(data) for data in self.blobs.values())

    @property
    def digest(self):
        return digest_of(self.manifest)


def config_of(family="llama", parameters="1.1B", quantization="F16", **more):
    return json.dumps({
        "model_format": "gguf", "model_family": family, "model_families": [family],
        "model_type": parameters, "file_type": quantization, "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": []}, **more}, separators=(",", ":")).encode()


def small(size=4 * MIB, seed=0, config=None):
    """One model layer of noise and a config: what most tests need."""
    return Model([Layer("model", noise(size, seed))], config_of(seed=str(seed)) if config is None else config)


def whole(size=2 * MIB, seed=0):
    """A model as Ollama would have it: GGUF, template, license, system text, parameters, config."""
    weights = gguf.make_of_about(size, filler=lambda n: noise(n, seed))
    return Model([
        Layer("model", weights, **{"from": f"tiny-{seed}:latest"}),
        Layer("template", b"{{ if .System }}{{ .System }}{{ end }}{{ .Prompt }}"),
        Layer("license", b"MIT License\n\nPermission is hereby granted, free of charge, to all.\n"),
        Layer("system", b"You answer in one sentence."),
        Layer("params", json.dumps({"stop": ["<s>", "</s>"], "temperature": 0.7}).encode()),
    ], config_of())


def real_gguf():
    """Paths of real GGUF files; empty where there are none."""
    return sorted(REAL_GGUF.glob("*.gguf")) if os.path.isdir(REAL_GGUF) else []
