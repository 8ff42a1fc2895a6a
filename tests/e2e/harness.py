"""What the end-to-end tests share: a hard limit for each, halfopen as a process, endpoints made of bare
sockets, the trace as a list, and a last line that counts. Only the standard library; everything stays on
127.0.0.1 and [::1], every port is chosen by the kernel, and only what was started here is ended.

    python3 tests/e2e/test_x.py BUILD [NAME ...]      NAME: a part of a test's name
"""
import base64
import fcntl
import hashlib
import json
import multiprocessing
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(ROOT, "build")
HALFOPEN = os.path.join(BUILD, "halfopen")

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
ESTABLISHED, CLOSED, CLOSE_WAIT = 1, 7, 8  # tcpi_state
ENDPOINT_PATIENCE = 20  # seconds a socket of ours waits at most for anything


class OutOfTime(AssertionError):
    """Not an error of the test's own: it did not end in its time."""


def on_alarm(_number, _frame):
    raise OutOfTime("the test did not end in its time")


# --- WebSocket by hand ---

def accept_key(key):
    magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1((key + magic).encode()).digest()).decode()


def xor(payload, key):
    repeated = key * (len(payload) // 4 + 1)
    number = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:len(payload)], "big")
    return number.to_bytes(len(payload), "big")


def frame(opcode, payload=b"", masked=True, fin=True, rsv=0):
    payload = payload.encode() if isinstance(payload, str) else payload
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask_bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([mask_bit | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", len(payload))
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + xor(payload, key)


def request_head(path="/", host="127.0.0.1", key="dGhlIHNhbXBsZSBub25jZQ==", headers=()):
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def has_loopback6():
    """Containers often have no ::1."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


class Wire:
    """A socket, read by need: heads, frames, bytes. EOFError when it ends too early."""

    def __init__(self, sock):
        self.sock = sock
        self.kept = b""
        sock.settimeout(ENDPOINT_PATIENCE)

    def more(self):
        part = self.sock.recv(65536)
        self.kept += part
        return bool(part)

    def exactly(self, length):
        parts = [self.kept]
        have = len(self.kept)
        while have < length:
            parts.append(self.sock.recv(1 << 20))
            if not parts[-1]:
                raise EOFError(f"{have} of {length} bytes")
            have += len(parts[-1])
        whole = b"".join(parts)
        self.kept = whole[length:]
        return whole[:length]

    def head(self):
        while b"\r\n\r\n" not in self.kept:
            if not self.more():
                raise EOFError(f"no whole head: {self.kept!r}")
        head, self.kept = self.kept.split(b"\r\n\r\n", 1)
        return (head + b"\r\n\r\n").decode("latin-1")

    def rest(self):
        while self.more():
            pass
        rest, self.kept = self.kept, b""
        return rest

    def frame(self):
        """(opcode, payload, fin, rsv), unmasked."""
        first, second = self.exactly(2)
        length = second & 0x7f
        if length == 126:
            length, = struct.unpack("!H", self.exactly(2))
        elif length == 127:
            length, = struct.unpack("!Q", self.exactly(8))
        key = self.exactly(4) if second & 0x80 else None
        payload = self.exactly(length)
        return first & 15, xor(payload, key) if key else payload, bool(first & 0x80), first >> 4 & 7

    def message(self):
        """(opcode, payload) of the next frame that is no control frame, whole or first."""
        while True:
            opcode, payload, _, _ = self.frame()
            if opcode < 8:
                return opcode, payload

    def send(self, data):
        self.sock.sendall(data)

    def upgrade(self, path="/", headers=()):
        """As a client. The response's head."""
        self.send(request_head(path, headers=headers))
        return self.head()

    def answer_upgrade(self, headers=()):
        """As a server. The request's head."""
        head = self.head()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Accept: {accept_key(header(head, 'Sec-WebSocket-Key'))}", *headers]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        return head

    def shut(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()


def header(head, name):
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name.lower():
            return value.strip()
    return None


# --- What the kernel knows of a connection ---

def tcp_state(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0]


def unacknowledged(sock):
    """Bytes written that the other end's kernel has not acknowledged (SIOCOUTQ)."""
    return struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]


def pending_error(sock):
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def is_reset(sock, within=ENDPOINT_PATIENCE):
    """Waits, without reading, for an RST: only that gives ECONNRESET and a closed state."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    poll.poll(within * 1000)
    return pending_error(sock) == 104 and tcp_state(sock) == CLOSED


def got_fin(sock, within=ENDPOINT_PATIENCE):
    """Waits, without reading, for a FIN: the connection is half closed and has no error."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    poll.poll(within * 1000)
    return tcp_state(sock) == CLOSE_WAIT and pending_error(sock) == 0


def is_silent(sock, seconds):
    """Nothing comes in that time, no FIN and no RST."""
    ready, _, _ = select.select([sock], [], [], seconds)
    return not ready and tcp_state(sock) == ESTABLISHED


# --- Endpoints ---

class Server:
    """Listens; handle(wire) for each connection, in a thread of its own."""

    def __init__(self, handle, tls=None, host="127.0.0.1", backlog=256):
        self.handle, self.tls = handle, tls
        self.wires, self.troubles = [], []
        self.came = threading.Condition()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.bind((host, 0))
        self.listener.listen(backlog)
        self.host, self.port = host, self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            sock.settimeout(ENDPOINT_PATIENCE)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
            wire = Wire(sock)
            with self.came:
                self.wires.append(wire)
                self.came.notify_all()
            self.handle(wire)
        except (OSError, EOFError, ssl.SSLError) as trouble:
            with self.came:
                self.troubles.append(trouble)
                self.came.notify_all()

    def trouble(self, within=ENDPOINT_PATIENCE):
        """What went wrong first, as soon as something has."""
        with self.came:
            assert self.came.wait_for(lambda: self.troubles, within), "nothing went wrong"
            return self.troubles[0]

    def wire(self, index=0, within=ENDPOINT_PATIENCE):
        with self.came:
            assert self.came.wait_for(lambda: len(self.wires) > index, within), \
                f"connection {index} never came: {self.troubles}"
            return self.wires[index]

    def stop(self):
        # close() alone does not wake a thread that is in accept().
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for wire in self.wires:
            wire.close()


def echo(wire):
    """A WebSocket server that echoes messages and answers pings until a Close."""
    wire.answer_upgrade()
    while True:
        try:
            opcode, payload, fin, rsv = wire.frame()
        except EOFError:
            wire.close()
            return
        if opcode == CLOSE:
            wire.send(frame(CLOSE, payload, masked=False))
            wire.close()
            return
        if opcode != PONG:
            reply = PONG if opcode == PING else opcode
            wire.send(frame(reply, payload, masked=False, fin=fin, rsv=rsv))


def hold(wire):
    """Accepts and does nothing: the test itself reads and writes."""
    del wire


def connect(port, host="127.0.0.1", receive_buffer=None):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(ENDPOINT_PATIENCE)
    sock.connect((host, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def is_turned_away(port):
    """Connects; true when that is answered by an RST, be it before we look a first time."""
    try:
        with connect(port) as sock:
            return is_reset(sock)
    except ConnectionResetError:
        return True


# --- Traces ---

def events(path):
    """What the trace holds so far; a line that is cut is left out."""
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines[:-1]]


def of_kind(found, kind, **fields):
    return [ev for ev in found if ev["ev"] == kind
            and all(ev.get(key) == value for key, value in fields.items())]


# --- Processes ---

class Ended:
    """A command that has ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def is_alive(pid):
    """A zombie is not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Proxy:
    """halfopen proxy, listening."""

    def __init__(self, case, upstream, *options, listen="127.0.0.1:0", trace=True, stdout=None,
                 environment=None, prefix=()):
        self.case = case
        self.trace = os.path.join(case.folder, f"trace-{len(case.processes)}.jsonl")
        ours, theirs = os.pipe()
        words = [*prefix, HALFOPEN, "proxy", "--listen", listen, "--upstream", upstream,
                 "--ready-fd", str(theirs), "--quiet", *options]
        if trace:
            words += ["--trace", self.trace]
        self.stderr = open(self.trace + ".err", "w+", encoding="utf-8")
        self.process = subprocess.Popen(words, pass_fds=[theirs], stdin=subprocess.DEVNULL,
                                        stdout=stdout or subprocess.DEVNULL, stderr=self.stderr,
                                        env=environment or case.environment)
        case.processes.append(self.process)
        os.close(theirs)
        with open(ours, encoding="utf-8") as ready:
            self.url = ready.readline().strip()
        if not self.url:
            code = self.process.wait(10)
            raise AssertionError(f"the proxy did not start, exit {code}: {self.errors()}")
        self.port = int(self.url.rpartition(":")[2])

    def errors(self):
        self.stderr.seek(0)
        return self.stderr.read()

    def connect(self, **how):
        return Wire(self.keep(connect(self.port, **how)))

    def keep(self, sock):
        self.case.addCleanup(sock.close)
        return sock

    def open(self, path="/", headers=()):
        """A WebSocket through it."""
        wire = self.connect()
        head = wire.upgrade(path, headers)
        assert head.startswith("HTTP/1.1 101"), head
        return wire

    def events(self, kind=None, **fields):
        return of_kind(events(self.trace), kind, **fields) if kind else events(self.trace)

    def wait_for(self, kind, count=1, within=ENDPOINT_PATIENCE, **fields):
        """The events of that kind as soon as there are so many of them."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            found = self.events(kind, **fields)
            if len(found) >= count:
                return found
            time.sleep(0.02)
        newest = "\n".join(map(json.dumps, self.events()[1:][-20:]))
        raise AssertionError(f"not {count} {kind} {fields} in the trace, which ends in\n{newest}")

    def stop(self, number=signal.SIGTERM):
        """The exit code."""
        self.process.send_signal(number)
        return self.process.wait(ENDPOINT_PATIENCE)


class Case(unittest.TestCase):
    limit = 60  # seconds for one test

    def setUp(self):
        self.processes = []
        folder = tempfile.TemporaryDirectory(prefix="halfopen-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        home = os.path.join(self.folder, "home")
        os.mkdir(home)
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith(("HALFOPEN", "XDG_", "SSL_CERT"))}
        self.environment["HOME"] = home
        self.addCleanup(self.end_processes)
        signal.signal(signal.SIGALRM, on_alarm)
        signal.alarm(self.limit)
        self.addCleanup(signal.alarm, 0)

    def end_processes(self):
        signal.alarm(30)  # for this alone
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        signal.alarm(0)

    def server(self, handle=echo, **how):
        server = Server(handle, **how)
        self.addCleanup(server.stop)
        return server

    def proxy(self, upstream, *options, **how):
        if isinstance(upstream, Server):
            upstream = f"127.0.0.1:{upstream.port}"
        return Proxy(self, upstream, *options, **how)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, *words, environment=None, prefix=(), **how):
        """halfopen with these words, in the test's folder."""
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
        process = subprocess.Popen([*prefix, HALFOPEN, *map(str, words)], stdin=subprocess.DEVNULL, text=True,
                                   cwd=self.folder, env=environment or self.environment, **how)
        self.processes.append(process)
        return process

    def halfopen(self, *words, **how):
        process = self.start(*words, **how)
        out, err = process.communicate()
        return Ended(process.returncode, out, err)

    def assert_ends_within(self, process, seconds):
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"process {process.pid} did not end within {seconds} s")
            return None

    def assert_comes_true(self, condition, words, within=ENDPOINT_PATIENCE):
        until = time.monotonic() + within
        while not condition():
            if time.monotonic() > until:
                self.fail(f"not within {within} s: {words}")
            time.sleep(0.02)


# --- Running ---

WORKERS = 4  # most tests wait most of the time


class OneTest(unittest.TestResult):
    """What became of one test, as lines."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def say(self, word, test, why=""):
        name = test.id().removeprefix("__main__.")
        self.lines.append(f"{word:8}{name}  {time.monotonic() - self.began:.1f} s{why}")

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.say("ok", test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.say("FAILED", subtest, "\n" + self._exc_info_to_string(err, test))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say("FAILED", test, "\n" + self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.say("FAILED", test, "\n" + self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("skipped", test, ": " + reason)


def run_one(test):
    """(what to print, verdict); in a process of its own."""
    result = OneTest()
    test.run(result)
    failed = bool(result.failures or result.errors)
    verdict = "failed" if failed else "skipped" if result.skipped else "passed"
    return "\n".join(result.lines), verdict


def main():
    names = sys.argv[2:]
    if not os.access(HALFOPEN, os.X_OK):
        sys.exit(f"{HALFOPEN}: there is no such program; run make first")
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    tests = [test for group in suite for test in group
             if not names or any(name in test.id() for name in names)]
    tests.sort(key=lambda test: -test.limit)  # what takes long begins first
    verdicts = []
    with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
        ended = pool.imap_unordered(run_one, tests)
        for _ in tests:
            text, verdict = ended.next(timeout=max(test.limit for test in tests) + 60)
            print(text, flush=True)
            verdicts.append(verdict)
    counts = [f"{verdicts.count(word)} {word}" for word in ("passed", "failed", "skipped")]
    print(", ".join(counts))
    sys.exit(1 if "failed" in verdicts else 0)
