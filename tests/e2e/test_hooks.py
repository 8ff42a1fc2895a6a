"""The hooks of a target file with small clients: asked on stdin and by HTTP, heard in the log, by the exit and by
HTTP; a client that prints without end; signals; scenarios that are not run for want of a hook.
"""
import os
import textwrap

import harness
from harness import HALFOPEN, events, of_kind
from test_run import RunCase

# A client with an application in it: reads lines, answers HTTP, prints when it has given up.
CLIENT = """\
import http.server, threading
print("client", os.environ["HALFOPEN_INDEX"], flush=True)
wire = dial()
state = {"word": "open"}

def read():
    try:
        while True:
            wire.message()
    except (EOFError, OSError):
        wire.close()
threading.Thread(target=read, daemon=True).start()

def act(words):
    if words[0] == "send":
        wire.send(frame(TEXT, "number " + words[1]))
    elif words[0] == "close":
        wire.send(frame(CLOSE, (1000).to_bytes(2, "big") + b"done"))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        words = self.path.strip("/").replace("?n=", " ").split()
        if words[0] not in ("send", "close"):
            self.send_error(404)
            return
        act(words)
        self.send_response(204)
        self.end_headers()
    def do_GET(self):
        body = ('{"state": "%s"}' % state["word"]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

port = os.environ.get("HALFOPEN_HOOK_PORT")
if port:
    server = http.server.HTTPServer(("127.0.0.1", int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
"""

LISTENS = """\
for line in sys.stdin:
    act(line.split())
"""

ASKS = """\
scenario: asks
clients: 2
steps:
  - wait: {until: open, at_most: 10s}
  - wait: 300ms
  - hook: {send: 5, every: 100ms}
  - wait: 1s
  - hook: {send: 20}
    clients: {client: 1}
  - wait: 1s
  - hook: close
  - wait: {until: closed, at_most: 5s}
"""

HEARS = """\
scenario: hears
steps:
  - wait: {until: open, at_most: 10s}
  - wait: {until: gave_up, at_most: 8s}
"""


class HooksCase(RunCase):
    def run_with(self, hooks, scenario, client, *options, **how):
        target = self.write("halfopen.yaml", "hooks:\n" + textwrap.indent(hooks, "  "))
        return self.run_one(scenario, client, "--target", target, *options, **how)

    def outcome(self, name, step):
        ends = of_kind(events(self.trace(name)), "step.end")
        return ends[step]["outcome"]


STATES = """\
scenario: states
steps:
  - wait: {until: open, at_most: 10s}
  - wait: 500ms
  - hook: state
  - wait: 500ms
  - hook: state
  - wait: 500ms
"""

# Says what it has been asked, or, over HTTP, that and something that moves.
TELLS = """\
asked = 0
for line in sys.stdin:
    asked += 1
    print("noise", asked, flush=True)
    print("state: cart", asked if line.strip() == "moving" else "full", "tail", flush=True)
"""


class Telling(HooksCase):
    def said(self):
        found = events(self.trace("states"))
        return of_kind(found, "hook.state", client=0)

    def assert_the_same_twice(self, how, length):
        said = self.said()
        self.assertEqual([event["number"] for event in said], [1, 2])
        self.assertEqual({event["how"] for event in said}, {how})
        self.assertEqual({event["len"] for event in said}, {length})
        self.assertEqual(len({event["hash"] for event in said}), 1)

    def test_a_line_of_its_output_is_the_answer(self):
        ended = self.run_with("state: {stdin: state, log: '^state: (.*) tail'}\n", STATES,
                              self.python(CLIENT + TELLS))
        self.assertEqual(ended.code, 0, ended)
        self.assert_the_same_twice("stdin", len("cart full"))

    def test_what_moves_has_another_hash(self):
        self.run_with("state: {stdin: moving, log: '^state: (.*)'}\n", STATES, self.python(CLIENT + TELLS))
        self.assertEqual(len({event["hash"] for event in self.said()}), 2)

    def test_an_answer_by_http_is_whole_or_what_the_group_matches(self):
        url = "http: 'GET http://127.0.0.1:{port}/'"
        self.run_with(f"state: {{{url}}}\n", STATES, self.python(CLIENT + "time.sleep(60)\n"))
        self.assert_the_same_twice("http", len('{"state": "open"}'))
        self.run_with(f"state: {{{url}, match: '\"state\": \"(\\w+)\"'}}\n", STATES,
                      self.python(CLIENT + "time.sleep(60)\n"))
        self.assert_the_same_twice("http", len("open"))

    def test_what_does_not_match_is_nothing(self):
        self.run_with("state: {http: 'GET http://127.0.0.1:{port}/', match: 'cart'}\n", STATES,
                      self.python(CLIENT + "time.sleep(60)\n"))
        self.assertEqual([event["len"] for event in self.said()], [0, 0])

    def test_the_state_itself_is_not_written_down(self):
        self.run_with("state: {stdin: state, log: '^state: (.*)'}\n", STATES, self.python(CLIENT + TELLS))
        with open(self.trace("states"), encoding="utf-8") as file:
            self.assertNotIn("cart full", file.read())


class Asking(HooksCase):
    def assert_was_asked(self, how):
        found = events(self.trace("asks"))
        asked = of_kind(found, "hook.asked")
        self.assertEqual({event["answer"] for event in asked}, {"taken"}, asked)
        self.assertEqual({event["how"] for event in asked}, {how})
        sends = [event["number"] for event in asked if event["client"] == 1 and event["hook"] == "send"]
        self.assertEqual(sends, list(range(1, 26)))
        frames = of_kind(found, "ws.frame", client=1, side="client", opcode=1)
        self.assertEqual(len(frames), 25)
        self.assertEqual(len(of_kind(found, "ws.frame", client=0, side="client", opcode=1)), 5)
        # "number 1" to "number 25": as long as their numbers, and so in order
        self.assertEqual([frame["len"] for frame in frames], [8] * 9 + [9] * 16)
        self.assertEqual([close["reason"] for close in of_kind(found, "ws.close", side="client")],
                         ["done", "done"])
        self.assertEqual(found[0]["target"]["hooks"], {"send": how, "close": how})

    def test_by_stdin(self):
        ended = self.run_with("send: {stdin: 'send {n}'}\nclose: {stdin: close}\n", ASKS,
                              self.python(CLIENT + LISTENS))
        self.assertEqual(ended.code, 0, ended)
        self.assert_was_asked("stdin")

    def test_by_http(self):
        ended = self.run_with("send: {http: 'POST http://127.0.0.1:{port}/send?n={n}'}\n"
                              "close: {http: 'POST http://127.0.0.1:{port}/close'}\n", ASKS,
                              self.python(CLIENT + "time.sleep(60)\n"))
        self.assertEqual(ended.code, 0, ended)
        self.assert_was_asked("http")

    def test_who_does_not_take_it_is_told_in_the_trace(self):
        ended = self.run_with("send: {http: 'POST http://127.0.0.1:1/send'}\n"
                              "close: {http: 'POST http://127.0.0.1:{port}/nothing'}\n", ASKS,
                              self.python(CLIENT + "time.sleep(60)\n"))
        self.assertEqual(ended.code, 0, ended)
        asked = of_kind(events(self.trace("asks")), "hook.asked")
        self.assertEqual({event["answer"] for event in asked if event["hook"] == "send"},
                         {"no connection: refused"})
        self.assertEqual({event["answer"] for event in asked if event["hook"] == "close"}, {"HTTP 404"})

    def test_who_has_exited_or_reads_nothing_is_told_too(self):
        scenario = ASKS.replace("{send: 5, every: 100ms}", "{send: 9000}")
        ended = self.run_with("send: {stdin: 'send {n} and then some'}\n", scenario,
                              self.python(CLIENT + "time.sleep(60)\n"))
        self.assertEqual(ended.code, 0, ended)
        answers = {event["answer"] for event in of_kind(events(self.trace("asks")), "hook.asked")}
        self.assertEqual(answers, {"taken", "it does not read its input"})
        self.assertEqual(self.outcome("asks", 6), "no hook")


class Hearing(HooksCase):
    def heard(self):
        return of_kind(events(self.trace("hears")), "hook.heard")

    def test_in_the_log_a_whole_line_counts(self):
        ended = self.run_with("gave_up: {log: '^giving up'}\n", HEARS, self.python(CLIENT + """\
sys.stdout.write("giving"); sys.stdout.flush(); time.sleep(2)
sys.stderr.write("\\nnot giving up\\n" + "x" * 100000); time.sleep(0.3)
sys.stderr.write("giving up\\ngiving up token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl\\n")
time.sleep(60)
"""))
        self.assertEqual(ended.code, 0, ended)
        heard, = self.heard()
        self.assertEqual((heard["hook"], heard["how"], heard["by"]), ("gave_up", "log", "endpoint"))
        self.assertTrue(heard["detail"].startswith("giving up "), heard)
        self.assertNotIn("eyJ", heard["detail"])
        self.assertEqual(self.outcome("hears", 1), "done")

    def test_by_its_exit(self):
        for code, outcome in ((3, "interrupted"), (4, "interrupted")):
            ended = self.run_with("gave_up: {exit: 3}\n", HEARS,
                                  self.python(CLIENT + f"time.sleep(2)\nos._exit({code})\n"))
            self.assertEqual(ended.code, 0, ended)
            self.assertEqual([heard["detail"] for heard in self.heard()], ["exit 3"] if code == 3 else [])

    def test_by_http(self):
        ended = self.run_with("gave_up: {http: 'GET http://127.0.0.1:{port}/state', match: 'state.*failed'}\n",
                              HEARS, self.python(CLIENT + """\
time.sleep(1.5)
state["word"] = "failed"
time.sleep(60)
"""))
        self.assertEqual(ended.code, 0, ended)
        heard, = self.heard()
        self.assertEqual((heard["how"], heard["detail"]), ("http", '{"state": "failed"}'))
        self.assertEqual(self.outcome("hears", 1), "done")

    def test_a_client_that_prints_without_end_is_heard_and_costs_little(self):
        ended = self.run_with("gave_up: {log: 'giving up'}\n", HEARS, self.python(CLIENT + """\
line = b"nothing to see here, number 123456789, but a line as long as others are, of 100 bytes or so .....\\n"
began, said = time.monotonic(), False
while time.monotonic() < began + 4:
    os.write(1, line * 1000)
    if not said and time.monotonic() > began + 2:
        os.write(1, b"giving up\\n")
        said = True
    time.sleep(0.005)
time.sleep(60)
"""))
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual(len(self.heard()), 1)
        output = os.path.join(self.report, "output", "hears-client-0.log")
        self.assertLess(os.path.getsize(output), 1200000)

    def test_what_is_repeated_without_end_is_written_once_a_second(self):
        scenario = HEARS.replace("{until: gave_up, at_most: 8s}", "3s")
        ended = self.run_with("gave_up: {log: 'giving up'}\n", scenario, self.python(CLIENT + """\
began = time.monotonic()
while time.monotonic() < began + 10:
    os.write(1, b"giving up\\n" * 1000)
    time.sleep(0.005)
"""))
        self.assertEqual(ended.code, 0, ended)
        self.assertIn(len(self.heard()), (3, 4))


class LeftOut(HooksCase):
    SCENARIO = """\
scenario: gives-up
steps:
  - wait: 60s
expect:
  - reconnect.retry_limit
"""

    def assert_is_told(self, ended, code):
        self.assertEqual(ended.code, code, ended)
        self.assertRegex(ended.out, r"gives-up .* not tested +nothing says how .*; give hooks.gave_up")
        self.assertIn("1 not tested", ended.out)
        self.assert_whole_report()
        scenario, = self.results()["scenarios"]
        rule, = scenario["rules"]
        self.assertEqual((rule["name"], rule["verdict"]), ("reconnect.retry_limit", "not_tested"))
        self.assertIn("hooks: {gave_up: {log: 'giving up'}}", rule["fix"])
        self.assertLess(scenario["wall_s"], 1)
        self.assertEqual([event["ev"] for event in events(self.trace("gives-up"))], ["run.start", "run.end"])
        self.assertEqual(of_kind(events(self.trace("gives-up")), "process.start"), [])

    def test_what_nothing_declared_can_judge_is_not_run(self):
        ended = self.run_with("send: {stdin: 'send {n}'}\n", self.SCENARIO, "exec false")
        self.assert_is_told(ended, 0)
        again = self.halfopen("judge", self.report)
        self.assertEqual(again.code, 0, again)
        self.assertIn("give hooks.gave_up", again.out)

    def test_unless_the_target_file_requires_it_that_spoils_nothing(self):
        target = self.write("halfopen.yaml", "rules: {require: [reconnect.retry_limit]}\n")
        ended = self.run_one(self.SCENARIO, "exec false", "--target", target)
        self.assert_is_told(ended, 4)

    def test_a_dry_run_says_so(self):
        ended = self.run_one(self.SCENARIO, "exec false", "--dry-run")
        self.assertEqual(ended.code, 0, ended)
        self.assertRegex(ended.out, r"gives-up .* not run: give hooks.gave_up in halfopen.yaml")


class Signals(HooksCase):
    def test_a_signal_of_the_scenario_is_no_crash(self):
        ended = self.run_one("""\
scenario: told
clients: 2
steps:
  - wait: {until: open, at_most: 10s}
  - wait: 200ms
  - signal: TERM
    clients: {client: 0}
  - wait: {until: exited, at_most: 5s, of: {client: 0}}
  - wait: 1s
""", f"exec {HALFOPEN} client {{url}}")
        self.assertEqual(ended.code, 0, ended)
        found = events(self.trace("told"))
        sent, = of_kind(found, "process.signal")
        self.assertEqual((sent["client"], sent["name"]), (0, "TERM"))
        close, = of_kind(found, "ws.close", side="client")
        self.assertEqual(close["code"], 1001)
        exited, = of_kind(found, "process.exit")
        self.assertEqual((exited["client"], exited["asked"], exited["how"]), (0, True, "exit 0"))
        self.assertEqual(self.outcome("told", 4), "done")


if __name__ == "__main__":
    harness.main()
