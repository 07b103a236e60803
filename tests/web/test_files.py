"""Files at the front door: shards and bundles, small and large, as browsers and caches ask for them."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from fairgate.gate.files import SMALL_BYTES, Bundles, Document, Ledger, Results, Tables
from fairgate.gate.kept import MESSAGES_BYTES, Memory, keep, matches, takes_gzip
from ledgers import Published

SHARD = b"ticket,outcome,port,order,phase\n0f" + b"3" * 30 + b",offered,SYS,7,lottery\n"
Get = Callable[..., httpx.Response]


def asking(app: ASGIApp) -> Get:
    """Requests to an application, over ASGI; what is compressed is unpacked, as by a browser."""

    def get(path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
        return anyio.run(_send, app, method, path, {name.replace("_", "-"): value for name, value in headers.items()})

    return get


async def _send(app: ASGIApp, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.request(method, path, headers={"accept-encoding": "identity", **headers})


async def otherwise(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"a page"})


@pytest.fixture
def results(tmp_path: Path) -> Get:
    folder = tmp_path / "results"
    for round_ in ("2026-12-22", "cargo/2026-12-22"):
        (folder / round_).mkdir(parents=True)
        (folder / round_ / "a0f").write_bytes(SHARD)
        (folder / round_ / "a0f.gz").write_bytes(gzip.compress(SHARD))
    (tmp_path / "secret").write_text("no")
    return asking(Results(folder))


@pytest.mark.parametrize("address", ["/results/2026-12-22/a0f", "/results/cargo/2026-12-22/a0f"])
def test_a_shard_may_be_kept_for_ever_by_anybody(results: Get, address: str) -> None:
    for _ in range(2):
        answer = results(address)
        assert (answer.status_code, answer.content) == (200, SHARD)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Vary"] == "accept-encoding"
        assert int(answer.headers["Content-Length"]) == len(SHARD)


def test_a_shard_is_sent_compressed_to_who_takes_it(results: Get) -> None:
    packed = results("/results/2026-12-22/a0f", accept_encoding="gzip, deflate, br")
    assert packed.content == SHARD
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "accept-encoding"
    plain = results("/results/2026-12-22/a0f")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["ETag"] != plain.headers["ETag"]


def test_who_has_a_shard_is_not_sent_it_again(results: Get) -> None:
    etag = results("/results/2026-12-22/a0f").headers["ETag"]
    answer = results("/results/2026-12-22/a0f", if_none_match=f'"other", W/{etag}')
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert results("/results/2026-12-22/a0f", if_none_match='"other"').status_code == 200


def test_the_head_of_a_shard(results: Get) -> None:
    answer = results("/results/2026-12-22/a0f", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(SHARD)


def test_who_looks_too_early_looks_again(results: Get, tmp_path: Path) -> None:
    early = results("/results/2026-12-23/a0f")
    assert (early.status_code, early.headers["Cache-Control"]) == (404, "no-store")
    assert early.headers["Access-Control-Allow-Origin"] == "*"
    (tmp_path / "results" / "2026-12-23").mkdir()
    (tmp_path / "results" / "2026-12-23" / "a0f").write_bytes(SHARD)
    assert results("/results/2026-12-23/a0f").status_code == 200


def test_without_its_compressed_twin_a_shard_is_sent_plain(results: Get, tmp_path: Path) -> None:
    (tmp_path / "results" / "2026-12-22" / "a0f.gz").unlink()
    answer = results("/results/2026-12-22/a0f", accept_encoding="gzip")
    assert (answer.status_code, answer.content) == (200, SHARD)
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/results/",
        "/results/2026-12-22/",
        "/results/2026-12-22/A0F",
        "/results/2026-12-22/a0f/",
        "/results/2026-12-22/a0f.gz",
        "/results/2026-12-22/a0f%0a",
        "/results/2026-12-22/a0%00",
        "/results/2026-12-22/..%2f..%2fsecret",
        "/results/..%2f2026-12-22/a0f",
        "/results/%2e%2e/2026-12-22/a0f",
        "/results/2026-12-2٢/a0f",
        "/results/.2026-12-22.new/a0f",
    ],
)
def test_no_other_address_gets_near_the_files(results: Get, path: str) -> None:
    assert results(path).status_code == 404


def test_nothing_is_written_here(results: Get) -> None:
    answer = results("/results/2026-12-22/a0f", method="POST")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_memory_is_bounded_and_lets_go_of_what_was_not_asked_for_longest() -> None:
    memory = Memory(3 * (MESSAGES_BYTES + 100))
    for key in "abc":
        memory.put(key, keep(b"x" * 100, ()))
    assert memory.get("a") is not None
    memory.put("d", keep(b"x" * 100, ()))
    assert memory.get("b") is None
    assert all(memory.get(key) for key in "acd")
    memory.put("a", keep(b"x" * 50, ()))
    assert memory.bytes == 3 * MESSAGES_BYTES + 250
    memory.put("huge", keep(b"x" * 20_000, ()))
    assert memory.get("huge") is None
    assert memory.get("c") is not None


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        (b"", False),
        (b"gzip", True),
        (b"br, gzip;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000, br", False),
        (b"br;q=0, gzip", True),
        (b"br", False),
        (b"GZIP", True),
        (b"*", True),
        (b"gzip;Q=0", False),
        (b"notgzip", False),
        (b"gzip;q=0.5, identity;q=1", False),
        (b"*;q=0, gzip", True),
        (b"gzip;q=often", False),
    ],
)
def test_who_takes_gzip(header: bytes, taken: bool) -> None:
    assert takes_gzip(header) is taken


def test_an_etag_is_found_in_a_list() -> None:
    assert matches(b"*", b'"a"')
    assert matches(b'"b" , W/"a"', b'"a"')
    assert not matches(b'"ab"', b'"a"')


# -- bundles ------------------------------------------------------------------------------------


@pytest.fixture
def draws(tmp_path: Path) -> Path:
    """A bundle that is sealed."""
    folder = tmp_path / "draws" / "2026-12-22"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "entries.csv").write_text("ticket,size,weeks,ports\n" * SMALL_BYTES)
    (folder / "entries.csv.gz").write_bytes(gzip.compress((folder / "entries.csv").read_bytes()))
    return folder


@pytest.fixture
def bundles(draws: Path) -> Get:
    return asking(Bundles(draws.parent, otherwise))


def test_a_bundle_is_kept_for_ever_once_the_round_is_drawn(bundles: Get, draws: Path) -> None:
    for name in ("manifest.json", "entries.csv"):
        assert bundles(f"/draws/2026-12-22/{name}").headers["Cache-Control"] == "public, max-age=300"
    (draws / "results.csv").write_text("ticket,outcome,port,order,phase\n")
    growing = ("checkpoint", "sealing.tlog-proof", "verify.py", "honoured.csv")
    for name in growing:
        (draws / name).write_text("fairgate\n")
    for name in ("manifest.json", "entries.csv", "results.csv"):
        assert "immutable" in bundles(f"/draws/2026-12-22/{name}").headers["Cache-Control"]
    for name in growing:
        assert bundles(f"/draws/2026-12-22/{name}").headers["Cache-Control"] == "public, max-age=300"


def test_what_shows_the_sealing_and_the_verifier_are_text(bundles: Get, draws: Path) -> None:
    kinds = {"checkpoint": "text/plain", "sealing.tlog-proof": "text/plain", "verify.py": "text/x-python"}
    for name, kind in kinds.items():
        (draws / name).write_text("— ledger\n")
        answer = bundles(f"/draws/2026-12-22/{name}")
        assert (answer.status_code, answer.text) == (200, "— ledger\n")
        assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    (draws / "verify.pyc").write_text("not one of a bundle")
    for name in ("verify.pyc", "verify", "sealing", "sealing.tlog", "sealing.tlog-", "sealing.tlog-proof.gz"):
        assert bundles(f"/draws/2026-12-22/{name}").text == "a page"


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("name", ["manifest.json", "entries.csv"])
def test_small_and_large_files_of_a_bundle(bundles: Get, draws: Path, name: str, drawn: bool) -> None:
    if drawn:
        (draws / "results.csv").write_text("ticket,outcome,port,order,phase\n")
    content, address = (draws / name).read_bytes(), f"/draws/2026-12-22/{name}"
    for _ in range(2):
        plain = bundles(address)
        assert (plain.status_code, plain.content) == (200, content)
        assert int(plain.headers["Content-Length"]) == len(content)
        assert plain.headers["Access-Control-Allow-Origin"] == "*"
        packed = bundles(address, accept_encoding="gzip")
        assert packed.content == content
        assert packed.headers.get("Content-Encoding") == ("gzip" if name == "entries.csv" else None)
        for answer in (plain, packed):
            assert answer.headers["Vary"].lower() == "accept-encoding"
        again = bundles(address, if_none_match=plain.headers["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        assert bundles(address, method="HEAD").headers["Content-Length"] == str(len(content))


def test_bundles_of_other_programs(bundles: Get, draws: Path) -> None:
    other = draws.parent / "cargo" / "2026-12-22"
    other.mkdir(parents=True)
    (other / "manifest.json").write_text("[]")
    assert bundles("/draws/cargo/2026-12-22/manifest.json").text == "[]"


def test_the_page_behind_answers_for_what_is_not_there(bundles: Get) -> None:
    for path in ("results.csv", "other", "entries.csv.gz", "..%2fmanifest.json", ""):
        assert bundles(f"/draws/2026-12-22/{path}").text == "a page"
    assert bundles("/draws/2026-12-22/manifest.json", method="POST").text == "a page"


# -- one file at its own address ----------------------------------------------------------------


def test_a_document_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    get = asking(Document(path, "application/json"))
    assert (get("/keys.json").status_code, get("/keys.json").headers["Cache-Control"]) == (404, "no-store")
    for text in ("[]", "[1]"):
        path.write_text(text)
        answer: Any = get("/keys.json")
        assert (answer.text, answer.headers["Content-Type"]) == (text, "application/json")
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert get("/keys.json", if_none_match=answer.headers["ETag"]).status_code == 304
    path.unlink()
    assert get("/keys.json").status_code == 404


@pytest.fixture
def ledger(tmp_path: Path) -> Get:
    """A ledger of 300 leaves as it lies on disk, and beside it what nobody may read."""
    published = Published(300)
    folder = tmp_path / "ledger"
    for path, data in {**published.files, "checkpoint": published.signed(), "policy": b"quorum none\n"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "tile" / "draft").write_bytes(b"no")
    (folder / "tile" / "0" / ".000.new").write_bytes(b"no")
    (tmp_path / "secret").write_bytes(b"no")
    return asking(Ledger(folder))


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"]
)
def test_a_tile_may_be_kept_for_ever_by_anybody(ledger: Get, path: str) -> None:
    for _ in range(2):
        answer = ledger(f"/ledger/{path}", accept_encoding="gzip")
        assert (answer.status_code, answer.content) == (200, Published(300).files[path])
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Content-Encoding" not in answer.headers
    assert ledger(f"/ledger/{path}", if_none_match=answer.headers["ETag"]).status_code == 304
    assert ledger(f"/ledger/{path}", method="HEAD").content == b""


@pytest.mark.parametrize(
    ("path", "begins"), [("checkpoint", b"places.example.org/ledger\n300\n"), ("policy", b"quorum")]
)
def test_checkpoint_and_policy_are_text_that_is_kept_for_seconds(ledger: Get, path: str, begins: bytes) -> None:
    answer = ledger(f"/ledger/{path}")
    assert answer.content.startswith(begins)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=5"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_new_checkpoint_is_served_at_once(ledger: Get, tmp_path: Path) -> None:
    assert ledger("/ledger/checkpoint").content == Published(300).signed()
    (tmp_path / "ledger" / "checkpoint").write_bytes(Published(301).signed())
    assert ledger("/ledger/checkpoint").content == Published(301).signed()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/",
        "tile/0/001",
        "tile/0/001.p/43",
        "tile/0/001.p/044",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/00/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/x000/000",
        "tile/0/000%0a",
        "tile/0/.000.new",
        "tile/draft",
        "tile/0/../../../secret",
        "tile/0/..%2f..%2f..%2fsecret",
        "../secret",
        "tile/0/٠٠٠",
    ],
)
def test_nothing_else_of_the_folder_can_be_reached(ledger: Get, path: str) -> None:
    answer = ledger(f"/ledger/{path}")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["tile/0/000", "checkpoint", "nothing"])
def test_the_ledger_is_only_read(ledger: Get, path: str) -> None:
    assert ledger(f"/ledger/{path}", method="POST").status_code == 405


def test_tiles_asked_for_once_are_sent_from_memory(tmp_path: Path) -> None:
    app = Ledger(tmp_path)
    get = asking(app)
    (tmp_path / "tile" / "0").mkdir(parents=True)
    (tmp_path / "tile" / "0" / "000").write_bytes(b"h" * 8192)
    assert get("/ledger/tile/0/000").status_code == 200
    (tmp_path / "tile" / "0" / "000").unlink()
    assert get("/ledger/tile/0/000").content == b"h" * 8192
    assert app.memory.bytes > 8192


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "draws" / "2026-12-22").mkdir(parents=True)
    (folder / "draws" / "cargo" / "2026-12-22").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("no")
    return folder


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("waits-by-port.csv", "text/csv; charset=utf-8"),
        ("index.json", "application/json"),
        ("draws/2026-12-22/sizes.json", "application/json"),
        ("draws/cargo/2026-12-22/sizes.csv", "text/csv; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("size", [300, 2 * SMALL_BYTES], ids=["small", "large"])
def test_tables_are_for_programs_of_anybody_and_kept_for_minutes(data: Path, name: str, kind: str, size: int) -> None:
    content = b"date,port\r\n" * (size // 11)
    (data / name).write_bytes(content)
    (data / f"{name}.gz").write_bytes(gzip.compress(content))
    get = asking(Tables(data, otherwise))
    for compressed in ("identity", "gzip"):
        answer = get(f"/data/{name}", accept_encoding=compressed)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Vary"].lower() == "accept-encoding"
        assert get(f"/data/{name}", accept_encoding=compressed, if_none_match=answer.headers["ETag"]).status_code == 304
    assert get(f"/data/{name}", method="HEAD").content == b""
    (data / name).write_bytes(b"another edition")
    assert get(f"/data/{name}").content == b"another edition"


@pytest.mark.parametrize(
    "path",
    [
        "/data/",
        "/data/../secret.csv",
        "/data/draws/%2e%2e/waits.csv",
        "/data/draws/2026-12-22/%2e%2e/%2e%2e/waits.csv",
        "/data/.waits.csv.new",
        "/data/waits.csv.gz",
        "/data/waits.txt",
        "/data/Waits.csv",
        "/data/missing.csv",
        "/data/waits.csv/",
        "/data/draws/waits.csv",
    ],
)
def test_no_other_address_gets_near_the_tables(data: Path, path: str) -> None:
    for name in ("waits.csv", ".waits.csv.new", "waits.csv.gz", "waits.txt", "Waits.csv", "draws/waits.csv"):
        (data / name).write_text("no")
    assert asking(Tables(data, otherwise))(path).status_code == 404


def test_nothing_is_sent_to_tables(data: Path) -> None:
    (data / "waits.csv").write_text("yes")
    assert asking(Tables(data, otherwise))("/data/waits.csv", method="POST").content == b"a page"
