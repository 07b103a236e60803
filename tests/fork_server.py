"""Runs `fairgate` again and again, each time in a process of its own, forked from this one, which has loaded it.

    python fork_server.py FD

Loading takes ten times as long as what most commands do. FD is a socket that keeps messages apart. Each asks for one
run: {"args", "env", "cwd"} in JSON, with three file descriptors for its standard input, output and error. The answer
is its process id, and when it has ended, its exit code.
"""

import gc
import json
import os
import socket
import sys
from importlib import import_module

from fairgate.cli import main as program

LARGEST = 1 << 17
LATER = ("fairgate.core.beacon", "py_ecc.optimized_bls12_381", "rich.console", "rich.table", "rich.progress")


def serve(asked: socket.socket) -> None:
    """Returns when nobody asks any more, and in each child, where it is to do what it was forked for."""
    while True:
        data, (*files,), _, _ = socket.recv_fds(asked, LARGEST, 3)
        if not data:
            sys.exit()
        child = os.fork()
        if not child:
            asked.close()
            become(**json.loads(data), files=files)
            return
        for file in files:
            os.close(file)
        asked.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        asked.send(str(os.waitstatus_to_exitcode(status)).encode())


def become(args: list[str], env: dict[str, str], cwd: str, files: list[int]) -> None:
    """What a process has from its start."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    assert program.__file__ is not None
    sys.argv = [program.__file__, *args]


if __name__ == "__main__":
    for module in (*dict.fromkeys(f"fairgate.cli.{name}" for name in program.MODULES.values()), *LATER):
        import_module(module)
    assert "fairgate.web.settings" not in sys.modules, "they are read from the environment that each is given"
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
    program.main()
