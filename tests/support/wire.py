"""An HTTP/1.1 server on plain sockets, so that it can break every rule of HTTP on purpose."""
import gzip
import http
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from .faults import Fault

PIECE = 16 * 1024
HEAD_MAX = 64 * 1024


class Gone(Exception):
    """The connection is to end here; the answer may be incomplete."""


@dataclass
class Request:
    method: str
    target: str          # path with query, as it stood on the wire
    headers: dict        # lower-case names
    server: str          # which server got it: "registry" or "cdn"
    connection: int
    body: bytes = b""
    at: float = 0.0
    status: int = 0      # what was answered
    sent: int = 0        # body bytes that were handed to the kernel
    length: int = 0      # of the request's body, as announced
    received: int = 0    # bytes of it that were read
    stream: object = None  # its pieces, where they are read as they come

    @property
    def path(self):
        return urlsplit(self.target).path

    @property
    def query(self):
        return {key: values for key, values in parse_qs(
            urlsplit(self.target).query, keep_blank_values=True).items()}

    @property
    def range(self):
        """(start, end) as asked for, end inclusive or None; None without a usable Range."""
        unit, _, span = self.headers.get("range", "").partition("=")
        start, dash, end = span.partition("-")
        if unit != "bytes" or not dash or not start.isdigit() or not (end.isdigit() or not end):
            return None
        return int(start), int(end) if end else None


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    start: int = 0           # offset in the blob of the body's first byte
    is_blob: bool = False    # its bytes count as payload


def blob_response(request, data, headers=None):
    """200 with everything, 206 with the range that was asked for, or 416."""
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **(headers or {})}
    asked = request.range
    if asked is None:
        return Response(200, data, headers, 0, True)
    start, end = asked[0], len(data) - 1 if asked[1] is None else min(asked[1], len(data) - 1)
    if start > end:
        return Response(416, b"", {**headers, "Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
    return Response(206, memoryview(data)[start:end + 1], headers, start, True)


class Server:
    """Answers with `answer(request)` and bends it by `rules`; one thread a connection."""

    def __init__(self, name, answer, rules, log, gate, tls=None, rate=0, inbox=None):
        self.name, self.answer, self.rules, self.log, self.gate = name, answer, rules, log, gate
        self.tls, self.rate = tls, rate
        self.inbox = inbox   # a Gate for the bodies of requests: then these are read as they come
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.sockets = {}
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def accept(self):
        while not self.stopping.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
                self.sockets[number] = sock
            threading.Thread(target=self.serve, args=(sock, number), daemon=True).start()

    def stop(self):
        if self.stopping.is_set():
            return
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        # Closed only when nobody waits on it: its number may belong to the next listener at once.
        self.thread.join()
        self.listener.close()
        with self.lock:
            open_now = list(self.sockets.values())
        for sock in open_now:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve(self, raw, number):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock = raw
        try:
            if self.tls:
                sock = self.tls.wrap_socket(raw, server_side=True)
                with self.lock:
                    self.sockets[number] = sock
            pending = b""
            while not self.stopping.is_set():
                request, pending = self.read(sock, number, pending)
                if request is None:
                    break
                self.log.append(request)
                body = Body(self, sock, request, pending) if self.inbox else None
                Exchange(self, sock, request, body).run()
                if body:
                    pending = body.rest()
        except (Gone, OSError):
            pass
        finally:
            with self.lock:
                self.sockets.pop(number, None)
            try:
                sock.close()
            except OSError:
                pass

    def read(self, sock, number, pending):
        while b"\r\n\r\n" not in pending:
            more = sock.recv(PIECE)
            if not more or len(pending) > HEAD_MAX:
                return None, b""
            pending += more
            if not pending[:1].isalpha():
                return None, b""  # a TLS handshake, most likely
        head, _, rest = pending.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if self.inbox:
            return Request(method, target, headers, self.name, number, b"", time.monotonic(), length=length), rest
        while len(rest) < length:
            more = sock.recv(PIECE)
            if not more:
                return None, b""
            rest += more
        request = Request(method, target, headers, self.name, number, rest[:length], time.monotonic(), length=length)
        return request, rest[length:]


class Cut(Exception):
    """So much of a request's body was to be read, and no more."""


class Body:
    """A request's body, read while it arrives; whoever reads it gives the leave that was asked for."""

    def __init__(self, server, sock, request, pending):
        self.server, self.sock, self.request, self.pending = server, sock, request, pending
        self.most = None     # bytes to read before Cut
        self.asked = request.headers.get("expect", "").lower() == "100-continue"
        request.stream = self

    def __iter__(self):
        while self.request.received < self.request.length:
            if self.most is not None and self.request.received >= self.most:
                raise Cut
            yield self.piece()

    def piece(self):
        if self.asked:
            self.asked = False
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        left = self.request.length - self.request.received
        if self.most is not None:
            left = min(left, self.most - self.request.received)
        while not (may := self.server.inbox.take_up_to(min(left, PIECE))):
            self.wait()
        if self.pending:
            piece, self.pending = self.pending[:may], self.pending[may:]
        else:
            piece = self.sock.recv(may)
        if not piece:
            raise Gone
        self.server.inbox.give_back(may - len(piece))
        self.request.received += len(piece)
        return piece

    def wait(self):
        """While nothing may be read, the client's end must still be seen. What it had sent stays in the kernel."""
        if self.server.stopping.is_set():
            raise Gone
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP)
        if poll.poll(20):
            raise Gone

    def read(self):
        return b"".join(self)

    def rest(self):
        """Bytes of the next request; the connection cannot be used for one when a body was not read."""
        if self.request.received < self.request.length:
            self.linger()
            raise Gone
        return self.pending

    def linger(self):
        """A close while bytes are unread would reset the connection, and the answer could be lost on its way."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(1)
            while not self.server.stopping.is_set() and self.sock.recv(PIECE):
                pass
        except OSError:
            pass


class Exchange:
    """One request and its answer, bent by at most one fault."""

    def __init__(self, server, sock, request, body=None):
        self.server, self.sock, self.request, self.body = server, sock, request, body
        self.fault = server.rules.pick(request)

    def run(self):
        fault, request = self.fault, self.request
        if fault.call:
            fault.call(request)
        if fault.delay:
            self.wait(fault.delay)
        if fault.raw is not None:
            self.sock.sendall(fault.raw)
            raise Gone
        if self.body and fault.take is not None:
            self.take(fault)
        if fault.hang_up:
            self.reset()
        if fault.ignore_range:
            request.headers.pop("range", None)
        response = self.server.answer(request) if fault.status is None else Response(
            fault.status, fault.body or b"", {"Content-Type": "text/plain"})
        body = self.bend(response)
        request.status = response.status
        closing = self.send_head(response, body)
        if request.method != "HEAD" and response.status not in (204, 304):
            self.send_body(body, response)
        if fault.drop_idle:
            self.sock.recv(PIECE)
        if closing or fault.drop_idle or request.headers.get("connection", "").lower() == "close":
            raise Gone

    def take(self, fault):
        """Reads so much of the request's body as the fault says, and handles it as if the rest were to come."""
        self.body.most = fault.take
        try:
            self.server.answer(self.request)
        except Cut:
            pass
        if fault.silent_at == 0:
            self.wait(600)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def bend(self, response):
        """The body to send; changes the answer's headers as the fault wants them."""
        fault, body = self.fault, response.body
        if fault.body is not None:
            body = fault.body
        if fault.flip:
            body = bytearray(body)
            for offset in fault.flip:
                if response.start <= offset < response.start + len(body):
                    body[offset - response.start] ^= 0xFF
        if fault.grow:
            body = bytes(body) + fault.grow
        if fault.gzip:
            body = gzip.compress(bytes(body))
            response.headers["Content-Encoding"] = "gzip"
        if fault.content_range and response.status == 206:
            span, _, total = response.headers["Content-Range"].partition(" ")[2].partition("/")
            start, _, end = span.partition("-")
            response.headers["Content-Range"] = fault.content_range(int(start), int(end), int(total))
        return body

    def send_head(self, response, body):
        """Sends the status line and the headers; True when the connection ends with the body."""
        fault = self.fault
        version = fault.version or "HTTP/1.1"
        headers = {"Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()), **response.headers}
        closing = version == "HTTP/1.0" or fault.framing == "close" or bool(fault.append)
        if fault.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        elif fault.framing != "close":
            headers["Content-Length"] = str(len(body))
        if closing:
            headers["Connection"] = "close"
        for name, value in fault.headers.items():
            headers.pop(name, None)
            if value is not None:
                headers[name] = value(self.request) if callable(value) else value
        reason = http.HTTPStatus(response.status).phrase if response.status in list(
            http.HTTPStatus) else "Strange"
        head = f"{version} {response.status} {reason}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items())
        self.sock.sendall(head.encode("latin-1"))
        if fault.endless_headers:
            for number in range(4096):
                self.sock.sendall(f"X-More-{number}: {'y' * 8192}\r\n".encode())
            raise Gone
        self.sock.sendall(b"\r\n")
        return closing

    def send_body(self, body, response):
        fault, view = self.fault, memoryview(body)
        # A body that ends before such an offset is not touched: after it, silence would be for the next request.
        stops = [n for n in (fault.reset_at, fault.close_at, fault.silent_at)
                 if n is not None and (n == 0 or n < len(view))]
        stop = min([len(view), *stops])
        rate = fault.rate or (self.server.rate if response.is_blob else 0)
        piece = min(PIECE, max(1, rate // 20)) if rate else PIECE
        began, at = time.monotonic(), 0
        while at < stop:
            part = view[at:min(at + piece, stop)]
            if response.is_blob:
                self.server.gate.take(len(part), self)
            self.put(part)
            at += len(part)
            if rate:
                self.wait(began + at / rate - time.monotonic())
        if not stops:
            if fault.append:
                self.put(memoryview(fault.append))
            if fault.framing == "chunked":
                self.sock.sendall(b"0\r\n\r\n")
            if fault.stray:
                self.sock.sendall(fault.stray)
            return
        if fault.silent_at is not None:
            self.wait(600)
        if fault.reset_at is not None:
            self.reset()
        raise Gone

    def put(self, part):
        if self.fault.framing == "chunked":
            self.sock.sendall(b"%x\r\n" % len(part) + bytes(part) + b"\r\n")
        else:
            self.sock.sendall(part)
        self.request.sent += len(part)

    def wait(self, seconds):
        """Waits so long, and ends the exchange as soon as the client or the server is gone."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.server.stopping.is_set():
                raise Gone
            readable, _, _ = select.select([self.sock], [], [], min(left, 0.1))
            if readable:
                # More from the client means nothing yet; its end does (TLS sockets cannot peek).
                if not self.server.tls and not self.sock.recv(1, socket.MSG_PEEK):
                    raise Gone
                time.sleep(min(left, 0.1))


class Gate:
    """Lets so many payload bytes pass, over all connections, and holds the rest back."""

    def __init__(self):
        self.lock = threading.Lock()
        self.left = None
        self.passed = 0

    def limit(self, size):
        """Only `size` more bytes from now on (None: no limit)."""
        with self.lock:
            self.left = size

    def try_take(self, size):
        with self.lock:
            if self.left is not None:
                if self.left < size:
                    return False
                self.left -= size
            self.passed += size
            return True

    def take(self, size, exchange):
        while not self.try_take(size):
            exchange.wait(0.02)

    def take_up_to(self, size):
        with self.lock:
            if self.left is not None:
                size = min(size, self.left)
                self.left -= size
            self.passed += size
            return size

    def give_back(self, size):
        with self.lock:
            if self.left is not None:
                self.left += size
            self.passed -= size


__all__ = ["Fault", "Gate", "Request", "Response", "Server", "blob_response"]
