"""What a network can do to each request of a pull, and how the pull must end: a table.

Each fault of FAULTS meets each kind of request once, and then every time. EXPECTED names the end:
"ok" (recovered, exit 0), or the code of the failure; "-" where the fault does not fit.
"""
import email.utils
import re
import time

# The kinds of request, in the order of the table's columns.
KINDS = {
    "manifest": "the manifest",
    "token": "a bearer token",
    "chunks": "the chunk digests",
    "resolve": "a blob, at a registry that redirects it",
    "blob": "a blob, at a registry that has it",
    "object": "a blob, at the redirect's target",
}
STATUSES = {"ok": 0, "http": 1, "protocol": 1, "unsupported": 1, "limit": 1, "auth": 3, "not_found": 4, "integrity": 5, "network": 6}
TIMES = {"once": 1, "always": None}

CUT = "somewhere in the body"     # replaced by an offset that is inside this kind's body
MIB = 1 << 20
PAGE = b"<!DOCTYPE html><html><body>Welcome to the hotel network</body></html>"
HTML = {"Content-Type": "text/html"}


def in_two_seconds(_):
    return email.utils.formatdate(time.time() + 2, usegmt=True)


def plain_http(request):
    return "http://" + request.headers["host"] + request.target


def another_start(start, end, total):
    return f"bytes {start + 1}-{end + 1}/{total}"


def another_total(start, end, total):
    return f"bytes {start}-{end}/{total + 1}"


def challenge(request):
    return f'Bearer realm="http://{request.headers["host"]}/token",service="tests",scope="a"'


def refusal(status, otherwise="has no"):
    """An answer with nothing but a status. The message of the failure names it, or says what it means."""
    return dict(status=status), rf"answered {status}\b|\({status}\)|{otherwise}"


def redirect(location, status=307, **more):
    return dict(status=status, headers={"Location": location}, **more)


# Name → the fault, and what the message of a failure says about it.
FAULTS = {
    "reset before the answer": (dict(hang_up=True), "connection lost|no answer"),
    "closed without an answer": (dict(raw=b""), "no answer|connection lost"),
    "silence before the answer": (dict(delay=60), "time|silen|stall|byte"),
    "silence before the body": (dict(silent_at=0), "time|silen|stall|byte"),
    "silence in the body": (dict(silent_at=CUT), "time|silen|stall|byte"),
    "reset before the body": (dict(reset_at=0), "connection lost|ended too early"),
    "reset in the body": (dict(reset_at=CUT), "connection lost|ended too early"),
    "body shorter than its length": (dict(close_at=CUT), "ended too early"),
    "body longer than its length": (dict(append=b"surplus" * 20), ""),
    "stray bytes after the answer": (dict(stray=b"stray\r\n" * 20), ""),
    "more bytes, and a length that says so": (dict(grow=b"more" * 20), "bytes|digest|token"),
    "keep-alive, then closed silently": (dict(drop_idle=True), ""),
    "HTTP/1.0": (dict(version="HTTP/1.0"), ""),
    "no length, chunked": (dict(framing="chunked"), ""),
    "no length, closed": (dict(framing="close"), ""),
    "1 KiB/s": (dict(rate=1024), ""),
    "a header of 1 MB": (dict(headers={"X-Filler": "a" * MIB}), "header|head"),
    "endless headers": (dict(endless_headers=True), "header|head"),
    "not HTTP": (dict(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), "no HTTP|malformed|HTTP/0.9|not"),
    "a status line without a status": (dict(raw=b"HTTP/1.1 fine\r\n\r\n"), "status|HTTP|malformed"),
    "interim answers without end": (dict(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000), "head|time|lost"),
    "Content-Length: -1": (dict(headers={"Content-Length": "-1"}), "length|malformed|Content-Length"),
    "gzip, unasked": (dict(gzip=True), "compressed"),
    "wrong bytes": (dict(flip=(30,)), "digest|wrong|token|hash"),
    "an HTML page": (dict(status=200, body=PAGE, headers=HTML), "web page|bytes|JSON|digest|not"),
    "an empty answer": (dict(status=200, body=b""), "empty|bytes|JSON|digest|not"),
    "range ignored": (dict(ignore_range=True), ""),
    "206 with another start": (dict(content_range=another_start), ""),
    "206 with another total": (dict(content_range=another_total), "bytes"),
    "redirect to itself": (redirect(lambda request: request.target), "redirect"),
    "redirect to itself, 301": (redirect(lambda request: request.target, 301), "redirect"),
    "redirect to itself, 302": (redirect(lambda request: request.target, 302), "redirect"),
    "redirect to itself, 303": (redirect(lambda request: request.target, 303), "redirect"),
    "redirect to itself, 308": (redirect(lambda request: request.target, 308), "redirect"),
    "redirect to file:": (redirect("file:///etc/hostname"), "redirect|scheme|file"),
    "redirect to a private scheme": (redirect("ollama://127.0.0.1/x"), "redirect|scheme|ollama"),
    "redirect without Location": (dict(status=307), "redirect"),
    "redirect from https to http": (redirect(plain_http, tls=True), "redirect|http"),
    "401": (dict(status=401), "401|refuse|credential|key|token"),
    "401 with a challenge": (dict(status=401, headers={"WWW-Authenticate": challenge}), "401|refuse|key|token"),
    "403": refusal(403, "needs a key"),
    **{str(status): refusal(status) for status in (404, 408, 410, 416, 425)},
    "429": refusal(429),
    "429, Retry-After: 1": (dict(status=429, headers={"Retry-After": "1"}), "answered 429"),
    "429, Retry-After: a date": (dict(status=429, headers={"Retry-After": in_two_seconds}), "answered 429"),
    **{str(status): refusal(status) for status in (451, 500, 502, 503, 504, 599, 204, 300, 304, 405, 407, 412)},
    "400": refusal(400, "needs a key"),
    "206, unasked": (dict(status=206, body=b"part"), "206|part|range"),
}

EXPECTED = """
reset before the answer               | once   | ok        ok        ok        ok        ok        ok
reset before the answer               | always | network   network   ok        network   network   network
closed without an answer              | once   | ok        ok        ok        ok        ok        ok
closed without an answer              | always | network   network   ok        network   network   network
silence before the answer             | once   | ok        ok        ok        ok        ok        ok
silence before the answer             | always | network   network   ok        network   network   network
silence before the body               | once   | ok        ok        ok        ok        ok        ok
silence before the body               | always | network   network   ok        network   network   network
silence in the body                   | once   | ok        ok        ok        ok        ok        ok
silence in the body                   | always | network   network   ok        network   ok        ok
reset before the body                 | once   | ok        ok        ok        ok        ok        ok
reset before the body                 | always | network   network   ok        network   network   network
reset in the body                     | once   | ok        ok        ok        ok        ok        ok
reset in the body                     | always | network   network   ok        network   ok        ok
body shorter than its length          | once   | ok        ok        ok        ok        ok        ok
body shorter than its length          | always | network   network   ok        network   ok        ok
body longer than its length           | once   | ok        ok        ok        ok        ok        ok
body longer than its length           | always | ok        ok        ok        ok        ok        ok
stray bytes after the answer          | once   | ok        ok        ok        ok        ok        ok
stray bytes after the answer          | always | ok        ok        ok        ok        ok        ok
more bytes, and a length that says so | once   | ok        protocol  ok        ok        ok        ok
more bytes, and a length that says so | always | integrity protocol  ok        ok        integrity integrity
keep-alive, then closed silently      | once   | ok        ok        ok        ok        ok        ok
keep-alive, then closed silently      | always | ok        ok        ok        ok        ok        ok
HTTP/1.0                              | once   | ok        ok        ok        ok        ok        ok
HTTP/1.0                              | always | ok        ok        ok        ok        ok        ok
no length, chunked                    | once   | ok        ok        ok        ok        ok        ok
no length, chunked                    | always | ok        ok        ok        ok        ok        ok
no length, closed                     | once   | ok        ok        ok        ok        ok        ok
no length, closed                     | always | ok        ok        ok        ok        ok        ok
1 KiB/s                               | once   | ok        ok        ok        ok        ok        ok
1 KiB/s                               | always | ok        ok        ok        ok        ok        ok
a header of 1 MB                      | once   | limit     limit     ok        limit     limit     limit
a header of 1 MB                      | always | limit     limit     ok        limit     limit     limit
endless headers                       | once   | limit     limit     ok        limit     limit     limit
endless headers                       | always | limit     limit     ok        limit     limit     limit
not HTTP                              | once   | ok        ok        ok        ok        ok        protocol
not HTTP                              | always | protocol  network   ok        protocol  protocol  protocol
a status line without a status        | once   | ok        ok        ok        ok        ok        protocol
a status line without a status        | always | protocol  network   ok        protocol  protocol  protocol
interim answers without end           | once   | limit     limit     ok        limit     limit     limit
interim answers without end           | always | limit     limit     ok        limit     limit     limit
Content-Length: -1                    | once   | protocol  protocol  ok        protocol  protocol  protocol
Content-Length: -1                    | always | protocol  protocol  ok        protocol  protocol  protocol
gzip, unasked                         | once   | protocol  protocol  ok        ok        ok        ok
gzip, unasked                         | always | protocol  protocol  ok        ok        protocol  protocol
wrong bytes                           | once   | ok        protocol  ok        -         ok        ok
wrong bytes                           | always | integrity protocol  ok        -         integrity integrity
an HTML page                          | once   | protocol  protocol  ok        ok        ok        ok
an HTML page                          | always | protocol  protocol  ok        protocol  protocol  protocol
an empty answer                       | once   | protocol  protocol  ok        integrity integrity integrity
an empty answer                       | always | protocol  protocol  ok        integrity integrity integrity
range ignored                         | once   | -         -         -         -         ok        ok
range ignored                         | always | -         -         -         -         ok        ok
206 with another start                | once   | -         -         -         -         ok        ok
206 with another start                | always | -         -         -         -         ok        ok
206 with another total                | once   | -         -         -         -         integrity integrity
206 with another total                | always | -         -         -         -         integrity integrity
redirect to itself                    | once   | ok        ok        ok        ok        ok        ok
redirect to itself                    | always | protocol  protocol  ok        protocol  protocol  protocol
redirect to itself, 301               | once   | ok        ok        ok        ok        ok        ok
redirect to itself, 301               | always | protocol  protocol  ok        protocol  protocol  protocol
redirect to itself, 302               | once   | ok        ok        ok        ok        ok        ok
redirect to itself, 302               | always | protocol  protocol  ok        protocol  protocol  protocol
redirect to itself, 303               | once   | ok        ok        ok        ok        ok        ok
redirect to itself, 303               | always | protocol  protocol  ok        protocol  protocol  protocol
redirect to itself, 308               | once   | ok        ok        ok        ok        ok        ok
redirect to itself, 308               | always | protocol  protocol  ok        protocol  protocol  protocol
redirect to file:                     | once   | protocol  protocol  ok        protocol  protocol  protocol
redirect to file:                     | always | protocol  protocol  ok        protocol  protocol  protocol
redirect to a private scheme          | once   | protocol  protocol  ok        protocol  protocol  protocol
redirect to a private scheme          | always | protocol  protocol  ok        protocol  protocol  protocol
redirect without Location             | once   | protocol  protocol  ok        protocol  protocol  protocol
redirect without Location             | always | protocol  protocol  ok        protocol  protocol  protocol
redirect from https to http           | once   | protocol  protocol  ok        protocol  protocol  protocol
redirect from https to http           | always | protocol  protocol  ok        protocol  protocol  protocol
401                                   | once   | auth      auth      ok        auth      auth      ok
401                                   | always | auth      auth      ok        auth      auth      http
401 with a challenge                  | once   | auth      -         ok        ok        ok        ok
401 with a challenge                  | always | auth      -         ok        auth      auth      http
403                                   | once   | auth      auth      ok        auth      auth      ok
403                                   | always | auth      auth      ok        auth      auth      http
404                                   | once   | not_found http      ok        http      http      ok
404                                   | always | not_found http      ok        http      http      http
408                                   | once   | ok        ok        ok        ok        ok        ok
408                                   | always | network   network   ok        network   network   network
410                                   | once   | http      http      ok        http      http      ok
410                                   | always | http      http      ok        http      http      http
416                                   | once   | http      http      ok        http      http      http
416                                   | always | http      http      ok        http      http      http
425                                   | once   | ok        ok        ok        ok        ok        ok
425                                   | always | network   network   ok        network   network   network
429                                   | once   | ok        ok        ok        ok        ok        ok
429                                   | always | network   network   ok        network   network   network
429, Retry-After: 1                   | once   | ok        ok        ok        ok        ok        ok
429, Retry-After: 1                   | always | network   network   ok        network   network   network
429, Retry-After: a date              | once   | ok        ok        ok        ok        ok        ok
429, Retry-After: a date              | always | network   network   ok        network   network   network
451                                   | once   | http      http      ok        http      http      http
451                                   | always | http      http      ok        http      http      http
500                                   | once   | ok        ok        ok        ok        ok        ok
500                                   | always | network   network   ok        network   network   network
502                                   | once   | ok        ok        ok        ok        ok        ok
502                                   | always | network   network   ok        network   network   network
503                                   | once   | ok        ok        ok        ok        ok        ok
503                                   | always | network   network   ok        network   network   network
504                                   | once   | ok        ok        ok        ok        ok        ok
504                                   | always | network   network   ok        network   network   network
599                                   | once   | ok        ok        ok        ok        ok        ok
599                                   | always | network   network   ok        network   network   network
204                                   | once   | protocol  protocol  ok        protocol  protocol  protocol
204                                   | always | protocol  protocol  ok        protocol  protocol  protocol
300                                   | once   | protocol  protocol  ok        protocol  protocol  protocol
300                                   | always | protocol  protocol  ok        protocol  protocol  protocol
304                                   | once   | protocol  protocol  ok        protocol  protocol  protocol
304                                   | always | protocol  protocol  ok        protocol  protocol  protocol
405                                   | once   | http      http      ok        http      http      http
405                                   | always | http      http      ok        http      http      http
407                                   | once   | auth      auth      ok        auth      auth      auth
407                                   | always | auth      auth      ok        auth      auth      auth
412                                   | once   | unsupported http      ok        unsupported unsupported http
412                                   | always | unsupported http      ok        unsupported unsupported http
400                                   | once   | http      auth      ok        http      http      http
400                                   | always | http      auth      ok        http      http      http
206, unasked                          | once   | protocol  protocol  ok        ok        ok        ok
206, unasked                          | always | protocol  protocol  ok        protocol  protocol  protocol
"""


class Cell:
    """One fault, at one kind of request, once or every time."""

    def __init__(self, name, times, kind, end):
        self.name, self.times, self.kind, self.end = name, times, kind, end
        self.fault, self.says = FAULTS[name]

    def __str__(self):
        return f"{self.name}, {self.times}, {self.kind}"


def rows():
    """(fault, once or always, ends in the order of KINDS) for each line of the table."""
    for line in EXPECTED.strip().splitlines():
        name, times, ends = (part.strip() for part in re.split(r"\s*\|\s*", line))
        yield name, times, ends.split()


def cells():
    return [Cell(name, times, kind, end) for name, times, ends in rows()
            for kind, end in zip(KINDS, ends) if end != "-"]


def sample(found, count):
    """About count of the cells, spread evenly over faults and kinds by their place alone."""
    step = max(1, len(found) // count)
    while step > 1 and step % 2 * step % 3 == 0:
        step -= 1
    return found[::step]
