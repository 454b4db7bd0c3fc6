"""Gives each scenario its place: the hosts, the line between them, and a server."""
import contextlib

from .network import Line, Place, SERVER_ADDRESS, can_isolate, make_namespace, remove_stale
from .server import Server
from .site import Failed


class Grounds:
    def __init__(self, site, root):
        self.site, self.root = site, root
        self.obstacle = can_isolate()
        self.link = None
        self.local = None
        if not self.obstacle:
            remove_stale()
            self.link = site.compile("link")

    def on_one_host(self):
        """A host of its own where that can be made, else this one's loopback."""
        if not self.local:
            inside = () if self.obstacle else make_namespace(self.site, "host")[1]
            self.local = Place(Server(self.site, "127.0.0.1", inside, self.root), inside)
        return self.local

    @contextlib.contextmanager
    def place(self, link):
        """Where a scenario with that link is run; None for no link."""
        if not link:
            yield self.on_one_host()
            return
        if self.obstacle:
            raise Failed(f"no shaped line: {self.obstacle}")
        with Line(self.site, self.link, link) as (far, near):
            yield Place(Server(self.site, SERVER_ADDRESS, far, self.root), near)
