#!/usr/bin/env python3
"""run.py BUILD: what forwarding costs, beside HAProxy in TCP mode and without anything between.

64-byte round trips a second over 64 connections, MiB/s of 64 KiB frames in each direction, and memory for
each idle connection (PSS). Everything in one run, by turns, the median of the rounds; the ratios of a round are
what to look at, since the figures are the machine's. Asserts nothing."""
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 7
CONNECTIONS, SECONDS = 64, 0.5
MIB = 128
IDLE = 5000
DESCRIPTORS = 20000

HAPROXY = """
global
    maxconn {connections}
    nbthread 1
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
frontend in
    bind 127.0.0.1:{port}
    default_backend out
backend out
    server one 127.0.0.1:{upstream}
"""


class Bench:
    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.client = str(self.build / "bench" / "client")
        self.folder = tempfile.TemporaryDirectory(prefix="halfopen-bench-")
        self.processes = []
        server = self.start([str(self.build / "bench" / "server")], stdout=subprocess.PIPE)
        self.server_port = int(server.stdout.readline())

    def start(self, command, **options):
        process = subprocess.Popen(command, **options)
        self.processes.append(process)
        return process

    def stop(self, process):
        self.processes.remove(process)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def close(self):
        for process in list(self.processes):
            self.stop(process)
        self.folder.cleanup()

    def halfopen(self, *more):
        """Returns the process and its port."""
        get, put = os.pipe()
        process = self.start(
            [str(self.build / "halfopen"), "proxy", "--listen", "127.0.0.1:0", "--upstream",
             f"127.0.0.1:{self.server_port}", "--quiet", "--ready-fd", str(put), *more],
            pass_fds=[put], stdout=subprocess.DEVNULL)
        os.close(put)
        with os.fdopen(get) as ready:
            port = int(re.search(r":(\d+)\s*$", ready.readline())[1])
        return process, port

    def recording(self):
        return self.halfopen("--trace", os.path.join(self.folder.name, "trace.jsonl"))

    def haproxy(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = os.path.join(self.folder.name, "haproxy.cfg")
        pathlib.Path(config).write_text(HAPROXY.format(port=port, upstream=self.server_port,
                                                       connections=IDLE + 1000))
        process = self.start(["haproxy", "-db", "-f", config], stdout=subprocess.DEVNULL)
        wait_for(port)
        return process, port

    def ask(self, port, *what):
        done = subprocess.run([self.client, str(port), *map(str, what)], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, what))}: {done.stderr.strip()}")
        return float(done.stdout)

    def memory(self, start):
        """Bytes of PSS that each idle connection costs a fresh process."""
        process, port = start()
        self.ask(port, "round", CONNECTIONS, 0.2)  # what a process takes once
        before = pss(process.pid)
        client = self.start([self.client, str(port), "idle", str(IDLE)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
        client.stdout.readline()
        time.sleep(0.2)
        after = pss(process.pid)
        self.stop(client)
        self.stop(process)
        return (after - before) / IDLE


def wait_for(port):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nobody listens on port {port}")


def pss(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no PSS: an old kernel?")


MEASURES = [
    ("round trips/s", lambda bench, port: bench.ask(port, "round", CONNECTIONS, SECONDS), "{:,.0f}"),
    ("MiB/s up", lambda bench, port: bench.ask(port, "up", MIB), "{:,.0f}"),
    ("MiB/s down", lambda bench, port: bench.ask(port, "down", MIB), "{:,.0f}"),
]


def measure(bench):
    """{subject: {measure: [a value a round]}}, by turns."""
    subjects = {"directly": (None, bench.server_port), "HAProxy": bench.haproxy(), "halfopen": bench.halfopen(),
                "halfopen, recording": bench.recording()}
    found = {name: {measure[0]: [] for measure in MEASURES} for name in subjects}
    for _ in range(ROUNDS):
        for title, act, _ in MEASURES:
            for name, (_, port) in subjects.items():
                found[name][title].append(act(bench, port))
    for process, _ in subjects.values():
        if process:
            bench.stop(process)
    starts = {"HAProxy": bench.haproxy, "halfopen": bench.halfopen, "halfopen, recording": bench.recording}
    for name, start in starts.items():
        found[name]["B/idle conn."] = [bench.memory(start)]
    return found


def table(found):
    titles = [measure[0] for measure in MEASURES] + ["B/idle conn."]
    formats = {measure[0]: measure[2] for measure in MEASURES} | {"B/idle conn.": "{:,.0f}"}
    print(f"{'':22}" + "".join(f"{title:>22}" for title in titles))
    for name, measured in found.items():
        cells = []
        for title in titles:
            if title not in measured:
                cells.append(f"{'':>22}")
                continue
            middle = statistics.median(measured[title])
            beside = [got / base for got, base in zip(measured[title], found["HAProxy"][title]) if base > 0]
            ratio = f"x{statistics.median(beside):.2f}" if beside else ""
            cells.append(f"{formats[title].format(middle):>14} {ratio:>7}")
        print(f"{name:22}" + "".join(cells))
    print(f"\nmedians of {ROUNDS} rounds by turns; x: the median of each round's ratio to HAProxy in TCP mode, one "
          f"thread;\n{CONNECTIONS} connections for round trips, one for bulk, {IDLE} idle ones for memory (one round)")


def main():
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    global IDLE
    IDLE = min(IDLE, (wanted - 500) // 2)
    began = time.monotonic()
    bench = Bench(sys.argv[1] if len(sys.argv) > 1 else "build")
    try:
        table(measure(bench))
    finally:
        bench.close()
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
