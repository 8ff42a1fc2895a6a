"""The opening handshake broken in every way, and what an intermediary makes of a connection, as both endpoints see
them on their sockets."""
import email.utils
import time

import harness
from harness import CLOSE, PING, TEXT, Wire, frame, got_fin, header, is_reset, is_silent, request_head


class Upgrade(harness.Case):
    """The server keeps the request it saw; the client reads the answer by hand."""

    def world(self, *faults, answer=True, headers=()):
        self.requests = []

        def serve(wire):
            if answer:
                self.requests.append(wire.answer_upgrade(headers))
            else:
                self.requests.append(wire.head())
        self.origin = self.server(serve)
        options = [word for spec in faults for word in ("--fault", spec)]
        return self.proxy(self.origin, *options)

    def ask(self, proxy, headers=()):
        wire = proxy.connect()
        wire.send(request_head(headers=headers))
        return wire

    # --- upgrade_delay ---

    def test_delay_keeps_the_answer_back_never_shorter_than_told(self):
        proxy = self.world("upgrade_delay: {delay: 600ms, direction: to_client}")
        wire = self.ask(proxy)
        began = time.monotonic()
        self.assertTrue(is_silent(wire.sock, 0.3))
        self.assertTrue(wire.head().startswith("HTTP/1.1 101"))
        self.assertGreater(time.monotonic() - began, 0.5)
        opened, = proxy.wait_for("ws.open")
        answered, = proxy.events("http.response")
        self.assertGreaterEqual(opened["at"] - answered["at"], 0.6)

    def test_held_until_cleared_all_are_let_in_together(self):
        proxy = self.world("upgrade_delay: {direction: to_client, for: 1s}")
        wires = [self.ask(proxy) for _ in range(5)]
        self.assertTrue(is_silent(wires[0].sock, 0.2))
        for wire in wires:
            self.assertTrue(wire.head().startswith("HTTP/1.1 101"))
        times = [ev["at"] for ev in proxy.wait_for("ws.open", 5)]
        self.assertEqual(len(set(times)), 1, times)

    # --- upgrade_rewrite ---

    def test_a_header_of_the_request_is_another_to_the_server(self):
        proxy = self.world("upgrade_rewrite: {header: Origin, value: 'https://evil.example', "
                           "direction: to_server}")
        wire = self.ask(proxy, ["Origin: https://good.example", "Cookie: a=b"])
        self.assertTrue(wire.head().startswith("HTTP/1.1 101"))
        self.wait_until(lambda: self.requests)
        self.assertEqual(header(self.requests[0], "Origin"), "https://evil.example")
        self.assertEqual(header(self.requests[0], "Cookie"), "a=b")
        self.assertEqual(proxy.events("http.request")[0]["origin"], "https://good.example")

    def test_a_header_is_removed_or_a_part_of_it_replaced(self):
        proxy = self.world("upgrade_rewrite: {header: Cookie, action: remove, direction: to_server, as: a}",
                           "upgrade_rewrite: {header: Host, action: replace, part: '127.0', value: '10.9', "
                           "direction: to_server, as: b}")
        self.ask(proxy, ["Cookie: a=b"]).head()
        self.wait_until(lambda: self.requests)
        self.assertIsNone(header(self.requests[0], "Cookie"))
        self.assertEqual(header(self.requests[0], "Host"), "10.9.0.1")

    def test_the_answer_is_rewritten_towards_the_client(self):
        proxy = self.world("upgrade_rewrite: {header: Server, value: gone, direction: to_client}",
                           headers=["Server: here"])
        self.assertEqual(header(self.ask(proxy).head(), "Server"), "gone")

    # --- upgrade_status ---

    def test_a_status_with_retry_after_and_then_the_end(self):
        proxy = self.world("upgrade_status: {status: 503, retry_after: 20s, body: closed for repairs}")
        wire = self.ask(proxy)
        head = wire.head()
        self.assertTrue(head.startswith("HTTP/1.1 503 Service Unavailable\r\n"), head)
        self.assertEqual(header(head, "Retry-After"), "20")
        self.assertEqual(wire.rest(), b"closed for repairs")
        self.assertTrue(got_fin(wire.sock))
        self.assertEqual(self.requests, [])
        answer, = proxy.wait_for("http.response")
        self.assertEqual((answer["status"], answer["by"]), (503, "fault"))
        self.assertEqual(proxy.events("ws.open"), [])

    def test_retry_after_as_a_date_lies_that_far_ahead(self):
        proxy = self.world("upgrade_status: {status: 429, retry_after: 90s, form: date}")
        before = time.time()
        date = header(self.ask(proxy).head(), "Retry-After")
        ahead = email.utils.parsedate_to_datetime(date).timestamp()
        self.assertGreaterEqual(ahead, int(before) + 89)
        self.assertLess(ahead, time.time() + 92)

    def test_a_redirect_names_its_location(self):
        proxy = self.world("upgrade_status: {status: 307, location: 'ws://127.0.0.1:1/'}")
        self.assertEqual(header(self.ask(proxy).head(), "Location"), "ws://127.0.0.1:1/")

    def test_a_plain_request_on_the_same_port_is_left_alone(self):
        def serve(wire):
            wire.head()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        proxy = self.proxy(self.server(serve), "--fault", "upgrade_status: {status: 503}")
        wire = proxy.connect()
        wire.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertTrue(wire.head().startswith("HTTP/1.1 200"))

    # --- upgrade_strip ---

    def test_the_server_sees_what_nginx_forgets(self):
        proxy = self.world("upgrade_strip: {}", answer=False)
        self.ask(proxy)
        proxy.wait_for("http.rewrite", side="server")
        self.origin.wire()
        self.wait_until(lambda: self.requests)
        self.assertTrue(self.requests[0].startswith("GET / HTTP/1.0\r\n"), self.requests[0])
        self.assertEqual(header(self.requests[0], "Connection"), "close")
        self.assertIsNone(header(self.requests[0], "Upgrade"))

    def wait_until(self, holds):
        until = time.monotonic() + harness.ENDPOINT_PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), until, "it never came true")
            time.sleep(0.02)

    # --- the answer spoilt ---

    def test_a_bad_accept_is_not_told_as_open(self):
        proxy = self.world("upgrade_bad_accept: {how: wrong}")
        head = self.ask(proxy).head()
        self.assertTrue(head.startswith("HTTP/1.1 101"))
        self.assertNotEqual(header(head, "Sec-WebSocket-Accept"),
                            harness.accept_key("dGhlIHNhbXBsZSBub25jZQ=="))
        proxy.wait_for("http.rewrite")
        self.assertEqual(proxy.events("ws.open"), [])

    def test_a_subprotocol_that_was_not_offered(self):
        proxy = self.world("upgrade_protocol: {name: soap}", headers=["Sec-WebSocket-Protocol: chat"])
        head = self.ask(proxy, ["Sec-WebSocket-Protocol: chat"]).head()
        self.assertEqual(header(head, "Sec-WebSocket-Protocol"), "soap")

    def test_an_extension_that_was_not_offered_or_is_missing(self):
        proxy = self.world("upgrade_extension: {how: missing}",
                           headers=["Sec-WebSocket-Extensions: permessage-deflate"])
        head = self.ask(proxy, ["Sec-WebSocket-Extensions: permessage-deflate"]).head()
        self.assertIsNone(header(head, "Sec-WebSocket-Extensions"))
        proxy = self.world("upgrade_extension: {value: 'x-halfopen; a=1'}")
        self.assertEqual(header(self.ask(proxy).head(), "Sec-WebSocket-Extensions"), "x-halfopen; a=1")

    # --- upgrade_dribble ---

    def test_the_request_trickles_in(self):
        sizes = []

        def serve(wire):
            began = time.monotonic()
            while b"\r\n\r\n" not in wire.kept:
                part = wire.sock.recv(65536)
                if not part:
                    return
                wire.kept += part
                sizes.append((len(part), time.monotonic() - began))
        proxy = self.proxy(self.server(serve), "--fault",
                           "upgrade_dribble: {bytes: 32B, every: 100ms, direction: to_server}")
        wire = proxy.connect()
        head = request_head()
        wire.send(head)
        pieces = -(-len(head) // 32)
        self.wait_until(lambda: sum(size for size, _ in sizes) == len(head))
        self.assertGreaterEqual(sizes[-1][1], (pieces - 1) * 0.1 - 0.05)
        self.assertLessEqual(max(size for size, _ in sizes[:1]), 32)

    # --- The last words, with another fault that holds them back ---

    def test_a_refusal_is_read_before_the_end_in_whichever_order_faults_stand(self):
        late = "latency: {delay: 300ms}"
        for refusal in ("upgrade_status: {status: 503}", "intermediary: {profile: nginx, head_limit: 20B}"):
            for faults in ((refusal, late), (late, refusal)):
                with self.subTest(faults=faults):
                    wire = self.ask(self.world(*faults))
                    self.assertRegex(wire.head(), "^HTTP/1.1 (503|400) ")

    def test_a_fin_that_nginx_passes_on_comes_behind_the_data(self):
        late, nginx = "latency: {delay: 300ms}", "intermediary: {profile: nginx}"
        for faults in ((nginx, late), (late, nginx)):
            with self.subTest(faults=faults):
                proxy = self.world(*faults)
                wire = self.ask(proxy)
                wire.head()
                server = self.origin.wire()
                wire.send(frame(TEXT, b"last words"))
                wire.close()
                self.assertEqual(server.frame()[:2], (TEXT, b"last words"))
                self.assertTrue(got_fin(server.sock))

    # --- A profile of one's own ---

    def test_a_file_of_ones_own_is_validated_explained_and_played(self):
        path = self.write("basement.yaml", """intermediary: basement
story: The box in the basement.
facts:
  idle: {is: 400ms, certainty: measured}
  idle_to_client: {is: rst, certainty: measured}
  idle_to_server: {is: unknown, certainty: folklore}
source: [we looked]
""")
        self.assertEqual(self.halfopen("validate", path).code, 0)
        self.assertIn("idle_to_server: fin", self.halfopen("explain", path).out)
        proxy = self.world(f"intermediary: {{profile: '{path}', idle_to_server: fin}}")
        wire = self.ask(proxy)
        wire.head()
        self.assertTrue(is_reset(wire.sock))
        self.assertTrue(got_fin(self.origin.wire().sock))


class Intermediary(harness.Case):
    def ends(self, params):
        server = self.server(lambda wire: wire.answer_upgrade())
        proxy = self.proxy(server, "--fault", f"intermediary: {{{params}}}")
        return proxy, proxy.open(), server.wire()

    def test_silence_ends_both_with_fin_and_late_bytes_meet_an_rst(self):
        _, client, server = self.ends("profile: nginx, idle: 500ms")
        began = time.monotonic()
        self.assertTrue(got_fin(client.sock))
        self.assertGreater(time.monotonic() - began, 0.4)
        self.assertTrue(got_fin(server.sock))
        client.send(frame(PING))
        self.assertTrue(self.dies(client))

    def dies(self, wire):
        until = time.monotonic() + harness.ENDPOINT_PATIENCE
        while harness.tcp_state(wire.sock) != harness.CLOSED and time.monotonic() < until:
            time.sleep(0.02)
        return harness.tcp_state(wire.sock) == harness.CLOSED

    def test_haproxy_ends_its_server_with_an_rst(self):
        _, client, server = self.ends("profile: haproxy, idle: 300ms")
        self.assertTrue(is_reset(server.sock))
        self.assertTrue(got_fin(client.sock))

    def test_a_forgotten_flow_is_silent_until_somebody_speaks(self):
        _, client, server = self.ends("profile: aws-nlb, idle: 300ms")
        self.assertTrue(is_silent(client.sock, 0.7))
        client.send(frame(TEXT, b"hello?"))
        self.assertTrue(is_reset(client.sock))
        self.assertTrue(is_silent(server.sock, 0.3))

    def test_caddy_says_going_away_to_both(self):
        _, client, server = self.ends("profile: caddy, drain: 300ms")
        self.assertEqual(client.frame()[:2], (CLOSE, b"\x03\xe9"))
        self.assertEqual(server.frame()[:2], (CLOSE, b"\x03\xe9"))
        self.assertEqual(client.rest(), b"")

    def test_a_server_that_is_not_there_is_a_502(self):
        server = self.server(harness.hold)
        server.stop()
        proxy = self.proxy(server, "--fault", "intermediary: {profile: nginx}")
        wire = proxy.connect()
        wire.send(request_head())
        self.assertTrue(wire.head().startswith("HTTP/1.1 502 Bad Gateway"))

    def test_a_profile_of_one_s_own_is_a_file(self):
        mine = self.write("mine.yaml", "intermediary: mine\nstory: Ours.\nfacts:\n"
                          "  idle: {is: 300ms, certainty: measured}\n"
                          "  idle_to_client: {is: rst, certainty: measured}\nsource: [ours]\n")
        _, client, _ = self.ends(f"profile: {mine}")
        self.assertTrue(is_reset(client.sock))


if __name__ == "__main__":
    harness.main()
