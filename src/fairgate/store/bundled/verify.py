"""Check a draw without trusting whoever made it:  python3 verify.py [DIR [BEFORE]]      Rules: docs/rules/draw.md

DIR holds the files of a round (else the folder you are in). Needs Python 3.8 or later, no network. Ends with 0 if the
draw is right, with 1 if not, with 2 if a file cannot be right, and names the first fault. It checks that manifest.json,
entries.csv and beacon.json have the right form; that the random value is the one announced, by drand's signature or by
what observers had promised; that results.csv follows from these, line by line. With BEFORE, the files of the draw
before: that what this one pays back (`carry`) is what that one left. If both `checkpoint` and `sealing.tlog-proof` are
there: that the act of sealing just this manifest and these entries (or of putting off the random value) is, in time, in
the ledger's tree. It does NOT check who signed `checkpoint` and when: that needs keys (`fairgate verify --policy`). Nor
that all who asked are in the list, or that it is true. Who forges a draw can forge this file: compare it with others.
"""

import base64, datetime, hashlib, itertools, json, pathlib, re, sys  # nothing but these

# Each file in its one form. JSON is held against it with its keys sorted and its blanks taken out.
DATE, HASH, NAME = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9a-f]{64}", r'"(?:[^"\\]|\\.)+"'
TIME, PERSONS = DATE + "T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", "(?:0|[1-9][0-9]{0,8}|1000000000)"
PROGRAM, PORT = "[a-z0-9][a-z0-9_-]{0,63}", "[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
QUICKNET, GENESIS = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971", 1692803367  # drand's chain
MANIFEST = (
    rf'{{"beacon":(?:{{"chain":"{QUICKNET}","kind":"drand","round":[1-9][0-9]*}}'
    rf'|{{"commitments":\[(?:{{"by":{NAME},"commitment":"{HASH}"}},?)+\],"kind":"commit-reveal"}}),"closes_at":"{TIME}"'
    rf',"group_max":(?!0){PERSONS},"ports":\[(?:{{"capacity":{PERSONS},"carry":{PERSONS},"port":"{PORT}"}},?)*\]'
    rf',"program":"{PROGRAM}","round":"{DATE}","rules":"fairgate-draw/1","seed_at":"{TIME}"'
    rf',"seniority_share":\[{PERSONS},{PERSONS}\],"ticket_key_hash":"{HASH}"}}')
BEACON = (
    r'{"kind":"drand","round":[1-9][0-9]*,"signature":"[0-9a-f]{96}"}'
    rf'|{{"kind":"commit-reveal","reveals":\[(?:{{"by":{NAME},"reveal":"(?:[0-9a-f]{{2}}){{32,}}"}},?)+\]}}')
ENTRY = re.compile("([0-9a-f]{32}),([1-9][0-9]{0,8}),(0|[1-9][0-9]{0,8}),([A-Za-z0-9_|-]+)")
SEALING = (  # a C2SP tlog-proof: the act, the leaf's place and path; behind an empty line the checkpoint and signatures
    "c2sp\\.org/tlog-proof@v1\nextra (\\S+)\nindex (0|[1-9][0-9]{0,18})\n((?:\\S+\n){0,63})\n"
    "(([^\0-\x1f]+)\n(0|[1-9][0-9]{0,18})\n(\\S+)\n(?:[^\0-\x1f]+\n)*\n((?:— [^\0- \\s+]+ \\S+\n){1,64}))")

class Wrong(Exception):
    """Files that could be right but contradict each other. A file that cannot be right is a ValueError."""

def need(held, problem, kind=ValueError):
    if not held:
        raise kind(problem)

def sha256(data):
    return hashlib.sha256(data).digest()

def read_json(data, form, canonical=True):
    """The JSON value, whose canonical text (RFC 8785) has this form; there may be no other text, where said so."""
    def once(pairs):  # Python alone would take the last of two equal keys
        need(len(dict(pairs)) == len(pairs), "a key stands twice in one object")
        return dict(pairs)
    need(len(data) <= 1 << 20, "larger than a megabyte")
    value = json.loads(data.decode(), object_pairs_hook=once)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    need(re.fullmatch(form, text), "a key is missing or unknown, or its value cannot be")
    need(text.encode() == data or not canonical, "not canonical JSON; its hash hangs on each byte")
    return value

def seconds(time):
    """Since 1970, of a time or date; a ValueError for what only looks like one, as 31 February."""
    return datetime.datetime.fromisoformat(f"{time}T00:00:00"[:19] + "+00:00").timestamp()

def read_manifest(data):
    manifest = read_json(data, MANIFEST)
    closes_at, seed_at, _ = (seconds(manifest[key]) for key in ("closes_at", "seed_at", "round"))
    need(closes_at < seed_at, "closes_at is not before seed_at")
    (n, d), beacon, ports = manifest["seniority_share"], manifest["beacon"], [p["port"] for p in manifest["ports"]]
    need(n <= d > 0 and len(set(ports)) == len(ports), "seniority_share is no part of a whole, or a port stands twice")
    if beacon["kind"] == "drand":  # of several rounds somebody could choose
        need(beacon["round"] == (seed_at - GENESIS + 2) // 3 + 1, "the beacon is not the first at or after seed_at")
    else:
        names = {each["by"] for each in beacon["commitments"] if each["by"].strip() and each["by"].isprintable()}
        need(len(names) == len(beacon["commitments"]), "somebody commits twice or has no name")
    return manifest

def read_entries(data, manifest):
    """The lines of entries.csv, and what each says: ticket, size, weeks, ports."""
    header, *lines = data.decode("latin-1").split("\n")
    need(header == "ticket,size,weeks,ports" and lines, "line 1: not the header with a line end")
    known, group_max, entries, last = {each["port"] for each in manifest["ports"]}, manifest["group_max"], [], ""
    for number, line in enumerate(lines[:-1], 2):
        found = ENTRY.fullmatch(line)
        need(found and len(line) <= 4096, f"line {number}: no entry")
        ticket, size, weeks, ports = found[1], int(found[2]), int(found[3]), found[4].split("|")
        need(ticket > last and len(set(ports)) == len(ports), f"line {number}: out of order, or something twice")
        need(size <= group_max and known.issuperset(ports), f"line {number}: group too large, or no such port")
        entries.append((ticket, size, weeks, ports))
        last = ticket
    need(not lines.pop(), f"line {len(lines) + 2}: no line end")
    return lines, entries

def root_of(lines):
    """RFC 6962: a line is hashed behind a byte 00, neighbours behind a byte 01; who has none moves up as it is."""
    level = [sha256(b"\0" + line.encode()) for line in lines] or [sha256(b"")]
    while len(level) > 1:
        level = [sha256(b"\1" + a + b) for a, b in zip(level[::2], level[1::2])] + level[len(level) // 2 * 2 :]
    return level[0]

def random_value(data, announced):
    """The 32 bytes that beacon.json proves to be those that the manifest announced."""
    proof = read_json(data, BEACON, canonical=False)
    need(all(proof.get(key) == announced.get(key) for key in ("kind", "round")), "not what the manifest announces")
    if proof["kind"] == "drand":
        need(drand_signed(proof["round"], int(proof["signature"], 16)), "not drand's signature of this round")
        return sha256(bytes.fromhex(proof["signature"]))
    reveals = sorted((each["by"], bytes.fromhex(each["reveal"])) for each in proof["reveals"])
    promised = sorted((each["by"], each["commitment"]) for each in announced["commitments"])
    need([(by, sha256(reveal).hex()) for by, reveal in reveals] == promised, "not what all in the manifest promised")
    return sha256(b"".join(reveal for _, reveal in reveals))

def draw(manifest, entries, seed):
    """The lines of results.csv, and by port the persons that the next round has to pay back."""
    def lot(purpose, ticket):
        return sha256(f"fairgate-draw/1|{purpose}|{seed}|{ticket}".encode()), ticket
    def give(ordered, limit):
        """Each in turn gets the first port of its list that has room for one. Who finds none comes second."""
        given, rest = [], []
        for ticket, size, weeks, ports in ordered:
            port = next((port for port in ports if used[port] < limit[port]), None)
            if port is None:
                rest.append((ticket, size, weeks, ports))
            else:
                used[port] += size
                given.append((ticket, port))
        return given, rest
    n, d = manifest["seniority_share"]
    cap = {each["port"]: max(0, each["capacity"] - each["carry"]) for each in manifest["ports"]}
    used = dict.fromkeys(cap, 0)
    by_weeks = sorted(entries, key=lambda entry: (-entry[2], lot("tie", entry[0])))
    seniors, rest = give(by_weeks, {port: persons * n // d for port, persons in cap.items()})
    winners, reserve = give(sorted(rest, key=lambda entry: lot("rank", entry[0])), cap)
    lines = ["ticket,outcome,port,order,phase"]  # it counts too, so that orders begin at 1
    for phase, given in (("seniority", seniors), ("lottery", winners)):
        lines += [f"{ticket},offered,{port},{order},{phase}" for order, (ticket, port) in enumerate(given, len(lines))]
    lines += [f"{entry[0]},reserve,,{order}," for order, entry in enumerate(reserve, 1)]
    owed = {each["port"]: max(0, each["carry"] - each["capacity"]) for each in manifest["ports"]}
    return lines, {port: owed[port] + max(0, used[port] - cap[port]) for port in cap}

def compare(data, expected):
    for number, (line, found) in enumerate(itertools.zip_longest(expected, data.decode("latin-1").split("\n")), 1):
        need(line == found, f"line {number}: expected {line!a:.120}, found {found!a:.120}", Wrong)

def decoded(text):
    """What `text` is the base64 of, written in the one right way."""
    data = base64.b64decode(text, validate=True)
    need(data and base64.b64encode(data).decode() == text, f"{text!a:.60} is not base64")
    return data

def climb(leaf, index, size, path):
    """The root above the leaf at `index` of `size`; `path` holds the neighbours on its way up."""
    need(bool(path) == (size > 1), "the path has not the length of the tree", Wrong)
    if size == 1:
        return leaf
    split = 1 << (size - 1).bit_length() - 1  # so many leaves are in the left part
    if index < split:
        return sha256(b"\1" + climb(leaf, index, split, path[:-1]) + path[-1])
    return sha256(b"\1" + path[-1] + climb(leaf, index - split, size - split, path[:-1]))

def check_sealing(data, checkpoint, facts):
    """In words, which tree holds the act that made these the facts."""
    found = re.fullmatch(SEALING, data.decode())
    need(found and len(data) <= 1 << 19 and len(found[4].encode()) <= 1 << 18, "no C2SP tlog-proof with extra data")
    act, path, tree = decoded(found[1]), [decoded(line) for line in found[3].split()], decoded(found[7])
    index, note, origin, size = int(found[2]), found[4].encode(), found[5], int(found[6])
    need(all(len(each) == 32 for each in [tree, *path]) and index < size < 1 << 63, "no hashes, or no such leaf")
    need(all(len(decoded(line.split()[2])) > 4 for line in found[8].splitlines()), "a signature is none")
    said = read_json(act[16:], rf'{{"at":"{TIME}"(?:,"[a-z_]+":(?:{NAME}|[0-9]{{1,15}}))*}}')  # behind the salt
    need(seconds(said["at"]) < seconds(facts["seed_at"]), "the act was too late", Wrong)
    for key in ("program", "round", "manifest", "root"):
        need(said.get(key) == facts[key], f"the act is about another {key}", Wrong)
    need(said.get("kind") in ("sealed", "postponed"), "the act is no sealing", Wrong)
    need(climb(sha256(b"\0" + sha256(act)), index, size, path) == tree, "the act is not in the tree", Wrong)
    need(note == checkpoint, "its checkpoint is not the file `checkpoint`", Wrong)
    when = f"{said['kind']} {said['at']}, in the tree of {origin!a}"
    return f"{when}, {size} leaves, root {found[7]}; who signed it is not checked here"

# -- drand's signatures: BLS on the curve BLS12-381, hashed to it by RFC 9380, checked with the Tate pairing. --
Z = -0xD201000000010000  # of which follow the order of the groups and the prime of the field:
R = Z**4 - Z**2 + 1
P = (Z - 1) ** 2 * R // 3 + Z
A = 0x144698A3B8E9433D693A02C96D4982B0EA985383EE66A8D8E8981AEFD881AC98936F8DA0E0F97F5CF428082D584C1D
B = 0x12E2908D11688030018B12E8753EEE3B2016C1F0F24F4070A0B9C14FCEF35EF55A23215A316CEAA5D1CC48E98E172BE0
# Points of the second group, ((x0, x1), (y0, y1)): the generator, and drand's public key (published: x1, then x0).
GENERATOR = ((0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
              0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E),
             (0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
              0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE))
KEY = ((0x0D1FEC758C921CC22B0E17E63AAF4BCB5ED66304DE9CF809BD274CA73BAB4AF5A6E9C76A4BC09E76EAE8991EF5ECE45A,
        0x03CF0F2896ADEE7EB8B5F01FCAD3912212C437E0073E911FB90022D3E760183C8C4B450B6A0A6C3AC6A5776A2D106451),
       (0x0E5DB2B6BFBB01C867749CADFFCA88B36C24F3012BA09FC4D3022C5C37DCE0F977D3ADB5D183C7477C442B1F04515273,
        0x01A714F2EDB74119A2F2B0D5A7C75BA902D163700A61BC224EDEDD8E63AEF7BE1AAF8E93D7A9718B047CCDDB3EB5D68B))

def slope(left, right, a=0):
    """Of the line through two points of y² = x³ + ax + b, or of the tangent. A ValueError where they are opposite."""
    (x, y), (u, v) = left, right
    return ((3 * x * x + a) * pow(2 * y, -1, P) if left == right else (v - y) * pow(u - x, -1, P)) % P

def add(left, right, a=0):
    """The sum of two points of y² = x³ + ax + b."""
    s = slope(left, right, a)
    x = (s * s - left[0] - right[0]) % P
    return x, (s * (left[0] - x) - left[1]) % P

def repeat(n, value, join, *more):
    """`value` joined n times with itself, n > 0: n times a point, or the n-th power of a number."""
    result = value
    for digit in f"{n:b}"[1:]:
        result = join(result, result, *more)
        result = join(result, value, *more) if digit == "1" else result
    return result

def candidate(u):
    """A point of E: y² = x³ + Ax + B for the number u (simplified SWU)."""
    t = 11 * u * u % P
    x = -B * pow(A, -1, P) * (1 + pow(t * t + t, -1, P)) % P
    x = x if pow(x**3 + A * x + B, (P - 1) // 2, P) == 1 else t * x % P
    y = pow(x**3 + A * x + B, (P + 1) // 4, P)
    return x, y if y % 2 == u % 2 else P - y

def to_curve(x, y):
    """From E to y² = x³ + 4: the map of degree 11 whose kernel are E's points of order 11 (formulas of Vélu)."""
    point = kernel = repeat((Z - 1) ** 2 * R // 33, candidate(2), add, A)
    to_x, to_y = x, 1
    for _ in range(5):
        t, u, near = 6 * point[0] ** 2 + 2 * A, 4 * point[1] ** 2, pow(x - point[0], -1, P)
        to_x, to_y = to_x + t * near + u * near**2, to_y - t * near**2 - 2 * u * near**3
        point = add(point, kernel, A)
    return to_x * pow(11, -2, P) % P, y * to_y * pow(11, -3, P) % P

def hash_to_curve(message):
    """The point that drand signs for a message (RFC 9380, BLS12381G1_XMD:SHA-256_SSWU_RO_)."""
    name = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_" + bytes([43])  # and its length
    first, blocks = sha256(bytes(64) + message + b"\0\x80\0" + name), [bytes(32)]
    for number in range(1, 5):
        blocks.append(sha256(bytes(a ^ b for a, b in zip(first, blocks[-1])) + bytes([number]) + name))
    left, right = (candidate(int.from_bytes(blocks[n] + blocks[n + 1], "big") % P) for n in (1, 3))
    return repeat(1 - Z, to_curve(*add(left, right, A)), add)

def times(f, g):
    """The product in the field of 12 coefficients, in which w^12 = 2w^6 - 2."""
    c = [sum(f[i] * g[k - i] for i in range(max(0, k - 11), min(k, 11) + 1)) for k in range(23)] + [0]
    low = [c[k] - 2 * c[k + 12] - 4 * c[k + 18] for k in range(6)]
    return [n % P for n in low + [c[k] + 2 * c[k + 6] + 2 * c[k + 12] for k in range(6, 12)]]

def miller(point, other):
    """The pairing of points of the two groups, but for the last power; vertical lines fall out with that."""
    (a, b), (c, d) = other
    b, d = (b - a) * pow(2, -1, P), (d - c) * pow(2, -1, P)
    def line(s, t):  # its value at the other point, which is ((a + bw^6)w^4, (c + dw^6)w^3) on y² = x³ + 4
        return [s * t[0] - t[1], 0, 0, c, -s * a, 0, 0, 0, 0, d, -s * b, 0]
    f, t = [1] + [0] * 11, point
    for digit in f"{R - 1:b}"[1:]:
        f, t = times(times(f, f), line(slope(t, t), t)), add(t, t)
        if digit == "1":
            f, t = times(f, line(slope(t, point), t)), add(t, point)
    return f

def drand_signed(number, signature):
    """Whether the chain quicknet signed this round: e(signature, generator) = e(hash of the round, public key)."""
    flags, x = divmod(signature, 1 << 381)
    y = pow(x**3 + 4, (P + 1) // 4, P)
    y = max(y, P - y) if flags == 5 else P - max(y, P - y)
    on_curve = flags in (4, 5) and x < P and (y * y - x**3 - 4) % P == 0
    need(on_curve and repeat(R - 1, (x, y), add) == (x, P - y), "its signature is no point of the group")
    hash_x, hash_y = hash_to_curve(sha256(number.to_bytes(8, "big")))
    both = times(miller((x, y), GENERATOR), miller((hash_x, P - hash_y), KEY))
    return repeat((P**12 - 1) // R, both, times) == [1] + [0] * 11

def read(folder, name, parse, *more):
    """What `parse` makes of a file; what it finds wrong with it begins with its name."""
    try:
        need((folder / name).is_file(), "no such file")  # no folder or device either
        return parse((folder / name).read_bytes(), *more)
    except (OSError, ValueError, RecursionError, Wrong) as fault:
        raise (Wrong if type(fault) is Wrong else ValueError)(f"{name}: {fault}") from None

def check(folder):
    """What is found, in words; the manifest; and what the next draw has to pay back, by port."""
    manifest = read(folder, "manifest.json", read_manifest)
    chance = read(folder, "beacon.json", random_value, manifest["beacon"])
    lines, entries = read(folder, "entries.csv", read_entries, manifest)
    facts = {**manifest, "manifest": read(folder, "manifest.json", sha256).hex(), "root": root_of(lines).hex()}
    sealing = "NOT shown: without both `checkpoint` and `sealing.tlog-proof` the list may be younger than the value"
    if (folder / "checkpoint").exists() and (folder / "sealing.tlog-proof").exists():
        sealing = read(folder, "sealing.tlog-proof", check_sealing, read(folder, "checkpoint", bytes), facts)
    seed = sha256(f"fairgate-draw/1|seed|{facts['manifest']}|{facts['root']}|{chance.hex()}".encode()).hex()
    expected, carry_out = draw(manifest, entries, seed)
    read(folder, "results.csv", compare, [*expected, ""])
    return (f"right: the draw of {manifest['program']} for {manifest['round']}, {len(entries)} entries\n"
            f"root {facts['root']}\nseed {seed}\ncarry out {carry_out}\nsealing {sealing}", manifest, carry_out)

if __name__ == "__main__":
    try:
        words, manifest, _ = check(pathlib.Path(*sys.argv[1:2]))
        for before in sys.argv[2:]:
            _, earlier, left = check(pathlib.Path(before))
            sound = earlier["program"] == manifest["program"] and earlier["round"] < manifest["round"]
            paid = all(each["carry"] == left.get(each["port"], each["carry"]) for each in manifest["ports"])
            need(sound and paid, f"manifest.json: its carry is not the carry out of {before!a}", Wrong)
        print(words)
    except (Wrong, ValueError) as fault:
        print("wrong:" if type(fault) is Wrong else "cannot be right:", fault, file=sys.stderr)
        sys.exit(1 if type(fault) is Wrong else 2)
