"""halfopen proxy with no fault on: everything passes unchanged, and the trace says what passed."""
import asyncio
import hashlib
import json
import os
import random
import signal
import socket
import ssl
import stat
import threading
import unittest

import harness
from harness import BINARY, CLOSE, PING, PONG, TEXT, Wire, echo, frame, header, hold, tcp_state

try:
    import websockets
except ImportError:
    websockets = None

BIG = 24 << 20


def state_folder(case):
    return os.path.join(case.environment["HOME"], ".local", "state", "halfopen")


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class Plain(harness.Case):
    def test_a_websocket_passes_and_the_trace_tells_its_story(self):
        proxy = self.proxy(self.server())
        wire = proxy.open("/feed?token=secret&x=1")
        for opcode, payload in ((TEXT, b"hello"), (PING, b"are you there"), (BINARY, b"\0" * 70000)):
            wire.send(frame(opcode, payload))
            answer, back, _, _ = wire.frame()
            self.assertEqual((answer, back), (PONG if opcode == PING else opcode, payload))
        wire.send(frame(CLOSE, (4001).to_bytes(2, "big") + b"bye"))
        self.assertEqual(wire.frame()[:2], (CLOSE, b"\x0f\xa1bye"))
        wire.close()
        proxy.wait_for("conn.end")
        self.assertEqual(proxy.stop(), 0)
        kinds = [ev["ev"] for ev in proxy.events() if ev.get("conn") == 1]
        self.assertEqual(kinds[:6], ["tcp.open", "tcp.connect", "http.request", "http.credential",
                                     "http.response", "ws.open"])
        told, = proxy.events("http.credential")
        self.assertEqual((told["place"], told["name"], told["shape"], told["len"]),
                         ("query", "token", "word", len("secret")))
        self.assertNotIn("secret", json.dumps(proxy.events()))
        self.assertEqual(kinds.count("ws.frame"), 8)
        self.assertEqual(kinds[-1], "conn.end")
        request, = proxy.events("http.request", upgrade=True, counts=True)
        self.assertIn("x=1", request["target"])
        self.assertNotIn("secret", request["target"])
        self.assertEqual([(ev["side"], ev["code"], ev["reason"]) for ev in proxy.events("ws.close")],
                         [("client", 4001, "bye"), ("server", 4001, "bye")])
        self.assertEqual(proxy.events()[0]["ev"], "run.start")
        self.assertEqual(proxy.events()[-1]["ev"], "run.end")

    def test_a_frame_is_told_with_its_length_opcode_and_mask(self):
        proxy = self.proxy(self.server())
        wire = proxy.open()
        wire.send(frame(TEXT, b"x" * 300, fin=False))
        wire.send(frame(PING, b"in between"))
        wire.send(frame(0, b"y" * 10))
        for _ in range(3):
            wire.frame()
        told = [(ev["opcode"], ev["len"], ev["fin"], ev["masked"])
                for ev in proxy.wait_for("ws.frame", 3, side="client")]
        self.assertEqual(told, [(TEXT, 300, False, True), (PING, 10, True, True), (0, 10, True, True)])
        self.assertEqual([ev["masked"] for ev in proxy.wait_for("ws.frame", 3, side="server")],
                         [False] * 3)
        message, = proxy.wait_for("ws.message", side="client")
        self.assertEqual((message["len"], message["frames"]), (310, 2))

    def test_one_byte_writes_arrive_whole(self):
        proxy = self.proxy(self.server())
        wire = proxy.connect()
        bytes_out = harness.request_head() + frame(TEXT, "slow and steady") + frame(PING, b"p")
        for i in range(len(bytes_out)):
            wire.send(bytes_out[i:i + 1])
        self.assertTrue(wire.head().startswith("HTTP/1.1 101"))
        self.assertEqual(wire.frame()[1], b"slow and steady")
        self.assertEqual(wire.frame()[0], PONG)

    def test_big_messages_arrive_whole_both_ways(self):
        payload = random.Random(7).randbytes(BIG)
        digests = {}

        def exchange(wire):
            wire.answer_upgrade()
            digests["server got"] = hashlib.sha256(wire.message()[1]).hexdigest()
            wire.send(frame(BINARY, payload[::-1], masked=False))

        proxy = self.proxy(self.server(exchange))
        wire = proxy.open()
        wire.send(frame(BINARY, payload))
        digests["client got"] = hashlib.sha256(wire.message()[1]).hexdigest()
        self.assertEqual(digests, {"server got": hashlib.sha256(payload).hexdigest(),
                                   "client got": hashlib.sha256(payload[::-1]).hexdigest()})
        self.assertEqual([ev["len"] for ev in proxy.wait_for("ws.frame", 2)], [BIG, BIG])

    def test_what_nobody_reads_is_not_kept_in_memory(self):
        server = self.server(hold)
        proxy = self.proxy(server, trace=False)
        wire = proxy.connect()
        wire.send(b"\x01raw")
        server.wire()
        wire.sock.settimeout(1)
        part, sent = b"z" * (1 << 20), 0
        try:
            while sent < 128 << 20:
                sent += wire.sock.send(part)
        except (TimeoutError, socket.timeout):
            pass
        self.assertLess(sent, 128 << 20, "the writer was never held back")
        with open(f"/proc/{proxy.process.pid}/status", encoding="ascii") as file:
            resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        self.assertLess(resident, 64 << 10, "KiB resident")

    def test_two_hundred_connections_at_once(self):
        count = 200
        proxy = self.proxy(self.server())
        wires = [proxy.open(f"/{i}") for i in range(count)]
        for i, wire in enumerate(wires):
            wire.send(frame(TEXT, f"number {i}"))
        for i, wire in enumerate(wires):
            self.assertEqual(wire.message(), (TEXT, f"number {i}".encode()))
        for wire in wires:
            wire.close()
        self.assertEqual(len(proxy.wait_for("conn.end", count)), count)
        self.assertEqual(len(proxy.events("ws.open")), count)

    def test_listening_on_ipv6_and_connecting_to_it(self):
        try:
            server = self.server(host="::1")
        except OSError as error:
            self.skipTest(f"no IPv6 here: {error}")
        proxy = self.proxy(f"[::1]:{server.port}", listen="[::1]:0")
        wire = Wire(proxy.keep(harness.connect(proxy.port, host="::1")))
        self.assertTrue(wire.upgrade().startswith("HTTP/1.1 101"))
        self.assertEqual(proxy.wait_for("tcp.open")[0]["family"], "ipv6")


class NotWebSocket(harness.Case):
    def test_a_server_that_speaks_first_is_heard(self):
        def greet(wire):
            wire.send(b"220 ready\r\n")
            wire.send(b"you said " + wire.exactly(4))

        proxy = self.proxy(self.server(greet))
        wire = proxy.connect()
        self.assertEqual(wire.exactly(11), b"220 ready\r\n")
        wire.send(b"HELO")
        self.assertEqual(wire.exactly(13), b"you said HELO")

    def test_bytes_that_could_begin_a_request_are_not_held_back(self):
        def answer(wire):
            wire.send(b"got " + wire.exactly(5))

        for opening in (b"HELLO", b"\x16\x03\x01\x02\x00", b"GET /"):
            with self.subTest(opening=opening):
                proxy = self.proxy(self.server(answer))
                wire = proxy.connect()
                wire.send(opening)
                self.assertEqual(wire.exactly(9), b"got " + opening)
                proxy.stop()

    def test_half_a_request_is_delivered_when_its_sender_ends(self):
        def mirror(wire):
            wire.send(b"HTTP/1.1 half of " + wire.rest())
            wire.shut()

        # A fault that looks at heads keeps them until they are whole, which this one never is.
        for fault in ((), ("--fault", "drop: {connections: {path: /elsewhere}}")):
            with self.subTest(fault=fault):
                proxy = self.proxy(self.server(mirror), *fault)
                wire = proxy.connect()
                wire.send(b"GET / HTTP/1.1\r\nHost: ")
                wire.shut()
                self.assertEqual(wire.rest(), b"HTTP/1.1 half of GET / HTTP/1.1\r\nHost: ")

    def test_a_request_in_pieces_is_told_and_its_upgrade_works(self):
        proxy = self.proxy(self.server())
        wire = proxy.connect()
        for part in harness.request_head("/slowly").partition(b"Upgrade:"):
            wire.send(part)
            proxy.wait_for("tcp.connect")
        self.assertTrue(wire.head().startswith("HTTP/1.1 101"))
        self.assertEqual(proxy.wait_for("http.request")[0]["target"], "/slowly")
        proxy.wait_for("ws.open")

    def test_random_bytes_pass_both_ways(self):
        sent = random.Random(3).randbytes(1 << 20)

        def mirror(wire):
            wire.send(wire.exactly(len(sent))[::-1])
            wire.shut()

        proxy = self.proxy(self.server(mirror))
        wire = proxy.connect()
        threading.Thread(target=wire.send, args=(sent,), daemon=True).start()
        self.assertEqual(wire.rest(), sent[::-1])
        self.assertEqual(proxy.events("ws.open"), [])

    def test_http_keep_alive_and_an_upgrade_use_the_same_port(self):
        def serve(wire):
            while True:
                head = wire.head()
                if header(head, "Upgrade"):
                    key = header(head, "Sec-WebSocket-Key")
                    wire.send(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\n"
                               f"Sec-WebSocket-Accept: {harness.accept_key(key)}\r\n\r\n").encode())
                    wire.send(frame(TEXT, b"now frames", masked=False))
                    return
                path = head.split()[1].encode()
                wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))

        proxy = self.proxy(self.server(serve))
        wire = proxy.connect()
        for path in ("/a", "/page.html"):
            wire.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            wire.head()
            self.assertEqual(wire.exactly(len(path)), path.encode())
        self.assertTrue(wire.upgrade("/ws").startswith("HTTP/1.1 101"))
        self.assertEqual(wire.message(), (TEXT, b"now frames"))
        told = [(ev["target"], ev["upgrade"]) for ev in proxy.wait_for("http.request", 3)]
        self.assertEqual(told, [("/a", False), ("/page.html", False), ("/ws", True)])
        self.assertEqual([ev["status"] for ev in proxy.events("http.response")], [200, 200, 101])

    def test_chunked_bodies_and_expect_100_pass(self):
        body = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: yes\r\n\r\n"

        def serve(wire):
            for _ in range(2):
                head = wire.head()
                if header(head, "Expect"):
                    wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                got = wire.exactly(len(body))
                wire.send(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" + got)

        proxy = self.proxy(self.server(serve))
        wire = proxy.connect()
        for _ in range(2):
            wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n")
            self.assertIn("100 Continue", wire.head())
            wire.send(body)
            self.assertIn("201 Created", wire.head())
            self.assertEqual(wire.exactly(len(body)), body)
        self.assertEqual([ev["status"] for ev in proxy.wait_for("http.response", 4)],
                         [100, 201, 100, 201])

    def test_an_upgrade_to_something_else_passes(self):
        def serve(wire):
            wire.head()
            wire.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
            while True:
                wire.send(wire.exactly(4))

        proxy = self.proxy(self.server(serve))
        wire = proxy.connect()
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
        self.assertIn("101", wire.head())
        for word in (b"PING", b"HTTP", b"\x81\x00\r\n"):
            wire.send(word)
            self.assertEqual(wire.exactly(4), word)
        self.assertEqual(proxy.events("ws.open"), [])

    def test_a_head_that_is_too_long_passes(self):
        got = []

        def serve(wire):
            got.append(wire.head())
            wire.send(b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n\r\n")

        proxy = self.proxy(self.server(serve))
        wire = proxy.connect()
        head = harness.request_head(headers=["X-Long: " + "y" * (200 << 10)])
        wire.send(head)
        self.assertIn("431", wire.head())
        self.assertEqual(got, [head.decode()])

    def test_requests_in_one_write_and_a_head_request_among_them(self):
        def serve(wire):
            for _ in range(3):
                method = wire.head().split()[0]
                body = b"" if method == "HEAD" else b"hello"
                wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)

        proxy = self.proxy(self.server(serve))
        wire = proxy.connect()
        wire.send(b"".join(b"%s / HTTP/1.1\r\nHost: x\r\n\r\n" % method
                           for method in (b"HEAD", b"GET", b"HEAD")))
        for body in (b"", b"hello", b""):
            self.assertIn("200 OK", wire.head())
            self.assertEqual(wire.exactly(len(body)), body)
        self.assertEqual([ev["status"] for ev in proxy.wait_for("http.response", 3)], [200] * 3)

    def test_a_refused_upgrade_is_told_and_passes(self):
        def refuse(wire):
            wire.head()
            wire.send(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n"
                      b"Content-Length: 4\r\n\r\nbusy")

        proxy = self.proxy(self.server(refuse))
        wire = proxy.connect()
        self.assertIn("503", wire.upgrade())
        self.assertEqual(wire.exactly(4), b"busy")
        self.assertEqual(proxy.wait_for("http.response")[0]["status"], 503)
        self.assertEqual(proxy.events("ws.open"), [])


class Endings(harness.Case):
    def test_half_close_by_the_client(self):
        def answer_after_the_end(wire):
            wire.send(b"all: " + wire.rest())
            wire.shut()

        proxy = self.proxy(self.server(answer_after_the_end))
        wire = proxy.connect()
        wire.send(b"\0first ")
        wire.send(b"second")
        wire.shut()
        self.assertEqual(wire.rest(), b"all: \0first second")
        closes = [(ev["side"], ev["how"]) for ev in proxy.wait_for("tcp.close", 2)]
        self.assertEqual(closes, [("client", "fin"), ("server", "fin")])

    def test_half_close_by_the_server(self):
        got = []

        def end_first(wire):
            wire.send(b"\0bye")
            wire.shut()
            got.append(wire.rest())

        proxy = self.proxy(self.server(end_first))
        wire = proxy.connect()
        wire.send(b"\0")
        self.assertEqual(wire.rest(), b"\0bye")
        wire.send(b"still here")
        wire.close()
        self.assert_comes_true(lambda: got == [b"\0still here"], f"the server got {got}")

    def test_a_reset_travels_as_a_reset_in_both_directions(self):
        for who in ("client", "server"):
            with self.subTest(who=who):
                server = self.server(hold)
                proxy = self.proxy(server)
                wire = proxy.connect()
                wire.send(b"\0")
                theirs = server.wire()
                theirs.exactly(1)
                one, other = (wire, theirs) if who == "client" else (theirs, wire)
                one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                one.close()
                self.assertTrue(harness.is_reset(other.sock), tcp_state(other.sock))
                self.assertEqual(proxy.wait_for("tcp.close", side=who)[0]["how"], "rst")
                proxy.stop()

    def test_a_server_that_is_down_ends_the_clients_connection(self):
        gone = self.server()
        gone.stop()
        proxy = self.proxy(gone)
        self.assertTrue(harness.is_turned_away(proxy.port))
        self.assertEqual(proxy.wait_for("tcp.connect")[0]["how"], "refused")

    def test_signals_end_it_with_a_whole_trace(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                proxy = self.proxy(self.server())
                wire = proxy.open()
                self.assertEqual(proxy.stop(number), 0)
                self.assertEqual(wire.rest(), b"")
                self.assertEqual(proxy.events()[-1]["ev"], "run.end")

    def test_a_port_in_use_is_said(self):
        server = self.server()
        ended = self.halfopen("proxy", "--listen", f"127.0.0.1:{server.port}", "--upstream",
                              "127.0.0.1:1")
        self.assertEqual(ended.code, 3, ended)
        self.assertIn(f"cannot listen on 127.0.0.1:{server.port}: Address already in use", ended.err)

    def test_a_trace_that_cannot_be_written_is_said(self):
        proxy = self.proxy(self.server(), "--trace", "/dev/full", trace=False)
        proxy.open()
        self.assertEqual(proxy.stop(), 3)
        self.assertIn("/dev/full: the trace could not be written", proxy.errors())

    def test_wrong_words_are_said_and_nothing_listens(self):
        for words, message in (
                (["--upstream", "127.0.0.1:1"], "--listen and --upstream are both needed"),
                (["--listen", "127.0.0.1:0", "--upstream", "ftp://x:1"], "scheme"),
                (["--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--fautl", "drop"],
                 "did you mean '--fault'?"),
                (["--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--fault", "dorp"],
                 "did you mean 'drop'?"),
                (["--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--fault",
                  "delay_pong: {delay: 3}"], "needs a unit")):
            with self.subTest(words=words):
                ended = self.halfopen("proxy", *words)
                self.assertEqual(ended.code, 2, ended)
                self.assertIn(message, ended.err)


class Tls(harness.Case):
    def trusting(self, authority):
        return ssl.create_default_context(cafile=authority)

    def authority(self):
        """Our own, made by halfopen in the temporary home; a proxy that nobody uses makes it."""
        proxy = self.proxy("127.0.0.1:1", "--tls")
        proxy.stop()
        return os.path.join(state_folder(self), "authority.pem")

    def server_context(self):
        self.authority()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(state_folder(self), "localhost.pem"),
                                os.path.join(state_folder(self), "localhost.key"))
        return context

    def secure(self, proxy, authority, name="localhost"):
        sock = self.trusting(authority).wrap_socket(harness.connect(proxy.port), server_hostname=name,
                                                    suppress_ragged_eofs=False)
        return Wire(proxy.keep(sock))

    def test_wss_to_the_client_with_an_authority_made_on_first_use(self):
        self.assertFalse(os.path.exists(state_folder(self)))
        proxy = self.proxy(self.server(), "--tls")
        authority = os.path.join(state_folder(self), "authority.pem")
        for name in ("authority.key", "localhost.key"):
            self.assertEqual(mode_of(os.path.join(state_folder(self), name)), 0o600, name)
        self.assertEqual(mode_of(state_folder(self)), 0o700)
        wire = self.secure(proxy, authority)
        self.assertTrue(wire.upgrade().startswith("HTTP/1.1 101"))
        wire.send(frame(TEXT, "secret"))
        self.assertEqual(wire.message(), (TEXT, b"secret"))
        opened, = proxy.wait_for("tls.open", side="client")
        self.assertEqual((opened["version"], opened["name"]), ("TLSv1.3", "localhost"))

    def test_the_authority_is_kept_for_the_next_time(self):
        with open(self.authority(), "rb") as file:
            first = file.read()
        proxy = self.proxy(self.server(), "--tls")
        with open(self.authority(), "rb") as file:
            self.assertEqual(file.read(), first)
        self.secure(proxy, self.authority(), "127.0.0.1").close()

    def test_a_client_that_does_not_trust_us_is_told_apart(self):
        proxy = self.proxy(self.server(), "--tls")
        with self.assertRaises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(harness.connect(proxy.port),
                                                     server_hostname="localhost")
        proxy.wait_for("conn.end")
        self.assertEqual(proxy.events("http.request"), [])

    def test_wss_to_the_server_is_verified(self):
        server = self.server(tls=self.server_context())
        proxy = self.proxy(f"wss://localhost:{server.port}", "--ca", self.authority())
        wire = proxy.open()
        wire.send(frame(TEXT, "through"))
        self.assertEqual(wire.message(), (TEXT, b"through"))
        self.assertEqual(proxy.wait_for("tls.open", side="server")[0]["name"], "localhost")

    def test_a_server_of_an_unknown_authority_is_refused_with_a_reason(self):
        server = self.server(tls=self.server_context())
        proxy = self.proxy(f"wss://localhost:{server.port}")
        self.assertTrue(harness.is_turned_away(proxy.port))
        how = proxy.wait_for("tcp.connect")[0]["how"]
        self.assertRegex(how, "^tls: .*(unable to get local issuer|self-signed|self signed)")
        self.assertIs(type(server.trouble()), ssl.SSLError)

    def test_a_server_of_another_name_is_refused_with_a_reason(self):
        everywhere = self.server(tls=self.server_context(), host="0.0.0.0")
        proxy = self.proxy(f"wss://127.0.0.2:{everywhere.port}", "--ca", self.authority())
        self.assertTrue(harness.is_turned_away(proxy.port))
        self.assertRegex(proxy.wait_for("tcp.connect")[0]["how"], "^tls: .*mismatch")

    def test_insecure_takes_any_server(self):
        server = self.server(tls=self.server_context())
        proxy = self.proxy(f"wss://localhost:{server.port}", "--insecure")
        self.assertTrue(proxy.open().sock)

    def test_wss_on_both_sides_with_big_messages(self):
        payload = random.Random(9).randbytes(4 << 20)

        def serve(wire):
            wire.answer_upgrade()
            wire.send(frame(BINARY, wire.message()[1][::-1], masked=False))

        server = self.server(serve, tls=self.server_context())
        proxy = self.proxy(f"wss://localhost:{server.port}", "--ca", self.authority(), "--tls")
        wire = self.secure(proxy, self.authority())
        wire.upgrade()
        wire.send(frame(BINARY, payload))
        self.assertEqual(wire.message()[1], payload[::-1])

    def test_a_tls_client_that_is_cut_off_is_not_taken_for_one_that_closed(self):
        proxy = self.proxy(self.server(), "--tls")
        wire = self.secure(proxy, self.authority())
        wire.upgrade()
        wire.sock.close()  # a FIN without close_notify
        self.assertEqual(proxy.wait_for("tcp.close", side="client")[0]["how"], "truncated")

    def test_plain_bytes_to_a_tls_port_do_no_harm(self):
        proxy = self.proxy(self.server(), "--tls")
        wire = proxy.connect()
        wire.send(harness.request_head())
        proxy.wait_for("conn.end")
        again = self.secure(proxy, self.authority())
        self.assertTrue(again.upgrade().startswith("HTTP/1.1 101"))

    def test_a_certificate_that_is_not_there_is_said(self):
        ended = self.halfopen("proxy", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1",
                              "--tls-cert", "nowhere.pem")
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("nowhere.pem", ended.err)

    def test_a_home_that_cannot_be_written_is_said(self):
        environment = {**self.environment, "HOME": "/proc/nowhere"}
        ended = self.halfopen("proxy", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1",
                              "--tls", environment=environment)
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("/proc/nowhere", ended.err)


class Deflate(harness.Case):
    def test_compressed_frames_are_carried_unchanged(self):
        got = []
        compressed = bytes.fromhex("f248cdc9c90700")  # RFC 7692 7.2.3.1: "Hello"

        def serve(wire):
            head = wire.answer_upgrade(["Sec-WebSocket-Extensions: permessage-deflate"])
            got.append(header(head, "Sec-WebSocket-Extensions"))
            got.append(wire.frame())
            wire.send(frame(TEXT, compressed, masked=False, rsv=4))

        proxy = self.proxy(self.server(serve))
        wire = proxy.connect()
        head = wire.upgrade(headers=["Sec-WebSocket-Extensions: permessage-deflate"])
        self.assertEqual(header(head, "Sec-WebSocket-Extensions"), "permessage-deflate")
        wire.send(frame(TEXT, compressed, rsv=4))
        self.assertEqual(wire.frame(), (TEXT, compressed, True, 4))
        self.assertEqual(got, ["permessage-deflate", (TEXT, compressed, True, 4)])
        self.assertEqual([ev["rsv"] for ev in proxy.wait_for("ws.frame", 2)], [4, 4])

    @unittest.skipUnless(websockets, "no python3-websockets")
    def test_a_real_pair_talks_compressed(self):
        text = "the same words again and again; " * 5000

        async def mirror(socket_, *_):
            async for message in socket_:
                await socket_.send(message[::-1])

        async def talk():
            async with websockets.serve(mirror, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                proxy = await asyncio.to_thread(self.proxy, f"127.0.0.1:{port}")
                async with websockets.connect(proxy.url) as client:
                    await client.send(text)
                    self.assertEqual(await client.recv(), text[::-1])
                return proxy

        proxy = asyncio.run(talk())
        self.assertIn("permessage-deflate", proxy.wait_for("http.response")[0]["extensions"])
        frames = proxy.wait_for("ws.frame", 4)
        self.assertEqual(frames[0]["rsv"], 4)
        self.assertLess(sum(ev["len"] for ev in frames[:2]), len(text))
        self.assertEqual([ev["code"] for ev in proxy.wait_for("ws.close", 2)], [1000, 1000])


if __name__ == "__main__":
    harness.main()
