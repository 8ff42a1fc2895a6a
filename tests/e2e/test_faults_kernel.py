"""Faults in the kernel, looked at from the endpoint's side of the wire: TCP_INFO for what it knows, and every
segment on lo for what was said. Kernel time, so never faster than the clock; lower bounds are the kernel's own
(RFC 6298: a retransmission timeout of 200 ms at least on Linux, doubled each time), upper bounds are generous."""
import errno
import json
import os
import select
import socket
import struct
import subprocess
import threading
import time
import unittest

import harness
from harness import (BINARY, CLOSED, ESTABLISHED, HALFOPEN, PING, PONG, TEXT, Wire, connect, echo, frame, hold,
                     is_reset, tcp_state, unacknowledged)

SYN_SENT, FIN_WAIT1 = 2, 4
FIN, SYN, RST, ACK = 1, 2, 4, 16
WITHOUT_RIGHT = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]


def allowed(topic, *prefix):
    """What halfopen doctor says of this machine: '' or why not."""
    out = subprocess.run([*prefix, HALFOPEN, "doctor"], capture_output=True, text=True, check=False).stdout
    for line in out.splitlines():
        if topic in line:
            return "" if line.split()[0] == "ok" else line.split(topic)[1].strip()
    raise AssertionError(f"doctor says nothing of {topic}: {out}")


class TcpInfo:
    """What the kernel knows of a connection: <linux/tcp.h>, struct tcp_info."""

    def __init__(self, sock):
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
        self.state, self.retransmits, self.backoff = raw[0], raw[2], raw[4]
        self.rto_s = struct.unpack_from("I", raw, 8)[0] / 1e6
        self.unacked = struct.unpack_from("I", raw, 24)[0]
        self.total_retrans = struct.unpack_from("I", raw, 100)[0]


class Segment:
    def __init__(self, at, source, target, flags, seq, length):
        self.at, self.source, self.target = at, source, target
        self.flags, self.seq, self.length = flags, seq, length

    def __repr__(self):
        return f"{self.at:.3f} {self.source}>{self.target} flags {self.flags:02x} seq {self.seq} len {self.length}"


class Capture:
    """Every TCP segment that is sent over lo to or from a port, a filtered one too, at the kernel's own time."""

    timestamp_ns = 35  # SO_TIMESTAMPNS, of the wall clock
    receive_buffer_force = 33  # SO_RCVBUFFORCE: others use lo too

    def __init__(self, case, port):
        self.port, self.segments, self.over = port, [], False
        everything = 3  # ETH_P_ALL: only taps on all protocols see what is sent
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, self.timestamp_ns, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, self.receive_buffer_force, 32 << 20)
        self.socket.bind(("lo", everything))
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        case.addCleanup(self.stop)

    def watch(self):
        while not self.over:
            try:
                packet, notes, _, (_, _, kind, *_) = self.socket.recvmsg(65536, 64)
            except socket.timeout:
                continue
            except OSError:
                return
            ip = packet[:1] and packet[0] >> 4 == 4
            if kind == socket.PACKET_OUTGOING and ip and packet[9] == socket.IPPROTO_TCP:
                seconds, nanoseconds = struct.unpack("qq", notes[0][2])
                self.take(packet, seconds + nanoseconds / 1e9)

    def take(self, packet, at):
        head = (packet[0] & 15) * 4
        source, target, seq = struct.unpack_from("!HHI", packet, head)
        if self.port in (source, target):
            length = struct.unpack_from("!H", packet, 2)[0] - head - (packet[head + 12] >> 4) * 4
            self.segments.append(Segment(at, source, target, packet[head + 13], seq, length))

    def sent(self, source=None, target=None, since=0.0):
        time.sleep(0.3)  # what the capture has still to read
        assert self.segments, "the capture sees nothing at all"
        return [s for s in self.segments if (source is None or s.source == source)
                and (target is None or s.target == target) and s.at > since]

    def stop(self):
        self.over = True
        self.thread.join(5)
        self.socket.close()


def capture(case, port):
    try:
        return Capture(case, port)
    except PermissionError:
        raise unittest.SkipTest("capturing on lo takes CAP_NET_RAW") from None


def port_of(wire):
    return wire.sock.getsockname()[1]


def transmissions(segments):
    """Times at which the first data segment among these was sent, again and again."""
    data = [s for s in segments if s.length > 0]
    return [s.at for s in data if s.seq == data[0].seq] if data else []


class Filtered(harness.Case):
    """Needs a filter on TCP sockets."""

    def setUp(self):
        why = allowed("packet filter")
        if why:
            self.skipTest(why)
        super().setUp()

    def proxy_with(self, steps, server=None):
        scenario = self.write("s.yaml", "scenario: s\nsteps:\n  - wait: {until: open, at_most: 20s}\n" + steps)
        return self.proxy(server or self.server(), "--scenario", scenario)

    def hole(self, proxy, verb="deafen"):
        """The moment from which it certainly is on."""
        proxy.wait_for("fault.answer", action=verb)
        return time.time()


HOLE = """
  - blackhole: {connections: existing, direction: to_client}
    as: hole
  - wait: 4s
  - clear: hole
"""


class Blackhole(Filtered):
    def test_nothing_is_acknowledged_and_the_client_retransmits_ever_more_slowly(self):
        proxy = self.proxy_with(HOLE)
        packets = capture(self, proxy.port)
        wire = proxy.open()
        began = self.hole(proxy)
        wire.send(frame(PING, b"into the hole"))
        time.sleep(3)
        info = TcpInfo(wire.sock)
        self.assertEqual(info.state, ESTABLISHED)
        self.assertGreater(info.unacked, 0)
        self.assertGreater(unacknowledged(wire.sock), 0)
        self.assertGreaterEqual(info.backoff, 2)
        self.assertGreaterEqual(info.rto_s, 0.8)
        self.assertEqual(packets.sent(source=proxy.port, since=began), [], "no ACK, nothing at all")
        self.assertEqual(wire.frame()[:2], (PONG, b"into the hole"))
        sent = transmissions(packets.sent(source=port_of(wire), since=began))
        gaps = [b - a for a, b in zip(sent, sent[1:])]
        self.assertGreaterEqual(len(gaps), 3, packets.segments)
        for earlier, later in zip(gaps[1:], gaps[2:]):
            self.assertGreater(later, earlier * 1.5, gaps)

    def test_what_the_server_says_comes_afterwards_in_order(self):
        server = self.server(lambda wire: wire.answer_upgrade())
        proxy = self.proxy_with(HOLE, server)
        packets = capture(self, proxy.port)
        wire = proxy.open()
        began = self.hole(proxy)
        for i in range(20):
            server.wire().send(frame(TEXT, str(i), masked=False))
        self.assertTrue(harness.is_silent(wire.sock, 2))
        self.assertEqual(packets.sent(source=proxy.port, since=began), [])
        self.assertEqual([wire.message()[1] for _ in range(20)], [str(i).encode() for i in range(20)])

    def test_a_client_that_gives_up_is_seen_though_its_fin_is_lost(self):
        server = self.server(lambda wire: wire.answer_upgrade())
        proxy = self.proxy_with(HOLE, server)
        wire = proxy.open()
        self.hole(proxy)
        wire.close()
        ended, = proxy.wait_for("tcp.close", side="client")
        self.assertEqual((ended["how"], ended["by"]), ("fin", "endpoint"))
        self.assertEqual(proxy.events("fault.off"), [])
        server.wire().sock.settimeout(20)
        self.assertEqual(server.wire().sock.recv(100), b"", "the FIN is retransmitted after the end")
        self.assertEqual(len(proxy.events("tcp.close", side="client")), 1)

    def test_a_client_that_resets_is_seen_to_be_gone(self):
        proxy = self.proxy_with(HOLE)
        wire = proxy.open()
        self.hole(proxy)
        time.sleep(0.3)  # its socket is looked for ten times a second
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.close()
        ended, = proxy.wait_for("tcp.close", side="client")
        self.assertEqual((ended["how"], ended["by"]), ("gone", "endpoint"))

    def test_the_server_leg_alone(self):
        server = self.server()
        proxy = self.proxy_with(HOLE.replace("to_client", "to_server"), server)
        wire = proxy.open()
        self.hole(proxy)
        theirs = server.wire().sock
        theirs.sendall(frame(PING, b"x", masked=False))
        wire.send(frame(TEXT, b"acknowledged, and held"))
        time.sleep(1)
        self.assertEqual(unacknowledged(wire.sock), 0)
        self.assertGreater(unacknowledged(theirs), 0)
        self.assertEqual(wire.frame()[:2], (PING, b"x"))
        self.assertEqual(wire.message()[1], b"acknowledged, and held")

    def test_new_connections_hear_nothing_and_are_served_afterwards(self):
        proxy = self.proxy_with("""
  - blackhole: {}
    as: hole
  - wait: 2s
  - clear: hole
""")
        proxy.open()
        self.hole(proxy)
        late = proxy.connect()
        proxy.wait_for("fault.answer", action="deafen", count=3)
        late.send(harness.request_head())
        self.assertTrue(harness.is_silent(late.sock, 1))
        self.assertGreater(unacknowledged(late.sock), 0)
        self.assertTrue(late.head().startswith("HTTP/1.1 101"))

    def test_with_syns_new_connects_hang_and_complete_afterwards(self):
        proxy = self.proxy_with("""
  - blackhole: {syns: true}
    as: hole
  - wait: 2s
  - clear: hole
""")
        proxy.open()
        proxy.wait_for("fault.answer", action="hang connects", answer="done", detail="every SYN is dropped")
        check_hanging_connect(self, proxy, capture(self, proxy.port))


def check_hanging_connect(case, proxy, packets):
    """A connect that begins now hangs until the fault is over, then completes by its own retransmission."""
    sock = proxy.keep(socket.socket())
    sock.setblocking(False)
    began = time.monotonic()
    case.assertEqual(sock.connect_ex(("127.0.0.1", proxy.port)), errno.EINPROGRESS)
    time.sleep(0.5)
    case.assertEqual(tcp_state(sock), SYN_SENT)
    ours = sock.getsockname()[1]
    case.assertEqual(packets.sent(source=proxy.port, target=ours), [], "neither SYN/ACK nor RST")
    case.assertEqual(select.select([], [sock], [], 20)[1], [sock])
    took = time.monotonic() - began
    case.assertEqual(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
    case.assertGreaterEqual(took, 0.99, "not before its SYN was sent again")
    case.assertGreaterEqual(TcpInfo(sock).total_retrans, 1)
    sock.setblocking(True)
    late = Wire(sock)
    case.assertTrue(late.upgrade().startswith("HTTP/1.1 101"))
    late.send(frame(PING, b"alive"))
    case.assertEqual(late.frame()[:2], (PONG, b"alive"))


class ConnectHang(harness.Case):
    scenario = """scenario: s
steps:
  - wait: {until: open, at_most: 20s}
  - connect_hang: {}
    as: hang
  - wait: 2s
  - clear: hang
"""

    def check(self, proxy, how):
        first = proxy.open()
        proxy.wait_for("fault.answer", action="hang connects", answer="done", detail=how)
        first.send(frame(PING, b"mine goes on"))
        self.assertEqual(first.frame()[:2], (PONG, b"mine goes on"))
        check_hanging_connect(self, proxy, capture(self, proxy.port))
        on, = proxy.events("fault.on", fault="connect_hang")
        self.assertNotIn("conn", on)
        self.assertEqual([ev["hangs"] for ev in proxy.wait_for("tcp.door", count=2)], [True, False])
        off, = proxy.wait_for("fault.off", fault="connect_hang")
        late = proxy.events("tcp.open")
        self.assertEqual(len(late), 2, "connections of our own are nobody's")
        self.assertGreaterEqual(late[1]["at"], off["at"])

    def test_every_syn_is_dropped(self):
        if allowed("packet filter"):
            self.skipTest(allowed("packet filter"))
        self.check(self.proxy(self.server(), "--scenario", self.write("s.yaml", self.scenario)),
                   "every SYN is dropped")

    def test_without_the_right_the_backlog_is_full(self):
        if not allowed("packet filter", *WITHOUT_RIGHT):
            self.skipTest("this kernel gives everybody its filters")
        self.check(self.proxy(self.server(), "--scenario", self.write("s.yaml", self.scenario),
                              prefix=WITHOUT_RIGHT), "the backlog is full")

    def test_what_was_complete_before_is_accepted(self):
        proxy = self.proxy(self.server(), "--scenario", self.write("s.yaml", self.scenario),
                           prefix=WITHOUT_RIGHT)
        proxy.open()
        proxy.wait_for("fault.answer", action="hang connects")
        self.assertEqual(proxy.stop(), 0, "it ends while it hangs")


class AddressDown(harness.Case):
    client = """
import errno, socket, sys
folder, port = sys.argv[1], int(sys.argv[2].rpartition(":")[2].partition("/")[0])
sys.path.insert(0, folder)
sys.argv = sys.argv[:1]
from harness import Wire

def dial(host):
    try:
        wire = Wire(socket.create_connection((host, port), 5))
    except OSError as error:
        print("client:", host, errno.errorcode.get(error.errno), flush=True)
        return None
    wire.upgrade()
    print("client:", host, "open", flush=True)
    return wire

def until_it_ends(wire):
    try:
        while wire and wire.more():
            pass
    except OSError:
        pass

until_it_ends(dial("::1"))
dial("::1")
until_it_ends(dial("127.0.0.1"))
"""
    scenario = """scenario: s
tests: client
%s
steps:
  - wait: {until: open, at_most: 20s}
  - address_down: {family: used}
    as: dead
  - reset: {connections: existing}
  - wait: {until: reopened, at_most: 10s}
  - clear: dead
  - wait: 1s
expect:
  - reconnect.fresh_address
"""

    def run_with(self, head, client):
        report = os.path.join(self.folder, "report")
        self.halfopen("run", self.write("s.yaml", self.scenario % head), "--client", client, "--report", report)
        with open(os.path.join(report, "results.json"), encoding="utf-8") as file:
            rule, = json.load(file)["scenarios"][0]["rules"]
        return rule, harness.events(os.path.join(report, "traces", "s.jsonl")), report

    def test_the_kernel_refuses_one_address_and_the_other_serves(self):
        if not harness.has_loopback6():
            self.skipTest("this machine has no ::1")
        here = os.path.dirname(os.path.abspath(__file__))
        client = self.write("client.py", self.client)
        rule, found, report = self.run_with("address: localhost", f"exec python3 {client} {here} {{url}}")
        self.assertEqual(rule["verdict"], "pass", rule)
        with open(os.path.join(report, "output", "s-client-0.log"), encoding="utf-8") as file:
            self.assertEqual([line.split()[1:] for line in file if line.startswith("client:")],
                             [["::1", "open"], ["::1", "ECONNREFUSED"], ["127.0.0.1", "open"]])
        self.assertEqual([(ev["family"], ev["refused"]) for ev in harness.of_kind(found, "tcp.address")],
                         [("ipv6", True), ("ipv6", False)])
        self.assertEqual([ev["family"] for ev in harness.of_kind(found, "tcp.open")], ["ipv6", "ipv4"])

    def test_who_was_given_an_address_is_not_shut_out(self):
        rule, found, _ = self.run_with("story: none", f"exec {HALFOPEN} client {{url}}")
        self.assertEqual((rule["verdict"], "address: localhost" in rule["summary"]), ("not_tested", True))
        self.assertEqual([ev["why_not"] for ev in harness.of_kind(found, "tcp.address")][:1], ["no name"])
        self.assertEqual(len(harness.of_kind(found, "tcp.open")), 2)


class PacketLoss(Filtered):
    def test_the_client_retransmits_and_everything_arrives(self):
        proxy = self.proxy_with("""
  - packet_loss: {ratio: 20%, late: 0s, direction: to_client, connections: existing}
""")
        packets = capture(self, proxy.port)
        wire = proxy.open()
        self.hole(proxy)
        for i in range(150):
            wire.send(frame(BINARY, struct.pack("!I", i) * 100))
            time.sleep(0.002)  # segments of their own
        for i in range(150):
            self.assertEqual(wire.message(), (BINARY, struct.pack("!I", i) * 100))
        self.assertGreater(TcpInfo(wire.sock).total_retrans, 0)
        data = [s.seq for s in packets.sent(source=port_of(wire)) if s.length > 0]
        self.assertGreater(len(data), len(set(data)), "the same bytes were sent more than once")

    def test_what_comes_is_late_as_if_it_had_been_sent_again(self):
        proxy = self.proxy_with("""
  - packet_loss: {ratio: 30%, late: 200ms, direction: to_client, connections: existing}
""", self.server(lambda wire: (wire.answer_upgrade(), send_slowly(wire))))
        wire = proxy.open()
        late = []
        for _ in range(20):
            _, payload = wire.message()
            late.append(time.monotonic() - float(payload.decode()))
        self.assertGreaterEqual(max(late), 0.2)
        self.assertGreater(len(proxy.wait_for("fault.act", verb="hold")), 0)

    def test_it_ends(self):
        proxy = self.proxy_with("""
  - packet_loss: {ratio: 50%, connections: existing}
    for: 1s
""")
        wire = proxy.open()
        proxy.wait_for("fault.answer", action="hear", count=2)
        before = TcpInfo(wire.sock).total_retrans
        for i in range(50):
            wire.send(frame(PING, str(i)))
            self.assertEqual(wire.frame()[:2], (PONG, str(i).encode()))
        self.assertLess(TcpInfo(wire.sock).total_retrans, before + 10, "half of 50 would be more")


def send_slowly(wire):
    for _ in range(20):
        wire.send(frame(TEXT, repr(time.monotonic()), masked=False))
        time.sleep(0.05)


class SilentClose(harness.Case):
    def proxy_that(self, answer, direction, topic):
        why = allowed(topic)
        if why:
            self.skipTest(why)
        scenario = self.write("s.yaml", "scenario: s\nsteps:\n  - wait: {until: open, at_most: 20s}\n"
                              f"  - silent_close: {{answer: {answer}, direction: {direction}, "
                              "connections: existing}\n")
        self.upstream = self.server(lambda wire: wire.answer_upgrade())
        return self.proxy(self.upstream, "--scenario", scenario)

    def test_neither_fin_nor_rst_until_the_client_speaks(self):
        proxy = self.proxy_that("rst", "to_client", "TCP repair")
        packets = capture(self, proxy.port)
        wire = proxy.open()
        proxy.wait_for("fault.answer", action="vanish", answer="done")
        time.sleep(0.5)
        self.assertEqual(tcp_state(wire.sock), ESTABLISHED)
        self.assertEqual([s for s in packets.sent(source=proxy.port) if s.flags & (FIN | RST)], [])
        wire.send(frame(PING, b"anybody there"))
        self.assertTrue(is_reset(wire.sock))
        self.assertEqual(len([s for s in packets.sent(source=proxy.port) if s.flags & RST]), 1)

    def test_the_other_end_is_kept_and_hears_nothing(self):
        proxy = self.proxy_that("rst", "to_client", "TCP repair")
        proxy.open()
        proxy.wait_for("fault.answer", action="vanish", answer="done")
        theirs = self.upstream.wire().sock
        theirs.sendall(frame(PING, b"x", masked=False))
        self.assertTrue(harness.is_silent(theirs, 1))
        self.assertEqual(unacknowledged(theirs), 0, "our kernel still holds that connection")

    def test_the_server_sees_the_same_on_its_leg(self):
        proxy = self.proxy_that("rst", "to_server", "TCP repair")
        wire = proxy.open()
        proxy.wait_for("fault.answer", action="vanish", answer="done")
        theirs = self.upstream.wire().sock
        self.assertTrue(harness.is_silent(theirs, 0.5))
        theirs.sendall(frame(PING, b"x", masked=False))
        self.assertTrue(is_reset(theirs))
        self.assertTrue(harness.is_silent(wire.sock, 0.2))

    def test_with_answer_none_nothing_ever_comes(self):
        proxy = self.proxy_that("none", "to_client", "packet filter")
        packets = capture(self, proxy.port)
        wire = proxy.open()
        proxy.wait_for("tcp.shut", side="client", how="silent")
        began = time.time()
        wire.send(frame(PING, b"anybody there"))
        time.sleep(2)
        self.assertEqual(tcp_state(wire.sock), ESTABLISHED)
        self.assertGreater(unacknowledged(wire.sock), 0)
        self.assertGreaterEqual(TcpInfo(wire.sock).backoff, 1)
        self.assertEqual(packets.sent(source=proxy.port, since=began), [])
        wire.close()
        proxy.wait_for("tcp.close", side="client", how="fin")


class Machine(harness.Case):
    """What is refused is refused before anything starts, or replaced and said to be."""

    def setUp(self):
        if not allowed("packet filter", *WITHOUT_RIGHT):
            self.skipTest("this kernel gives everybody its filters")
        super().setUp()

    def without_right(self, *words):
        return self.halfopen(*words, prefix=WITHOUT_RIGHT)

    def scenario(self, name, fault):
        return self.write(f"{name}.yaml", f"scenario: {name}\ntests: client\nsteps:\n"
                          "  - wait: {until: open, at_most: 20s}\n"
                          f"  - {fault}\n  - wait: 1s\nexpect:\n  - reconnect.silent_death\n")

    def test_a_scenario_is_not_run_and_the_others_are(self):
        ended = self.without_right("run", self.scenario("hole", "blackhole: {connections: existing}"),
                                   self.scenario("plain", "drop: {connections: existing}"), "--self-test")
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("not run: blackhole", ended.out)
        self.assertIn("CAP_NET_ADMIN", ended.out)
        self.assertIn("fallback: drop", ended.out)
        results = self.results()
        hole, plain = results["scenarios"]
        self.assertIn("not run: blackhole", hole["trouble"])
        self.assertNotIn("trace", hole)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "halfopen-report", plain["trace"])))

    def results(self):
        with open(os.path.join(self.folder, "halfopen-report", "results.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_a_fallback_takes_its_place_and_every_report_says_so(self):
        path = self.scenario("hole", "blackhole: {connections: existing, fallback: drop}")
        ended = self.without_right("run", path, "--self-test", "--speed", "10")
        self.assertIn(ended.code, (0, 4), ended)
        words = "blackhole replaced by drop: this kernel lets no filter be put on a TCP socket"
        self.assertIn(words, " ".join(ended.out.split()))
        scenario, = self.results()["scenarios"]
        self.assertIn(words, scenario["replaced"])
        self.assertEqual(scenario["speed"], 10)
        with open(os.path.join(self.folder, "halfopen-report", "index.html"), encoding="utf-8") as file:
            self.assertIn(words, file.read())
        trace = harness.events(os.path.join(self.folder, "halfopen-report", scenario["trace"]))
        self.assertEqual(harness.of_kind(trace, "fault.on")[0]["fault"], "drop")

    def test_a_session_by_hand_does_not_begin(self):
        for fault in ("blackhole", "packet_loss", "silent_close", "silent_close: {answer: none}"):
            ended = self.without_right("proxy", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1",
                                       "--fault", fault)
            self.assertEqual(ended.code, 3, ended)
            self.assertIn("CAP_NET_ADMIN", ended.err)

    def test_a_session_by_hand_takes_the_fallback(self):
        proxy = self.proxy(self.server(), "--fault", "blackhole: {fallback: drop}", prefix=WITHOUT_RIGHT)
        wire = proxy.connect()
        wire.send(harness.request_head())
        replaced, = proxy.wait_for("fault.answer", action="blackhole", answer="replaced")
        self.assertTrue(replaced["detail"].startswith("by drop: "), replaced)

    def test_the_doctor_says_what_would_give_it(self):
        ended = self.without_right("doctor")
        for topic in ("packet filter", "TCP repair"):
            line, = [line for line in ended.out.splitlines() if topic in line]
            self.assertTrue(line.split()[0] == "no" and "--cap-add NET_ADMIN" in line, line)


class Speed(Filtered):
    def test_what_a_kernel_times_runs_at_speed_1_and_says_so(self):
        path = self.write("hole.yaml", "scenario: hole\ntests: client\nsteps:\n"
                          "  - wait: {until: open, at_most: 20s}\n"
                          "  - blackhole: {connections: existing}\n  - wait: 1s\n"
                          "expect:\n  - reconnect.silent_death\n")
        ended = self.halfopen("run", path, "--self-test", "--speed", "10")
        self.assertIn("at speed 1: what blackhole does is timed by the endpoint's kernel",
                      " ".join(ended.out.split()), ended)
        with open(os.path.join(self.folder, "halfopen-report", "results.json"), encoding="utf-8") as file:
            scenario, = json.load(file)["scenarios"]
        self.assertEqual(scenario["speed"], 1)


if __name__ == "__main__":
    harness.main()
