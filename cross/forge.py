"""Stands for github.com on loopback: the files of a release, and repositories
that git's own server serves, over TLS.

    cross/forge.py --listen 127.0.0.2:443 --certificate FILE --key FILE \
        --release /OWNER/NAME/releases/download/TAG=FOLDER --repositories FOLDER

Repositories are bare ones at FOLDER/OWNER/NAME.
"""

import argparse
import http.server
import os
import pathlib
import shutil
import ssl
import subprocess


class Forge(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    release: tuple[str, pathlib.Path]
    repositories: pathlib.Path

    def do_GET(self):
        prefix, folder = self.release
        path = self.path.partition("?")[0]
        if not path.startswith(prefix + "/"):
            return self.git()
        file = folder / path.removeprefix(prefix + "/")
        if file.parent != folder or not file.is_file():
            return self.send_error(404)
        self.send_response(200)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("content-length", str(file.stat().st_size))
        self.end_headers()
        with file.open("rb") as stream:
            shutil.copyfileobj(stream, self.wfile)

    def do_POST(self):
        self.git()

    def git(self):
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("content-length") or 0)
        answer = subprocess.run(
            ["git", "http-backend"],
            input=self.body(length),
            stdout=subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self.repositories),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("content-type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
            },
        ).stdout
        head, _, body = answer.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = next((value for name, value in fields if name == "Status"), "200")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self, length):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(length)
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--release", required=True)
    parser.add_argument("--repositories", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    prefix, _, folder = arguments.release.partition("=")
    Forge.release = (prefix, pathlib.Path(folder).resolve())
    Forge.repositories = arguments.repositories.resolve()
    host, _, port = arguments.listen.partition(":")
    server = http.server.ThreadingHTTPServer((host, int(port)), Forge)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.certificate, arguments.key)
    # The handshake is done by the thread of the connection.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


main()
