"""Against the servers that people run: CNCF Distribution, with nginx before it for TLS and objects."""
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
import urllib.parse

import pytest
from support import model
from support.model import MANIFEST_TYPE, MIB
from support.program import wait_for
from support.registry import Redirects
from support.store import blob_path, check_store, manifest_path

needs_servers = pytest.mark.skipif(
    not shutil.which("docker-registry") or not shutil.which("nginx"), reason="docker-registry or nginx is not installed")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


# ---- TLS of the scripted registry ----

def test_tls_with_our_own_authority(pullama, store, serve, tls, authority):
    registry = serve(mode="redirect", tls=tls)
    registry.add("library/m", "latest", model.small(2 * MIB))
    refused = pullama.pull(registry.name("library/m"), "--max-retries", "1").ended(1)
    assert refused.last["Code"] == "tls" and "certificate" in refused.err.lower()
    pullama.pull(registry.name("library/m"), "--cacert", authority / "ca.pem").ended(0)


def test_tls_authority_from_the_environment(pullama, serve, tls, authority):
    registry = serve(tls=tls)
    registry.add("library/m", "latest", model.small(1000))
    pullama.pull(registry.name("library/m"), environment={"SSL_CERT_FILE": str(authority / "ca.pem")}).ended(0)


def test_tls_without_checks_when_the_scheme_says_so(pullama, serve, tls):
    registry = serve(tls=tls)
    registry.add("library/m", "latest", model.small(1000))
    pullama.pull("https+insecure://" + registry.name("library/m", scheme=False)).ended(0)


def test_https_never_goes_to_http(pullama, serve, tls, authority):
    plain = serve()
    registry = serve(mode="redirect", tls=tls)
    tiny = registry.add("library/m", "latest", model.small(1000))
    plain.blobs.update(tiny.blobs)
    registry.redirects = Redirects(target=lambda digest: f"{plain.registry.url}/objects/{digest}")
    pullama.pull(registry.name("library/m"), "--cacert", authority / "ca.pem", "--max-retries", "0").ended(1)
    assert plain.requests() == []


def test_a_file_of_authorities_that_cannot_be_read(pullama, serve, tls, tmp_path):
    registry = serve(tls=tls)
    registry.add("library/m", "latest", model.small(1000))
    result = pullama.pull(registry.name("library/m"), "--cacert", tmp_path / "nothing.pem", "--max-retries", "0")
    assert result.status in (1, 64) and "nothing.pem" in result.err


# ---- Distribution and nginx ----

class Distribution:
    """A real registry, and nginx before it that ends TLS and serves its storage as an object store."""

    def __init__(self, folder, authority, redirect):
        self.folder, self.port, self.tls_port = folder, free_port(), free_port()
        storage = folder / "storage"
        storage.mkdir()
        middleware = f"""
middleware:
  storage:
    - name: redirect
      options:
        baseurl: https://127.0.0.1:{self.tls_port}
""" if redirect else ""
        (folder / "registry.yml").write_text(f"""version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  redirect: {{disable: {str(not redirect).lower()}}}
http:
  addr: 127.0.0.1:{self.port}
{middleware}""")
        # Its workers must be able to read what the registry's process wrote.
        user = "user root;" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(f"""{user}
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{}}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{self.tls_port} ssl;
    ssl_certificate {authority}/server.pem; ssl_certificate_key {authority}/server.key;
    client_max_body_size 0;
    location /docker/ {{ root {storage}; }}
    location / {{
      proxy_pass http://127.0.0.1:{self.port};
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https; proxy_buffering off;
    }}
  }}
}}
""")
        self.log = open(folder / "servers.log", "wb")
        self.processes = [
            subprocess.Popen(["docker-registry", "serve", str(folder / "registry.yml")], stdout=self.log, stderr=self.log),
            subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)], stdout=self.log,
                             stderr=self.log)]
        wait_for(lambda: answers(self.port) and answers(self.tls_port), "the servers")

    def push(self, repository, tag, pushed):
        for digest, data in pushed.blobs.items():
            status, headers = self.send("POST", f"/v2/{repository}/blobs/uploads/")
            assert status == 202
            target = urllib.parse.urlsplit(headers["Location"])
            query = f"{target.query}&digest={urllib.parse.quote(digest)}"
            assert self.send("PUT", f"{target.path}?{query}", data, "application/octet-stream")[0] == 201
        assert self.send("PUT", f"/v2/{repository}/manifests/{tag}", pushed.manifest, MANIFEST_TYPE)[0] == 201
        return pushed

    def send(self, method, path, body=b"", kind="text/plain"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, {"Content-Type": kind})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, dict(response.getheaders())

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()


@pytest.fixture
def distribution(tmp_path, authority):
    running = []

    def start(redirect=False):
        folder = tmp_path / "servers"
        folder.mkdir()
        running.append(Distribution(folder, authority, redirect))
        return running[-1]

    yield start
    for one in running:
        one.stop()


def check_pulled(store, host, repository, tag, pushed):
    assert manifest_path(store, host, repository, tag).read_bytes() == pushed.manifest
    for digest, data in pushed.blobs.items():
        assert blob_path(store, digest).stat().st_size == len(data)
    check_store(store)


@needs_servers
def test_from_a_real_registry(pullama, store, distribution):
    server = distribution()
    pushed = server.push("team/llama", "v1", model.whole(8 * MIB))
    pullama.pull(f"http://127.0.0.1:{server.port}/team/llama:v1", "--chunk-size", "1MiB").ended(0)
    check_pulled(store, f"127.0.0.1:{server.port}", "team/llama", "v1", pushed)
    again = pullama.pull(f"http://127.0.0.1:{server.port}/team/llama:v1").ended(0)
    assert again.last["UpToDate"] is True
    digest = hashlib.sha256(pushed.manifest).hexdigest()
    pullama.pull(f"http://127.0.0.1:{server.port}/team/llama:v1@sha256:{digest}").ended(0)
    pullama.pull(f"http://127.0.0.1:{server.port}/team/llama:v2").ended(4)


@needs_servers
def test_through_tls(pullama, store, distribution, authority):
    server = distribution()
    pushed = server.push("team/llama", "v1", model.whole(8 * MIB))
    pullama.pull(f"127.0.0.1:{server.tls_port}/team/llama:v1", "--cacert", authority / "ca.pem",
                 "--chunk-size", "1MiB").ended(0)
    check_pulled(store, f"127.0.0.1:{server.tls_port}", "team/llama", "v1", pushed)


@needs_servers
def test_redirected_to_a_real_object_store(pullama, store, distribution, authority):
    server = distribution(redirect=True)
    pushed = server.push("team/llama", "v1", model.whole(8 * MIB))
    pullama.pull(f"127.0.0.1:{server.tls_port}/team/llama:v1", "--cacert", authority / "ca.pem",
                 "--chunk-size", "1MiB").ended(0)
    check_pulled(store, f"127.0.0.1:{server.tls_port}", "team/llama", "v1", pushed)
    access = (server.folder / "access.log").read_text()
    assert '" 206 ' in access and "/docker/registry/" in access


@needs_servers
def test_killed_and_resumed_against_a_real_registry(pullama, store, distribution):
    server = distribution()
    pushed = server.push("team/llama", "v1", model.small(24 * MIB))
    name = f"http://127.0.0.1:{server.port}/team/llama:v1"
    for _ in range(3):
        process = pullama.start_pull(name, "--limit-rate", "16MiB", "--chunk-size", "1MiB")
        process.wait_event("progress", where=lambda e: e["OverallDone"] > 2 * MIB)
        process.kill()
    result = pullama.pull(name).ended(0)
    assert result.named("blob_resumed")
    check_pulled(store, f"127.0.0.1:{server.port}", "team/llama", "v1", pushed)
