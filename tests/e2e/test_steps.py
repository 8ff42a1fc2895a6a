"""Steps over real sockets and processes: send and inject, restarts of clients and servers, requests, prompts; and a
scenario's own assertions, which `judge` repeats from the trace.
"""
import os
import pty
import select
import subprocess
import sys
import time

import harness
from harness import HALFOPEN, events, of_kind
from test_run import RunCase

SOUND = f"exec {HALFOPEN} client --rate 2KiB/s --message_size 200B {{url}}"
SERVER = f"exec {HALFOPEN} server --listen 127.0.0.1:{{port}}"

SPEAKS = """\
scenario: speaks
clients: 2
steps:
  - wait: {until: open, at_most: 10s}
  - send: {to: client, json: {type: notice, n: 1}}
  - send: {to: server, text: hello}
  - wait: {until: {message: {from: client, match: '.'}}, at_most: 10s}
  - inject: {to: client, frames: {opcode: 3, payload: x}}
  - wait: {until: reopened, at_most: 20s}
  - wait: 500ms
expect:
  - close: {from: client, code: 1002, within: 2s, after: inject}
  - never: {message: {from: client, match: '^hello$'}}
  - message: {from: client, match: 'no such thing'}
    as: wanted
"""

RESTARTS = """\
scenario: restarts
clients: 2
steps:
  - wait: {until: open, at_most: 10s}
  - restart: {who: client, down: 1s, clients: {client: 1}}
  - wait: {until: reopened, of: {client: 1}, at_most: 20s}
  - restart: {who: server, down: 1s}
  - wait: {until: closed, at_most: 10s}
  - wait: {until: reopened, at_most: 30s}
  - wait: 300ms
expect:
  - reconnect.single_flight
  - attempts: {at_least: 1, after: closed}
"""

ASKS = """\
scenario: asks
steps:
  - wait: {until: open, at_most: 10s}
  - request: {url: '/admin?token=0123456789abcdef0123', status: 426}
  - request: {method: POST, url: 'http://127.0.0.1:{port}/x', status: %s}
"""

PROMPTS = """\
scenario: prompts
steps:
  - wait: {until: open, at_most: 10s}
  - prompt: pull the cable
  - prompt: {text: nobody answers this, at_most: 1s}
"""


class Steps(RunCase):
    def verdicts(self):
        return {rule["name"]: rule["verdict"] for rule in self.results()["scenarios"][0]["rules"]}

    def outcomes(self, name):
        return [end["outcome"] for end in of_kind(events(self.trace(name)), "step.end")]

    def assert_judge_agrees(self, name):
        file = os.path.join(self.folder, "judged.json")
        with open(file, "wb") as out:
            subprocess.run([HALFOPEN, "judge", "--json", self.trace(name)], stdout=out, check=False)
        with open(file, encoding="utf-8") as judged:
            rules = harness.json.load(judged)["scenarios"][0]["rules"]
        mine = self.results()["scenarios"][0]["rules"]
        for one, other in zip(rules, mine, strict=True):
            self.assertEqual((one["name"], one["verdict"], one["summary"], one["evidence"]),
                             (other["name"], other["verdict"], other["summary"], other["evidence"]))

    def test_what_we_say_is_ours_and_what_comes_of_it_is_asserted(self):
        ended = self.run_one(SPEAKS, SOUND)
        self.assertEqual(ended.code, 1, ended)
        self.assertEqual(self.verdicts(), {"expect.speaks.close": "pass", "expect.speaks.no-message": "pass",
                                           "expect.speaks.wanted": "fail"})
        injected = of_kind(events(self.trace("speaks")), "ws.injected")
        self.assertEqual({event["by"] for event in injected}, {"fault"})
        self.assertEqual([(event["side"], event["opcode"], event["masked"]) for event in injected
                          if event["client"] == 0],
                         [("server", 1, False), ("client", 1, True), ("server", 3, False)])
        self.assert_judge_agrees("speaks")

    def test_a_new_process_and_a_new_server_are_no_crash(self):
        ended = self.run_one(RESTARTS, SOUND, "--server-cmd", SERVER)
        self.assertIn(ended.code, (0, 4), ended)
        found = events(self.trace("restarts"))
        starts = of_kind(found, "process.start")
        self.assertEqual([(start["role"], start.get("client", -1)) for start in starts],
                         [("client", 0), ("client", 1), ("client", 2), ("server", -1)])
        exits = of_kind(found, "process.exit")
        self.assertEqual([(end["role"], end["asked"]) for end in exits], [("client", True), ("server", True)])
        self.assertGreaterEqual(starts[2]["at"] - exits[0]["at"], 1)
        self.assertEqual(self.outcomes("restarts"), ["done"] * 7)
        self.assertEqual(self.verdicts()["expect.restarts.attempts"], "pass")
        self.assert_judge_agrees("restarts")

    def test_the_built_in_server_restarts_too(self):
        ended = self.run_one(RESTARTS, SOUND, "--speed", "5")
        self.assertIn(ended.code, (0, 4), ended)
        self.assertEqual(self.outcomes("restarts"), ["done"] * 7)

    def test_a_server_that_runs_elsewhere_is_not_restarted(self):
        ended = self.run_one(RESTARTS, SOUND, "--server", "ws://127.0.0.1:9")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("the server is not started here", ended.err)

    def test_requests_are_recorded_and_compared(self):
        for status, code, verdict in ((404, 0, "pass"), (200, 1, "fail")):
            ended = self.run_one(ASKS % status, SOUND)
            self.assertEqual(ended.code, code, ended)
            self.assertEqual(self.verdicts(), {"expect.asks.requests": verdict})
        asked = of_kind(events(self.trace("asks")), "http.asked")
        self.assertEqual(asked[0]["url"], "/admin?token=REDACTED")
        with open(self.trace("asks"), encoding="utf-8") as trace:
            self.assertNotIn("0123456789abcdef0123", trace.read())

    def test_a_request_elsewhere_is_refused(self):
        ended = self.run_one(ASKS.replace("127.0.0.1:{port}", "example.org") % 200, SOUND)
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("a host that the target file does not name", ended.err)

    def test_a_prompt_without_a_terminal_is_refused(self):
        ended = self.run_one(PROMPTS, SOUND)
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("standard input is no terminal", ended.err)

    def test_a_prompt_waits_for_enter(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(HALFOPEN, ["halfopen", *self.words(PROMPTS, SOUND), "--speed", "10"])
        said, until = b"", time.monotonic() + 20
        pressed = False
        while time.monotonic() < until:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    said += os.read(terminal, 4096)
                except OSError:
                    break
            if b"pull the cable  [Enter]" in said and not pressed:
                time.sleep(0.3)
                os.write(terminal, b"\n")
                pressed = True
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, said)
        self.assertEqual(self.outcomes("prompts"), ["done", "done", "ran out"])
        ends = of_kind(events(self.trace("prompts")), "step.end")
        self.assertGreaterEqual(ends[1]["at"] - ends[0]["at"], 0.3)


if __name__ == "__main__":
    assert sys.version_info >= (3, 10)
    harness.main()
