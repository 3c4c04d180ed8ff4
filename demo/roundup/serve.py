"""Makes a Roundup tracker in a folder and serves it. Run by the Python of `.erp`, where Roundup is and this is not.

`python serve.py FOLDER PORT PASSWORDS` where the file PASSWORDS holds the users to make and their passwords, in JSON.
`roundup-server` refuses to run as root; its WSGI handler, which installations use behind a web server, does not mind.
"""

import json
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from roundup import instance, password
from roundup.admin import AdminTool
from roundup.cgi.wsgi_handler import RequestDispatcher

REFERENCE = "                reference=String(),  # the id of the action that made it, so that anybody can ask for it\n"


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        """Nothing is logged."""


def main(folder: str, port: str, passwords: str) -> None:
    tracker = Path(folder)
    if not tracker.exists():
        _make(tracker, port, json.loads(Path(passwords).read_text(encoding="utf-8")))
    with make_server("127.0.0.1", int(port), RequestDispatcher(folder), Server, Quiet) as server:
        print("ready", flush=True)
        server.serve_forever()


def _make(tracker, port, users):
    settings = f"tracker_web=http://127.0.0.1:{port}/,mail_domain=larkspur.example,mail_host=127.0.0.1"
    settings += ",password_pbkdf2_default_rounds=1000"  # a password is hashed with every request, and this is a test
    _admin(tracker, "install", "classic", "sqlite", f"{settings},mail_debug={tracker.parent / 'mail'}")
    schema = tracker / "schema.py"
    text = schema.read_text(encoding="utf-8")
    place = '                status=Link("status"))'
    assert place in text
    schema.write_text(text.replace(place, REFERENCE + place), encoding="utf-8")
    _admin(tracker, "initialise", users["admin"])
    database = instance.open(str(tracker)).open("admin")
    try:
        for name, secret in users.items():
            if name != "admin":
                kept = password.Password(secret, config=database.config)
                database.user.create(username=name, password=kept, address=f"{name}@larkspur.example", roles="User")
        database.commit()
    finally:
        database.close()


def _admin(tracker, *arguments):
    tool = AdminTool()
    sys.argv = ["roundup-admin", "-i", str(tracker), *arguments]
    if tool.main():
        raise SystemExit(f"roundup-admin {arguments[0]} failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
