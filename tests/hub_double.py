"""A stand-in for the Hugging Face Hub on loopback: repositories, commits of regular and LFS files, and downloads."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

WRITER, READER = "hf_writer", "hf_reader"


class Hub(ThreadingHTTPServer):
    """Holds repositories: their visibility, their files, and those of their tags.

    A request without one of the two tokens is refused, as that of an unknown token is.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, repo: str, files: dict[str, bytes]) -> None:
        self.repos[repo] = {"visibility": "public", "files": files, "tags": {}}

    def tag(self, repo: str, name: str) -> None:
        """Keep a repository's files as they are now."""
        self.repos[repo]["tags"][name] = dict(self.repos[repo]["files"])


@contextmanager
def serve() -> Iterator[Hub]:
    """Run a Hub in a thread."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in (WRITER, READER):
            return self.answer({"error": "Invalid credentials in Authorization header"}, 401)
        if token == READER:
            return self.answer({"error": "You don't have the rights"}, 403)
        path = self.path.split("?")[0]
        if path == "/api/repos/create":
            wanted = json.loads(body)
            repo = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
            there = repo in self.server.repos
            if not there:
                self.server.repos[repo] = {
                    "visibility": wanted.get("visibility", "public"),
                    "files": {},
                    "tags": {},
                }
            return self.answer({"url": f"{self.server.url}/{repo}", "name": repo}, 409 if there else 200)
        if path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if match := re.fullmatch(r"/api/models/(.+)/preupload/main", path):
            files = [
                {
                    "path": file["path"],
                    "shouldIgnore": False,
                    "uploadMode": "lfs" if weights(file["path"]) else "regular",
                }
                for file in json.loads(body)["files"]
            ]
            return self.answer({"files": files})
        if re.fullmatch(r"/(.+)\.git/info/lfs/objects/batch", path):
            objects = [
                {**wanted, "actions": {"upload": {"href": f"{self.server.url}/lfs/{wanted['oid']}", "header": {}}}}
                for wanted in json.loads(body)["objects"]
            ]
            return self.answer({"transfer": "basic", "objects": objects})
        if match := re.fullmatch(r"/api/models/(.+)/commit/main", path):
            self.commit(match[1], [json.loads(line) for line in body.splitlines()])
            return self.answer(
                {"success": True, "commitOid": "0" * 40, "commitUrl": f"{self.server.url}/{match[1]}/commit/0"}
            )
        return self.answer({"error": f"no {self.path}"}, 404)

    def commit(self, repo: str, lines: list[dict[str, Any]]) -> None:
        files = self.server.repos[repo]["files"]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        oid = self.path.removeprefix("/lfs/")
        assert hashlib.sha256(body).hexdigest() == oid
        self.server.objects[oid] = body
        self.answer({})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+).*)?", path):
            repo = self.server.repos.get(match[1])
            if not self.visible(repo):
                return self.answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            sha, files = commits(repo).get(unquote(match[3] or "main"), (None, None))
            if files is None:
                return self.answer({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
            if match[2] == "tree":
                return self.answer([entry(name, data) for name, data in files.items()])
            siblings = [{"rfilename": name} for name in files]
            return self.answer({"id": match[1], "modelId": match[1], "sha": sha, "siblings": siblings, "tags": []})
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            repo = self.server.repos.get(match[1])
            if not self.visible(repo):
                return self.answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            sha, files = commits(repo)[unquote(match[2])]
            if match[3] not in files:
                return self.answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
            data = files[match[3]]
            return self.send(data, 200, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": sha})
        return self.answer({"error": f"no {self.path}"}, 404)

    def visible(self, repo: dict[str, Any] | None) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return repo is not None and (repo["visibility"] == "public" or token in (WRITER, READER))

    def answer(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send(json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})})

    def send(self, data: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def commits(repo: dict[str, Any]) -> dict[str, tuple[str, dict[str, bytes]]]:
    """Return the hash and the files of the main branch and of each tag, by name and by hash."""
    named = {"main": ("0" * 40, repo["files"])}
    named |= {name: (hashlib.sha1(name.encode()).hexdigest(), files) for name, files in repo["tags"].items()}
    return named | {sha: (sha, files) for sha, files in named.values()}


def weights(path: str) -> bool:
    return path.endswith(".safetensors")


def entry(name: str, data: bytes) -> dict[str, Any]:
    blob = b"blob %d\0" % len(data) + data
    return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(blob).hexdigest()}
