// Whether manifest and list were fixed before the random value existed: the statement of the sealing, its place in the
// ledger, the ledger's signature and those of the observers who saw it. `sealing.tlog-proof` has the form of C2SP's
// tlog-proof; its `extra` is a salt of 16 bytes and the statement, and the leaf's data is the SHA-256 of the two.
import { byCodePoint, equal, hex, text, unbase64, utf8 } from "./verify-bytes";
import { Fault, shown } from "./verify-fault";
import { sha256 } from "./verify-hash";
import { readJson, type Json } from "./verify-json";
import { isTime, type Manifest } from "./verify-manifest";
import { isIncluded, leafHash } from "./verify-merkle";
import { isLogKey, isQuorum, isSignedBy, isWitnessKey, readCheckpoint, readPolicy, seenBy, type Checkpoint } from "./verify-note";

export const [CHECKPOINT, PROOF] = ["checkpoint", "sealing.tlog-proof"];
const SALT_BYTES = 16;
const PROOF_MOST = 1 << 19; // bytes
const HASHES_MOST = 63;
const NUMBER_END = 1e15;
const KINDS = ["sealed", "postponed"];

export interface Sealing {
  // seen: enough observers saw it before the random value; late: not so; alone: the policy asks for none;
  // unsigned: no key is known for this ledger; absent: the files are not there
  state: "seen" | "late" | "alone" | "unsigned" | "absent";
  origin: string;
  leaf: string; // its number in the ledger
  act: string; // sealed, or postponed where an earlier random value was put off
  at: string; // of the statement
  witnesses: { name: string; at: number }[]; // seconds since the epoch
}

interface Sealed {
  manifest: Manifest;
  manifestHash: Uint8Array;
  root: Uint8Array;
}

const ABSENT: Sealing = { state: "absent", origin: "", leaf: "", act: "", at: "", witnesses: [] };

export async function sealing(
  sealed: Sealed,
  checkpoint: Uint8Array | null,
  proof: Uint8Array | null,
  policy: Uint8Array | null,
): Promise<Sealing> {
  if (!checkpoint || !proof) return ABSENT;
  const [head, note] = splitProof(proof);
  if (!equal(note, checkpoint)) throw new Fault(PROOF, {}, "proof-checkpoint");
  const { extra, index, path } = readHead(head);
  const said = readStatement(extra.subarray(SALT_BYTES));
  refuseOtherStatement(sealed, said);
  const signed = readCheckpoint(CHECKPOINT, note);
  const leaf = await leafHash(await sha256(extra));
  if (!(await isIncluded(leaf, index, signed.size, path, signed.root))) throw new Fault(PROOF, {}, "not-included");
  const found = { origin: shown(signed.origin), leaf: String(index), act: said.get("kind")!, at: said.get("at")! };
  return { ...found, ...(await signatures(sealed, signed, policy)) };
}

const BLANK_LINE = utf8.encode("\n\n");

// What stands before the first blank line, and the checkpoint behind it.
function splitProof(proof: Uint8Array): [string, Uint8Array] {
  const end = proof.findIndex((byte, place) => byte === BLANK_LINE[0] && proof[place + 1] === BLANK_LINE[1]);
  const head = text(proof.subarray(0, Math.max(end, 0)));
  if (end < 0 || head === null || proof.length > PROOF_MOST) throw new Fault(PROOF, {}, "proof-form");
  return [head, proof.subarray(end + BLANK_LINE.length)];
}

function readHead(head: string): { extra: Uint8Array; index: bigint; path: Uint8Array[] } {
  const [form, second, third, ...hashes] = head.split("\n");
  const extra = unbase64(/^extra (.*)$/.exec(second ?? "")?.[1] ?? "");
  const index = /^index (0|[1-9][0-9]{0,18})$/.exec(third ?? "")?.[1];
  const path = hashes.map(unbase64);
  const sound = form === "c2sp.org/tlog-proof@v1" && extra && extra.length > SALT_BYTES && index !== undefined;
  if (!sound || path.length > HASHES_MOST || !path.every((hash) => hash?.length === 32)) throw new Fault(PROOF, {}, "proof-form");
  return { extra, index: BigInt(index), path: path as Uint8Array[] };
}

// The texts among the facts of the statement, which is written in the one right way: the ledger holds a hash of it.
function readStatement(statement: Uint8Array): Map<string, string> {
  const said = readJson(PROOF, statement);
  const facts = said instanceof Map ? [...said].sort(([a], [b]) => byCodePoint(a, b)) : [];
  const at = facts[0]?.[1];
  if (!facts.every(isFact) || facts[0]?.[0] !== "at" || typeof at !== "string" || !isTime(at)) {
    throw new Fault(PROOF, { key: "extra" }, "shape");
  }
  const canonical = `{${facts.map(([key, value]) => `"${key}":${JSON.stringify(value)}`).join(",")}}`;
  if (!equal(utf8.encode(canonical), statement)) throw new Fault(PROOF, { key: "extra" }, "not-canonical");
  return new Map(facts.filter((fact): fact is [string, string] => typeof fact[1] === "string"));
}

function isFact([key, value]: [string, Json]): boolean {
  if (!/^[a-z_]+$/.test(key)) return false;
  if (typeof value === "string") return value !== "" && !/\p{Cs}/u.test(value);
  return typeof value === "number" && value >= 0 && value < NUMBER_END;
}

// The statement has to be about this very round, manifest and list, and from before the random value.
function refuseOtherStatement({ manifest, manifestHash, root }: Sealed, said: Map<string, string>): void {
  const fact = (key: string): string => said.get(key) ?? "";
  const require = (key: string, wanted: string): void => {
    if (fact(key) !== wanted) throw new Fault(PROOF, { key }, "statement", shown(fact(key)), wanted);
  };
  if (!KINDS.includes(fact("kind"))) require("kind", KINDS[0]!);
  require("program", manifest.program);
  require("round", manifest.round);
  require("manifest", hex(manifestHash));
  require("root", hex(root));
  if (fact("at") >= manifest.seedAt) throw new Fault(PROOF, { key: "at" }, "late", fact("at"), manifest.seedAt);
}

async function signatures(
  { manifest }: Sealed,
  checkpoint: Checkpoint,
  data: Uint8Array | null,
): Promise<Pick<Sealing, "state" | "witnesses">> {
  const policy = data && (await readPolicy(data));
  const logs = policy?.logs.filter((key) => isLogKey(key) && key.name === checkpoint.origin) ?? [];
  let signed = false;
  for (const key of logs) signed = (await isSignedBy(CHECKPOINT, checkpoint, key)) || signed;
  if (!policy) return { state: "unsigned", witnesses: [] };

  const seedAt = Date.parse(manifest.seedAt) / 1000;
  const witnesses: Sealing["witnesses"] = [];
  const early = new Set<string>();
  for (const [called, key] of policy.witnesses) {
    const at = isWitnessKey(key) ? await seenBy(CHECKPOINT, checkpoint, key) : null;
    if (at === null) continue;
    witnesses.push({ name: shown(key.name), at });
    if (at < seedAt) early.add(called);
  }
  if (!signed) return { state: "unsigned", witnesses: [] };
  if (policy.quorum === "none") return { state: "alone", witnesses };
  return { state: isQuorum(policy, early) ? "seen" : "late", witnesses };
}
