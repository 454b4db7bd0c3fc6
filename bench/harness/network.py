"""Where server and client stand: both on one host's loopback, or apart with a link between them."""
import os
import shutil
import subprocess
from dataclasses import dataclass

from .site import PREFIX, alive, owner_of


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
