"""What deploy/ has for others' machines: units, configurations, containers, a dashboard. Checked as far as this machine can."""
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import unittest

from harness import BUILD, SOURCE, PipelineTest, can_trace, fetch, files, program, run, wait_until
from ports import free_ports

DEPLOY = os.path.join(SOURCE, "deploy")
OPTION = re.compile(r"(?<![\w-])(--?[a-zA-Z][\w-]*)")

try:
    import yaml
except ImportError:
    yaml = None


@functools.cache
def known_options(name):
    return set(OPTION.findall(run(name, "--help").stdout))


class Deploy(PipelineTest):
    def read(self, *path):
        with open(os.path.join(DEPLOY, *path)) as file:
            return file.read()

    @unittest.skipIf(shutil.which("systemd-analyze") is None, "needs systemd-analyze")
    def test_units_verify_and_are_hardened(self):
        os.mkdir(self.path("units"))
        for name in os.listdir(os.path.join(DEPLOY, "systemd")):
            text = self.read("systemd", name)
            # Not installed here: the programs are those of the build, and man has no pages of theirs.
            text = re.sub(r"/usr/bin/(flowstitch-\w+)", lambda m: program(m.group(1)), text)
            text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
            with open(self.path("units", name), "w") as file:
                file.write(text)
        units = [self.path("units", name) for name in os.listdir(self.path("units"))]
        result = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
        ours = [line for line in (result.stdout + result.stderr).splitlines() if "flowstitch" in line]
        self.assertEqual(ours, [])
        for unit in units:
            if not unit.endswith(".service"):
                continue
            result = subprocess.run(["systemd-analyze", "security", "--offline=yes", unit], capture_output=True, text=True)
            score = re.search(r"exposure level for \S+: ([\d.]+)", result.stdout)
            if score is None:
                self.skipTest("this systemd-analyze gives no score offline: " + result.stderr[:200])
            self.assertLess(float(score.group(1)), 2.6, unit)

    def filter_of(self, unit):
        """The system calls that a unit allows: its lines in order, groups resolved."""
        def resolve(word):
            if not word.startswith("@"):
                return {word}
            lines = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True,
                                   check=True).stdout
            names = [line.strip() for line in lines.splitlines()[1:]]
            names = [name for name in names if name and not name.startswith("#")]
            return set().union(*map(resolve, names))
        allowed = resolve("@default")
        for words in re.findall(r"^SystemCallFilter=(.*)$", self.read("systemd", unit), re.M):
            taken = set().union(*map(resolve, words.lstrip("~").split()))
            allowed = allowed - taken if words.startswith("~") else allowed | taken
        return allowed

    @unittest.skipIf(shutil.which("systemd-analyze") is None or "san" in os.path.basename(BUILD) or not can_trace(),
                     "needs systemd-analyze and strace, of a build without a sanitizer")
    def test_units_allow_what_the_programs_do(self):
        capture = self.make("t.pcap", "--flows", "5")
        captures, sinks = ("ipc://" + self.path(name) for name in ("c", "s"))
        runs = {"reassembler": ("--captures", captures, "--sinks", sinks, "--sources", "1", "--wait-sinks", "1"),
                "sink": ("--reassembler", sinks, "-o", self.path("out"), "--files", "--http", "--dfxml"),
                "capture": ("-r", capture, "--reassembler", captures)}
        traced = [subprocess.Popen(["strace", "-f", "-qq", "-o", self.path(name), program("flowstitch-" + name),
                                    *arguments],
                                   stdin=subprocess.DEVNULL) for name, arguments in runs.items()]
        self.started += traced
        for process in traced:
            self.assertEqual(process.wait(timeout=60), 0)
        for name in runs:
            with open(self.path(name)) as file:
                used = set(re.findall(r"^\d+ +(\w+)\(", file.read(), re.M))
            self.assertIn("seccomp", used)
            # clone3 is refused in the process itself.
            self.assertEqual(used - self.filter_of(f"flowstitch-{name}@.service") - {"execve"}, set(), name)

    def test_a_service_manager_is_told(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(self.path("notify"))
            manager.settimeout(10)
            process = self.start("flowstitch-reassembler", "--captures", "ipc://" + self.path("c"), "--sinks",
                                 "ipc://" + self.path("s"),
                                 env=dict(os.environ, NOTIFY_SOCKET=self.path("notify"), WATCHDOG_USEC="30000000"))
            said = [manager.recv(100) for _ in range(3)]
            self.assertEqual(said, [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"])
            process.kill()

    @unittest.skipIf(shutil.which("systemd-socket-activate") is None, "needs systemd-socket-activate")
    def test_a_passed_socket_is_listened_on(self):
        """Peers connect before the reassembler is there: it is started by the first one, with the sockets open already."""
        capture = self.make("t.pcap", "--flows", "5", "--bytes", "2000")
        wanted = self.launch(capture, "launcher")
        port, ipc = free_ports(1)[0], self.path("sinks")
        ends = (f"tcp://127.0.0.1:{port}", "ipc://" + ipc)
        center = subprocess.Popen(
            ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "-l", ipc, program("flowstitch-reassembler"), "--captures",
             ends[0], "--sinks", ends[1], "--sources", "1", "--wait-sinks", "1"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.started.append(center)
        self.assertTrue(wait_until(lambda: os.path.exists(ipc)))
        sink = self.start("flowstitch-sink", "--reassembler", ends[1], "-o", self.path("out"), "--files", "--http")
        sensor = self.start("flowstitch-capture", "-r", capture, "--reassembler", ends[0])
        # Only what it was given can be bound while the one that gives it holds it.
        for process in (sensor, sink, center):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        self.assertEqual(files(self.path("out")), wanted)

    def test_the_example_configurations_run_a_pipeline(self):
        capture = self.make("t.pcap", "--flows", "20", "--bytes", "10000")
        wanted = self.launch(capture, "launcher")
        ports = dict(zip(("9471", "9472", "9476", "9477", "9478"), free_ports(5)))
        os.mkdir(self.path("allowed"))
        for name, role in (("center", "reassembler"), ("sensor-1", "capture"), ("writer-1", "sink")):
            self.assertEqual(run("flowstitch-keygen", name, "--role", role, "-o", self.path()).returncode, 0)
            shutil.copy(self.path(name + ".key"), self.path("allowed"))
        for name in ("capture", "reassembler", "sink"):
            text = self.read("examples", name + ".toml").replace("/etc/flowstitch", self.path())
            text = text.replace("/var/lib/flowstitch", self.path("lib")).replace("center.example", "127.0.0.1")
            text = text.replace("0.0.0.0", "127.0.0.1")
            for old, new in ports.items():
                text = text.replace(":" + old, f":{new}")
            with open(self.path(name + ".toml"), "w") as file:
                file.write(text)
        processes = [self.start("flowstitch-" + name, "--config", self.path(name + ".toml"), *extra)
                     for name, extra in (("reassembler", ("--sources", "1")), ("sink", ()))]
        sensor = self.start("flowstitch-capture", "--config", self.path("capture.toml"), "-r", "-", stdin_pipe=True)
        with open(capture, "rb") as file:
            sensor.stdin.buffer.write(file.read())
        sensor.stdin.flush()
        self.assertTrue(wait_until(lambda: os.path.isdir(self.path("lib", "flows"))
                                   and len(files(self.path("lib", "flows"))) > 10))
        # Figures are a second old at most.
        self.assertTrue(wait_until(lambda: "flowstitch_source_lag_seconds" in fetch(ports["9477"])))
        self.dashboard_names_what_there_is("".join(fetch(ports[port]) for port in ("9476", "9477", "9478")))
        sensor.stdin.close()
        sensor.stdin = None
        for process in (sensor, *processes):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        found = {name: digest for name, digest in files(self.path("lib", "flows")).items() if "report" not in name}
        self.assertEqual(found, wanted)

    def dashboard_names_what_there_is(self, metrics):
        dashboard = json.loads(self.read("grafana", "flowstitch.json"))
        there = set(re.findall(r"^# TYPE (\S+)", metrics, re.M))
        # Only with several sources, or with a spool.
        there |= {"flowstitch_source_skew_seconds", "flowstitch_source_spool_bytes"}
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                for name in re.findall(r"flowstitch_\w+", target["expr"]):
                    self.assertIn(name, there, panel["title"])

    def test_a_configuration_that_is_wrong_is_named(self):
        for text, words in (("no-such-option = 1\n", "no-such-option"), ("window = \"much\"\n", "--window"),
                            ("captures = \n[", "")):
            with open(self.path("c.toml"), "w") as file:
                file.write(text)
            result = run("flowstitch-reassembler", "--config", self.path("c.toml"))
            self.assertEqual(result.returncode, 2, text)
            self.assertIn(words, result.stderr)
        result = run("flowstitch-reassembler", "--config", self.path("absent.toml"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("absent.toml", result.stderr)

    @unittest.skipIf(yaml is None, "needs python3-yaml")
    def test_containers_use_options_that_exist(self):
        compose = yaml.safe_load(self.read("container", "compose.yaml"))
        commands = [(s["entrypoint"][0], " ".join(s["command"])) for s in compose["services"].values()]
        for document in yaml.safe_load_all(self.read("kubernetes", "flowstitch.yaml")):
            self.assertIn("apiVersion", document)
            for container in document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
                line = " ".join(container["command"] + container["args"])
                commands.append((re.search(r"/usr/bin/flowstitch-\w+", line).group(0), line.split("flowstitch-", 1)[1]))
        self.assertEqual(len(commands), 6)
        for path, line in commands:
            name = os.path.basename(path)
            unknown = [o for o in OPTION.findall(re.sub(r"\$\{[^}]*\}", "X", line).replace(",", " ")) if o not in known_options(name)]
            self.assertEqual(unknown, [], name)

    def test_the_container_has_every_library_that_the_programs_need(self):
        packages = set(re.findall(r"[\w.+-]+", self.read("container", "Dockerfile")))
        if shutil.which("dpkg-query") is None:
            self.skipTest("needs dpkg-query")
        needed = set()
        for name in ("flowstitch", "flowstitch-capture", "flowstitch-sink", "flowstitch-reassembler", "flowstitch-status"):
            out = subprocess.run(["objdump", "-p", program(name)], capture_output=True, text=True).stdout
            needed.update(re.findall(r"NEEDED\s+(\S+)", out))
        # Those of the sanitizers are of this build alone.
        needed = {library for library in needed if not re.match(r"lib(a|ub|t)san", library)}
        self.assertIn("libpcap.so.0.8", needed)
        found = subprocess.run(["dpkg-query", "-S", *("*/" + library for library in needed)], capture_output=True, text=True)
        owners = {}
        for line in found.stdout.splitlines():
            package, path = line.split(": ", 1)
            owners.setdefault(os.path.basename(path), set()).update(p.split(":")[0] for p in package.split(", "))
        there = packages | {"libc6", "libgcc-s1", "libstdc++6"}
        for library in needed & owners.keys():
            self.assertTrue(owners[library] & there, f"{library}: {owners[library]}")


if __name__ == "__main__":
    unittest.main()
