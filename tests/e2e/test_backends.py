"""Several backends of the server under test: which of them a connection goes to, and what they are told."""
import os
import threading

import harness
from harness import HALFOPEN, echo

SCENARIO = """scenario: s
tests: client
steps:
  - wait: {until: open, at_most: 20s}
  - route: {to: b}
  - wait: 1s
  - reset: {connections: existing}
  - wait: {until: reopened, at_most: 20s}
expect:
  - scale.other_backend
"""


class Backends(harness.Case):
    def backend(self, heads):
        lock = threading.Lock()

        def handle(wire):
            head = wire.answer_upgrade()
            with lock:
                heads.append(harness.header(head, "Host"))
            try:
                while wire.more():
                    pass
            except OSError:
                pass

        return self.server(handle)

    def test_new_connections_go_to_the_other_and_the_old_one_stays(self):
        hosts = [], []
        first, second = (self.backend(heads) for heads in hosts)
        target = self.write("target.yaml", "server: {urls: ["
                            f"ws://127.0.0.1:{first.port}/feed, ws://127.0.0.1:{second.port}/feed]}}\n")
        report = os.path.join(self.folder, "report")
        self.halfopen("run", self.write("s.yaml", SCENARIO), "--target", target, "--client",
                      f"exec {HALFOPEN} client {{url}}", "--report", report)
        found = harness.events(os.path.join(report, "traces", "s.jsonl"))
        routes = harness.of_kind(found, "tcp.route")
        self.assertEqual([(ev["backend"], ev["of"]) for ev in routes], [(0, 2), (1, 2)])
        self.assertEqual(hosts, ([f"127.0.0.1:{first.port}"], [f"127.0.0.1:{second.port}"]))
        self.assertEqual([ev["target"] for ev in harness.of_kind(found, "http.request")], ["/feed", "/feed"])

    def test_one_backend_is_all_there_is(self):
        server = self.server(echo)
        report = os.path.join(self.folder, "report")
        ended = self.halfopen("run", self.write("s.yaml", SCENARIO), "--server",
                              f"ws://127.0.0.1:{server.port}/", "--client", f"exec {HALFOPEN} client {{url}}",
                              "--report", report)
        found = harness.events(os.path.join(report, "traces", "s.jsonl"))
        self.assertIn("no backend", [ev["outcome"] for ev in harness.of_kind(found, "step.end")])
        self.assertIn("server: {urls:", " ".join(ended.out.split()))


if __name__ == "__main__":
    harness.main()
