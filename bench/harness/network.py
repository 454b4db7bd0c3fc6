"""Where server and client stand: both on one host's loopback, or apart with a link between them."""
import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass

from .site import PREFIX, Failed, alive, owner_of


@dataclass
class Place:
    """The server with the command prefixes that bring a program to the client's host."""
    server: object
    inside: tuple


def can_isolate():
    """Why no network namespaces can be made here; None when they can."""
    if not shutil.which("ip"):
        return "iproute2 is not installed"
    if os.getuid() != 0:
        return "only root can make network namespaces"
    return None


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


def remove_namespace(name):
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def remove_stale():
    """Namespaces of runs that were killed."""
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout
    for line in listed.splitlines():
        name = line.split()[0] if line.split() else ""
        if (pid := owner_of(name)) and not alive(pid):
            remove_namespace(name)


def make_namespace(site, suffix):
    """A host of its own with loopback. Returns the command prefix that enters it."""
    name = f"{PREFIX}{os.getpid()}-{suffix}"
    site.stack.callback(remove_namespace, name)
    ip("netns", "add", name)
    ip("-n", name, "link", "set", "lo", "up")
    return name, ("ip", "netns", "exec", name)


SERVER_ADDRESS, CLIENT_ADDRESS = "198.18.0.1", "198.18.0.2"  # a range that is kept for benchmarks


class Line:
    """A shaped line between two hosts that exist while this does. Use as a context: gives both prefixes."""

    def __init__(self, site, program, link):
        self.site, self.program, self.link = site, program, link
        self.stack = contextlib.ExitStack()
        self.report = ""

    def __enter__(self):
        names, prefixes = zip(*(make_namespace(self.site, suffix) for suffix in ("server", "client")))
        for name in names:
            self.stack.callback(remove_namespace, name)
        self.process = self.site.start([self.program, *names, *self.options()], stdout=subprocess.PIPE, text=True)
        self.stack.callback(self.end)
        if self.process.stdout.readline() != "ready\n":
            raise Failed("there is no shaped line: /dev/net/tun is missing, or may not be used")
        for name, address in zip(names, (SERVER_ADDRESS, CLIENT_ADDRESS)):
            ip("-n", name, "address", "add", f"{address}/30", "dev", "line")
            ip("-n", name, "link", "set", "line", "txqueuelen", 10000, "up")
            # Most servers use cubic; and what one connection learned must not help the next.
            ip("-n", name, "route", "change", "198.18.0.0/30", "dev", "line", "congctl", "cubic")
            subprocess.run(["ip", "netns", "exec", name, "sh", "-c",
                            "echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save"], check=True)
        return prefixes

    def __exit__(self, *reason):
        self.stack.close()

    def options(self):
        link = self.link
        queue = max(50, link.rtt_ms)
        shaped = {"rate": link.rate, "flow": link.flow_rate, "rtt": link.rtt_ms, "loss": link.loss, "queue": queue}
        return [f"{name}={value:.6f}" for name, value in shaped.items() if value]

    def end(self):
        self.process.terminate()
        self.report = self.process.communicate(timeout=5)[0].strip()
