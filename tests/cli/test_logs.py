"""Log lines: JSON, one an event, with nothing about a person."""

import json
import subprocess
import sys

PROGRAM = """
import logging
import structlog
from fairgate.cli import logs
logs.configure()
logs.configure()
log = structlog.get_logger()
facts = {"phone": "+52 1", "port": "SYS"}
log.info("told", number="0000-0012", email="ana@example.org", facts=facts, to=[{"code": "X"}])
try:
    raise ValueError("Ana Rojas")
except ValueError:
    log.exception("failed")
    logging.getLogger("library").exception("failed in a library")
logging.getLogger("library").warning("one %s", "line\\nor two")
logging.getLogger("httpx").info("HTTP Request: GET https://example.org/?code=SECRET")
log.debug("too much")
"""


def test_every_line_is_json_and_what_is_personal_is_masked():
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ended.stdout == ""
    told, failed, library, plain = (json.loads(line) for line in ended.stderr.splitlines())
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "told",
        "level": "info",
        "number": "[left out]",
        "email": "[left out]",
        "facts": {"phone": "[left out]", "port": "SYS"},
        "to": [{"code": "[left out]"}],
    }
    for line in (failed, library):
        assert line["error"] == "ValueError"
        assert ":" in line["place"]
    assert plain["event"] == "one line\nor two"
    for secret in ("Ana", "Rojas", "SECRET"):
        assert secret not in ended.stderr


CROWD = """
import logging, threading
import structlog
from fairgate.cli import logs
logs.configure()
def ours():
    for _ in range(2000):
        structlog.get_logger().info("ours")
def theirs():
    for _ in range(2000):
        logging.getLogger("library").warning("theirs")
threads = [threading.Thread(target=say) for say in (ours, theirs) * 2]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_lines_of_ours_and_of_libraries_never_run_into_each_other():
    ended = subprocess.run([sys.executable, "-c", CROWD], capture_output=True, text=True, check=True)
    assert [json.loads(line)["event"] for line in ended.stderr.splitlines()].count("ours") == 4000
