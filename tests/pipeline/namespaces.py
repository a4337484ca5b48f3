"""Network namespaces that a test makes: what they need, and what joins them."""
import os
import shutil
import subprocess


def allowed(*tools):
    """Why there can be none, or None."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    for tool in ("ip", *tools):
        if shutil.which(tool) is None:
            return f"needs {tool}"
    name = f"fs-probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode != 0:
        return "network namespaces are not allowed here"
    inside = subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", name], capture_output=True)
    if inside.returncode != 0:
        return "network namespaces cannot be entered here: " + inside.stderr.strip()
    return None


def within(namespace, *command):
    """The command line that runs another one in a namespace."""
    return ["ip", "netns", "exec", namespace, *command]


class Namespaces:
    """Namespaces of one test, and veth pairs between them."""

    def __init__(self, test, *names):
        self.prefix = f"fs-{os.getpid()}-"
        for name in names:
            subprocess.run(["ip", "netns", "add", self.prefix + name], check=True)
            test.addCleanup(subprocess.run, ["ip", "netns", "del", self.prefix + name], capture_output=True)
            # No traffic but the test's own.
            subprocess.run(within(self.prefix + name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"),
                           capture_output=True)
            self.ip(name, "link", "set", "lo", "up")

    def name(self, short):
        return self.prefix + short

    def ip(self, name, *arguments):
        subprocess.run(["ip", "-n", self.prefix + name, *arguments], check=True, capture_output=True)

    def pair(self, a, device_a, b, device_b, address_a=None, address_b=None):
        """A veth pair between two namespaces (or within one), with addresses where it carries a link."""
        subprocess.run(["ip", "link", "add", device_a, "netns", self.prefix + a, "type", "veth", "peer", "name", device_b,
                        "netns", self.prefix + b], check=True, capture_output=True)
        for name, device, address in ((a, device_a, address_a), (b, device_b, address_b)):
            if address is not None:
                self.ip(name, "address", "add", address, "dev", device)
            self.ip(name, "link", "set", device, "up")
