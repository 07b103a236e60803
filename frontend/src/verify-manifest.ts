// manifest.json: all that is fixed about a round before anybody can know its random value. Its hash goes into the seed, so
// there is only one right way to write it, and whatever differs is refused.
import { equal, utf8 } from "./verify-bytes";
import { Fault, shown } from "./verify-fault";
import { Fields, kindOf, readJson, type Json } from "./verify-json";

export const RULES = "fairgate-draw/1";
export const MANIFEST = "manifest.json";
export const QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";
const GENESIS = 1692803367; // seconds since the epoch
const PERIOD = 3;
const NUMBER_MOST = 10 ** 9;
const KEYS = ["rules", "program", "round", "ports", "seniority_share", "group_max", "closes_at", "seed_at", "beacon", "ticket_key_hash"];
const HASH = /^[0-9a-f]{64}$/;

export interface PortPlaces {
  port: string;
  capacity: number; // persons
  carry: number;
}

export interface Drand {
  kind: "drand";
  chain: string;
  round: number;
}

export interface CommitReveal {
  kind: "commit-reveal";
  commitments: { by: string; commitment: string }[];
}

export interface Manifest {
  program: string;
  round: string; // a date
  ports: PortPlaces[];
  share: [number, number];
  groupMax: number;
  closesAt: string;
  seedAt: string;
  beacon: Drand | CommitReveal;
  ticketKeyHash: string;
}

export function readManifest(data: Uint8Array): Manifest {
  const value = readJson(MANIFEST, data);
  if (value instanceof Map && value.get("rules") !== RULES) {
    throw new Fault(MANIFEST, { key: "rules" }, "rules", shown(String(value.get("rules") ?? "")), RULES);
  }
  const fields = new Fields(MANIFEST, "", value, KEYS);
  const ports = fields.objects("ports", ["port", "capacity", "carry"]);
  const share = fields.wholes("seniority_share");
  if (share.length !== 2) throw fields.fault("seniority_share", "shape");
  const manifest: Manifest = {
    program: fields.text("program"),
    round: fields.text("round"),
    ports: ports.map((p) => ({ port: p.text("port"), capacity: p.whole("capacity"), carry: p.whole("carry") })),
    share: [share[0]!, share[1]!],
    groupMax: fields.whole("group_max"),
    closesAt: readTime(fields, "closes_at"),
    seedAt: readTime(fields, "seed_at"),
    beacon: readBeacon(fields.value("beacon")),
    ticketKeyHash: fields.text("ticket_key_hash"),
  };
  refuseUnsound(manifest);
  if (!equal(utf8.encode(canonical(manifest)), data)) throw new Fault(MANIFEST, {}, "not-canonical");
  return manifest;
}

function readTime(fields: Fields, key: string): string {
  const found = fields.text(key);
  if (!isTime(found)) throw fields.fault(key, "cannot-be", shown(found));
  return found;
}

function readBeacon(value: Json): Drand | CommitReveal {
  if (kindOf(MANIFEST, "beacon", value, ["drand", "commit-reveal"]) === "drand") {
    const drand = new Fields(MANIFEST, "beacon", value, ["kind", "chain", "round"]);
    return { kind: "drand", chain: drand.text("chain"), round: drand.whole("round") };
  }
  const fields = new Fields(MANIFEST, "beacon", value, ["kind", "commitments"]);
  const each = fields.objects("commitments", ["by", "commitment"]);
  return { kind: "commit-reveal", commitments: each.map((c) => ({ by: c.text("by"), commitment: c.text("commitment") })) };
}

// Whether the calendar has this moment: what it is read as must be written the same.
export function isTime(found: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/.test(found)) return false;
  const at = new Date(found);
  return !found.startsWith("0000") && !isNaN(at.getTime()) && `${at.toISOString().slice(0, 19)}Z` === found;
}

function require(sound: boolean, key: string, found: string): void {
  if (!sound) throw new Fault(MANIFEST, { key }, "cannot-be", shown(found));
}

function isCount(persons: number): boolean {
  return persons >= 0 && persons <= NUMBER_MOST;
}

function refuseUnsound(manifest: Manifest): void {
  require(/^[a-z0-9][a-z0-9_-]{0,63}$/.test(manifest.program), "program", manifest.program);
  require(isTime(`${manifest.round}T00:00:00Z`), "round", manifest.round);
  const seen = new Set<string>();
  manifest.ports.forEach(({ port, capacity, carry }, i) => {
    const sound = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(port) && !seen.has(port);
    require(sound, `ports[${i}].port`, port);
    seen.add(port);
    require(isCount(capacity), `ports[${i}].capacity`, String(capacity));
    require(isCount(carry), `ports[${i}].carry`, String(carry));
  });
  const [n, d] = manifest.share;
  require(n >= 0 && n <= d && d <= NUMBER_MOST && d > 0, "seniority_share", `[${n}, ${d}]`);
  require(manifest.groupMax >= 1 && isCount(manifest.groupMax), "group_max", String(manifest.groupMax));
  require(manifest.closesAt < manifest.seedAt, "closes_at", manifest.closesAt);
  if (manifest.beacon.kind === "drand") refuseUnsoundDrand(manifest.beacon, manifest.seedAt);
  else refuseUnsoundCommitments(manifest.beacon);
  require(HASH.test(manifest.ticketKeyHash), "ticket_key_hash", manifest.ticketKeyHash);
}

// A round that is not the first at or after seed_at could have been chosen because its value was known.
function refuseUnsoundDrand(beacon: Drand, seedAt: string): void {
  require(beacon.chain === QUICKNET, "beacon.chain", beacon.chain);
  const due = Math.floor((Date.parse(seedAt) / 1000 - GENESIS + PERIOD - 1) / PERIOD) + 1;
  require(due >= 1, "seed_at", seedAt);
  if (beacon.round !== due) {
    throw new Fault(MANIFEST, { key: "beacon.round" }, "round-not-due", String(beacon.round), String(due));
  }
}

function refuseUnsoundCommitments({ commitments }: CommitReveal): void {
  if (!commitments.length) throw new Fault(MANIFEST, { key: "beacon.commitments" }, "shape");
  const seen = new Set<string>();
  commitments.forEach(({ by, commitment }, i) => {
    const isName = by.trim() !== "" && /^(?:[^\p{C}\p{Z}]| )*$/u.test(by);
    require(isName && !seen.has(by), `beacon.commitments[${i}].by`, by);
    seen.add(by);
    require(HASH.test(commitment), `beacon.commitments[${i}].commitment`, commitment);
  });
}

// Keys in their order, no blanks (RFC 8785): what JSON.stringify makes of objects whose members stand in that order.
function canonical(manifest: Manifest): string {
  const { beacon } = manifest;
  return JSON.stringify({
    beacon:
      beacon.kind === "drand"
        ? { chain: beacon.chain, kind: beacon.kind, round: beacon.round }
        : { commitments: beacon.commitments.map(({ by, commitment }) => ({ by, commitment })), kind: beacon.kind },
    closes_at: manifest.closesAt,
    group_max: manifest.groupMax,
    ports: manifest.ports.map(({ port, capacity, carry }) => ({ capacity, carry, port })),
    program: manifest.program,
    round: manifest.round,
    rules: RULES,
    seed_at: manifest.seedAt,
    seniority_share: manifest.share,
    ticket_key_hash: manifest.ticketKeyHash,
  });
}
