"""Runs a command in a terminal of its own, as a person would.

    terminal.py COLUMNS ROWS 'STEPS' COMMAND ARG...

STEPS is a JSON list, done one after the other: {"see": TEXT} reads until the text came, {"type":
TEXT} presses keys, {"size": [COLUMNS, ROWS]} changes the terminal's size, {"close": true} takes the
terminal away, {"signal": NUMBER} sends a signal, {"say": TEXT} prints a line. Then
the command is waited for. Prints JSON: its exit code, all that it wrote, and
whether the terminal's settings are those from before. Waits for what it sees alone; DEADLINE_S
is for a command that never shows it.
"""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

DEADLINE_S = 60


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Terminal:
    def __init__(self, columns, rows, command):
        self.ours, self.theirs = pty.openpty()
        resize(self.ours, columns, rows)
        self.before = termios.tcgetattr(self.theirs)
        self.text, self.seen, self.closed = b"", 0, False
        self.deadline = time.monotonic() + DEADLINE_S
        # Of a session of its own, so that Ctrl-C and hanging up are signals to it.
        self.child = subprocess.Popen(
            command, stdin=self.theirs, stdout=self.theirs, stderr=self.theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def fail(self, why):
        self.child.kill()
        sys.exit("%s; it wrote:\n%s" % (why, self.text.decode(errors="replace")))

    def read(self, patience_s):
        if self.closed or not select.select([self.ours], [], [], patience_s)[0]:
            return False
        piece = os.read(self.ours, 1 << 16)
        self.text += piece
        return bool(piece)

    def see(self, text):
        wanted = text.encode()
        while True:
            at = self.text.find(wanted, self.seen)
            if at >= 0:
                self.seen = at + len(wanted)
                return
            left = self.deadline - time.monotonic()
            if left < 0:
                self.fail("%r did not come" % text)
            if not self.read(min(left, 0.1)) and self.child.poll() is not None:
                self.fail("it ended before %r came" % text)

    def do(self, step):
        (what, value), = step.items()
        if what == "see":
            self.see(value)
        elif what == "type":
            os.write(self.ours, value.encode())
        elif what == "size":
            resize(self.ours, *value)
        elif what == "signal":
            os.kill(self.child.pid, value)
        elif what == "say":
            print(value, flush=True)
        elif what == "close":
            os.close(self.theirs)
            os.close(self.ours)
            self.closed = True
        else:
            sys.exit("no step %r" % what)

    def end(self):
        while self.child.poll() is None:
            if time.monotonic() > self.deadline:
                self.fail("it did not end")
            if not self.read(0.02) and self.closed:
                try:
                    self.child.wait(max(0.0, self.deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self.fail("it did not end")
        while self.read(0):
            pass
        same = None if self.closed else termios.tcgetattr(self.theirs) == self.before
        text = self.text.decode(errors="replace")
        print(json.dumps({"code": self.child.returncode, "text": text, "same": same}))


def main():
    columns, rows, steps = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    terminal = Terminal(columns, rows, sys.argv[4:])
    for step in steps:
        terminal.do(step)
    terminal.end()


main()
