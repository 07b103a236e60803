"""The real watcher, twenty times as often. To be killed.

python fast_watch.py URL DSN HOME
"""

import sys
import threading
from pathlib import Path

from fairgate.watch.run import run

EVERY_S = 0.5

if __name__ == "__main__":
    address, database, home = sys.argv[1:]
    run(address, database, Path(home), threading.Event(), EVERY_S)
