"""halfopen run with small clients and servers: verdicts and exit codes, what goes wrong and what is said then,
processes and signals, and the same verdicts from the traces afterwards.
"""
import glob
import json
import os
import pty
import re
import resource
import select
import signal
import subprocess
import sys
import time
import unittest

import harness
from harness import HALFOPEN, events, frame, is_alive, of_kind

HERE = os.path.dirname(os.path.abspath(__file__))
SOUND = f"exec {HALFOPEN} client --ping 500ms --pong 300ms --backoff_base 200ms {{url}}"
SLOW = f"exec {HALFOPEN} client --ping 7s --pong 300ms --backoff_base 200ms {{url}}"

# Two clients are cut off silently and have 1.5 s to notice.
DEAD = """\
scenario: dead
story: The peer vanishes.
clients: 2
steps:
  - wait: {until: open, at_most: 10s}
  - drop: {connections: existing}
    as: outage
  - wait: {until: [reopened, closed], at_most: 8s}
  - wait: {until: reopened, since: outage, at_most: 5s}
expect:
  - reconnect.silent_death: {within: 1500ms, warn_within: 2s}
"""

# Nothing happens, and nothing is asked.
QUIET = """\
scenario: quiet
steps:
  - wait: {until: open, at_most: 10s}
  - wait: %s
"""

# Once it has begun the clients are told so.
TOLD = """\
scenario: quiet
steps:
  - wait: {until: open, at_most: 10s}
  - send: {to: client, text: go}
  - wait: %s
"""

# What a client written here begins with.
PRELUDE = f"""\
import os, sys, time
sys.path.insert(0, {HERE!r})
sys.dont_write_bytecode = True
from harness import *
url = os.environ["HALFOPEN_URL"]
authority, slash, path = url.split("://")[1].partition("/")
def dial(path="/" + path):
    wire = Wire(connect(int(authority.rpartition(":")[2])))
    wire.upgrade(path)
    return wire
"""


class RunCase(harness.Case):
    def setUp(self):
        super().setUp()
        self.report = os.path.join(self.folder, "report")

    def python(self, body, name="client.py"):
        """A command line that runs this."""
        return f"exec {sys.executable} {self.write(name, PRELUDE + body)}"

    def words(self, scenario, client, *options):
        file = self.write(re.search(r"scenario: (\S+)", scenario)[1] + ".yaml", scenario)
        given = ["--client", client] if client else []
        return ["run", file, *given, "--report", self.report, *options]

    def run_one(self, scenario, client, *options, **how):
        return self.halfopen(*self.words(scenario, client, *options), **how)

    def results(self):
        with open(os.path.join(self.report, "results.json"), encoding="utf-8") as file:
            return json.load(file)

    def trace(self, name):
        return os.path.join(self.report, "traces", name + ".jsonl")

    def assert_whole_report(self):
        for name in ("results.json", "junit.xml", "index.html"):
            self.assertGreater(os.path.getsize(os.path.join(self.report, name)), 0, name)

    def pids(self):
        """Of all that wrote its number into a file of the test's folder."""
        found = []
        for path in glob.glob(os.path.join(self.folder, "pid-*")):
            with open(path, encoding="ascii") as file:
                found.append(int(file.read()))
        return found


# --- Verdicts and exit codes ---

class Recorded(RunCase):
    def test_what_each_client_was_and_took(self):
        client = self.python("print('trading-app v9.8.7 begins', flush=True)\nwire = dial()\n"
                             "end = time.process_time() + 0.2\nwhile time.process_time() < end:\n    pass\n"
                             "wire.rest()\n")
        ended = self.run_one(QUIET % "1500ms", client)
        self.assertEqual(ended.code, 0, ended)
        process, = self.results()["scenarios"][0]["processes"]
        self.assertEqual((process["role"], process["client"], process["version"]), ("client", 0, "9.8.7"))
        self.assertIn("client.py", process["command"])
        self.assertGreaterEqual(process["cpu_s"], 0.2)
        self.assertLess(process["cpu_s"], 2)
        self.assertGreater(process["memory_bytes"], 4 << 20)
        with open(os.path.join(self.report, process["output"]), encoding="utf-8") as file:
            self.assertIn("begins", file.read())
        usage, = of_kind(events(self.trace("quiet")), "process.usage")
        self.assertEqual(usage["pid"], process["pid"])


class ExitCodes(RunCase):
    def test_0_a_sound_client_complies(self):
        ended = self.run_one(DEAD, SOUND)
        self.assertEqual(ended.code, 0, ended)
        self.assertRegex(ended.out, r"dead +2 clients .* ok ")
        self.assertIn("exit 0: complied", ended.out)
        self.assert_whole_report()
        rule, = self.results()["scenarios"][0]["rules"]
        self.assertEqual((rule["name"], rule["verdict"]), ("reconnect.silent_death", "pass"))

    def test_1_a_failure_is_confirmed_by_a_second_run(self):
        ended = self.run_one(DEAD, SLOW, "--seed", "7")
        self.assertEqual(ended.code, 1, ended)
        self.assertRegex(ended.out, r"ran again, seed 8: failed again")
        self.assertIn("exit 1: a MUST rule failed", ended.out)
        scenario, = self.results()["scenarios"]
        self.assertTrue(scenario["confirmed"])
        self.assertEqual(scenario["verdict"], "fail")
        self.assertEqual((scenario["trace"], scenario["second_trace"]),
                         ("traces/dead.jsonl", "traces/dead.again.jsonl"))
        first, second = (events(self.trace(name))[0] for name in ("dead", "dead.again"))
        self.assertEqual((first["seed"], first["confirms"]), (7, ""))
        self.assertEqual((second["seed"], second["confirms"]), (8, "traces/dead.jsonl"))
        self.assertTrue(scenario["rules"][0]["confirmed"])

    def test_4_what_cannot_be_repeated_is_inconclusive(self):
        once = self.folder + "/was-bad-{index}"
        client = f"test -e {once} && {SOUND}; touch {once}; {SLOW}"
        ended = self.run_one(DEAD, client)
        self.assertEqual(ended.code, 4, ended)
        self.assertIn("not repeatable", ended.out)
        rule, = self.results()["scenarios"][0]["rules"]
        self.assertEqual((rule["verdict"], rule["note"]), ("inconclusive", "not repeatable"))
        self.assertTrue(os.path.exists(self.trace("dead")))
        self.assertTrue(os.path.exists(self.trace("dead.again")))
        again = self.halfopen("judge", self.report)
        self.assertEqual(again.code, 4, again)

    def test_4_a_must_rule_that_saw_nothing(self):
        ended = self.run_one(QUIET % "300ms" + "expect: [heartbeat.interval]\n", SOUND)
        self.assertEqual(ended.code, 4, ended)
        self.assertIn("exit 4: no MUST rule failed, but one could not be decided", ended.out)

    def test_2_no_target_says_what_to_type(self):
        ended = self.halfopen("run")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("neither client nor server was given", ended.err)
        for words in ("halfopen run --client 'node app.js {url}'",
                      "halfopen run --server ws://127.0.0.1:8080/", "--self-test"):
            self.assertIn(words, ended.err)
        self.assertEqual(ended.out, "")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "halfopen-report")))

    def test_2_wrong_words(self):
        quiet = self.write("quiet.yaml", QUIET % "1s")
        for words, message in (
                (["rnu"], "did you mean 'run'?"),
                (["run", "--sead", "3"], "did you mean '--seed'?"),
                (["run", "-x"], "options begin with two dashes"),
                (["run", "--seed"], "--seed needs a value"),
                (["run", "--seed", "many"], "--seed is 'many'"),
                (["run", quiet, "--self-test", "--speed", "0.5"], "at least 1, at most 100"),
                (["run", quiet, "--self-test", "--speed", "fast"], "--speed is 'fast'"),
                (["run", quiet, "--self-test", "--clients", "65"], "at most 64"),
                (["run", quiet, "--self-test", "--clients", "0"], "--clients is '0': at least 1"),
                (["run", quiet, "--self-test", "--jobs", "0"], "--jobs is '0': at least 1"),
                (["proxy", "--api", "127.0.0.1:1"], "--api is not part of this version"),
                (["run", quiet, "--self-test", "--only", "nothing"], "leaves nothing to run"),
                (["run", quiet, "--self-test", "--flaw", "no_jiter"], "did you mean 'no_jitter'?"),
                (["run", quiet, "--client", "true", "--flaw", "no_jitter"], "it goes with --self-test"),
                (["demo", "--flaw", "tired"], "no flaw is called 'tired'"),
                (["run", quiet, "--self-test", "--quiet=1"], "--quiet takes no value"),
                (["run", quiet, "--server", "gopher://x"], "scheme"),
                (["run", quiet, "--self-test", "--target", "nowhere.yaml"], "nowhere.yaml"),
                (["run", quiet, "--self-test", "--profile", "nowhere"], "nowhere"),
                (["run", "silent-dorp", "--self-test"], "did you mean 'silent-drop'?"),
                (["run", "nowhere.yaml", "--self-test"], "nowhere.yaml"),
                (["judge"], "judge takes traces or report folders"),
                (["judge", "nowhere"], "nowhere: there is no such file"),
                (["explain", "reconnect.jittre"], "did you mean 'reconnect.jitter'?")):
            with self.subTest(words=words):
                ended = self.halfopen(*words)
                self.assertEqual(ended.code, 2, ended)
                self.assertIn(message, ended.err)
                self.assertEqual(ended.out, "")

    def test_2_a_bad_scenario_among_good_ones_stops_all(self):
        self.write("good.yaml", QUIET % "1s")
        self.write("bad.yaml", "scenario: bad\nsteps:\n  - wiat: 3s\n  - drop: {fro: 3}\n")
        ended = self.halfopen("run", "good.yaml", "bad.yaml", "--client", "touch ran")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("bad.yaml:3:5: error:", ended.err)
        self.assertIn("bad.yaml:4:12: error:", ended.err)
        self.assertIn("2 problems, nothing was run", ended.err)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "ran")))

    def test_2_a_scenario_that_cannot_be_read(self):
        os.mkdir(os.path.join(self.folder, "empty"))
        self.write("binary.yaml", "scenario: \x00\n")
        for name, message in (("empty", "empty"), ("binary.yaml", "binary.yaml:1:")):
            with self.subTest(name=name):
                ended = self.halfopen("run", name, "--self-test")
                self.assertEqual(ended.code, 2, ended)
                self.assertIn(message, ended.err)

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_2_a_scenario_without_permission(self):
        os.chmod(self.write("secret.yaml", QUIET % "1s"), 0)
        ended = self.halfopen("run", "secret.yaml", "--self-test")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("secret.yaml", ended.err)

    def test_help_and_version(self):
        for words, code in ((["--help"], 0), (["--version"], 0), ([], 2), (["run", "--help"], 0)):
            with self.subTest(words=words):
                ended = self.halfopen(*words)
                self.assertEqual(ended.code, code, ended)
                self.assertIn("halfopen", ended.err if code else ended.out)

    def test_validate_reports_all_files_at_once(self):
        good = self.write("good.yaml", QUIET % "1s")
        bad = self.write("bad.yaml", "scenario: bad\nsteps:\n  - wiat: 3s\n")
        worse = self.write("worse.yaml", "scenario: worse\nclients: 0\nsteps: [drop: {after: nevr}]\n")
        ended = self.halfopen("validate", good)
        self.assertEqual((ended.code, ended.out), (0, "1 file, no errors\n"), ended)
        ended = self.halfopen("validate", bad, good, worse, "nowhere.yaml")
        self.assertEqual((ended.code, ended.out), (2, ""), ended)
        for message in ("bad.yaml:3:5: error:", "did you mean 'wait'?", "worse.yaml:2:10: error:",
                        "worse.yaml:3:23: error:", "nowhere.yaml", "4 problems"):
            self.assertIn(message, ended.err)
        self.assertNotIn("good.yaml", ended.err)
        ended = self.halfopen("validate")
        self.assertEqual(ended.code, 2, ended)


# --- The environment ---

class Environment(RunCase):
    def assert_environment_failed(self, ended, *messages):
        self.assertEqual(ended.code, 3, ended)
        for message in messages:
            self.assertIn(message, ended.out)
        self.assertIn("exit 3: the environment failed", ended.out)
        self.assert_whole_report()
        scenario, = self.results()["scenarios"]
        self.assertIn(messages[0], scenario["trouble"])
        self.assertEqual(self.halfopen("judge", self.report).code, 3)

    def test_a_client_that_exits_at_once(self):
        ended = self.run_one(QUIET % "5s", "echo the last words; echo on stderr >&2; exit 9")
        self.assert_environment_failed(ended, "client 0 ended before the scenario began (exit 9)",
                                       "its last lines", "the last words\non stderr\n")

    def test_a_client_that_has_nothing_to_do(self):
        ended = self.run_one(QUIET % "5s", "true")
        self.assert_environment_failed(ended, "(exit 0)", "likely cause: it had nothing more to do")

    def test_a_client_that_is_not_installed(self):
        ended = self.run_one(QUIET % "5s", "no-such-program {url}")
        self.assert_environment_failed(ended, "(exit 127)", "likely cause: the shell found no such",
                                       "no-such-program: not found")

    def test_a_client_that_crashes(self):
        ended = self.run_one(QUIET % "5s", "kill -SEGV $$")
        self.assert_environment_failed(ended, "(signal 11)", "likely cause: the program crashed")

    def test_a_server_that_ends_at_once(self):
        ended = self.run_one(QUIET % "5s", SOUND, "--server-cmd", "echo no config; exit 4", "--server",
                             "ws://127.0.0.1:{port}/")
        self.assert_environment_failed(ended, "the server ended at once (exit 4)", "no config")

    def test_a_server_that_dies_in_the_middle(self):
        client = self.python("wire = dial()\nopen('open', 'w').close()\nwire.rest()\ntime.sleep(60)\n")
        server = (f"{HALFOPEN} server --listen 127.0.0.1:{{port}} & server=$!; "
                  "while ! test -e open; do sleep 0.05; done; sleep 0.5; echo dying; kill $server; exit 5")
        ended = self.run_one(QUIET % "30s", client, "--server-cmd", server, "--server",
                             "ws://127.0.0.1:{port}/")
        self.assert_environment_failed(ended, "the server ended in the middle of the scenario",
                                       "dying")
        self.assertEqual(events(self.trace("quiet"))[-1]["ev"], "run.end")

    def test_a_report_folder_that_cannot_be_made(self):
        self.write("file", "")
        ended = self.halfopen(*self.words(QUIET % "1s", SOUND), "--report", "file/report")
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("file/report: Not a directory", ended.err)

    def test_a_home_that_cannot_hold_the_authority(self):
        ended = self.run_one(QUIET % "1s", SOUND, "--tls",
                             environment={**self.environment, "HOME": "/proc/nowhere"})
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("/proc/nowhere", ended.err)


    def test_results_that_cannot_be_printed(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            ended = self.run_one(QUIET % "200ms", SOUND, "--json", stdout=full)
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("the results could not be printed: No space left on device", ended.err)

    def test_standard_streams_that_are_closed(self):
        file = self.write("quiet.yaml", QUIET % "200ms")
        command = f"exec {HALFOPEN} run {file} --client '{SOUND}' --report {self.report} <&- >&- 2>&-"
        process = subprocess.Popen(["/bin/sh", "-c", command], cwd=self.folder, env=self.environment)
        self.processes.append(process)
        self.assertEqual(self.assert_ends_within(process, 20), 0)
        self.assert_whole_report()
        self.assertEqual(events(self.trace("quiet"))[-1]["ev"], "run.end")
        with open(self.trace("quiet"), encoding="utf-8") as trace:
            self.assertTrue(all(line.startswith('{"seq":') for line in trace))

    def test_a_reader_that_went_away(self):
        ours, theirs = os.pipe()
        os.close(ours)
        ended = self.run_one(QUIET % "200ms", SOUND, stdout=theirs)
        os.close(theirs)
        self.assertEqual(ended.code, 0, ended)
        self.assert_whole_report()

    def test_too_few_descriptors(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

        ended = self.run_one(QUIET % "200ms", SOUND, "--clients", "16", preexec_fn=limit)
        self.assert_environment_failed(ended, "Too many open files")


class Floods(RunCase):
    limit = 240

    def test_connections_without_end_end_the_scenario(self):
        client = self.python("for _ in range(3):\n    os.fork()\n"
                             "while True:\n    connect(int(authority.rpartition(':')[2])).close()\n",
                             "flood.py")
        quiet = self.python("dial().rest()\n", "quiet.py")
        ended = self.run_one(QUIET % "200s", f"if [ {{index}} = 0 ]; then {quiet}; else {client}; fi",
                             "--clients", "2", "--timeout", "200s")
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("the clients opened 20000 connections in ", ended.out)
        self.assertIn("comes back without a pause", ended.out)
        self.assertLess(os.path.getsize(self.trace("quiet")), 64 << 20)


class NobodyComes(RunCase):
    """Each of these waits its 30 seconds for a client; they wait side by side."""
    limit = 120

    def test_what_is_said_when_a_client_never_connects(self):
        down = self.server()
        down.stop()
        strict = self.server(not_found)
        elsewhere = self.python("dial('/elsewhere')\ntime.sleep(60)\n", "elsewhere.py")
        plain = self.python("w = Wire(connect(int(authority.rpartition(':')[2])))\n"
                            "w.send(b'GET /status HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')\ntime.sleep(60)\n",
                            "plain.py")
        silent = self.python("w = Wire(connect(int(authority.rpartition(':')[2])))\n"
                             "w.send(bytes.fromhex('16030100050100000103'))\ntime.sleep(60)\n",
                             "silent.py")
        self.write("target.yaml", "client: {sockets: {path: /feed}}\n")
        ill = self.server(answering("503 Service Unavailable"))
        self.write("unhealthy.yaml", HEALTH % (self.server().port, ill.port))
        cases = {
            "no-url": (["--client", "sleep 60"],
                       ["0 of 1 clients connected", "neither {url} nor {port}"]),
            "unused": (["--client", ": {url}; echo waiting for something; sleep 60"],
                       ["does not use the URL", "waiting for something"]),
            "down": (["--client", SOUND, "--server", f"ws://127.0.0.1:{down.port}/"],
                     ["the server does not accept connections", "it is not running"]),
            "deaf": (["--client", SOUND, "--server-cmd", "echo up; sleep 60", "--server",
                      "ws://127.0.0.1:{port}/"],
                     ["the server does not accept connections", "it listens on another port", "up"]),
            "not-found": (["--client", SOUND, "--server", f"ws://127.0.0.1:{strict.port}/feed"],
                          ["the server answered 404 to the upgrade of /feed"]),
            "elsewhere": (["--client", elsewhere, "--target", "target.yaml"],
                          ["it opened a WebSocket at /elsewhere"]),
            "unhealthy": (["--client", SOUND, "--target", "unhealthy.yaml"],
                          ["the server accepts connections", "did not answer 2xx: it answered 503"]),
            "plain": (["--client", plain], ["the last one for /status, and none asked for a WebSocket"]),
            "silent": (["--client", silent], ["does it speak TLS"]),
        }
        scenario = self.write("quiet.yaml", QUIET % "1s")
        runs = {name: self.start("run", scenario, *words, "--report", name)
                for name, (words, _) in cases.items()}
        for name, process in runs.items():
            out, err = process.communicate()
            with self.subTest(case=name):
                self.assertEqual(process.returncode, 3, out + err)
                for message in cases[name][1]:
                    self.assertIn(message, out)


HEALTH = """\
server:
  url: ws://127.0.0.1:%d/
  health: http://127.0.0.1:%d/healthz?deep=1
"""


def answering(status, asked=None):
    """A health check."""
    def handle(wire):
        if asked is not None:
            asked.append(wire.head().split("\r\n")[0])
        else:
            wire.head()
        wire.send(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        wire.close()
    return handle


class Health(RunCase):
    """A server is ready once its health check answers 2xx."""

    def test_no_client_comes_before_the_server_is_healthy(self):
        asked, opened = [], []

        def health(wire):
            status = "204 No Content" if len(asked) >= 2 else "503 Service Unavailable"
            self.assertEqual(opened, [])
            answering(status, asked)(wire)

        def serve(wire):
            wire.head()
            opened.append(len(asked))

        health, server = self.server(health), self.server(serve)
        target = self.write("target.yaml", HEALTH % (server.port, health.port))
        process = self.start(*self.words(QUIET % "1s", SOUND, "--target", target))
        self.assert_comes_true(lambda: opened, "a client came")
        self.assertEqual((opened[0], asked[0]), (3, "GET /healthz?deep=1 HTTP/1.0"))
        self.assertEqual(health.troubles, [])
        process.send_signal(signal.SIGTERM)
        process.communicate()

    def test_the_port_is_the_one_the_command_was_given(self):
        target = self.write("target.yaml", f"server: {{command: 'exec {HALFOPEN} server --listen "
                                           "127.0.0.1:{port}', url: 'ws://127.0.0.1:{port}/', "
                                           "health: 'http://127.0.0.1:{port}/healthz'}\n")
        ended = self.run_one(QUIET % "200ms", SOUND, "--target", target)
        self.assertEqual(ended.code, 0, ended)

    def test_another_server_is_not_asked_for_the_health_of_that_of_the_file(self):
        target = self.write("target.yaml", HEALTH % (1, 1))
        server = self.server()
        ended = self.run_one(QUIET % "200ms", SOUND, "--target", target, "--server",
                             f"ws://127.0.0.1:{server.port}/")
        self.assertEqual(ended.code, 0, ended)

    def test_a_url_that_is_none(self):
        self.write("target.yaml", "server: {url: 'ws://127.0.0.1:1/', health: 'http://:70000/'}\n")
        ended = self.run_one(QUIET % "200ms", SOUND, "--target", "target.yaml")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("target.yaml: error: 'health' of the server is 'http://:70000/', which is no address",
                      ended.err)


def not_found(wire):
    wire.head()
    wire.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    wire.close()


# --- Processes ---

FAMILY = """\
import glob, signal
def born(name):
    with open(f"{folder}/{name}-{os.getpid()}", "w") as file:
        file.write(str(os.getpid()))
    os.rename(file.name, f"{folder}/pid-{name}-{os.getpid()}")
def wait_for_births(count):
    while len(glob.glob(f"{folder}/pid-*")) < count:
        time.sleep(0.01)
def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
"""


class Processes(RunCase):
    def family(self, body):
        return self.python(f"folder = {self.folder!r}\n" + FAMILY + body)

    def assert_all_gone(self, least):
        pids = self.pids()
        self.assertGreaterEqual(len(pids), least)
        self.assert_comes_true(lambda: not any(map(is_alive, pids)),
                               f"{[pid for pid in pids if is_alive(pid)]} ended", 5)

    def test_a_client_that_ignores_sigterm(self):
        ended = self.run_one(QUIET % "200ms", self.family("deaf()\nborn('deaf')\nw = dial()\n"
                                                          "time.sleep(600)\n"))
        self.assertEqual(ended.code, 0, ended)
        self.assert_all_gone(1)

    def test_grandchildren_that_hide(self):
        client = self.family("""
def child(name, new_session=False, bare=False):
    if os.fork():
        return
    deaf()
    if new_session:
        os.setsid()
    if os.fork():
        os._exit(0)
    born(name)
    if bare:
        os.execve("/bin/sleep", ["sleep", "600"], {})
    time.sleep(600)
    os._exit(0)
child("orphan")
child("daemon", new_session=True)
child("stranger", new_session=True, bare=True)
wait_for_births(3)
w = dial()
time.sleep(600)
""")
        ended = self.run_one(QUIET % "500ms", client)
        self.assertEqual(ended.code, 0, ended)
        self.assert_all_gone(3)

    def test_much_output_is_bounded(self):
        client = self.python("print('the first line')\n"
                             "for i in range(60000):\n    print('line', i, 'x' * 40)\n"
                             "print('the last line', flush=True)\n"
                             "wire = dial()\ntime.sleep(60)\n")
        ended = self.run_one(QUIET % "200ms", client)
        self.assertEqual(ended.code, 0, ended)
        log = os.path.join(self.report, "output", "quiet-client-0.log")
        self.assertLess(os.path.getsize(log), 2 << 20)
        with open(log, encoding="utf-8") as file:
            text = file.read()
        self.assertTrue(text.startswith("the first line\n"))
        self.assertTrue(text.endswith("the last line\n"), text[-100:])
        self.assertRegex(text, r"\[halfopen: \d+ bytes left out here\]")

    def test_ten_megabytes_a_second_of_output(self):
        client = self.python("wire = dial()\nwhile True:\n    os.write(1, b'x' * 9999 + b'\\n')\n")
        ended = self.run_one(QUIET % "3s", client)
        self.assertEqual(ended.code, 0, ended)
        log = os.path.join(self.report, "output", "quiet-client-0.log")
        self.assertLess(os.path.getsize(log), 2 << 20)
        with open(log, encoding="utf-8") as file:
            self.assertRegex(file.read(), r"\[halfopen: \d{7,} bytes left out here\]")

    def test_a_client_that_forks_and_exits(self):
        client = self.family("if os.fork():\n    os._exit(0)\nborn('child')\nwire = dial()\ntime.sleep(600)\n"
                             .replace("os._exit(0)", "wait_for_births(1), os._exit(0)"))
        ended = self.run_one(QUIET % "1s", client)
        self.assertEqual(ended.code, 3, ended)
        self.assertRegex(ended.out, r"client 0 ended (before|in the middle of) the scenario.*\(exit 0\)")
        self.assertIn("it went into the background, where 1 process of it still runs", ended.out)
        self.assert_all_gone(1)

    def test_a_client_that_keeps_500_connections_open(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))

        client = self.python("import resource\nprint(resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)\n"
                             "wires = [dial() for _ in range(500)]\ntime.sleep(600)\n")
        ended = self.run_one(QUIET % "4s" + "expect: [heartbeat.interval]\n", client, preexec_fn=limit)
        self.assertEqual(ended.code, 4, ended)
        with open(os.path.join(self.report, "output", "quiet-client-0.log"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "(1024, 4096)\n")
        self.assertEqual(len(of_kind(events(self.trace("quiet")), "ws.open")), 500)
        self.assertIn("observed for only", ended.out)

    def test_a_client_that_flaps(self):
        client = self.python("while True:\n    dial().sock.close()\n    time.sleep(0.005)\n")
        ended = self.run_one(QUIET % "2s" + "expect: [heartbeat.interval]\n", client)
        self.assertEqual(ended.code, 4, ended)
        self.assertGreater(len(of_kind(events(self.trace("quiet")), "ws.open")), 10)

    def interrupt(self, number):
        client = self.family("born('client')\n"
                             "if os.fork() == 0:\n    deaf()\n    born('child')\n    time.sleep(600)\n"
                             "wait_for_births(2)\nwire = dial()\nwire.rest()\ntime.sleep(600)\n")
        process = self.start(*self.words(DEAD.replace("clients: 2", "clients: 1"), client))
        self.assert_comes_true(lambda: of_kind(events(self.trace("dead")), "fault.on"), "under way")
        process.send_signal(number)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 130, out + err)
        self.assertIn("interrupted", out)
        self.assertIn("cut short", out)
        self.assert_all_gone(2)
        told = events(self.trace("dead"))
        self.assertEqual((told[-1]["ev"], told[-1]["reason"]), ("run.end", "interrupted"))
        self.assert_whole_report()
        self.assertTrue(self.results()["scenarios"][0]["interrupted"])
        self.assertEqual(self.results()["exit"], 130)
        self.assertEqual(self.halfopen("judge", self.report).code, 130)

    def test_sigint_in_the_middle(self):
        self.interrupt(signal.SIGINT)

    def test_sigterm_in_the_middle(self):
        self.interrupt(signal.SIGTERM)

    def test_sigint_while_clients_are_awaited(self):
        process = self.start(*self.words(QUIET % "1s", self.family("born('client')\ntime.sleep(600)\n")))
        self.assert_comes_true(lambda: self.pids(), "started")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 130, out + err)
        self.assert_all_gone(1)
        self.assert_whole_report()
        self.assertEqual(events(self.trace("quiet"))[-1]["reason"], "interrupted")

    def test_sigint_in_the_run_that_was_to_confirm(self):
        process = self.start(*self.words(DEAD, SLOW))
        self.assert_comes_true(lambda: of_kind(events(self.trace("dead.again")), "ws.open"), "again")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 130, out + err)
        rule, = self.results()["scenarios"][0]["rules"]
        self.assertEqual(rule["verdict"], "inconclusive", rule)
        self.assertEqual(self.results()["counts"]["fail"], 0)
        self.assertEqual(self.halfopen("judge", self.report).code, 130)

    def test_what_was_never_begun_is_in_the_report(self):
        scenarios = [self.write(f"{name}.yaml", (QUIET % "60s").replace("quiet", name))
                     for name in ("first", "second")]
        process = self.start("run", *scenarios, "--client", SOUND, "--jobs", "1", "--report", self.report)
        self.assert_comes_true(lambda: of_kind(events(self.trace("first")), "ws.open"), "under way")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 130, out + err)
        self.assertEqual([(s["name"], s["interrupted"]) for s in self.results()["scenarios"]],
                         [("first", True), ("second", True)])
        self.assertFalse(os.path.exists(self.trace("second")))

    def test_a_client_that_exits_in_the_middle_and_one_that_stays(self):
        client = self.python("wire = dial()\nwire.frame()\nif sys.argv[1] == '0':\n    sys.exit(7)\n"
                             "time.sleep(60)\n") + " {index}"
        ended = self.run_one(TOLD % "3s", client, "--clients", "2")
        self.assertEqual(ended.code, 0, ended)
        exited, = of_kind(events(self.trace("quiet")), "process.exit")
        self.assertEqual((exited["client"], exited["how"], exited["asked"]), (0, "exit 7", False))
        self.assertEqual(events(self.trace("quiet"))[-1]["reason"], "finished")

    def test_all_clients_exit_in_the_middle(self):
        client = self.python("wire = dial()\nwire.frame()\n")
        ended = self.run_one(TOLD % "30s" + "expect: [heartbeat.interval]\n", client)
        self.assertEqual(ended.code, 4, ended)
        self.assertEqual(events(self.trace("quiet"))[-1]["reason"],
                         "every client process has exited")
        self.assertLess(self.results()["wall_s"], 20)

    def test_a_second_signal_does_not_wait(self):
        client = self.family("deaf()\nborn('deaf')\nwire = dial()\ntime.sleep(600)\n")
        process = self.start(*self.words(QUIET % "60s", client))
        self.assert_comes_true(lambda: of_kind(events(self.trace("quiet")), "ws.open"), "under way")
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        process.communicate()
        self.assertEqual(process.returncode, 130)
        self.assert_all_gone(1)
        self.assert_whole_report()

    def test_a_timeout_ends_it_in_the_middle(self):
        ended = self.run_one(QUIET % "60s", SOUND, "--timeout", "1s")
        self.assertEqual(ended.code, 130, ended)
        self.assertIn("--timeout is over", ended.out)
        self.assertEqual(events(self.trace("quiet"))[-1]["reason"], "timed out")
        self.assert_whole_report()

    def test_a_trace_that_sigkill_cut_can_be_judged(self):
        process = self.start(*self.words(DEAD, SLOW))
        self.assert_comes_true(lambda: of_kind(events(self.trace("dead")), "ws.open"), "under way")
        self.assert_comes_true(lambda: of_kind(events(self.trace("dead")), "fault.act"), "pings vanish")
        clients = [ev["pid"] for ev in of_kind(events(self.trace("dead")), "process.start")]
        process.kill()
        process.communicate()
        self.assertEqual(len(clients), 2)
        self.assert_comes_true(lambda: not any(map(is_alive, clients)), "the clients ended too")
        with open(self.trace("dead"), "rb") as file:
            whole = file.read()
        for cut in (whole, whole[:-1], whole[:-25]):
            with self.subTest(cut=len(whole) - len(cut)):
                with open(self.trace("dead"), "wb") as file:
                    file.write(cut)
                ended = self.halfopen("judge", self.report)
                self.assertEqual(ended.code, 4, ended)
                self.assertIn("reconnect.silent_death", ended.out)
                told = json.loads(self.halfopen("judge", self.report, "--json").out)
                self.assertTrue(told["scenarios"][0]["interrupted"])

    KILLED = """
def child(name, new_session=False, bare=False):
    if os.fork():
        return
    deaf()
    if new_session:
        os.setsid()
    if os.fork():
        os._exit(0)
    born(name)
    if bare:
        os.execve("/bin/sleep", ["sleep", "600"], {})
    time.sleep(600)
    os._exit(0)
deaf()
born("client")
child("orphan")
child("daemon", new_session=True)
child("bare", bare=True)
wait_for_births(4)
w = dial()
time.sleep(600)
"""

    def killed(self, around, kill):
        client = around % self.family(self.KILLED)
        process = self.start(*self.words(QUIET % "60s", client), start_new_session=True)
        self.assert_comes_true(lambda: of_kind(events(self.trace("quiet")), "ws.open"), "under way")
        kill(process)
        process.communicate()
        self.assert_all_gone(4)

    def test_nothing_survives_a_sigkill(self):
        self.killed("%s & wait", lambda process: process.kill())

    def test_nothing_of_a_pipeline_survives_a_sigkill(self):
        self.killed("%s | cat", lambda process: process.kill())

    def test_nothing_survives_a_sigkill_to_the_group(self):
        self.killed("(%s; true); true", lambda process: os.killpg(process.pid, signal.SIGKILL))

    def reference_server(self):
        process = self.start("server", "--listen", "127.0.0.1:0")
        port = int(re.search(r":(\d+)/", process.stdout.readline())[1])
        wire = harness.Wire(harness.connect(port))
        wire.upgrade()
        process.send_signal(signal.SIGTERM)
        opcode, payload, *_ = wire.frame()
        self.assertEqual((opcode, payload[:2]), (harness.CLOSE, (1001).to_bytes(2, "big")))
        return process, wire

    def test_the_reference_server_says_that_it_goes(self):
        process, wire = self.reference_server()
        wire.send(frame(harness.CLOSE, (1001).to_bytes(2, "big")))
        wire.rest()
        wire.close()
        process.communicate()
        self.assertEqual(process.returncode, 0)

    def test_a_second_signal_does_not_wait_for_who_does_not_answer(self):
        process, _ = self.reference_server()
        process.send_signal(signal.SIGTERM)
        process.communicate()
        self.assertEqual(process.returncode, 0)

    def test_a_process_in_the_middle_of_the_line_of_another_run_is_not_touched(self):
        bystander = self.start("server", "--listen", "127.0.0.1:0")
        ended = self.run_one(QUIET % "200ms", SOUND)
        self.assertEqual(ended.code, 0, ended)
        self.assertIsNone(bystander.poll())


# --- The same verdicts again ---

class Judging(RunCase):
    def rules_of(self, results):
        return json.dumps([results["counts"], results["rules"], results["exit"],
                           [scenario["rules"] for scenario in results["scenarios"]]])

    def rules_text(self, text):
        """The bytes of the rules part: of the run, and of each scenario."""
        return re.findall(r'(?m)^( *)"rules": ([\[{].*?^\1[\]}])', text, re.S)

    def judge_again(self, scenarios, client, *options):
        live = self.halfopen("run", *scenarios, "--client", client, "--report", self.report, *options)
        with open(os.path.join(self.report, "results.json"), encoding="utf-8") as file:
            recorded = file.read()
        again = self.halfopen("judge", self.report, "--json")
        self.assertEqual(again.code, live.code, f"{live}\n{again}")
        self.assertTrue(self.rules_text(recorded))
        self.assertEqual(self.rules_text(again.out), self.rules_text(recorded))
        self.assertEqual(self.rules_of(json.loads(again.out)), self.rules_of(json.loads(recorded)))
        return live

    def test_a_run_that_complied(self):
        self.assertEqual(self.judge_again([self.write("dead.yaml", DEAD)], SOUND).code, 0)

    def test_a_run_that_failed_twice(self):
        self.assertEqual(self.judge_again([self.write("dead.yaml", DEAD)], SLOW).code, 1)

    def test_scenarios_side_by_side_at_speed(self):
        names = ["silent-drop", "heartbeat", "refused-reconnects-quick"]
        client = f"exec {HALFOPEN} client {{url}}"
        live = self.judge_again(names, client, "--speed", "10")
        self.assertEqual(live.code, 0, live)
        ended = self.halfopen("judge", self.trace("heartbeat"), "--report", "again")
        self.assertEqual(ended.code, 0, ended)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "again", "index.html")))

    def test_a_trace_that_is_none(self):
        path = self.write("broken.jsonl", '{"seq":1,"ev":"no.start"}\nnot json at all\n')
        ended = self.halfopen("judge", path)
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("broken.jsonl:2", ended.err)
        ended = self.halfopen("judge", self.write("empty.jsonl", ""))
        self.assertEqual((ended.code, ended.out), (2, ""), ended)
        self.assertIn("empty.jsonl", ended.err)


# --- Options ---

class Options(RunCase):
    def test_dry_run_starts_nothing(self):
        ended = self.run_one(DEAD, "touch ran", "--dry-run", "--speed", "2")
        self.assertEqual(ended.code, 0, ended)
        self.assertRegex(ended.out, r"dead +2 clients +about +\d+ s, at most +\d+ s\n1 scenario")
        self.assertEqual(sorted(os.listdir(self.folder)), ["dead.yaml", "home"])

    def test_json_is_the_file_and_nothing_else(self):
        ended = self.run_one(QUIET % "200ms", SOUND, "--json")
        self.assertEqual((ended.code, ended.err), (0, ""), ended)
        self.assertEqual(json.loads(ended.out), self.results())

    def test_quiet_prints_nothing(self):
        ended = self.run_one(QUIET % "200ms", SOUND, "--quiet")
        self.assertEqual((ended.code, ended.out, ended.err), (0, "", ""), ended)
        self.assert_whole_report()

    def test_only_leaves_out_rules_and_scenarios(self):
        dead, quiet = self.write("dead.yaml", DEAD), self.write("quiet.yaml", QUIET % "200ms")
        with open(dead, "a", encoding="utf-8") as file:
            file.write("  - heartbeat.interval\n")
        ended = self.halfopen("run", dead, quiet, "--client", SOUND, "--only", "RECON-01", "--report",
                              self.report)
        self.assertEqual(ended.code, 0, ended)
        scenario, = self.results()["scenarios"]
        self.assertEqual([rule["name"] for rule in scenario["rules"]], ["reconnect.silent_death"])
        ended = self.halfopen("run", dead, quiet, "--client", SOUND, "--only", "qui*", "--report",
                              self.report)
        self.assertEqual([s["name"] for s in self.results()["scenarios"]], ["quiet"], ended)

    def test_one_at_a_time(self):
        scenarios = [self.write(f"{name}.yaml", (QUIET % "300ms").replace("quiet", name))
                     for name in ("first", "second")]
        ended = self.halfopen("run", *scenarios, "--client", SOUND, "--jobs", "1", "--report", self.report)
        self.assertEqual(ended.code, 0, ended)
        changed = [os.stat(self.trace(name)).st_mtime for name in ("first", "second")]
        self.assertGreater(changed[1] - changed[0], 0.25)

    def test_strict_counts_warnings(self):
        late = SOUND.replace("--ping 500ms", "--ping 1500ms")
        warned = DEAD.replace("warn_within: 2s", "warn_within: 10s").replace("1500ms", "1s")
        ended = self.run_one(warned, late)
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual(self.results()["counts"]["warn"], 1)
        ended = self.run_one(warned, late, "--strict")
        self.assertEqual(ended.code, 1, ended)

    def test_a_folder_with_other_files_in_it(self):
        for name in ("traces/notes.txt", "traces/old.jsonl", "output/photo.png", "output/old-client-0.log",
                     "results.json", "mine.txt"):
            path = os.path.join(self.report, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write("{}")
        ended = self.run_one(QUIET % "200ms", SOUND)
        self.assertEqual(ended.code, 0, ended)
        left = sorted(os.path.relpath(os.path.join(at, name), self.report)
                      for at, _, names in os.walk(self.report) for name in names)
        self.assertEqual(left, ["index.html", "junit.xml", "mine.txt", "output/photo.png",
                                "output/quiet-client-0.log", "results.json", "traces/notes.txt",
                                "traces/quiet.jsonl"])

    def test_clients_and_seed_are_what_was_asked(self):
        ended = self.run_one(QUIET % "200ms", SOUND, "--clients", "5", "--seed", "4711")
        self.assertEqual(ended.code, 0, ended)
        start = events(self.trace("quiet"))[0]
        self.assertEqual((start["clients"], start["seed"]), (5, 4711))
        opened = {ev["client"] for ev in of_kind(events(self.trace("quiet")), "ws.open")}
        self.assertEqual(opened, {0, 1, 2, 3, 4})

    def test_what_the_client_is_told(self):
        client = self.python("open(f'told-{sys.argv[1]}', 'w').write(' '.join(sys.argv[1:] + ["
                             "os.environ['HALFOPEN_URL'], os.environ['HALFOPEN_INDEX']]))\n"
                             "wire = dial()\ntime.sleep(60)\n") + " {index} {url} ${url} {port}"
        ended = self.run_one(QUIET % "200ms", client, "--clients", "2")
        self.assertEqual(ended.code, 0, ended)
        for index in ("0", "1"):
            with open(os.path.join(self.folder, "told-" + index), encoding="ascii") as file:
                first, url, same, port, url_of_environment, last = file.read().split()
            self.assertEqual((first, last), (index, index))
            self.assertEqual({url, same, url_of_environment}, {f"ws://127.0.0.1:{port}/"})

    def test_what_the_target_takes_from_the_environment_is_in_no_report(self):
        client = HALFOPEN + " client '{url}?x={env.SEKRET}'"
        target = self.write("target.yaml", "system: {name: app, version: '{env.GIT_SHA}'}\n"
                            f"client:\n  command: {json.dumps(client)}\n")
        ended = self.run_one(QUIET % "500ms", None, "--target", target,
                             environment={**self.environment, "SEKRET": "hunter2", "GIT_SHA": "4f2c1d0"})
        self.assertEqual(ended.code, 0, ended)
        self.assertIn("app@4f2c1d0", ended.out)
        asked = of_kind(events(self.trace("quiet")), "http.request")
        self.assertEqual([ev["target"] for ev in asked], ["/?x=REDACTED"])
        for folder, _, names in os.walk(self.report):
            for name in names:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    self.assertNotIn("hunter2", file.read(), name)

    def test_a_wss_client_trusts_what_its_environment_names(self):
        client = self.python("import ssl\n"
                             "context = ssl.create_default_context()\n"  # SSL_CERT_FILE
                             "port = int(authority.rpartition(':')[2])\n"
                             "w = Wire(context.wrap_socket(connect(port), server_hostname='localhost'))\n"
                             "w.upgrade('/')\nprint(url, os.environ['NODE_EXTRA_CA_CERTS'], flush=True)\n"
                             "time.sleep(60)\n")
        ended = self.run_one(QUIET % "200ms", client, "--tls")
        self.assertEqual(ended.code, 0, ended)
        opened, = of_kind(events(self.trace("quiet")), "tls.open")
        self.assertEqual(opened["side"], "client")
        with open(os.path.join(self.report, "output", "quiet-client-0.log"), encoding="utf-8") as file:
            self.assertRegex(file.read(), r"^wss://localhost:\d+/ .*authority.pem")

    def test_a_server_under_test_gets_its_own_name_and_path(self):
        seen = []

        def note(wire):
            seen.append(wire.answer_upgrade())
            wire.rest()

        server = self.server(note)
        ended = self.run_one(QUIET % "200ms", SOUND, "--server", f"ws://127.0.0.1:{server.port}/feed?x=1")
        self.assertEqual(ended.code, 0, ended)
        self.assertTrue(seen[0].startswith("GET /feed?x=1 HTTP/1.1"), seen[0])
        self.assertEqual(harness.header(seen[0], "Host"), f"127.0.0.1:{server.port}")


class Terminal(RunCase):
    def on_pty(self, *words):
        ours, theirs = pty.openpty()
        process = self.start(*words, stdout=theirs, stderr=theirs,
                             environment={**self.environment, "TERM": "xterm"})
        os.close(theirs)
        shown = b""
        while True:
            ready, _, _ = select.select([ours], [], [], 30)
            try:
                part = os.read(ours, 65536) if ready else b""
            except OSError:
                part = b""
            if not part:
                break
            shown += part
        os.close(ours)
        return process.wait(10), shown.decode()

    def test_a_terminal_shows_a_table_that_moves(self):
        code, shown = self.on_pty(*self.words(QUIET % "1s", SOUND))
        self.assertEqual(code, 0, shown)
        self.assertRegex(shown, r"quiet +1 client .* step 2 of 2: wait")
        self.assertIn("\x1b[1A\x1b[2K", shown)
        last = shown.rpartition("\x1b[2K")[2]
        self.assertRegex(last, r"quiet +1 client ")
        self.assertNotIn("step 2 of 2", last)

    def test_a_pipe_gets_plain_lines(self):
        ended = self.run_one(QUIET % "1s", SOUND)
        self.assertEqual(ended.code, 0, ended)
        self.assertNotIn("\x1b", ended.out)
        self.assertEqual(len(re.findall(r"(?m)^  quiet ", ended.out)), 1)

    def test_a_dumb_terminal_gets_plain_lines(self):
        self.environment["TERM"] = "dumb"
        ended = self.run_one(QUIET % "300ms", SOUND)
        self.assertNotIn("\x1b", ended.out)


if __name__ == "__main__":
    harness.main()
