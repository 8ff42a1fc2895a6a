"""--speed over real processes: who can be sped up is, and stays so; who cannot runs at speed 1, which is said.
The clients ping every second of their own time, which the trace shows, whatever the verdict.
"""
import os
import shutil
import statistics
import subprocess
import sys
import unittest

import harness
from harness import HALFOPEN, events, of_kind
from test_run import PRELUDE, RunCase

try:
    import websockets
except ImportError:
    websockets = None

SPEED = 10
INTERVAL_S = 1.0  # between pings

BEATS = """\
scenario: beats
steps:
  - wait: {until: open, at_most: 10s}
  - wait: %ss
expect:
  - heartbeat.interval: {at_most: 1500ms}
"""

NODE = """\
const net = require('net'), crypto = require('crypto');
const url = new URL(process.argv[2]);
const socket = net.connect(Number(url.port), url.hostname, () => {
  socket.write(`GET / HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n` +
    `Sec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\\r\\n` +
    `Sec-WebSocket-Version: 13\\r\\n\\r\\n`);
  setInterval(() => socket.write(Buffer.from([0x89, 0x80, 1, 2, 3, 4])), 1000);
});
socket.resume();
"""

THREADED = PRELUDE + """
import queue, threading
wire, stop, words = dial(), threading.Event(), queue.Queue()
def pinger():
    while not stop.wait(1.0):
        wire.send(frame(PING))
def waiter():
    while True:
        try:
            words.get(timeout=0.7)
        except queue.Empty:
            pass
threading.Thread(target=pinger, daemon=True).start()
threading.Thread(target=waiter, daemon=True).start()
wire.sock.settimeout(600)
while wire.more():
    wire.kept = b""
time.sleep(600)
"""

# io_uring_enter with a timeout: by the time the kernel answers (there is no ring) it is known for a wait that
# neither library scales.
WAIT_IN_A_RING = """
import ctypes
span = (ctypes.c_int64 * 2)(0, 1000)
more = (ctypes.c_uint64 * 3)(0, 0, ctypes.addressof(span))
ctypes.CDLL(None).syscall(426, -1, 0, 0, 8, ctypes.byref(more), 24)
"""

ASYNCIO = """\
import asyncio, os, websockets
async def main():
    async with websockets.connect(os.environ["HALFOPEN_URL"], ping_interval=1, ping_timeout=5) as socket:
        await asyncio.wait_for(socket.wait_closed(), 600)
asyncio.run(main())
"""

# Speaks just enough: an upgrade, and a ping every second.
C = """\
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef LIKE_GO
__attribute__((section(".go.buildinfo"), used)) static const char mark[16] = "\\xff Go buildinf:";
#endif
int main(int argc, char **argv)
{
    static const char head[] =
        "GET / HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n";
    static const unsigned char ping[] = {0x89, 0x80, 1, 2, 3, 4};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    struct timespec second = {.tv_sec = 1};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) || write(fd, head, sizeof head - 1) < 0)
        return 1;
    for (;;) {
        nanosleep(&second, NULL);
        if (write(fd, ping, sizeof ping) < 0)
            return 1;
    }
}
"""


class TimeCase(RunCase):
    def beats(self, client, *options, seconds=8):
        ended = self.run_one(BEATS % seconds, client, "--speed", str(SPEED), *options)
        self.assertIn(ended.code, (0, 1, 4), ended)
        scenario, = self.results()["scenarios"]
        pings = of_kind(events(self.trace("beats")), "ws.frame", opcode=harness.PING, client=0)
        times = [ping["at"] for ping in pings]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        return ended, scenario, gaps

    def assert_true_to_time(self, gaps, seconds=8):
        """As many pings as the client's own time allows, a second apart: neither ten times that nor a tenth."""
        self.assertGreaterEqual(len(gaps), seconds - 4)
        self.assertAlmostEqual(statistics.median(gaps), INTERVAL_S, delta=0.4)


class Scaled(TimeCase):
    def assert_sped_up(self, client, *options, seconds=24):
        ended, scenario, gaps = self.beats(client, *options, seconds=seconds)
        self.assertEqual(scenario["speed"], SPEED, scenario)
        self.assertNotIn("speed_note", scenario)
        self.assertNotIn("at speed 1", ended.out)
        self.assertEqual(events(self.trace("beats"))[0]["speed"], SPEED)
        self.assert_true_to_time(gaps, seconds)
        self.assertLess(scenario["wall_s"], seconds)
        self.assertIn(scenario["verdict"], ("pass", "inconclusive"))  # a busy machine is noisy
        return scenario

    @unittest.skipUnless(shutil.which("node"), "no node")
    def test_node(self):
        self.assert_sped_up(f"exec node {self.write('client.js', NODE)} {{url}}")

    @unittest.skipUnless(websockets, "no python3-websockets")
    def test_asyncio(self):
        self.assert_sped_up(f"exec {sys.executable} {self.write('client.py', ASYNCIO)}")

    def test_threads(self):
        self.assert_sped_up(f"exec {sys.executable} {self.write('client.py', THREADED)}")

    def test_a_c_program_below_a_shell_that_stays(self):
        program = self.compile()
        self.assert_sped_up(f"{program} {{port}}; true")

    def test_the_reference_client_and_a_server_command(self):
        self.assert_sped_up(f"exec {HALFOPEN} client --ping 1s {{url}}", "--server-cmd",
                            f"exec {HALFOPEN} server --listen 127.0.0.1:{{port}}", "--server",
                            "ws://127.0.0.1:{port}/")

    def compile(self, *options):
        return compile_client(self, *options)


def compile_client(case, *options):
    if not shutil.which("cc"):
        case.skipTest("no C compiler")
    source, program = case.write("client.c", C), os.path.join(case.folder, "client")
    made = subprocess.run(["cc", "-O1", "-o", program, source, *options], capture_output=True, text=True,
                          check=False)
    if made.returncode:
        case.skipTest("cannot be built here: " + made.stderr.splitlines()[-1])
    return program


class Unscaled(TimeCase):
    """None of these may ever be judged as if its clock ran fast."""

    def assert_at_speed_1(self, client, why, *options):
        ended, scenario, gaps = self.beats(client, *options)
        self.assertEqual(scenario["speed"], 1, scenario)
        self.assertRegex(scenario["speed_note"], "^at speed 1: .*" + why)
        self.assertRegex(" ".join(ended.out.split()), "note beats ran at speed 1: .*" + why)
        self.assertEqual(events(self.trace("beats"))[0]["speed"], 1)
        self.assert_true_to_time(gaps)
        self.assertGreaterEqual(scenario["wall_s"], 8)
        return scenario

    def test_a_static_program(self):
        program = compile_client(self, "-static")
        self.assert_at_speed_1(f"exec {program} {{port}}", "did not load the time library")

    def test_a_program_that_looks_like_go(self):
        program = compile_client(self, "-DLIKE_GO")
        self.assert_at_speed_1(f"exec {program} {{port}}", "is a Go program")

    def test_an_empty_environment(self):
        program = compile_client(self)
        self.assert_at_speed_1(f"env -i {program} {{port}}", "did not load the time library")

    def test_a_program_that_drops_the_library_for_its_children(self):
        client = self.write("client.py", THREADED)
        wrapper = self.write("wrapper.py", "import os, subprocess, sys\n"
                             "os.environ.pop('LD_PRELOAD', None)\n"
                             f"subprocess.run([sys.executable, {client!r}])\n")
        self.assert_at_speed_1(f"exec {sys.executable} {wrapper}", "did not load the time library")

    def test_one_of_several_clients_is_enough(self):
        program = compile_client(self)
        client = f"if [ {{index}} = 1 ]; then exec env -i {program} {{port}}; else exec {program} {{port}}; fi"
        self.assert_at_speed_1(client, "did not load the time library", "--clients", "2")

    def test_a_server_command_that_cannot_be_sped_up(self):
        program = compile_client(self)
        self.assert_at_speed_1(f"exec {program} {{port}}", "did not load the time library",
                               "--server-cmd",
                               f"exec env -i {HALFOPEN} server --listen 127.0.0.1:{{port}}",
                               "--server", "ws://127.0.0.1:{port}/")

    def test_a_server_that_was_not_started_here(self):
        server = self.server()
        program = compile_client(self)
        self.assert_at_speed_1(f"exec {program} {{port}}", "was not started here", "--server",
                               f"ws://127.0.0.1:{server.port}/")

    def test_a_wait_that_nobody_can_scale(self):
        client = THREADED.replace("wire, stop", WAIT_IN_A_RING + "wire, stop", 1)
        self.assert_at_speed_1(f"exec {sys.executable} {self.write('client.py', client)}",
                               "cannot be sped up: io_uring_enter")

    def test_a_wait_that_nobody_can_scale_and_no_connection_afterwards(self):
        client = PRELUDE + """
wire = dial()
wire.sock.settimeout(600)
try:
    while wire.more():
        wire.kept = b""
except OSError:
    pass
""" + WAIT_IN_A_RING + "time.sleep(600)\n"
        scenario = ("scenario: beats\nsteps:\n  - wait: {until: open, at_most: 10s}\n  - reset: {}\n"
                    "  - wait: 6s\nexpect: [reconnect.silent_death]\n")
        ended = self.run_one(scenario, f"exec {sys.executable} {self.write('client.py', client)}",
                             "--speed", str(SPEED))
        told, = self.results()["scenarios"]
        self.assertEqual(told["speed"], 1, ended)
        self.assertIn("io_uring_enter", told["speed_note"])


if __name__ == "__main__":
    harness.main()
