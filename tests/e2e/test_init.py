"""halfopen init: what it learns of small clients, the file it writes and what runs with it, and what it says
of clients from which nothing is to be learned.
"""
import os
import signal
import time

import harness
from harness import HALFOPEN
from test_run import RunCase

REFERENCE = f"exec {HALFOPEN} client --ping 500ms --pong 300ms --backoff_base 200ms {{url}}"

# Credentials first, a numbered message a second or so, a heartbeat of its own that no list of words has, and
# another socket that does not stay.
TALKATIVE = """
import threading
other = dial("/hot-reload")
other.sock.close()
wire = dial("/feed?token=hunter2")
wire.sock.sendall(frame(TEXT, '{"type":"auth","token":"s3cr3t-s3cr3t-s3cr3t"}'))
for number in range(1, 10000):
    wire.sock.sendall(frame(TEXT, '{"op":"put","id":%d,"text":"it\\'s"}' % number))
    if number % 10 == 1:
        wire.sock.sendall(frame(TEXT, '{"beat":"still here","n":%d}' % number))
    time.sleep(0.5)
"""


class InitCase(RunCase):
    def setUp(self):
        super().setUp()
        self.environment["TMPDIR"] = self.folder

    def init(self, client, *options, **how):
        given = ["--client", client] if client else []
        return self.halfopen("init", *given, *options, **how)

    def written(self, name="halfopen.yaml"):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def assert_nothing_written(self):
        left = [name for name in os.listdir(self.folder) if name.endswith((".yaml", ".yml"))]
        self.assertEqual(left, [])

    def assert_valid(self, name="halfopen.yaml"):
        ended = self.halfopen("validate", name)
        self.assertEqual(ended.code, 0, ended)


class Learning(InitCase):
    limit = 90

    def test_the_reference_client_and_a_run_with_the_file(self):
        ended = self.init(REFERENCE, "--for", "4s")
        self.assertEqual(ended.code, 0, ended)
        self.assertRegex(ended.out, r"heartbeat +the client: a protocol ping every 50\d ms")
        self.assertIn("wrote halfopen.yaml", ended.out)
        self.assert_valid()
        self.assertRegex(self.written(), r"(?m)^# The client sends a protocol ping every 50\d ms")
        self.write("dead.yaml", "scenario: dead\nsteps:\n  - wait: {until: open, at_most: 10s}\n"
                   "  - drop: {connections: existing}\n    as: outage\n"
                   "  - wait: {until: reopened, since: outage, at_most: 9s}\n"
                   "expect: [reconnect.silent_death: {within: 1500ms, warn_within: 2s}]\n")
        ended = self.halfopen("run", "dead.yaml")
        self.assertEqual(ended.code, 0, ended)
        self.assertIn(os.path.basename(self.folder), ended.out)

    def test_what_a_client_says_by_itself(self):
        client = self.python(TALKATIVE)
        ended = self.init(client, "--for", "30s", "--speed", "10")
        self.assertEqual(ended.code, 0, ended)
        self.assert_valid()
        text = self.written()
        self.assertIn("sockets:\n    path: '/feed'\n", text)
        self.assertIn("heartbeat:\n  ping: '^\\{\"beat\":\"still here\",\"n\":\\d+\\}$'\n", text)
        self.assertIn("messages:\n  id: '\"id\":(\\d+)'\n", text)
        self.assertIn("auth:\n  message: '\"type\":\"auth\"'\n", text)
        self.assertIn("'token'", text)
        for secret in ("hunter2", "s3cr3t"):
            self.assertNotIn(secret, text + ended.out + ended.err)
        self.assertEqual([name for name in os.listdir(self.folder) if "halfopen-init" in name], [])

    def test_a_workflow_too(self):
        ended = self.init(REFERENCE, "--for", "1s", "--ci", "github", "--output", "ours.yaml")
        self.assertEqual(ended.code, 0, ended)
        self.assertIn("run: halfopen run --target 'ours.yaml' --speed 10 --format github",
                      self.written(".github/workflows/halfopen.yml"))
        self.assert_valid("ours.yaml")

    def test_the_server_of_the_system(self):
        server = self.server()
        ended = self.init(REFERENCE, "--for", "2s", "--server", f"ws://127.0.0.1:{server.port}/x")
        self.assertEqual(ended.code, 0, ended)
        self.assertIn(f"server:\n  url: 'ws://127.0.0.1:{server.port}/x'\n", self.written())
        self.assert_valid()


class NothingToLearn(InitCase):
    def assert_refused(self, ended, code, *words):
        self.assertEqual(ended.code, code, ended)
        for word in words:
            self.assertIn(word, ended.err)
        self.assert_nothing_written()

    def test_without_a_client_it_says_what_to_type(self):
        self.assert_refused(self.init(None), 2, "nothing to watch", "halfopen init --client 'node app.js {url}'")

    def test_a_file_that_is_there_stays(self):
        self.write("halfopen.yaml", "system: {name: mine}\n")
        ended = self.init(REFERENCE, "--for", "1s")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("halfopen.yaml is there already", ended.err)
        self.assertEqual(self.written(), "system: {name: mine}\n")
        ended = self.init(REFERENCE, "--for", "1s", "--force")
        self.assertEqual(ended.code, 0, ended)
        self.assertIn("client:", self.written())

    def test_a_client_that_ends_at_once(self):
        self.assert_refused(self.init("echo no such module; exit 1"), 3, "ended before", "exit 1",
                            "no such module", "nothing was written")

    def test_a_client_that_ends_by_itself(self):
        client = self.python("wire = dial()\ntime.sleep(1)\n")
        self.assert_refused(self.init(client, "--for", "20s"), 3, "the client ended by itself after", "exit 0")

    def test_a_client_that_keeps_no_connection_open(self):
        client = self.python("while True:\n    wire = dial()\n    time.sleep(0.2)\n    wire.sock.close()\n")
        self.assert_refused(self.init(client, "--for", "4s"), 3, "stayed open for more than", "--server")

    def test_an_interrupt_writes_nothing(self):
        process = self.start("init", "--client", REFERENCE)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("interrupted, nothing was written", err)
        self.assert_nothing_written()

    def test_a_secret_in_the_command_is_told(self):
        ended = self.init(REFERENCE + " # token=abcdefghijklmnop", "--for", "1s")
        self.assertEqual(ended.code, 0, ended)
        self.assertIn("looks like a secret", ended.err)


if __name__ == "__main__":
    harness.main()
