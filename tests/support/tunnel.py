"""A proxy that joins CONNECT requests to servers of ours, so that a test can play any host's name."""
import socket
import threading


class Tunnel:
    """routes: "host:port" as a client asks for it → port of ours. Anything but CONNECT gets a Bearer challenge."""

    def __init__(self, routes):
        self.routes, self.heads = routes, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        with client:
            while b"\r\n\r\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            self.heads.append(head.decode("latin-1"))
            method, target, _ = head.decode("latin-1").split(" ", 2)
            port = self.routes.get(target) if method == "CONNECT" else None
            if port is None:
                client.sendall(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"http://hf.co/token\"\r\n"
                               b"Content-Length: 0\r\nConnection: close\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", port)) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=pour, args=(server, client), daemon=True)
                back.start()
                pour(client, server)
                back.join()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


def pour(source, target):
    """Copies until one side has had enough; then both have."""
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
