"""Faults on the stream of bytes and on new connections, as both endpoints' kernels see them. Lower bounds of times
are strict; upper ones are only there to tell late from never.
"""
import time
import types

import harness
from harness import (BINARY, CLOSE, PING, PONG, TEXT, frame, got_fin, is_reset, is_silent, tcp_state,
                     unacknowledged)

OPEN = "at: {after: open, at_most: 60s}"  # begins when the WebSocket has opened
FIN_WAIT2 = 5


class Bytes(harness.Case):
    def pair(self, *faults, **how):
        """Both ends of a WebSocket through the proxy, by hand."""
        server = self.server(lambda wire: wire.answer_upgrade())
        options = [word for spec in faults for word in ("--fault", spec)]
        proxy = self.proxy(server, *options, **how)
        client = proxy.open()
        return types.SimpleNamespace(proxy=proxy, client=client, server=server.wire(), from_=server)

    def assert_meets_rst(self, wire):
        """What it sends from now on is answered by RST."""
        def is_refused():
            try:
                wire.sock.send(b"late")
            except (BrokenPipeError, ConnectionResetError):
                return True
            return tcp_state(wire.sock) == harness.CLOSED
        self.assert_comes_true(is_refused, "what is sent later meets an RST")

    def assert_taken(self, wire):
        """What it sends is read: acknowledged, and no RST comes for it."""
        wire.sock.send(b"x" * 30000)
        self.assert_comes_true(lambda: unacknowledged(wire.sock) == 0, "all bytes acknowledged")
        self.assertNotEqual(tcp_state(wire.sock), harness.CLOSED)

    def test_a_fin_is_close_whichever_fault_makes_it(self):
        endings = {"idle_timeout": "idle_timeout: {after: 300ms, ending: fin}",
                   "max_lifetime": f"max_lifetime: {{after: 300ms, ending: fin, {OPEN}}}",
                   "truncate_frame": "truncate_frame: {ending: fin, direction: to_client}",
                   "cut_after": f"cut_after: {{bytes: 3B, ending: fin, direction: to_client, {OPEN}}}"}
        for name, spec in endings.items():
            with self.subTest(fault=name):
                ends = self.pair(spec)
                if name in ("truncate_frame", "cut_after"):
                    ends.server.send(frame(TEXT, b"words", masked=False))
                    ends.client.exactly(3)
                for wire in (ends.client, ends.server):
                    self.assertTrue(got_fin(wire.sock))
                    self.assert_meets_rst(wire)

    # --- latency ---

    def test_latency_is_never_shorter_than_told_and_keeps_order(self):
        ends = self.pair(f"latency: {{delay: 300ms, jitter: 100ms, {OPEN}}}")
        began = time.monotonic()
        for i in range(20):
            ends.client.send(frame(TEXT, f"{i}"))
            time.sleep(0.01)
        for i in range(20):
            self.assertEqual(ends.server.frame()[1], f"{i}".encode())
            self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_latency_delays_the_fin_too(self):
        ends = self.pair(f"latency: {{delay: 400ms, {OPEN}}}")
        began = time.monotonic()
        ends.server.close()
        self.assertTrue(got_fin(ends.client.sock))
        self.assertGreaterEqual(time.monotonic() - began, 0.4)

    def test_latency_releases_in_order_when_it_ends(self):
        ends = self.pair(f"latency: {{delay: 1h, for: 500ms, {OPEN}}}")
        for i in range(5):
            ends.client.send(frame(TEXT, f"{i}"))
        for i in range(5):
            self.assertEqual(ends.server.frame()[1], f"{i}".encode())
        ends.client.send(frame(TEXT, b"after"))
        self.assertEqual(ends.server.frame()[1], b"after")

    # --- bandwidth ---

    def test_bandwidth_is_never_exceeded_and_comes_evenly(self):
        rate, size = 100000, 60000
        ends = self.pair(f"bandwidth: {{rate: {rate}B/s, direction: to_client, {OPEN}}}")
        began = time.monotonic()
        ends.server.send(frame(BINARY, b"b" * size, masked=False))
        got, reads = 0, 0
        while got < size:
            got += len(ends.client.sock.recv(65536))
            reads += 1
            self.assertLessEqual(got, (time.monotonic() - began) * rate + 1)
        self.assertGreater(reads, 3)

    def test_bandwidth_pushes_back(self):
        limit = 64 << 20
        ends = self.pair(f"bandwidth: {{rate: 1kB/s, {OPEN}}}")
        ends.client.sock.setblocking(False)
        sent, quiet = 0, 0
        while quiet < 10 and sent < limit:
            try:
                sent += ends.client.sock.send(b"s" * 65536)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.05)
        self.assertLess(sent, limit)
        self.assertGreater(unacknowledged(ends.client.sock), 0)

    def test_bandwidth_of_nothing_holds_all_and_loses_nothing(self):
        ends = self.pair(f"bandwidth: {{rate: 0B/s, for: 2s, {OPEN}}}")
        ends.client.send(frame(TEXT, b"late"))
        self.assertTrue(is_silent(ends.server.sock, 0.4))
        self.assertEqual(ends.server.frame()[1], b"late")

    # --- slice ---

    def test_slice_delivers_byte_by_byte(self):
        ends = self.pair(f"slice: {{size: 1B, delay: 20ms, direction: to_client, {OPEN}}}")
        sent = frame(TEXT, b"slowly", masked=False)
        began = time.monotonic()
        ends.server.send(sent)
        got = b""
        while len(got) < len(sent):
            got += ends.client.sock.recv(65536)
            self.assertGreaterEqual(time.monotonic() - began, 0.02 * (len(got) - 1))
        self.assertEqual(got, sent)

    def test_slice_changes_nothing_for_an_endpoint_that_waits(self):
        proxy = self.proxy(self.server(), "--fault", "slice: {size: 7B, variation: 6B, delay: 0s}")
        wire = proxy.open()
        wire.send(frame(BINARY, bytes(range(256)) * 40))
        self.assertEqual(wire.frame()[:2], (BINARY, bytes(range(256)) * 40))
        wire.send(frame(PING, b"there?"))
        self.assertEqual(wire.frame()[:2], (PONG, b"there?"))

    # --- cut_after ---

    def test_cut_after_lets_exactly_so_many_bytes_pass(self):
        ends = self.pair(f"cut_after: {{bytes: 1000B, direction: to_client, {OPEN}}}")
        ends.server.send(frame(BINARY, b"c" * 5000, masked=False))
        self.assertEqual(len(ends.client.rest()), 1000)
        self.assert_meets_rst(ends.client)
        self.assert_meets_rst(ends.server)

    def test_cut_after_may_be_an_rst(self):
        ends = self.pair(f"cut_after: {{bytes: 10B, ending: rst, {OPEN}}}")
        ends.client.send(frame(BINARY, b"c" * 50))
        self.assertTrue(is_reset(ends.client.sock))
        self.assertTrue(is_reset(ends.server.sock))

    def test_cut_after_may_be_silence(self):
        ends = self.pair(f"cut_after: {{bytes: 10B, ending: silent, {OPEN}}}")
        ends.client.send(frame(BINARY, b"c" * 50))
        self.assertEqual(len(ends.server.exactly(10)), 10)
        self.assertTrue(is_silent(ends.server.sock, 0.4))
        self.assertTrue(is_silent(ends.client.sock, 0.1))

    # --- fin, half_close, half_open, slow_close ---

    def test_fin_is_a_fin_and_what_comes_is_read_for_the_linger_time(self):
        ends = self.pair(f"fin: {{linger: 3s, {OPEN}}}")
        for wire in (ends.client, ends.server):
            self.assertTrue(got_fin(wire.sock))
        self.assert_taken(ends.client)
        self.assert_taken(ends.server)
        ends.proxy.wait_for("fault.act", 2, verb="cut", detail="close")
        self.assert_meets_rst(ends.client)
        self.assert_meets_rst(ends.server)

    def test_fin_without_linger_meets_what_comes_with_rst(self):
        ends = self.pair(f"fin: {{linger: 0s, {OPEN}}}")
        self.assertTrue(got_fin(ends.client.sock))
        self.assert_meets_rst(ends.client)

    def test_fin_of_one_leg_tells_the_other_end_nothing(self):
        ends = self.pair(f"fin: {{direction: to_client, linger: 300ms, {OPEN}}}")
        self.assertTrue(got_fin(ends.client.sock))
        ends.client.close()
        self.assertTrue(is_silent(ends.server.sock, 0.6))
        self.assert_taken(ends.server)

    def test_half_close_ends_one_way_only(self):
        ends = self.pair(f"half_close: {{{OPEN}}}")
        self.assertTrue(got_fin(ends.client.sock))
        ends.client.send(frame(TEXT, b"still here"))
        self.assertEqual(ends.server.frame()[:2], (TEXT, b"still here"))
        self.assert_taken(ends.server)
        ends.client.shut()
        self.assertTrue(got_fin(ends.server.sock))

    def test_half_close_towards_the_server(self):
        ends = self.pair(f"half_close: {{direction: to_server, {OPEN}}}")
        self.assertTrue(got_fin(ends.server.sock))
        ends.server.send(frame(TEXT, b"still here", masked=False))
        self.assertEqual(ends.client.frame()[:2], (TEXT, b"still here"))

    def test_half_open_keeps_the_client_of_a_server_that_was_reset(self):
        ends = self.pair(f"half_open: {{gone: server, how: rst, {OPEN}}}")
        self.assertTrue(is_reset(ends.server.sock))
        self.assert_taken(ends.client)
        self.assertTrue(is_silent(ends.client.sock, 0.4))
        ends.client.shut()
        self.assert_comes_true(lambda: tcp_state(ends.client.sock) == FIN_WAIT2,
                               "its FIN is acknowledged and not answered")

    def test_half_open_keeps_the_server_of_a_client_that_closed(self):
        ends = self.pair(f"half_open: {{gone: client, how: fin, {OPEN}}}")
        self.assertTrue(got_fin(ends.client.sock))
        ends.client.close()
        self.assert_taken(ends.server)
        self.assertTrue(is_silent(ends.server.sock, 0.4))
        on = {ev["side"]: ev["silences"] for ev in ends.proxy.events("fault.on")}
        self.assertEqual(on, {"client": False, "server": True})

    def test_half_open_may_be_without_a_word_for_both(self):
        ends = self.pair(f"half_open: {{{OPEN}}}")
        ends.proxy.wait_for("tcp.shut", how="silent")
        ends.client.send(frame(TEXT, b"anybody?"))
        ends.server.send(frame(TEXT, b"hello?", masked=False))
        self.assertTrue(is_silent(ends.client.sock, 0.4))
        self.assertTrue(is_silent(ends.server.sock, 0.1))

    def test_slow_close_delivers_bytes_at_once_and_the_end_late(self):
        ends = self.pair(f"slow_close: {{delay: 600ms, {OPEN}}}")
        began = time.monotonic()
        ends.server.send(frame(TEXT, b"bye", masked=False))
        ends.server.close()
        self.assertEqual(ends.client.frame()[:2], (TEXT, b"bye"))
        self.assertTrue(got_fin(ends.client.sock))
        self.assertGreaterEqual(time.monotonic() - began, 0.6)

    # --- corrupt ---

    def test_corrupt_changes_payload_and_leaves_frames_whole(self):
        ends = self.pair(f"corrupt: {{every: 10, bits: 8, {OPEN}}}")
        ends.server.send(frame(BINARY, bytes(300), masked=False))
        opcode, payload, fin, rsv = ends.client.frame()
        self.assertEqual((opcode, fin, rsv, len(payload)), (BINARY, True, 0, 300))
        self.assertEqual([i for i in range(300) if payload[i]], list(range(9, 300, 10)))

    def test_corrupt_is_the_same_for_the_same_seed(self):
        def received(seed):
            server = self.server(lambda wire: wire.answer_upgrade())
            proxy = self.proxy(server, "--seed", seed, "--fault", f"corrupt: {{ratio: 10%, {OPEN}}}")
            client = proxy.open()
            server.wire().send(frame(BINARY, bytes(2000), masked=False))
            return client.frame()[1]
        self.assertEqual(received("5"), received("5"))
        self.assertNotEqual(received("5"), received("6"))

    # --- flap ---

    def test_flap_delivers_late_and_loses_nothing(self):
        ends = self.pair(f"flap: {{down: 2s, up: 1h, {OPEN}}}")
        ends.client.send(frame(TEXT, b"first"))
        self.assertTrue(is_silent(ends.server.sock, 0.3))
        ends.client.send(frame(TEXT, b"second"))
        self.assertEqual(ends.server.frame()[1], b"first")
        self.assertEqual(ends.server.frame()[1], b"second")
        on = ends.proxy.events("fault.on")[0]
        delivered = ends.proxy.wait_for("ws.delivered", 2)
        self.assertGreaterEqual(delivered[0]["at"] - on["at"], 2)

    def test_flap_lets_new_connections_hang_until_it_is_up(self):
        server = self.server()
        proxy = self.proxy(server, "--fault", "flap: {down: 2s, up: 1h}")
        wire = proxy.connect()
        wire.send(harness.request_head())
        self.assertTrue(is_silent(wire.sock, 0.3))
        self.assertTrue(wire.head().startswith("HTTP/1.1 101"))
        hung, = proxy.events("fault.act", verb="hang")
        opened, = proxy.wait_for("ws.open")
        self.assertGreaterEqual(opened["at"], 2)
        self.assertLess(hung["at"], 2)

    def test_flap_may_reset_what_there_is(self):
        ends = self.pair("flap: {begins: up, up: 3s, down: 1s, reset: true}")
        self.assertTrue(is_reset(ends.client.sock))
        self.assertTrue(is_reset(ends.server.sock))

    # --- max_lifetime ---

    def test_max_lifetime_ends_a_busy_connection_in_its_time(self):
        proxy = self.proxy(self.server(), "--fault", "max_lifetime: {after: 2s, ending: rst}")
        began = time.monotonic()
        wire = proxy.open()
        with self.assertRaises((ConnectionResetError, BrokenPipeError)):
            while time.monotonic() - began < harness.ENDPOINT_PATIENCE:
                wire.send(frame(TEXT, b"busy"))
                wire.frame()
        cut, = proxy.wait_for("tcp.shut", side="client")
        self.assertEqual((cut["how"], cut["by"]), ("rst", "fault"))
        opened, = proxy.events("tcp.open")
        self.assertGreaterEqual(cut["at"] - opened["at"], 2)

    def test_max_lifetime_says_close_to_both_and_then_fin(self):
        ends = self.pair("max_lifetime: {after: 2s, ending: close, code: 1012, reason: restart, grace: 1s}")
        for wire in (ends.client, ends.server):
            self.assertEqual(wire.frame()[:2], (CLOSE, (1012).to_bytes(2, "big") + b"restart"))
            self.assertTrue(got_fin(wire.sock))
        told = ends.proxy.wait_for("ws.close", 2)
        self.assertEqual({ev["by"] for ev in told}, {"fault"})

    # --- connecting ---

    def test_accept_close_is_a_fin_and_what_was_sent_meets_rst(self):
        proxy = self.proxy(self.server(), "--fault", "accept_close: {}")
        wire = proxy.connect()
        self.assertTrue(got_fin(wire.sock))
        self.assert_meets_rst(wire)

    def test_connect_delay_serves_late(self):
        proxy = self.proxy(self.server(), "--fault", "connect_delay: {delay: 600ms}")
        began = time.monotonic()
        wire = proxy.open()
        self.assertGreaterEqual(time.monotonic() - began, 0.6)
        wire.send(frame(TEXT, b"hello"))
        self.assertEqual(wire.frame()[:2], (TEXT, b"hello"))

    def test_connection_cap_turns_away_one_too_many(self):
        proxy = self.proxy(self.server(), "--fault", "connection_cap: {max: 2}")
        first, second = proxy.open(), proxy.open()
        self.assertTrue(harness.is_turned_away(proxy.port))
        first.close()
        proxy.wait_for("conn.end", conn=1)
        third = proxy.open()
        for wire in (second, third):
            wire.send(frame(TEXT, b"in"))
            self.assertEqual(wire.frame()[:2], (TEXT, b"in"))

    def test_connection_cap_lets_the_next_one_in_when_there_is_room(self):
        proxy = self.proxy(self.server(), "--fault", "connection_cap: {max: 1, beyond: hang}")
        first = proxy.open()
        waiting = proxy.connect()
        waiting.send(harness.request_head())
        self.assertTrue(is_silent(waiting.sock, 0.4))
        first.close()
        self.assertTrue(waiting.head().startswith("HTTP/1.1 101"))

    def test_connection_cap_may_close(self):
        proxy = self.proxy(self.server(), "--fault", "connection_cap: {max: 0, beyond: close}")
        self.assertTrue(got_fin(proxy.connect().sock))

    # --- together ---

    def test_faults_combine(self):
        """A slow, far, narrow link that flaps: late, in pieces, in order, and complete."""
        ends = self.pair("latency: {delay: 50ms, jitter: 40ms}", "bandwidth: {rate: 200kB/s}",
                         "slice: {size: 100B, variation: 90B, delay: 1ms}",
                         "flap: {begins: up, up: 200ms, down: 100ms}")
        payload = bytes(range(256)) * 100
        ends.client.send(frame(BINARY, payload))
        ends.server.send(frame(BINARY, payload[::-1], masked=False))
        self.assertEqual(ends.server.frame()[:2], (BINARY, payload))
        self.assertEqual(ends.client.frame()[:2], (BINARY, payload[::-1]))
        ends.client.close()
        self.assertTrue(got_fin(ends.server.sock))


if __name__ == "__main__":
    harness.main()
