"""The faults on frames and messages, over real sockets and from the endpoints' side: what is on the wire, byte for
byte where that is the point, masked as it must be, and how the connection ends."""
import socket
import struct
import time
import types

import harness
from harness import (BINARY, CLOSE, PING, PONG, TEXT, echo, frame, got_fin, header, is_reset, is_silent,
                     tcp_state)

A_WHILE = 0.4  # seconds in which nothing may come


def look(wire):
    """(opcode, payload, fin, rsv, mask key or None) of the next frame."""
    first, second = wire.exactly(2)
    length = second & 0x7f
    if length == 126:
        length, = struct.unpack("!H", wire.exactly(2))
    elif length == 127:
        length, = struct.unpack("!Q", wire.exactly(8))
    key = wire.exactly(4) if second & 0x80 else None
    payload = wire.exactly(length)
    payload = harness.xor(payload, key) if key else payload
    return first & 15, payload, bool(first & 0x80), first >> 4 & 7, key


class Frames(harness.Case):
    def pair(self, *faults):
        server = self.server(lambda wire: wire.answer_upgrade())
        options = [word for spec in faults for word in ("--fault", spec)]
        proxy = self.proxy(server, *options)
        client = proxy.open()
        return types.SimpleNamespace(proxy=proxy, client=client, server=server.wire())

    def talk(self, ends, *payloads, opcode=TEXT):
        for payload in payloads:
            ends.server.send(frame(opcode, payload, masked=False))

    def assert_arrive(self, wire, *payloads):
        self.assertEqual([wire.frame()[1] for _ in payloads], [p.encode() for p in payloads])

    def assert_silent(self, wire):
        self.assertTrue(is_silent(wire.sock, A_WHILE), f"state {tcp_state(wire.sock)}")

    # --- Messages: delay, drop, duplicate, reorder ---

    def test_a_delayed_message_is_overtaken(self):
        ends = self.pair("delay_message: {delay: 700ms, match: late, direction: to_client}")
        began = time.monotonic()
        self.talk(ends, "late", "other")
        self.assert_arrive(ends.client, "other", "late")
        self.assertGreaterEqual(time.monotonic() - began, 0.7)
        sent = ends.proxy.events("ws.frame")[0]
        delivered, = ends.proxy.wait_for("ws.delivered", frame=sent["seq"])
        self.assertGreaterEqual(delivered["at"] - sent["at"], 0.7)

    def test_or_its_order_is_kept_and_the_end_comes_behind_it(self):
        ends = self.pair("delay_message: {delay: 500ms, match: late, others: wait, direction: to_client}")
        self.talk(ends, "late", "other")
        ends.server.close()
        self.assert_arrive(ends.client, "late", "other")
        self.assertEqual(ends.client.rest(), b"")

    def test_the_end_of_the_peer_waits_for_what_is_set_aside(self):
        ends = self.pair("delay_message: {delay: 500ms, direction: to_client}")
        self.talk(ends, "late")
        ends.server.close()
        self.assertFalse(got_fin(ends.client.sock, 0.2))
        self.assert_arrive(ends.client, "late")
        self.assertTrue(got_fin(ends.client.sock))

    def test_dropped_messages_never_arrive(self):
        ends = self.pair("drop_message: {every: 2, direction: to_client}")
        self.talk(ends, "1", "2")
        ends.server.send(frame(TEXT, "3", masked=False, fin=False) + frame(PING, "", masked=False) +
                         frame(0, "3", masked=False))
        ends.server.send(frame(TEXT, "4", masked=False, fin=False) + frame(0, "4", masked=False))
        self.talk(ends, "5")
        self.assert_arrive(ends.client, "1", "3", "", "3", "5")
        ends.client.send(frame(TEXT, "a") + frame(TEXT, "b"))
        self.assert_arrive(ends.server, "a", "b")

    def test_duplicates_to_the_server_have_mask_keys_of_their_own(self):
        ends = self.pair("duplicate_message: {times: 2, direction: to_server}")
        ends.client.send(frame(TEXT, "buy"))
        frames = [look(ends.server) for _ in range(3)]
        self.assertEqual({f[:2] for f in frames}, {(TEXT, b"buy")})
        self.assertEqual(len({f[4] for f in frames} - {None}), 3)

    def test_neighbours_change_places(self):
        ends = self.pair("reorder_message: {match: first, direction: to_client}")
        self.talk(ends, "first", "second", "third")
        self.assert_arrive(ends.client, "second", "first", "third")

    def test_a_message_that_nobody_overtakes_arrives_in_the_end(self):
        ends = self.pair("reorder_message: {at_most: 300ms, direction: to_client}")
        began = time.monotonic()
        self.talk(ends, "alone")
        self.assert_arrive(ends.client, "alone")
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_deflate_is_taken_out_of_the_offer_where_content_is_looked_at(self):
        offer = ["Sec-WebSocket-Extensions: permessage-deflate"]
        for spec, kept in (("drop_message: {every: 1000}", False), ("fragment: {match: x}", False),
                           ("fragment: {size: 64KiB}", True)):
            with self.subTest(fault=spec):
                heads = []
                server = self.server(lambda wire, heads=heads: heads.append(wire.answer_upgrade()))
                self.proxy(server, "--fault", spec).open(headers=offer)
                self.assert_comes_true(lambda: heads, "a request")
                self.assertEqual(header(heads[0], "Sec-WebSocket-Extensions") is not None, kept)

    def test_text_arrives_as_binary_and_the_reverse(self):
        ends = self.pair("text_as_binary: {turn: both}")
        large = b"x" * 200000
        ends.client.send(frame(TEXT, "a") + frame(BINARY, "b") + frame(TEXT, large))
        self.assertEqual([ends.server.frame()[:2] for _ in range(3)],
                         [(BINARY, b"a"), (TEXT, b"b"), (BINARY, large)])

    # --- Pings and pongs ---

    def test_a_corrupt_pong_is_no_answer(self):
        proxy = self.proxy(self.server(echo), "--fault", "corrupt_pong: {}")
        client = proxy.open()
        client.send(frame(PING, b"\x00\xff"))
        self.assertEqual(look(client), (PONG, b"\xff\x00", True, 0, None))

    def test_a_forged_pong_comes_from_nobody(self):
        ends = self.pair("forge_pong: {direction: to_server}", "drop: {at: {after: open, at_most: 9s}}")
        ends.client.send(frame(PING, "there?") + frame(TEXT, "data"))
        self.assertEqual(look(ends.client), (PONG, b"there?", True, 0, None))
        self.assert_silent(ends.client)
        self.assert_silent(ends.server)

    def test_a_forged_pong_to_the_server_is_masked(self):
        ends = self.pair("forge_pong: {direction: to_client, delay: 300ms}")
        began = time.monotonic()
        ends.server.send(frame(PING, "there?", masked=False))
        opcode, payload, _, _, key = look(ends.server)
        self.assertEqual((opcode, payload), (PONG, b"there?"))
        self.assertIsNotNone(key)
        self.assertGreaterEqual(time.monotonic() - began, 0.3)
        self.assert_silent(ends.client)

    def test_a_ping_is_lost_and_data_is_not(self):
        proxy = self.proxy(self.server(echo), "--fault", "drop_ping: {}")
        client = proxy.open()
        client.send(frame(PING, "life?") + frame(TEXT, "data"))
        self.assertEqual(client.frame()[:2], (TEXT, b"data"))
        self.assert_silent(client)

    def test_a_flood_of_pings_has_its_rate_and_its_end(self):
        ends = self.pair("ping_flood: {rate: 100, size: 125B, count: 50, direction: to_client}")
        began = time.monotonic()
        frames = [look(ends.client) for _ in range(50)]
        self.assertGreaterEqual(time.monotonic() - began, 0.4)
        self.assertEqual({(f[0], len(f[1]), f[4]) for f in frames}, {(PING, 125, None)})
        self.assertGreater(len({f[1] for f in frames}), 45)
        self.assert_silent(ends.client)
        self.assert_silent(ends.server)

    def test_a_flood_waits_for_who_does_not_read(self):
        ends = self.pair("ping_flood: {rate: 100000, size: 125B, direction: to_client}")
        self.talk(ends, "a")
        time.sleep(1.5)
        while True:
            opcode, payload, _, _, _ = look(ends.client)
            if opcode == TEXT:
                break
        self.assertEqual(payload, b"a")
        self.assertIsNone(ends.proxy.process.poll())

    # --- Closes ---

    def test_a_close_is_said_and_its_answer_awaited(self):
        ends = self.pair("close_with: {code: 1012, reason: restart, direction: to_client}")
        self.assertEqual(ends.client.frame()[:2], (CLOSE, b"\x03\xf4restart"))
        self.assert_silent(ends.client)
        ends.client.send(frame(CLOSE, b"\x03\xf4"))
        self.assertTrue(got_fin(ends.client.sock))
        self.assertEqual(ends.server.frame()[:2], (CLOSE, b"\x03\xf4"))
        ours, = ends.proxy.wait_for("ws.close", by="fault")
        self.assertEqual((ours["side"], ours["code"]), ("server", 1012))

    def test_or_a_fin_follows_at_once(self):
        ends = self.pair("close_with: {code: 1005, then: fin, direction: to_server}")
        opcode, payload, _, _, key = look(ends.server)
        self.assertEqual((opcode, payload), (CLOSE, b""))
        self.assertIsNotNone(key)
        self.assertTrue(got_fin(ends.server.sock))

    def test_or_nothing_does(self):
        ends = self.pair("close_with: {then: nothing, direction: to_client}")
        self.assertEqual(ends.client.frame()[0], CLOSE)
        ends.client.send(frame(CLOSE, b"\x03\xe9"))
        self.talk(ends, "still here")
        self.assert_arrive(ends.client, "still here")
        self.assert_silent(ends.client)

    def test_a_swallowed_close_is_never_answered(self):
        proxy = self.proxy(self.server(echo), "--fault", "swallow_close: {}")
        client = proxy.open()
        client.send(frame(CLOSE, b"\x03\xe8"))
        self.assert_silent(client)
        client.send(frame(TEXT, "after the close"))
        self.assertEqual(client.frame()[:2], (TEXT, b"after the close"))

    # --- How frames lie on the wire ---

    def test_a_message_comes_in_fragments(self):
        ends = self.pair("fragment: {size: 1B, mid_character: true, direction: to_client}",
                         "fragment: {size: 4B, empty: true, direction: to_server, as: other}")
        self.talk(ends, "aé€")
        self.assertEqual([look(ends.client)[:3] for _ in range(4)],
                         [(TEXT, b"a\xc3", False), (0, b"\xa9\xe2", False), (0, b"\x82", False),
                          (0, b"\xac", True)])
        ends.client.send(frame(BINARY, "12345"))
        frames = [look(ends.server) for _ in range(5)]
        self.assertEqual([f[1] for f in frames], [b"", b"1234", b"", b"5", b""])
        self.assertEqual([f[2] for f in frames], [False] * 4 + [True])
        self.assertEqual(len({f[4] for f in frames} - {None}), 5)

    def test_a_ping_comes_inside_a_message(self):
        ends = self.pair("interleave_control: {direction: to_client, size: 3B}")
        self.talk(ends, "abcd")
        self.assertEqual([look(ends.client)[:3] for _ in range(3)],
                         [(TEXT, b"ab", False), (PING, b"xxx", True), (0, b"cd", True)])

    def test_frames_sent_apart_come_in_one_segment(self):
        ends = self.pair("coalesce: {window: 800ms, direction: to_client}")
        for payload in ("a", "b", "c"):
            self.talk(ends, payload)
            time.sleep(0.05)
        ends.client.sock.recv(1, socket.MSG_PEEK)
        whole = b"".join(frame(TEXT, payload, masked=False) for payload in ("a", "b", "c"))
        self.assertEqual(ends.client.sock.recv(100), whole)
        first = ends.proxy.events("ws.frame")[0]
        delivered = ends.proxy.wait_for("ws.delivered", 3)
        self.assertEqual(len({ev["at"] for ev in delivered}), 1)
        self.assertGreaterEqual(delivered[0]["at"] - first["at"], 0.8)

    def test_a_frame_ends_in_the_middle(self):
        for ending, seen in (("fin", got_fin), ("rst", is_reset)):
            with self.subTest(ending=ending):
                ends = self.pair(f"truncate_frame: {{after: 3B, ending: {ending}, direction: to_client}}")
                # In one write: the end may come back before a second one.
                ends.server.send(frame(TEXT, "abcdef", masked=False) + frame(TEXT, "never", masked=False))
                self.assertTrue(seen(ends.client.sock), f"client: {tcp_state(ends.client.sock)}")
                self.assertTrue(seen(ends.server.sock), f"server: {tcp_state(ends.server.sock)}")
                if ending == "fin":
                    self.assertEqual(ends.client.rest(), b"\x81\x06abc")

    def test_or_in_its_head_and_then_nothing(self):
        ends = self.pair("truncate_frame: {part: head, ending: silent, direction: to_client}")
        self.talk(ends, "x" * 300, "never")
        self.assertEqual(ends.client.exactly(1), b"\x81")
        self.assert_silent(ends.client)
        self.assert_silent(ends.server)

    # --- Frames of nobody ---

    def test_bad_frames_are_on_the_wire_as_they_should_not_be(self):
        wanted = {"reserved_bits": b"\xa1\x08halfopen", "reserved_opcode": b"\x83\x08halfopen",
                  "reserved_control": b"\x8b\x08halfopen", "long_length": b"\x81\x7e\x00\x08halfopen",
                  "huge_length": b"\x81\x7f\x80\0\0\0\0\0\0\x08halfopen",
                  "large_control": b"\x89\x7e\x00\x7e" + b"x" * 126,
                  "fragmented_control": b"\x09\x08halfopen", "orphan_continuation": b"\x80\x08halfopen",
                  "nested_message": b"\x01\x04half\x81\x04open", "bad_utf8": b"\x81\x09half\xffopen",
                  "bad_close_code": b"\x88\x02\x03\xee", "short_close": b"\x88\x01\x03",
                  "bad_close_reason": b"\x88\x04\x03\xe8\xff\xfe"}
        server = self.server(lambda wire: wire.answer_upgrade())
        for what, bytes_ in wanted.items():
            with self.subTest(what=what):
                proxy = self.proxy(server, "--fault", f"bad_frame: {{what: {what}, direction: to_client}}")
                self.assertEqual(proxy.open().exactly(len(bytes_)), bytes_)

    def test_a_mask_on_the_wrong_way(self):
        ends = self.pair("bad_frame: {what: masking}")
        self.assertIsNotNone(look(ends.client)[4])
        self.assertEqual(look(ends.server), (TEXT, b"halfopen", True, 0, None))

    def test_a_giant_is_really_sent_and_halfopen_does_not_keep_it(self):
        size = 200 << 20
        ends = self.pair("oversize_message: {size: 200MiB, rate: 1GiB/s, direction: to_client}")
        time.sleep(1)  # nobody reads
        self.talk(ends, "after it")
        with open(f"/proc/{ends.proxy.process.pid}/status", encoding="ascii") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        self.assertLess(resident, 60000, "KiB resident with a giant of 200 MiB under way")
        opcode, payload, fin, _, key = look(ends.client)
        self.assertEqual((opcode, len(payload), fin, key), (BINARY, size, True, None))
        self.assertEqual(payload.count(b"x"), size)
        self.assert_arrive(ends.client, "after it")

    def test_a_giant_in_fragments_to_the_server(self):
        ends = self.pair("oversize_message: {size: 100000B, form: fragments, direction: to_server}")
        frames = [look(ends.server) for _ in range(7)]
        self.assertEqual(b"".join(f[1] for f in frames), b"x" * 100000)
        self.assertEqual([f[0] for f in frames], [BINARY] + [0] * 6)
        self.assertEqual([f[2] for f in frames], [False] * 6 + [True])
        self.assertNotIn(None, [f[4] for f in frames])

    def test_a_giant_that_is_only_declared(self):
        ends = self.pair("oversize_message: {size: 1024GiB, how: declared, direction: to_client}")
        self.assertEqual(ends.client.exactly(10), b"\x82\x7f" + (1 << 40).to_bytes(8, "big"))
        self.assertEqual(ends.client.exactly(16), b"x" * 16)
        self.assert_silent(ends.client)

    # --- What is no WebSocket ---

    def test_plain_http_is_left_alone(self):
        def plain(wire):
            wire.head()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x81\x02hi")
        faults = ("drop_message: {opcode: any}", "fragment: {size: 1B, empty: true}", "coalesce: {window: 1h}",
                  "truncate_frame: {opcode: any}", "ping_flood: {}", "bad_frame: {}", "close_with: {}",
                  "oversize_message: {}", "delay_message: {delay: 1h, opcode: any}")
        options = [word for spec in faults for word in ("--fault", spec)]
        client = self.proxy(self.server(plain), *options).connect()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertIn("200 OK", client.head())
        self.assertEqual(client.exactly(4), b"\x81\x02hi")


if __name__ == "__main__":
    harness.main()
