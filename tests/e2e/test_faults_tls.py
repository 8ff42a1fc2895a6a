"""TLS faults as OpenSSL on the other side sees them: python's ssl, whose errors are OpenSSL's own words, and the
bare socket below it."""
import os
import socket
import ssl
import stat
import subprocess
import time
import warnings

import harness
from harness import CLOSE, CLOSE_WAIT, ESTABLISHED, Wire, frame, got_fin, tcp_state, unacknowledged

EXPIRED, NO_ISSUER, WRONG_NAME = 10, 20, 62  # X509_V_ERR_*


def of_today(context):
    """What python.org's ssl asks by default. Debian's agrees to TLS 1.0 and takes a bare FIN for an end."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options &= ~0x80  # SSL_OP_IGNORE_UNEXPECTED_EOF, which ssl names from 3.12 on
    return context


class Tls(harness.Case):
    def folder_of_state(self):
        return os.path.join(self.environment["HOME"], ".local", "state", "halfopen")

    def context(self, trusted=True):
        context = ssl.create_default_context()
        if trusted:
            context.load_verify_locations(os.path.join(self.folder_of_state(), "authority.pem"))
        return context

    def shake(self, proxy, context=None, name="localhost", **how):
        """The TLS handshake of a client; its socket, or ssl.SSLError."""
        sock = proxy.keep(harness.connect(proxy.port))
        context = context or of_today(self.context())
        wrapped = context.wrap_socket(sock, server_hostname=name, **how)
        return proxy.keep(wrapped)

    def secure(self, *options):
        return self.proxy(self.server(), "--tls", *options)

    def assert_refused(self, proxy, code, by="fault"):
        with self.assertRaises(ssl.SSLCertVerificationError) as caught:
            self.shake(proxy)
        self.assertEqual(caught.exception.verify_code, code, caught.exception)
        failed, = proxy.wait_for("tls.failed")
        self.assertEqual((failed["side"], failed["by"]), ("client", by))
        proxy.wait_for("conn.end")
        self.assertEqual(proxy.events("http.request"), [])
        return failed

    def assert_works(self, tls_socket):
        wire = Wire(tls_socket)
        self.assertTrue(wire.upgrade().startswith("HTTP/1.1 101"))
        wire.send(frame(harness.PING, b"x"))
        self.assertEqual(wire.frame()[:2], (harness.PONG, b"x"))


class Certificates(Tls):
    def test_expired(self):
        failed = self.assert_refused(self.secure("--fault", "tls_expired"), EXPIRED)
        self.assertEqual(failed["how"], "alert received: certificate expired")

    def test_expired_and_nothing_else_is_wrong(self):
        proxy = self.secure("--fault", "tls_expired")
        context = self.context()
        real = ssl.PEM_cert_to_DER_cert(open(os.path.join(self.folder_of_state(), "expired.pem"),
                                             encoding="ascii").read())
        context.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME
        wrapped = self.shake(proxy, context)
        self.assertEqual(wrapped.getpeercert(binary_form=True), real)
        self.assert_works(wrapped)

    def test_wrong_name(self):
        self.assert_refused(self.secure("--fault", "tls_wrong_name"), WRONG_NAME)

    def test_wrong_name_and_nothing_else_is_wrong(self):
        proxy = self.secure("--fault", "tls_wrong_name")
        self.assert_works(self.shake(proxy, name="somewhere-else.localhost"))

    def test_untrusted(self):
        failed = self.assert_refused(self.secure("--fault", "tls_untrusted"), NO_ISSUER)
        self.assertEqual(failed["how"], "alert received: unknown CA")

    def test_a_client_that_verifies_nothing_gets_in_and_the_trace_shows_it(self):
        for fault in ("tls_expired", "tls_wrong_name", "tls_untrusted"):
            proxy = self.secure("--fault", fault)
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.assert_works(self.shake(proxy, context))
            self.assertEqual(len(proxy.events("tls.open", side="client")), 1)
            self.assertEqual(len(proxy.events("fault.act", fault=fault, verb="tls")), 1)

    def test_a_client_that_does_not_know_our_authority_is_the_endpoints_doing(self):
        proxy = self.secure()
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.shake(proxy, self.context(trusted=False))
        failed, = proxy.wait_for("tls.failed")
        self.assertEqual((failed["by"], failed["how"]), ("endpoint", "alert received: unknown CA"))

    def test_cleared_it_is_over_for_new_connections(self):
        scenario = self.write("s.yaml", "scenario: s\ntls: true\nsteps:\n  - tls_expired: {}\n    for: 1s\n")
        proxy = self.secure("--scenario", scenario)
        self.assert_refused(proxy, EXPIRED)
        proxy.wait_for("fault.off")
        self.assert_works(self.shake(proxy))

    def test_keys_are_for_their_owner_only_and_kept(self):
        self.secure("--fault", "tls_expired").stop()
        before = {}
        for name in ("expired", "wrong-name", "untrusted"):
            path = os.path.join(self.folder_of_state(), name + ".key")
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            before[path] = open(path, encoding="ascii").read()
        self.secure("--fault", "tls_expired").stop()
        for path, key in before.items():
            self.assertEqual(open(path, encoding="ascii").read(), key)

    def test_openssl_s_client_says_the_same(self):
        proxy = self.secure("--fault", "tls_expired")
        authority = os.path.join(self.folder_of_state(), "authority.pem")
        out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.port}", "-CAfile", authority,
                              "-servername", "localhost", "-verify_return_error"],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
        self.assertIn("certificate has expired", out.stdout + out.stderr)


class Alerts(Tls):
    names = {"handshake_failure": 40, "bad_certificate": 42, "certificate_expired": 45, "unknown_ca": 48,
             "access_denied": 49, "protocol_version": 70, "insufficient_security": 71, "internal_error": 80,
             "unrecognized_name": 112, "no_application_protocol": 120}

    def test_each_alert_is_what_s_client_reads_and_then_the_end(self):
        for name, number in self.names.items():
            with self.subTest(name):
                proxy = self.secure("--fault", f"tls_alert: {{alert: {name}}}")
                out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.port}"],
                                     stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                                     check=False)
                self.assertIn(f"SSL alert number {number}", out.stderr)
                failed, = proxy.wait_for("tls.failed")
                self.assertEqual(failed["by"], "fault")
                self.assertTrue(failed["how"].startswith("alert sent: "), failed)
                self.assertEqual(proxy.wait_for("tcp.shut", side="client")[0]["by"], "fault")

    def test_on_the_wire_it_is_one_fatal_alert_and_a_fin(self):
        proxy = self.secure("--fault", "tls_alert: {alert: access_denied}")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        hello = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            hello.do_handshake()
        wire = proxy.connect()
        wire.send(outgoing.read())
        said = wire.rest()
        self.assertEqual((said[0], said[3:]), (21, b"\x00\x02\x02\x31"))
        self.assertEqual(harness.pending_error(wire.sock), 0)


class Downgrade(Tls):
    def test_a_client_of_today_refuses(self):
        for version in ("1.0", "1.1"):
            proxy = self.secure("--fault", f"tls_downgrade: {{highest: {version}}}")
            with self.assertRaises(ssl.SSLError) as caught:
                self.shake(proxy)
            self.assertIn("PROTOCOL_VERSION", caught.exception.reason)
            self.assertEqual(proxy.wait_for("tls.failed")[0]["by"], "fault")

    def test_a_client_of_yesterday_agrees(self):
        for version, name in (("1.0", "TLSv1"), ("1.1", "TLSv1.1"), ("1.2", "TLSv1.2")):
            proxy = self.secure("--fault", f"tls_downgrade: {{highest: {version}}}")
            context = self.context()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
            context.set_ciphers("ALL:@SECLEVEL=0")
            wrapped = self.shake(proxy, context)
            self.assertEqual(wrapped.version(), name)
            self.assert_works(wrapped)


class Stall(Tls):
    def test_the_hello_is_acknowledged_and_never_answered_until_it_is_over(self):
        scenario = self.write("s.yaml", "scenario: s\ntls: true\nsteps:\n  - tls_stall: {}\n    for: 2s\n")
        proxy = self.secure("--scenario", scenario)
        sock = proxy.keep(harness.connect(proxy.port))
        wrapped = proxy.keep(self.context().wrap_socket(sock, server_hostname="localhost",
                                                        do_handshake_on_connect=False))
        wrapped.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            wrapped.do_handshake()
        self.assertEqual((tcp_state(wrapped), unacknowledged(wrapped)), (ESTABLISHED, 0))
        wrapped.settimeout(20)
        wrapped.do_handshake()
        self.assert_works(wrapped)
        off, = proxy.events("fault.off", fault="tls_stall")
        self.assertGreaterEqual(proxy.events("tls.open", side="client")[0]["at"], off["at"])

    def test_giving_up_is_an_attempt_that_was_abandoned(self):
        proxy = self.secure("--fault", "tls_stall")
        wrapped = proxy.keep(self.context().wrap_socket(proxy.keep(harness.connect(proxy.port)),
                                                        server_hostname="localhost",
                                                        do_handshake_on_connect=False))
        wrapped.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            wrapped.do_handshake()
        wrapped.close()
        self.assertEqual(proxy.wait_for("tcp.close", side="client")[0]["by"], "endpoint")
        proxy.wait_for("conn.end")


class Truncation(Tls):
    scenario = """scenario: s
tls: true
steps:
  - wait: {until: open, at_most: 20s}
  - tls_truncate: {direction: to_client, connections: existing}
"""

    def test_a_fin_without_close_notify(self):
        proxy = self.secure("--scenario", self.write("s.yaml", self.scenario))
        wrapped = self.shake(proxy, suppress_ragged_eofs=False)
        self.assertTrue(Wire(wrapped).upgrade().startswith("HTTP/1.1 101"))
        self.assertTrue(got_fin(wrapped))
        with self.assertRaisesRegex(ssl.SSLError, "EOF"):
            wrapped.recv(1)

    def test_an_ordinary_end_has_one(self):
        def server(wire):
            wire.answer_upgrade()
            wire.close()
        proxy = self.proxy(self.server(server), "--tls")
        wrapped = self.shake(proxy, suppress_ragged_eofs=False)
        self.assertTrue(Wire(wrapped).upgrade().startswith("HTTP/1.1 101"))
        self.assertEqual(wrapped.recv(1), b"")
        self.assertTrue(got_fin(wrapped))


class WithoutTls(Tls):
    def test_a_plain_listener_is_refused_before_anything_starts(self):
        for fault in ("tls_stall", "tls_alert", "tls_expired", "tls_downgrade", "tls_truncate"):
            ended = self.halfopen("proxy", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1",
                                  "--fault", fault)
            self.assertEqual(ended.code, 2, ended)
            self.assertIn(f"'{fault}' breaks TLS", ended.err)
            self.assertIn("tls: true", ended.err)

    def test_a_scenario_too(self):
        path = self.write("s.yaml", "scenario: s\nsteps:\n  - tls_expired: {}\n  - wait: 1s\n")
        ended = self.halfopen("run", path, "--self-test")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("tls: true", ended.err)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "halfopen-report")))

    def test_a_certificate_of_the_users_own_cannot_be_made_to_expire(self):
        self.secure().stop()
        state = self.folder_of_state()
        ended = self.halfopen("proxy", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1",
                              "--tls-cert", os.path.join(state, "localhost.pem"),
                              "--tls-key", os.path.join(state, "localhost.key"), "--fault", "tls_expired")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("--tls", ended.err)

    def test_the_server_leg_needs_a_wss_server(self):
        ended = self.halfopen("proxy", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--tls",
                              "--fault", "tls_truncate: {direction: to_server}")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("wss:// server", ended.err)


class Handshakes(Tls):
    def test_a_client_that_speaks_no_tls_is_told_and_gone(self):
        proxy = self.secure()
        wire = proxy.connect()
        wire.send(harness.request_head())
        failed, = proxy.wait_for("tls.failed")
        self.assertEqual(failed["by"], "endpoint")
        self.assertIn("http request", failed["how"])
        proxy.wait_for("conn.end")

    def test_a_client_that_closes_in_the_middle(self):
        proxy = self.secure()
        wire = proxy.connect()
        wire.send(b"\x16\x03\x01")
        wire.close()
        failed, = proxy.wait_for("tls.failed")
        self.assertEqual((failed["by"], failed["how"]), ("endpoint", "closed in the middle"))

    def test_a_client_that_says_nothing_has_not_failed(self):
        proxy = self.secure()
        proxy.connect().close()
        self.assertEqual(proxy.wait_for("tcp.close", side="client")[0]["how"], "fin")
        self.assertEqual(proxy.events("tls.failed"), [])


if __name__ == "__main__":
    harness.main()
