"""nginx: serves the models, keeps per-connection limits, and tells how much it sent."""
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .model import MANIFEST_TYPE
from .site import Failed

PLAIN, TLS, PINNED = 28080, 28443, 28081
PINNED_CONNECTION = 3  # the first connections carry the manifest; every contender but curl opens more

CONFIG = """
daemon off;
{user}
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    log_format bench '$server_port $status $bytes_sent $connection $msec $request_uri';
    access_log {folder}/access.log bench;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    default_type application/octet-stream;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    ssl_session_cache shared:tls:1m;
    map "$server_port $connection" $rate {{ "{pinned_port} {pinned}" 1024; default 0; }}
    server {{
        listen {address}:{plain_port};
        listen {address}:{tls_port} ssl;
        listen {address}:{pinned_port};
        root {root};
        limit_rate $rate;
        location ~ /manifests/ {{ types {{ }} default_type {manifest_type}; limit_rate 0; }}
    }}
    server {{ listen unix:status; access_log off; location / {{ stub_status; }} }}
}}
"""


@dataclass(frozen=True)
class Request:
    port: int
    status: int
    sent: int
    connection: int
    ended_at: float
    path: str


def parse_log(text):
    """The requests of an access log."""
    requests = []
    for line in text.splitlines():
        port, status, sent, connection, ended_at, path = line.split(" ", 5)
        requests.append(Request(int(port), int(status), int(sent), int(connection), float(ended_at), path))
    return requests


def cpu_of(pid):
    """Seconds of the processor that a process and its children have used."""
    total, tasks = 0.0, [pid]
    while tasks:
        task = tasks.pop()
        try:
            fields = Path(f"/proc/{task}/stat").read_text().rsplit(")", 1)[1].split()
            tasks += Path(f"/proc/{task}/task/{task}/children").read_text().split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def make_certificates(folder, address):
    """An authority, and a certificate by it for the address."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    extensions = Path(folder, "extensions")
    extensions.write_text(f"subjectAltName=IP:{address}\nbasicConstraints=CA:FALSE\n")
    for command in (
            ["req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=bench authority"],
            ["req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={address}"],
            ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-days", "30", "-extfile", "extensions", "-out", "server.pem"]):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)


def open_connections(status_socket):
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(status_socket)
        link.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while piece := link.recv(4096):
            answer += piece
    return int(answer.split(b"Active connections:")[1].split()[0])


class Server:
    """nginx on one address. Started anew for each sample: connections are numbered from one again."""

    def __init__(self, site, address, inside, root):
        self.site, self.address, self.inside = site, address, inside
        self.folder = site.scratch(f"nginx-{address}")
        make_certificates(self.folder, address)
        (self.folder / "nginx.conf").write_text(CONFIG.format(
            folder=self.folder, root=root, address=address, manifest_type=MANIFEST_TYPE,
            pinned=PINNED_CONNECTION, plain_port=PLAIN, tls_port=TLS, pinned_port=PINNED,
            user="user root;" if os.getuid() == 0 else ""))
        self.process = None

    @property
    def authority(self):
        return self.folder / "ca.pem"

    def url(self, port):
        return f"{'https' if port == TLS else 'http'}://{self.address}:{port}"

    def start(self):
        (self.folder / "access.log").unlink(missing_ok=True)
        self.process = self.site.start(
            [*self.inside, "nginx", "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"],
            cwd=self.folder)  # where the status socket lies: its path must be short
        until = time.monotonic() + 5
        while not (self.folder / "pid").exists():
            if self.process.poll() is not None or time.monotonic() > until:
                raise Failed(f"nginx did not start:\n{(self.folder / 'error.log').read_text()}")
            time.sleep(0.005)

    def cpu(self):
        return cpu_of(self.process.pid)

    def stop(self):
        """Ends it. Returns all requests that it answered."""
        if self.process:
            self.site.stop(self.process)
            self.process = None
        (self.folder / "pid").unlink(missing_ok=True)
        (self.folder / "status").unlink(missing_ok=True)
        return parse_log((self.folder / "access.log").read_text())

    def settle(self, seconds=3):
        """Waits until nginx has noticed that the client is gone, so that its requests are logged."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.connections() > 1:
            time.sleep(0.01)

    def connections(self):
        """How many are open, the one that asks included."""
        folder = os.open(self.folder, os.O_PATH)
        try:
            return open_connections(f"/proc/self/fd/{folder}/status")
        finally:
            os.close(folder)
