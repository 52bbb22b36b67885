"""Firefox for tests of pages, by its own protocol for drivers (Marionette), without a window."""

import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
PATIENCE = 60  # seconds, on a machine that does other things, too
OWN = ("mozilla.com", "mozilla.org", "firefox.com", "googleapis.com")  # whom it asks by itself: for news of itself


class Recorder(BaseHTTPRequestHandler):
    """The way out of this machine: it notes what is asked for, and lets nothing through."""

    def refuse(self):
        host = urlsplit(self.path).hostname or self.path.partition(":")[0]  # of https it says the host alone
        if not host.endswith(OWN):
            self.server.asked.append(self.requestline)
        self.send_error(502)

    do_GET = do_HEAD = do_POST = do_OPTIONS = do_CONNECT = refuse

    def log_message(self, *_):
        pass


class Firefox:
    """A started Firefox: `asked` is what it asked for that is not on this machine."""

    def __init__(self, link, asked):
        self._link, self._replies, self._said, self.asked = link, link.makefile("rb"), 0, asked
        self._next()  # how it greets
        self._call("WebDriver:NewSession", {})

    def _next(self):
        length = b""
        while (digit := self._replies.read(1)) != b":":
            assert digit, "Firefox has ended"
            length += digit
        return json.loads(self._replies.read(int(length)))

    def _call(self, command, arguments):
        self._said += 1
        message = json.dumps([0, self._said, command, arguments]).encode()
        self._link.sendall(b"%d:%s" % (len(message), message))
        _, _, error, answer = self._next()
        assert error is None, error["message"]
        return answer

    def open(self, address):
        """Open an address, and wait until it is loaded."""
        self._call("WebDriver:Navigate", {"url": address})

    def quit(self):
        """End it, with the processes that it has started."""
        self._call("Marionette:Quit", {"flags": ["eForceQuit"]})

    def run(self, script, *arguments):
        """Run a script in the page; return what it returns."""
        return self._call("WebDriver:ExecuteScript", {"script": script, "args": arguments})["value"]

    def wait_for(self, script, *arguments, wanted=True):
        """Wait until a script returns what is wanted."""
        end = time.monotonic() + PATIENCE
        while (found := self.run(script, *arguments)) != wanted and time.monotonic() < end:
            time.sleep(0.05)  # before it is asked again: this protocol tells of no change by itself
        assert found == wanted, f"{found} instead of {wanted}"


@contextmanager
def _started(profile):
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as way_out:
        way_out.asked = []
        threading.Thread(target=way_out.serve_forever, daemon=True).start()
        proxies = {f"network.proxy.{kind}": "127.0.0.1" for kind in ("http", "ssl")}
        proxies |= {f"network.proxy.{kind}_port": way_out.server_port for kind in ("http", "ssl")}
        preferences = proxies | {"network.proxy.type": 1, "marionette.port": 0, "browser.startup.page": 0}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        (profile / "user.js").write_text("".join(lines), "utf-8")
        command = [FIREFOX, "--headless", "--marionette", "--profile", str(profile)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                with socket.create_connection(("127.0.0.1", _port(profile, process)), timeout=PATIENCE) as link:
                    firefox = Firefox(link, way_out.asked)
                    with firefox._replies:
                        yield firefox
                        firefox.quit()
                process.wait(PATIENCE)
            finally:
                process.kill()
        way_out.shutdown()


def _port(profile, process):
    """Return the port at which it waits for a driver, which it writes into its profile."""
    note, end = profile / "MarionetteActivePort", time.monotonic() + PATIENCE
    while not (note.exists() and note.read_text()):
        assert process.poll() is None, "Firefox has ended"
        assert time.monotonic() < end, "Firefox does not start"
        time.sleep(0.05)  # before the file is looked for again
    return int(note.read_text())


@pytest.fixture(scope="module")
def firefox():
    if FIREFOX is None:
        pytest.skip("needs Firefox on the PATH")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _started(Path(folder)) as firefox:
        yield firefox
