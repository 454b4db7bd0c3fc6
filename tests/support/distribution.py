"""The registry that people run, CNCF Distribution, with nginx before it for TLS and objects."""
import http.client
import os
import shutil
import socket
import subprocess
import urllib.parse

import pytest

from .model import MANIFEST_TYPE
from .program import wait_for

needs_servers = pytest.mark.skipif(
    not shutil.which("docker-registry") or not shutil.which("nginx"), reason="docker-registry or nginx is not installed")


# One user, "tester" with the password "secret" (bcrypt, made for these tests).
HTPASSWD = "tester:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Distribution:
    """A real registry, and nginx before it that ends TLS and serves its storage as an object store."""

    def __init__(self, folder, authority, redirect=False, htpasswd=False, relative=False, auth=""):
        self.authorization = None  # what send() shows
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
        (folder / "htpasswd").write_text(HTPASSWD)
        auth = f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}" if htpasswd else auth
        (folder / "registry.yml").write_text(f"""version: 0.1
log: {{level: error, accesslog: {{disabled: false}}}}
{auth}
storage:
  filesystem: {{rootdirectory: {storage}}}
  redirect: {{disable: {str(not redirect).lower()}}}
http:
  addr: 127.0.0.1:{self.port}
  relativeurls: {str(relative).lower()}
  secret: of these tests
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
        shown = {"Authorization": self.authorization} if self.authorization else {}
        connection.request(method, path, body, {"Content-Type": kind, **shown})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, dict(response.getheaders())

    def asked(self, *words):
        """Lines of the registry's access log with all these words."""
        lines = (self.folder / "servers.log").read_text("utf-8", "replace").splitlines()
        return [line for line in lines if '"' in line and all(word in line for word in words)]

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
