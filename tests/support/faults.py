"""What can be wrong with an answer, as data: rules of a scripted server pick a Fault for a request."""
import re
import threading
from dataclasses import dataclass, field
from typing import Callable, Optional


@dataclass
class Fault:
    """One way to misbehave. Offsets without a word on it count in the body of this answer."""
    status: Optional[int] = None       # answer so, with `body`, instead of the real thing
    body: Optional[bytes] = None       # replaces the body (with its own true length)
    headers: dict = field(default_factory=dict)  # set or replaced; None removes; or made from the request
    ignore_range: bool = False         # the whole blob with 200
    content_range: Optional[Callable] = None     # (start, end, total) → header text
    framing: str = ""                  # "chunked", or "close": no Content-Length
    version: str = ""                  # "HTTP/1.0"
    reset_at: Optional[int] = None     # connection reset after so many body bytes
    close_at: Optional[int] = None     # connection closed after so many body bytes
    silent_at: Optional[int] = None    # not a byte more after so many body bytes
    delay: float = 0                   # seconds before the status line
    rate: int = 0                      # bytes a second
    flip: tuple = ()                   # offsets in the blob whose byte is inverted
    append: bytes = b""                # more body than promised
    grow: bytes = b""                  # more body, and a length that says so
    stray: bytes = b""                 # after the answer, on a connection that is kept
    gzip: bool = False                 # body compressed, unasked
    endless_headers: bool = False
    raw: Optional[bytes] = None        # sent instead of any answer, then the connection is closed
    hang_up: bool = False              # connection reset instead of any answer
    take: Optional[int] = None         # so much of the request's body is read before anything else happens
    drop_idle: bool = False            # connection kept, and closed when the next request comes
    call: Optional[Callable] = None    # called with the request before it is answered


class Rule:
    """A fault for the requests that match, `times` times at most (None: always)."""

    def __init__(self, pattern, fault, times, method, server, when, skip):
        self.pattern = re.compile(pattern)
        self.fault, self.left, self.method, self.server = fault, times, method, server
        self.when, self.skip = when, skip
        self.hits = 0

    def matches(self, request):
        return (self.left != 0 and self.method in (None, request.method)
                and self.server in (None, request.server)
                and self.pattern.search(request.target)
                and (self.when is None or self.when(request)))


class Rules:
    """The rules of one scripted registry; the first that matches wins."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []

    def add(self, pattern, fault, times=None, method=None, server=None, when=None, skip=0):
        rule = Rule(pattern, fault, times, method, server, when, skip)
        with self.lock:
            self.rules.append(rule)
        return rule

    def clear(self):
        with self.lock:
            self.rules.clear()

    def pick(self, request):
        """The fault for this request, counted as used; a Fault that does nothing when there is none."""
        with self.lock:
            for rule in self.rules:
                if not rule.matches(request):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.hits += 1
                if rule.left is not None:
                    rule.left -= 1
                return rule.fault
        return Fault()
