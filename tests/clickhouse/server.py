"""ClickHouse's engine behind as much of its HTTP interface as a collector and a query need.

Usage: server.py FOLDER     where it keeps its tables; it prints the port that it listens on
"""

import os
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from chdb.session import Session

engine = Session(sys.argv[1])


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.body()
        options = parse_qs(urlsplit(self.path).query)
        query = options["query"][0] if "query" in options else body.decode()
        try:
            if "database" in options:
                engine.query(f"USE {options['database'][0]}")
            if query.startswith("INSERT"):
                answer = insert(query, body)
            else:
                answer = str(engine.query(query, "JSONCompact"))
        except Exception as error:
            return self.give(500, f"{error}\n")
        self.give(200, answer)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def give(self, status, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def insert(query, rows):
    """The engine has no request that the rows come with, but it reads files."""
    into, form = query.rsplit(" FORMAT ", 1)
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(rows)
    try:
        engine.query(f"{into} FROM INFILE '{file.name}' FORMAT {form}")
    finally:
        os.unlink(file.name)
    return ""


server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
