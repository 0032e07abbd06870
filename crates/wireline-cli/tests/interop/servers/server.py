"""The site by Python's http.server: python3 server.py HOST PORT, in a folder with `files`."""

import functools
import http.server
import sys
from collections.abc import Iterator


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files as the module serves them, and an application."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/app/stream":
            return self.answer_in_chunks([f"piece {piece}\n".encode() for piece in range(5)])
        if self.path == "/app/trailers":
            return self.answer_in_chunks([b"a piece\n"], [("X-Pieces", "1")])
        if self.path == "/app/nothing":
            self.send_response(204)
            return self.end_headers()
        return super().do_GET()

    def do_POST(self) -> None:
        content = b"".join(self.content())
        if self.path != "/app/echo":
            return self.send_error(413 if self.path == "/app/limited" else 405)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_POST

    def handle_expect_100(self) -> bool:
        if self.path == "/app/limited":
            self.send_error(413)
            return False
        return super().handle_expect_100()

    def content(self) -> Iterator[bytes]:
        """The content of the request, in pieces."""
        if self.headers["Transfer-Encoding"] != "chunked":
            yield self.rfile.read(int(self.headers["Content-Length"]))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def answer_in_chunks(self, pieces: list[bytes], trailers: list[tuple[str, str]] = []) -> None:
        """HTTP/1.0 has no chunks: there the end of the connection is that of the content."""
        in_chunks = self.request_version != "HTTP/1.0"
        self.send_response(200)
        self.send_header(*(("Transfer-Encoding", "chunked") if in_chunks else ("Connection", "close")))
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if in_chunks else piece)
        if in_chunks:
            self.wfile.write(b"0\r\n" + b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers) + b"\r\n")


host, port = sys.argv[1:]
handler = functools.partial(Handler, directory="files")
http.server.ThreadingHTTPServer((host, int(port)), handler).serve_forever()
