"""Reads what strace -f -y saw of an installer, and writes where it can be stopped: one line for each call that changed or synced a
file of the host, in their order.

  own NAME WHEN            the WHEN-th such call of the installer itself
  child NAME WHEN PATH     in a process that the installer forked for one act: its WHEN-th such call on this path
  child NAME WHEN PATH FIRST_NAME FIRST_WHEN FIRST_PATH
                           strace counts for each process alone, and an earlier process does the same on the same path: the act is
                           first stopped at the second call, which is its own, and is then alone when the next start does it again

Arguments: the trace, the host's folder, and WORD=TEXT… for what differs from one release to the next.
"""
import re
import sys

trace, home = sys.argv[1:3]
words = [pair.split("=", 1) for pair in sys.argv[3:]]


class Call:
    def __init__(self, process, name, rest):
        self.process, self.name, self.good = process, name, "= -1 " not in rest
        # In the order in which a path says most: what descriptors lead to, then what is named.
        texts = [] if "write" in name else re.findall(r'"((?:[^"\\]|\\.)*)"', rest)
        if name.startswith("symlink"):
            del texts[0]  # what a link says is no path to strace
        self.paths = re.findall(r"\d<([^>]*)>", rest) + texts

    def of_host(self):
        """Names without a folder are inside of the folder that is being unpacked."""
        return any(path.startswith(home) or not path.startswith(("/", "pipe:", "socket:")) for path in self.paths)


calls, open_calls = [], {}
for line in open(trace, errors="replace"):
    found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed>)(.*)", line)
    if not found:
        continue
    process, name, kind, rest = found.groups()
    if kind == "(":
        open_calls[process] = Call(process, name, rest)
        calls.append(open_calls[process])
    elif "= -1 " in rest:
        open_calls[process].good = False
installer = calls[0].process


def count(process, name, path, upto=None):
    same = [c for c in calls if c.process == process and c.name == name and (path is None or path in c.paths)]
    return same.index(upto) + 1 if upto else len(same)


def address(call, alone=False):
    for path in call.paths:
        when = count(call.process, call.name, path, call)
        before = {c.process for c in calls[: calls.index(call)] if c.process != call.process}
        others = [installer] if alone else {installer} | before
        if all(count(other, call.name, path) < when for other in others):
            return f"{call.name} {when} {path}"
    return None


def template(line):
    for word, text in words:
        line = line.replace(text, word)
    return line


first = {}
for call in calls:
    if not call.good or not call.of_host():
        continue
    if call.process == installer:
        print("own", call.name, count(installer, call.name, None, call))
        continue
    place = address(call)
    if place is None:
        place = f"{address(call, alone=True)} {first[call.process]}"
    first.setdefault(call.process, place)
    print(template("child " + place))
