"""The programs are built with the protections that SECURITY.md names."""
import subprocess
import unittest

from harness import BUILD, PROGRAMS, program


ENDBR64 = b"\xf3\x0f\x1e\xfa"


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], capture_output=True, text=True, check=True).stdout


@unittest.skipUnless(BUILD.endswith("release"), "of the release preset")
class Hardening(unittest.TestCase):
    def test_every_program(self):
        for name in PROGRAMS:
            with self.subTest(name):
                path = program(name)
                header, segments, dynamic = readelf("-h", path), readelf("-l", path), readelf("-d", path)
                self.assertRegex(header, r"Type:\s+DYN \(Position-Independent Executable file\)")
                self.assertIn("GNU_RELRO", segments)
                self.assertRegex(dynamic, r"FLAGS\S*\s.*\bNOW\b")
                stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
                self.assertNotIn("E", stack.split()[-2], "the stack is not executable")
                symbols = readelf("--dyn-syms", path)
                self.assertIn("__stack_chk_fail", symbols)
                self.assertRegex(symbols,
                                 r"__(memcpy|snprintf|printf|vsnprintf|fprintf|read|longjmp|memmove|memset|strncpy)"
                                 r"_chk")
                # Debian's start files have no mark for it, so the programs get none: our own code is looked at.
                with open(path, "rb") as file:
                    self.assertGreater(file.read().count(ENDBR64), 50, "functions that may be called begin with it")

    def test_the_standard_library_checks_its_bounds(self):
        for name in ("flowstitch-reassembler", "flowstitch-sink"):
            self.assertIn("__glibcxx_assert_fail", readelf("--dyn-syms", program(name)))


if __name__ == "__main__":
    unittest.main()
