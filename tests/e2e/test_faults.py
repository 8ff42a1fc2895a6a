"""Every fault over real sockets, looked at from the endpoints: what is acknowledged, what arrives, and whether an
end is a FIN, an RST or silence to their kernels. A fault's tests are functions marked @fault("its_name").
"""
import ast
import glob
import hashlib
import os
import random
import re
import socket
import threading
import time
import types
import unittest

import harness
from harness import (ESTABLISHED, PING, PONG, TEXT, echo, frame, got_fin, header, hold, is_reset,
                     is_silent, is_turned_away, tcp_state, unacknowledged)

OPEN = "at: {after: open, at_most: 60s}"  # begins when the WebSocket has opened
A_WHILE = 0.4  # seconds in which nothing may come; longer than anything that passes takes


class Faults(harness.Case):
    def pair(self, *faults, **how):
        """Both ends of a WebSocket through the proxy, by hand."""
        server = self.server(lambda wire: wire.answer_upgrade())
        options = [word for spec in faults for word in ("--fault", spec)]
        proxy = self.proxy(server, *options, **how)
        client = proxy.open()
        return types.SimpleNamespace(proxy=proxy, client=client, server=server.wire(), from_=server)

    def scenario(self, steps, name="test"):
        """A file with these steps, one a line."""
        lines = "".join(f"  - {step}\n" for step in steps)
        return self.write(f"{name}.yaml", f"scenario: {name}\nsteps:\n{lines}")

    def assert_acknowledged(self, wire):
        self.assert_comes_true(lambda: unacknowledged(wire.sock) == 0, "all bytes acknowledged")

    def assert_silent(self, *wires, seconds=A_WHILE):
        for wire in wires:
            self.assertTrue(is_silent(wire.sock, seconds), f"state {tcp_state(wire.sock)}")

    def assert_arrives(self, wire, opcode, payload):
        self.assertEqual(wire.frame()[:2], (opcode, payload))


TESTED = set()


def fault(name):
    def register(test):
        TESTED.add(name)
        setattr(Faults, f"test_{name}__{test.__name__}", test)
        return test
    return register


# --- drop ---

@fault("drop")
def bytes_are_acknowledged_and_vanish(self):
    ends = self.pair(f"drop: {{{OPEN}}}")
    ends.client.send(frame(TEXT, b"x" * 65536))
    ends.server.send(frame(TEXT, b"y" * 65536, masked=False))
    self.assert_acknowledged(ends.client)
    self.assert_acknowledged(ends.server)
    self.assert_silent(ends.client, ends.server)
    dropped = sum(ev["bytes"] for ev in ends.proxy.wait_for("fault.act", 2, verb="drop"))
    self.assertGreaterEqual(dropped, 2)
    self.assertEqual({ev["side"] for ev in ends.proxy.events("fault.on", fault="drop")},
                     {"client", "server"})
    self.assertEqual(ends.proxy.events("tcp.shut"), [])


@fault("drop")
def a_fin_vanishes_too(self):
    ends = self.pair(f"drop: {{{OPEN}}}")
    ends.client.close()
    self.assertEqual(ends.proxy.wait_for("tcp.close", side="client")[0]["how"], "fin")
    self.assert_silent(ends.server)


@fault("drop")
def one_direction_leaves_the_other_alone(self):
    ends = self.pair(f"drop: {{direction: to_client, {OPEN}}}")
    ends.server.send(frame(TEXT, b"lost", masked=False))
    ends.client.send(frame(TEXT, b"kept"))
    self.assert_arrives(ends.server, TEXT, b"kept")
    self.assert_silent(ends.client)


@fault("drop")
def a_connection_that_lost_bytes_is_reset_afterwards(self):
    ends = self.pair(f"drop: {{for: 1s, {OPEN}}}")
    ends.client.send(frame(TEXT, b"lost"))
    self.assertTrue(is_reset(ends.client.sock))
    self.assertTrue(is_reset(ends.server.sock))
    shut = ends.proxy.wait_for("tcp.shut", 2)
    self.assertEqual([(ev["how"], ev["by"]) for ev in shut], [("rst", "fault")] * 2)


@fault("drop")
def or_is_silent_for_good(self):
    ends = self.pair(f"drop: {{for: 500ms, after: silent, {OPEN}}}")
    ends.client.send(frame(TEXT, b"lost"))
    ends.proxy.wait_for("fault.off")
    self.assert_silent(ends.client, ends.server)


@fault("drop")
def a_connection_that_lost_nothing_goes_on(self):
    ends = self.pair(f"drop: {{for: 300ms, {OPEN}}}")
    ends.proxy.wait_for("fault.off")
    ends.client.send(frame(TEXT, b"after"))
    self.assert_arrives(ends.server, TEXT, b"after")


# --- stall ---

def write_until_blocked(sock, limit_bytes):
    """How much it took before writing blocked for a second."""
    part, sent = b"s" * 65536, 0
    sock.settimeout(1)
    try:
        while sent < limit_bytes:
            sent += sock.send(part)
    except (TimeoutError, socket.timeout):
        pass
    sock.settimeout(harness.ENDPOINT_PATIENCE)
    return sent


@fault("stall")
def writes_block_and_no_fin_comes(self):
    limit = 64 << 20
    ends = self.pair(f"stall: {{{OPEN}}}")
    for wire in (ends.client, ends.server):
        self.assertLess(write_until_blocked(wire.sock, limit), limit)
        self.assertGreater(unacknowledged(wire.sock), 0)
    self.assertEqual(tcp_state(ends.client.sock), ESTABLISHED)
    self.assert_silent(ends.client, ends.server)
    pauses = {ev["side"] for ev in ends.proxy.wait_for("tcp.pause", 2, on=True, why="fault")}
    self.assertEqual(pauses, {"client", "server"})


@fault("stall")
def when_it_ends_everything_arrives_in_order(self):
    payload = random.Random(5).randbytes(8 << 20)
    ends = self.pair(f"stall: {{for: 1s, {OPEN}}}")
    began = time.monotonic()
    threading.Thread(target=ends.client.send, args=(payload,), daemon=True).start()
    got = ends.server.exactly(len(payload))
    self.assertEqual(hashlib.sha256(got).digest(), hashlib.sha256(payload).digest())
    self.assertGreater(time.monotonic() - began, 0.5)  # it began a moment before us


@fault("stall")
def the_other_direction_flows(self):
    ends = self.pair(f"stall: {{direction: to_server, {OPEN}}}")
    ends.client.send(frame(TEXT, b"held"))
    ends.server.send(frame(TEXT, b"flows", masked=False))
    self.assert_arrives(ends.client, TEXT, b"flows")
    self.assert_silent(ends.server)


@fault("stall")
def an_end_behind_it_is_seen_and_kept(self):
    ends = self.pair(f"stall: {{direction: to_server, {OPEN}}}")
    ends.client.send(frame(TEXT, b"held"))
    ends.client.close()
    ends.proxy.wait_for("tcp.close", side="client")
    self.assert_silent(ends.server)


# --- reset ---

@fault("reset")
def both_ends_get_an_rst(self):
    ends = self.pair(f"reset: {{{OPEN}}}")
    self.assertTrue(is_reset(ends.client.sock))
    self.assertTrue(is_reset(ends.server.sock))
    shut = [(ev["side"], ev["how"], ev["by"]) for ev in ends.proxy.wait_for("tcp.shut", 2)]
    self.assertEqual(sorted(shut), [("client", "rst", "fault"), ("server", "rst", "fault")])


@fault("reset")
def only_the_leg_that_is_named(self):
    for direction, cut, kept in (("to_client", "client", "server"), ("to_server", "server", "client")):
        with self.subTest(direction=direction):
            ends = vars(self.pair(f"reset: {{direction: {direction}, {OPEN}}}"))
            self.assertTrue(is_reset(ends[cut].sock))
            self.assert_silent(ends[kept])


@fault("reset")
def data_on_its_way_is_lost(self):
    size = 64 << 20  # more than all buffers on the way hold
    server = self.server(lambda wire: (wire.answer_upgrade(), wire.send(b"z" * size)))
    steps = self.scenario(["wait: {until: open, at_most: 10s}", "wait: 500ms", "reset: {}"])
    proxy = self.proxy(server, "--scenario", steps)
    client = proxy.open()
    proxy.wait_for("tcp.shut", side="client", how="rst")
    with self.assertRaises(ConnectionResetError):
        client.exactly(size)


# --- refuse ---

@fault("refuse")
def attempts_get_an_rst_and_are_in_the_trace(self):
    server = self.server()
    proxy = self.proxy(server, "--fault", "refuse: {}")
    for _ in range(3):
        self.assertTrue(is_turned_away(proxy.port))
    self.assertEqual(len(proxy.wait_for("tcp.open", 3)), 3)
    refused = proxy.wait_for("fault.act", 3, verb="refuse")
    self.assertEqual([ev["conn"] for ev in refused], [1, 2, 3])
    self.assertEqual(server.wires, [])


@fault("refuse")
def connections_that_exist_are_left_alone_and_new_ones_come_when_it_is_over(self):
    steps = self.scenario(["wait: {until: open, at_most: 10s}", "refuse: {for: 1s}"])
    proxy = self.proxy(self.server(), "--scenario", steps)
    client = proxy.open()
    proxy.wait_for("fault.on", fault="refuse")
    self.assertTrue(is_turned_away(proxy.port))
    client.send(frame(TEXT, b"still here"))
    self.assert_arrives(client, TEXT, b"still here")
    proxy.wait_for("fault.off", fault="refuse")
    proxy.open()


# --- accept_stall ---

@fault("accept_stall")
def tcp_is_open_and_nobody_answers(self):
    server = self.server()
    proxy = self.proxy(server, "--fault", "accept_stall: {}")
    client = proxy.connect()
    client.send(harness.request_head())
    self.assert_acknowledged(client)
    self.assert_silent(client)
    self.assertEqual(server.wires, [])
    self.assertEqual([ev["conn"] for ev in proxy.wait_for("fault.act", verb="hang")], [1])


@fault("accept_stall")
def who_still_waits_is_served_when_it_is_over(self):
    proxy = self.proxy(self.server(), "--fault", "accept_stall: {for: 1s}")
    patient, impatient = proxy.connect(), proxy.connect()
    patient.send(harness.request_head("/patient"))
    impatient.send(harness.request_head("/impatient"))
    impatient.close()
    self.assertTrue(patient.head().startswith("HTTP/1.1 101"))
    self.assertEqual(len(proxy.wait_for("tcp.close", side="client", conn=2)), 1)
    self.assertEqual([ev["target"] for ev in proxy.events("http.request")], ["/patient"])


@fault("accept_stall")
def a_tls_handshake_is_not_answered_either(self):
    proxy = self.proxy(self.server(), "--tls", "--fault", "accept_stall: {}")
    client = proxy.connect()
    client.send(bytes.fromhex("1603010005010000010303"))
    self.assert_silent(client)


# --- delay_pong and drop_pong ---

def answering(wire):
    echo(wire)


@fault("delay_pong")
def a_pong_is_late_and_data_is_not(self):
    proxy = self.proxy(self.server(answering), "--fault", "delay_pong: {delay: 800ms}")
    client = proxy.open()
    asked = time.monotonic()
    client.send(frame(PING, b"life?"))
    client.send(frame(TEXT, b"data"))
    self.assert_arrives(client, TEXT, b"data")
    self.assert_arrives(client, PONG, b"life?")
    self.assertGreaterEqual(time.monotonic() - asked, 0.8)
    pong, = proxy.wait_for("ws.frame", side="server", opcode=PONG)
    delivered, = proxy.wait_for("ws.delivered", frame=pong["seq"])
    self.assertGreaterEqual(delivered["at"] - pong["at"], 0.8)


@fault("delay_pong")
def the_other_direction_is_on_time(self):
    ends = self.pair("delay_pong: {delay: 30s, direction: to_client}")
    ends.server.send(frame(PING, b"?", masked=False))
    self.assert_arrives(ends.client, PING, b"?")
    ends.client.send(frame(PONG, b"?"))
    self.assert_arrives(ends.server, PONG, b"?")


@fault("delay_pong")
def what_it_holds_is_released_when_it_ends(self):
    ends = self.pair(f"delay_pong: {{delay: 60s, for: 1s, {OPEN}}}")
    ends.server.send(frame(PONG, b"held", masked=False))
    self.assert_arrives(ends.client, PONG, b"held")
    ends.proxy.wait_for("fault.off", fault="delay_pong")


@fault("drop_pong")
def a_ping_is_not_answered_and_data_passes(self):
    proxy = self.proxy(self.server(answering), "--fault", "drop_pong: {}")
    client = proxy.open()
    client.send(frame(PING, b"life?"))
    client.send(frame(TEXT, b"data"))
    self.assert_arrives(client, TEXT, b"data")
    self.assert_silent(client)
    self.assertEqual(len(proxy.wait_for("fault.act", fault="drop_pong", verb="drop")), 1)


@fault("drop_pong")
def permessage_deflate_is_taken_out_of_the_offer(self):
    server = self.server(lambda wire: wire.answer_upgrade())
    proxy = self.proxy(server, "--fault", "drop_pong: {}")
    client = proxy.connect()
    head = client.upgrade(headers=["Sec-WebSocket-Extensions: permessage-deflate, x-other"])
    self.assertIsNone(header(head, "Sec-WebSocket-Extensions"))
    self.assertEqual(len(proxy.wait_for("http.rewrite")), 1)


# --- idle_timeout ---

@fault("idle_timeout")
def after_silence_both_ends_see_what_was_asked(self):
    for ending, seen in (("fin", got_fin), ("rst", is_reset)):
        with self.subTest(ending=ending):
            ends = self.pair(f"idle_timeout: {{after: 600ms, ending: {ending}}}")
            began = time.monotonic()
            ends.client.send(frame(TEXT, b"the last words"))
            ends.server.frame()
            self.assertTrue(seen(ends.client.sock), f"client: state {tcp_state(ends.client.sock)}")
            self.assertGreaterEqual(time.monotonic() - began, 0.6)
            self.assertTrue(seen(ends.server.sock), f"server: state {tcp_state(ends.server.sock)}")
            shut = [(ev["how"], ev["by"]) for ev in ends.proxy.wait_for("tcp.shut", 2)]
            self.assertEqual(shut, [({"fin": "close"}.get(ending, ending), "fault")] * 2)


@fault("idle_timeout")
def silence_is_really_silent(self):
    ends = self.pair("idle_timeout: {after: 300ms, ending: silent}")
    ends.proxy.wait_for("tcp.shut", 2, how="silent")
    ends.client.send(frame(TEXT, b"anybody?"))
    ends.server.send(frame(TEXT, b"hello?", masked=False))
    self.assert_silent(ends.client, ends.server)


def talk(wire, masked, seconds):
    """A word every 100 ms, also into a connection that is gone."""
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            wire.send(frame(TEXT, b".", masked=masked))
            time.sleep(0.1)
    except OSError:
        pass


@fault("idle_timeout")
def whose_bytes_count(self):
    cases = (("any", "client", False), ("any", "server", False),
             ("from_client", "client", False), ("from_client", "server", True),
             ("from_server", "server", False), ("from_server", "client", True),
             ("per_direction", "client", True), ("per_direction", "server", True))
    talks = []
    for counts, talker, _ in cases:
        ends = self.pair(f"idle_timeout: {{after: 1s, counts: {counts}, ending: rst}}")
        wire = ends.client if talker == "client" else ends.server
        talks.append(threading.Thread(target=talk, args=(wire, talker == "client", 3)))
        talks[-1].start()
        talks[-1].proxy = ends.proxy
    for thread in talks:
        thread.join()
    for (counts, talker, cut), thread in zip(cases, talks):
        with self.subTest(counts=counts, talker=talker):
            frames = thread.proxy.events("ws.frame")
            late = any(later["at"] - earlier["at"] > 0.9 for earlier, later in zip(frames, frames[1:]))
            if late and not cut:
                self.skipTest("this machine was too busy to talk in time")
            shut = [ev for ev in thread.proxy.events("tcp.shut", by="fault")
                    if ev["at"] <= frames[-1]["at"] + 0.9]
            self.assertEqual(bool(shut), cut)


# --- All of them ---

def spelled_in(path):
    """Names that the tests of that file spell as a fault: 'name: {...}', or the name alone."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    words = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words |= set(re.findall(r"(?:^|[\s-])([a-z_]+)(?:: ?\{|$)", node.value))
    return words


def every_fault_is_tested(self):
    ended = self.halfopen("list", "faults")
    names = {line.split()[0] for line in ended.out.splitlines()}
    self.assertLessEqual(TESTED, names, "a fault that is tested and does not exist")
    here = os.path.dirname(os.path.abspath(__file__))
    files = [*glob.glob(os.path.join(here, "test_faults_*.py")), os.path.join(here, "test_steps.py")]
    words = set().union(*map(spelled_in, files))
    self.assertEqual(sorted(names - TESTED - words), [], "not tested over real sockets")


Faults.test_every_fault_is_tested = every_fault_is_tested

if __name__ == "__main__":
    harness.main()
