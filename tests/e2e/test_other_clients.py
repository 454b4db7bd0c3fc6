"""What pullama pushes, other clients pull: byte for byte the same as pullama itself."""
import hashlib
import json
import shutil
import subprocess

import pytest
from support import model
from support.distribution import needs_servers
from support.docker import log_in
from support.model import Layer, Model
from support.signing import SigningRealm, token_auth
from support.store import blob_path, check_store, install, manifest_path

pytestmark = needs_servers
USER, PASSWORD = "tester", "secret"
GGUF = next(iter(model.real_gguf()), None)
OCI = "application/vnd.oci.image."


def make_real():
    return Model([Layer("model", GGUF.read_bytes()), Layer("license", b"MIT")])


def make_image():
    """The same GGUF file as a layer of an OCI image: skopeo takes no Docker manifest with Ollama's types."""
    image = Model([Layer(OCI + "layer.v1.tar", GGUF.read_bytes())])
    image.config.media = OCI + "config.v1+json"
    image.manifest = image.encode(mediaType=OCI + "manifest.v1+json")
    return image


@pytest.fixture(params=["open", "htpasswd", "token"])
def pushed(request, pullama, store, serve, distribution, tmp_path):
    """A real registry of each kind, and a model and an image that were pushed to it: (model, image, host, kind)."""
    kind = request.param
    if not hasattr(GGUF, "read_bytes"):
        pytest.skip("there is no real GGUF file on this machine")
    if kind == "token":
        realm = serve(realm=SigningRealm(tmp_path))
        server = distribution(auth=token_auth(realm, tmp_path))
    else:
        server = distribution(htpasswd=kind == "htpasswd")
    host = f"127.0.0.1:{server.port}"
    if kind != "open":
        log_in(pullama.home, host, USER, PASSWORD)
    install(store, host, "team/image", "v1", image := make_image())
    install(store, host, "team/real", "v1", real := make_real())
    pullama.push(f"http://{host}/team/image:v1", "--chunk-size", "1MiB").ended(0)
    pullama.push(f"http://{host}/team/real:v1", "--chunk-size", "1MiB").ended(0)
    return real, image, host, kind


def test_pullama(pullama, pushed, tmp_path):
    real, _, host, _ = pushed
    empty = tmp_path / "empty"
    pullama.pull(f"http://{host}/team/real:v1", "--models-dir", empty).ended(0)
    assert manifest_path(empty, host, "team/real", "v1").read_bytes() == real.manifest
    assert all(blob_path(empty, digest).read_bytes() == data for digest, data in real.blobs.items())
    check_store(empty)


def test_skopeo(pushed, tmp_path):
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    _, image, host, kind = pushed
    credentials = [] if kind == "open" else ["--src-creds", f"{USER}:{PASSWORD}"]
    copied = subprocess.run(["skopeo", "--insecure-policy", "copy", "--all", "--src-tls-verify=false", *credentials,
                    f"docker://{host}/team/image:v1", f"dir:{tmp_path}/copy"], check=False, capture_output=True, text=True, timeout=60)
    assert copied.returncode == 0, copied.stderr
    assert (tmp_path / "copy/manifest.json").read_bytes() == image.manifest
    for digest, data in image.blobs.items():
        assert (tmp_path / "copy" / digest.partition(":")[2]).read_bytes() == data


def test_curl(pushed):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    real, _, host, kind = pushed

    def curl(url, *flags):
        return subprocess.run(["curl", "-sSfL", *flags, url], check=True, capture_output=True, timeout=60).stdout
    flags = ["-u", f"{USER}:{PASSWORD}"] if kind == "htpasswd" else []
    if kind == "token":
        answer = subprocess.run(["curl", "-sSI", f"http://{host}/v2/team/real/manifests/v1"], capture_output=True, text=True,
                                timeout=60, check=True).stdout
        realm = answer.partition('realm="')[2].partition('"')[0]
        token = json.loads(curl(f"{realm}?service=models&scope=repository:team/real:pull", "-u", f"{USER}:{PASSWORD}"))["token"]
        flags = ["-H", f"Authorization: Bearer {token}"]
    assert curl(f"http://{host}/v2/team/real/manifests/v1", "-H", "Accept: application/vnd.docker.distribution.manifest.v2+json",
                *flags) == real.manifest
    for digest in real.blobs:
        blob = curl(f"http://{host}/v2/team/real/blobs/{digest}", *flags)
        assert "sha256:" + hashlib.sha256(blob).hexdigest() == digest
