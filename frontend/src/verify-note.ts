// Signed notes, checkpoints, keys and policies of transparency logs, as C2SP writes them down: signed-note, tlog-checkpoint,
// tlog-cosignature (version 1, Ed25519) and tlog-policy.
import { ed25519 } from "@noble/curves/ed25519";
import { equal, hex, joined, text, unbase64, utf8 } from "./verify-bytes";
import { Fault, shown } from "./verify-fault";
import { sha256 } from "./verify-hash";

const [ED25519, COSIGNATURE] = [0x01, 0x04]; // types of keys
const [KEY_BYTES, ID_BYTES, TIME_BYTES, SIGNATURE_BYTES, ROOT_BYTES] = [32, 4, 8, 64, 32];
const NOTE_MOST = 1 << 18; // bytes
const SIGNATURES_MOST = 64;
const CALENDAR_END = 253_402_300_800n; // seconds; the year 10000
const POLICY = "policy";
// A key's name has no plus and no blank of Unicode; a script's own idea of a blank is another one.
const NAME = String.raw`((?:[^\s\u0085+]|\ufeff)+)`;
const SIGNATURE = new RegExp(`^— ${NAME} ([A-Za-z0-9+/=]+)$`, "u");
const KEY = new RegExp(String.raw`^${NAME}\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$`, "u");

export interface Checkpoint {
  body: string; // what is signed, with its last line end
  origin: string;
  size: bigint;
  root: Uint8Array;
  signatures: { name: string; id: string; value: Uint8Array }[];
}

export interface Key {
  name: string;
  id: string; // 4 bytes in hex
  type: number;
  public: Uint8Array;
}

export function readCheckpoint(file: string, data: Uint8Array): Checkpoint {
  const note = data.length <= NOTE_MOST ? text(data) : null;
  const parts = note === null ? null : /^([^]*?[^\n]\n)\n((?:— [^\n]+\n)+)$/.exec(note);
  if (!note || !parts || /[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new Fault(file, {}, "checkpoint-form");
  const [origin, size, root, ...more] = parts[1]!.slice(0, -1).split("\n");
  const hash = unbase64(root ?? "");
  const sound = origin && /^(?:0|[1-9][0-9]{0,18})$/.test(size ?? "") && hash?.length === ROOT_BYTES && !more.includes("");
  if (!sound) throw new Fault(file, {}, "checkpoint-form");
  const signatures = parts[2]!.slice(0, -1).split("\n").map((line) => readSignature(file, line));
  if (signatures.length > SIGNATURES_MOST) throw new Fault(file, {}, "checkpoint-form");
  return { body: parts[1]!, origin, size: BigInt(size!), root: hash, signatures };
}

function readSignature(file: string, line: string): Checkpoint["signatures"][number] {
  const [, name, value] = SIGNATURE.exec(line) ?? [];
  const bytes = unbase64(value ?? "");
  if (!name || !bytes || bytes.length <= ID_BYTES) throw new Fault(file, {}, "checkpoint-form");
  return { name, id: hex(bytes.subarray(0, ID_BYTES)), value: bytes.subarray(ID_BYTES) };
}

// Whether the log's key signed this checkpoint. A signature under its name and number that is not right is a fault.
export async function isSignedBy(file: string, checkpoint: Checkpoint, key: Key): Promise<boolean> {
  let found = false;
  for (const each of checkpoint.signatures.filter(({ name, id }) => name === key.name && id === key.id)) {
    if (!(await isSignature(key.public, utf8.encode(checkpoint.body), each.value))) {
      throw new Fault(file, {}, "signature", shown(key.name));
    }
    found = true;
  }
  return found;
}

// When a witness says that it saw the checkpoint, in seconds since the epoch; null when it says nothing.
export async function seenBy(file: string, checkpoint: Checkpoint, key: Key): Promise<number | null> {
  let first: number | null = null;
  for (const { value } of checkpoint.signatures.filter(({ name, id }) => name === key.name && id === key.id)) {
    const at = value.length === TIME_BYTES + SIGNATURE_BYTES ? new DataView(value.buffer, value.byteOffset).getBigUint64(0) : 0n;
    const message = utf8.encode(`cosignature/v1\ntime ${at}\n${checkpoint.body}`);
    if (!(await isSignature(key.public, message, value.subarray(TIME_BYTES)))) {
      throw new Fault(file, {}, "signature", shown(key.name));
    }
    if (at < CALENDAR_END) first = Math.min(first ?? Infinity, Number(at)); // else it does not say when
  }
  return first;
}

// Ed25519 by the browser where it has it, else by the library.
export async function isSignature(key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (signature.length !== SIGNATURE_BYTES) return false;
  try {
    const known = await crypto.subtle.importKey("raw", key as BufferSource, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, known, signature as BufferSource, message as BufferSource);
  } catch {
    try {
      return ed25519.verify(signature, message, key, { zip215: false });
    } catch {
      return false; // not a point of the curve
    }
  }
}

// -- whom to trust ------------------------------------------------------------------------------

interface Group {
  need: number;
  members: string[];
}

export interface Policy {
  logs: Key[];
  witnesses: Map<string, Key>; // by the policy's own name for them
  groups: Map<string, Group>;
  quorum: string;
}

export async function readPolicy(data: Uint8Array): Promise<Policy> {
  const policy: Policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: "" };
  const members = new Set<string>();
  const lines = new TextDecoder("utf-8", { ignoreBOM: true }).decode(data).split("\n"); // comments may hold any bytes
  if (lines.pop() !== "") throw new Fault(POLICY, { line: lines.length + 1 }, "policy");
  for (const [place, line] of lines.entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word);
    const isRead = words.length > 0 && !words[0]!.startsWith("#");
    const sound = /^[\t\u0020-\u007e\u0080-\uffff]*$/.test(line) && (!isRead || (await takeLine(policy, members, words)));
    if (!sound) throw new Fault(POLICY, { line: place + 1 }, "policy", shown(line));
  }
  if (!policy.quorum) throw new Fault(POLICY, {}, "policy");
  return policy;
}

async function takeLine(policy: Policy, members: Set<string>, [what, ...words]: string[]): Promise<boolean> {
  const [name = "", second = "", ...rest] = words;
  const defined = (each: string): boolean => policy.witnesses.has(each) || policy.groups.has(each);
  switch (what) {
    case "log": {
      const key = await readKey(name);
      if (!key || words.length > 2 || policy.logs.some((log) => equal(log.public, key.public))) return false;
      policy.logs.push(key);
      return true;
    }
    case "witness": {
      const key = await readKey(second);
      const others = [...policy.witnesses.values()];
      const twice = name === "none" || defined(name) || others.some((one) => key && equal(one.public, key.public));
      if (!key || words.length > 3 || twice) return false;
      policy.witnesses.set(name, key);
      return true;
    }
    case "group": {
      const need = second === "all" ? rest.length : second === "any" ? 1 : /^[1-9][0-9]*$/.test(second) ? Number(second) : 0;
      const taken = name === "none" || defined(name) || rest.some((each) => !defined(each) || members.has(each));
      if (taken || need < 1 || need > rest.length || new Set(rest).size < rest.length) return false;
      for (const each of rest) members.add(each);
      policy.groups.set(name, { need, members: rest });
      return true;
    }
    case "quorum":
      if (policy.quorum || words.length !== 1 || (name !== "none" && !defined(name))) return false;
      policy.quorum = name;
      return true;
    default:
      return false;
  }
}

// A key as text: its name, its number (4 bytes in hex), and its type and bytes in base64, with a plus between them.
async function readKey(word: string): Promise<Key | null> {
  const [, name, id, rest] = KEY.exec(word) ?? [];
  const bytes = unbase64(rest ?? "");
  if (!name || !id || !bytes || bytes.length < 2) return null;
  const numbered = await sha256(joined(utf8.encode(`${name}\n`), bytes));
  if (hex(numbered.subarray(0, ID_BYTES)) !== id) return null;
  return { name, id, type: bytes[0]!, public: bytes.subarray(1) };
}

export function isLogKey(key: Key): boolean {
  return key.type === ED25519 && key.public.length === KEY_BYTES;
}

// Whether this page can check what such a key signs; there are newer types.
export function isWitnessKey(key: Key): boolean {
  return key.type === COSIGNATURE && key.public.length === KEY_BYTES;
}

// Whether enough of the witnesses are among `seen`, by the policy's names.
export function isQuorum(policy: Policy, seen: ReadonlySet<string>): boolean {
  const has = (name: string): boolean => {
    const group = policy.groups.get(name);
    return group ? group.members.filter(has).length >= group.need : seen.has(name);
  };
  return policy.quorum === "none" || has(policy.quorum);
}
