"""Our profiles against the real programs: nginx, HAProxy, Apache and Caddy are started with short timeouts,
halfopen with the profile of the same name and the same timeouts, and both meet the same clients and servers.
What each endpoint saw has to agree: the kinds of events in order, their times within the noise.

    python3 tests/e2e/fidelity/fidelity.py BUILD [NAME ...]      NAME: a part of a test's name
"""
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import PING, PONG, CLOSE, TEXT, Wire, frame, header

IDLE = 2.0          # seconds: the timeout given to all
WATCHED = 3.5       # how long endpoints look when nothing is to happen
EARLY, LATE = 0.2, 1.5  # how far apart the same event may be in both worlds
PROBE = 0.4         # after a FIN: so long until one write shows whether the other end is gone


# --- What an endpoint sees ---

class Witness:
    """Watches one end of a tunnel until it ends: [(kind, seconds since the tunnel was open)]."""

    def __init__(self, wire, pongs=False):
        self.wire, self.pongs, self.seen = wire, pongs, []
        self.began = time.monotonic()
        self.stopped = False
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def note(self, kind):
        if not self.stopped:
            self.seen.append((kind, time.monotonic() - self.began))

    def stop(self):
        self.stopped = True

    def watch(self):
        try:
            while True:
                opcode, payload, _, _ = self.wire.frame()
                if opcode == CLOSE:
                    self.note(f"close {int.from_bytes(payload[:2], 'big')}")
                elif opcode == PING and self.pongs:
                    self.wire.send(frame(PONG, payload, masked=False))
        except EOFError:
            self.note("fin")
            self.probe()
        except ConnectionResetError:
            self.note("rst")
        except OSError:
            pass
        self.over.set()

    def probe(self):
        """One byte after the FIN: an RST comes back when the other end is closed both ways."""
        try:
            self.wire.send(b"\x89\x00" if self.pongs else b"\x89\x80\0\0\0\0")
            time.sleep(PROBE)
            sock = self.wire.sock
            gone = harness.pending_error(sock) != 0 or harness.tcp_state(sock) == harness.CLOSED
            self.note("gone" if gone else "swallows")
        except OSError:
            self.note("gone")

    def kinds(self):
        return [kind for kind, _ in self.seen]

    def times(self):
        return [at for kind, at in self.seen if kind not in ("gone", "swallows")]


class Outcome:
    """What happened in one world."""

    def __init__(self, client, server, status=None, heads=()):
        self.client, self.server = client, server
        self.status, self.heads = status, list(heads)

    def __str__(self):
        def words(witness):
            return " ".join(f"{kind}@{at:.2f}" for kind, at in witness.seen) if witness else "-"
        return f"status {self.status}; client {words(self.client)}; server {words(self.server)}"


class Origin:
    """The server behind: accepts a handshake if it is one, and hands its end to the test."""

    def __init__(self, answers=True):
        self.answers = answers
        self.heads, self.wires = [], []
        self.came = threading.Event()
        self.server = harness.Server(self.handle)
        self.port = self.server.port

    def handle(self, wire):
        head = wire.head()
        self.heads.append(head)
        if not self.answers:
            return
        upgrade = (header(head, "Upgrade") or "").lower() == "websocket"
        connection = "upgrade" in (header(head, "Connection") or "").lower()
        if not (upgrade and connection and head.split("\r\n")[0].endswith("HTTP/1.1")):
            wire.send(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            wire.close()
            return
        accept = harness.accept_key(header(head, "Sec-WebSocket-Key"))
        wire.send(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        self.wires.append(wire)
        self.came.set()

    def stop(self):
        self.server.stop()


# --- The real programs ---

def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Program:
    """One proxy in the foreground, with its own files."""

    def __init__(self, case, origin_port):
        self.case, self.origin, self.port = case, origin_port, free_port()
        self.folder = os.path.join(case.folder, type(self).__name__)
        os.makedirs(self.folder, exist_ok=True)
        self.write()
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT, cwd=self.folder,
                                        env={**case.environment, **self.environment()})
        case.processes.append(self.process)
        self.wait()

    def environment(self):
        return {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def wait(self):
        until = time.monotonic() + 15
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
            if self.process.poll() is not None:
                break
        self.log.seek(0)
        raise AssertionError(f"{self.command()[0]} did not start: {self.log.read()}")


class Nginx(Program):
    def write(self):
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
            os.makedirs(self.path(name), exist_ok=True)
        temporary = "".join(f"{kind}_temp_path {self.path(folder)};" for kind, folder in (
            ("client_body", "body"), ("proxy", "proxy"), ("fastcgi", "fastcgi"),
            ("uwsgi", "uwsgi"), ("scgi", "scgi")))
        user = "user root;" if os.geteuid() == 0 else ""
        self.put("nginx.conf", f"""{user} daemon off; worker_processes 1; pid {self.path('pid')};
error_log {self.path('error.log')};
events {{ worker_connections 64; }}
http {{ access_log off; {temporary}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{ listen 127.0.0.1:{self.port};
    location / {{ proxy_pass http://127.0.0.1:{self.origin}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout {IDLE:g}s; }} }} }}
""")

    def command(self):
        return ["nginx", "-c", self.path("nginx.conf"), "-p", self.folder, "-e", self.path("error.log")]

    def reload(self):
        subprocess.run([*self.command(), "-s", "reload"], check=True, capture_output=True, timeout=10)


class Haproxy(Program):
    def write(self):
        self.put("haproxy.cfg", f"""global
  maxconn 64
defaults
  mode http
  timeout connect 2s
  timeout client {IDLE:g}s
  timeout server {IDLE:g}s
  timeout tunnel {IDLE:g}s
frontend in
  bind 127.0.0.1:{self.port}
  default_backend out
backend out
  server origin 127.0.0.1:{self.origin}
""")

    def command(self):
        return ["haproxy", "-W", "-f", self.path("haproxy.cfg")]

    def reload(self):
        self.process.send_signal(12)  # SIGUSR2


class Apache(Program):
    def write(self):
        modules = "/usr/lib/apache2/modules"
        self.put("httpd.conf", f"""ServerRoot {self.folder}
ServerName localhost
Listen 127.0.0.1:{self.port}
PidFile {self.path('pid')}
ErrorLog {self.path('error.log')}
Timeout {IDLE:g}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
Mutex file:{self.folder} default
StartServers 1
ThreadsPerChild 25
MaxRequestWorkers 25
ServerLimit 1
ProxyPass / http://127.0.0.1:{self.origin}/ upgrade=websocket
""")

    def environment(self):
        return {"APACHE_RUN_DIR": self.folder}

    def command(self):
        return ["apache2", "-d", self.folder, "-f", self.path("httpd.conf"), "-DFOREGROUND"]

    def reload(self):
        self.process.send_signal(10)  # SIGUSR1, graceful


class Caddy(Program):
    def write(self):
        self.admin = free_port()
        self.put("Caddyfile", self.text())

    def text(self, extra=""):
        return f"""{{
  admin 127.0.0.1:{self.admin}
  auto_https off
}}
http://:{self.port} {{
  bind 127.0.0.1
  {extra}
  reverse_proxy 127.0.0.1:{self.origin}
}}
"""

    def environment(self):
        return {"XDG_DATA_HOME": self.folder, "XDG_CONFIG_HOME": self.folder}

    def command(self):
        return ["caddy", "run", "--config", self.path("Caddyfile"), "--adapter", "caddyfile"]

    def reload(self):
        self.put("Caddyfile", self.text("header X-Changed yes"))
        subprocess.run(["caddy", "reload", "--config", self.path("Caddyfile"), "--adapter", "caddyfile",
                        "--address", f"127.0.0.1:{self.admin}"], check=True, capture_output=True,
                       timeout=20, env={**self.case.environment, **self.environment()})


class Ours:
    """halfopen with the profile; reload: a drain that begins when the real one is reloaded."""

    def __init__(self, case, origin_port, profile, params):
        words = ", ".join([f"profile: {profile}", *params])
        self.proxy = harness.Proxy(case, f"127.0.0.1:{origin_port}", "--fault",
                                   f"intermediary: {{{words}}}", trace=False)
        self.port = self.proxy.port


# --- One behaviour in both worlds ---

RELOAD_AT = 1.0

PROGRAMS = {
    "nginx": (Nginx, "nginx", [f"idle: {IDLE:g}s", f"handshake_timeout: {IDLE:g}s"]),
    "haproxy": (Haproxy, "haproxy", [f"idle: {IDLE:g}s", f"handshake_timeout: {IDLE:g}s"]),
    "apache": (Apache, "apache2", [f"idle: {IDLE:g}s", f"handshake_timeout: {IDLE:g}s"]),
    "caddy": (Caddy, "caddy", []),
}


class Fidelity(harness.Case):
    limit = 90

    def tunnel(self, port, origin, headers=()):
        """Both ends of a tunnel through that port: (client wire, server wire)."""
        wire = Wire(harness.connect(port))
        self.addCleanup(wire.close)
        status = wire.upgrade(headers=headers).split()[1]
        self.assertEqual(status, "101")
        self.assertTrue(origin.came.wait(10), "the origin saw no handshake")
        return wire, origin.wires[-1]

    def both(self, name, act):
        """act(world, origin) in the real world and in ours; the outcomes agree."""
        program, binary, params = PROGRAMS[name]
        if not shutil.which(binary):
            self.skipTest(f"no {binary}")
        outcomes = []
        for ours in (False, True):
            origin = Origin(answers=self.origin_answers)
            self.addCleanup(origin.stop)
            more = [f"drain: {RELOAD_AT:g}s"] if ours and self.reloads else []
            world = Ours(self, origin.port, name, params + more) if ours else program(self, origin.port)
            if self.origin_is_down:
                origin.stop()
            outcomes.append(act(world, origin))
        self.compare(name, *outcomes)

    origin_answers, origin_is_down, reloads = True, False, False

    def compare(self, name, real, ours):
        story = f"{name}\n  real {real}\n  ours {ours}"
        self.assertEqual(real.status, ours.status, story)
        for side in ("client", "server"):
            theirs, mine = getattr(real, side), getattr(ours, side)
            if not theirs and not mine:
                continue
            self.assertEqual(theirs.kinds(), mine.kinds(), f"{side} of {story}")
            for expected, got in zip(theirs.times(), mine.times()):
                self.assertGreater(got, expected - LATE, f"{side} of {story}")
                self.assertLess(got, expected + LATE, f"{side} of {story}")

    def watched(self, client, server, seconds=WATCHED, pongs=False):
        """Both ends looked at until they are over or so long."""
        ends = Witness(client), Witness(server, pongs=pongs)
        until = time.monotonic() + seconds
        for end in ends:
            end.over.wait(max(0, until - time.monotonic()))
            end.stop()
        return Outcome(*ends)

    # The behaviours.

    def idle(self, world, origin):
        return self.watched(*self.tunnel(world.port, origin))

    def beats(self, from_client, from_server, pongs):
        def act(world, origin):
            client, server = self.tunnel(world.port, origin)
            stop = threading.Event()

            def beat():
                while not stop.wait(IDLE / 4):
                    try:
                        if from_client:
                            client.send(frame(PING, b"c"))
                        if from_server:
                            server.send(frame(PING, b"s", masked=False))
                    except OSError:
                        return
            threading.Thread(target=beat, daemon=True).start()
            outcome = self.watched(client, server, pongs=pongs)
            stop.set()
            return outcome
        return act

    def ends(self, side, how):
        def act(world, origin):
            client, server = self.tunnel(world.port, origin)
            other = Witness(server if side == "client" else client)
            time.sleep(0.3)
            sock = (client if side == "client" else server).sock
            if how == "rst":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()
            else:
                sock.shutdown(socket.SHUT_WR)
            other.over.wait(1.5)
            other.stop()
            return Outcome(other if side == "server" else None, other if side == "client" else None)
        return act

    def handshake(self, request):
        def act(world, origin):
            wire = Wire(harness.connect(world.port))
            self.addCleanup(wire.close)
            wire.send(request)
            return Outcome(None, None, wire.head().split()[1], origin.heads)
        return act

    def reload(self, world, origin):
        client, server = self.tunnel(world.port, origin)
        if not isinstance(world, Ours):
            threading.Timer(RELOAD_AT, world.reload).start()
        stop = threading.Event()

        def beat():
            while not stop.wait(IDLE / 4):
                try:
                    client.send(frame(PING, b"c"))
                except OSError:
                    return
        threading.Thread(target=beat, daemon=True).start()
        outcome = self.watched(client, server)
        stop.set()
        return outcome


NO_CONNECTION = (b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
NO_UPGRADE = (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
GOOD = harness.request_head(host="localhost")
LONG_LINE = harness.request_head(host="localhost", headers=["X-Long: " + "x" * 9000])
MANY_LINES = harness.request_head(host="localhost", headers=[f"X-{i}: " + "x" * 390 for i in range(30)])
HUGE_HEAD = harness.request_head(host="localhost", headers=[f"X-{i}: " + "x" * 390 for i in range(50)])

BEHAVIOURS = {
    "idle": lambda case: case.idle,
    "client_pings_only": lambda case: case.beats(True, False, pongs=False),
    "server_pings_only": lambda case: case.beats(False, True, pongs=False),
    "ping_with_pong": lambda case: case.beats(True, False, pongs=True),
    "server_reset": lambda case: case.ends("server", "rst"),
    "client_reset": lambda case: case.ends("client", "rst"),
    "server_fin": lambda case: case.ends("server", "fin"),
    "client_fin": lambda case: case.ends("client", "fin"),
    "missing_connection_header": lambda case: case.handshake(NO_CONNECTION),
    "missing_upgrade_headers": lambda case: case.handshake(NO_UPGRADE),
    "good_handshake": lambda case: case.handshake(GOOD),
    "long_header_line": lambda case: case.handshake(LONG_LINE),
    "many_header_lines": lambda case: case.handshake(MANY_LINES),
    "huge_head": lambda case: case.handshake(HUGE_HEAD),
}


def add(name, behaviour, make, **how):
    def test(self):
        for key, value in how.items():
            setattr(self, key, value)
        self.both(name, make(self))
    test.__name__ = f"test_{name}_{behaviour}"
    setattr(Fidelity, test.__name__, test)


for each in PROGRAMS:
    for what, making in BEHAVIOURS.items():
        add(each, what, making)
    add(each, "reload", lambda case: case.reload, reloads=True)
    add(each, "server_down", lambda case: case.handshake(GOOD), origin_is_down=True)
    if each != "caddy":  # it waits for ever
        add(each, "server_never_answers", lambda case: case.handshake(GOOD), origin_answers=False)

if __name__ == "__main__":
    harness.main()
