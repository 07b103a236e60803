// beacon.json: the random value, and the proof that it is the one that the manifest announced.
import { bls12_381 } from "@noble/curves/bls12-381";
import { byCodePoint, hex, joined, unhex } from "./verify-bytes";
import { Fault, shown } from "./verify-fault";
import { sha256 } from "./verify-hash";
import { Fields, kindOf, readJson } from "./verify-json";
import type { CommitReveal, Drand, Manifest } from "./verify-manifest";

export const BEACON = "beacon.json";
const HEX = /^(?:[0-9a-f]{2})+$/;
const REVEAL_BYTES = 32; // at least
const SIGNATURE_BYTES = 48;
// quicknet, scheme bls-unchained-g1-rfc9380: signatures on G1, public key on G2
const PUBLIC_KEY =
  "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451" +
  "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a";
const DOMAIN = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

interface DrandProof {
  kind: "drand";
  round: number;
  signature: Uint8Array;
}

interface Reveals {
  kind: "commit-reveal";
  reveals: [by: string, reveal: Uint8Array][];
}

// The 32 bytes that beacon.json gives to the draw; throws a Fault unless they are those that were announced.
export async function randomness(data: Uint8Array, manifest: Manifest): Promise<Uint8Array> {
  const proof = readBeacon(data);
  const { beacon } = manifest;
  if (beacon.kind === "drand" && proof.kind === "drand") return fromDrand(beacon, proof);
  if (beacon.kind === "commit-reveal" && proof.kind === "commit-reveal") return fromReveals(beacon, proof);
  throw new Fault(BEACON, { key: "kind" }, "beacon-kind", proof.kind, beacon.kind);
}

function readBeacon(data: Uint8Array): DrandProof | Reveals {
  const value = readJson(BEACON, data);
  const kind = kindOf(BEACON, "", value, ["drand", "commit-reveal"]);
  if (kind === "drand") {
    const drand = new Fields(BEACON, "", value, ["kind", "round", "signature"]);
    return { kind, round: drand.whole("round"), signature: bytes(drand, "signature") };
  }
  const fields = new Fields(BEACON, "", value, ["kind", "reveals"]);
  const each = fields.objects("reveals", ["by", "reveal"]);
  return { kind: "commit-reveal", reveals: each.map((one) => [one.text("by"), bytes(one, "reveal")]) };
}

function bytes(fields: Fields, key: string): Uint8Array {
  const found = fields.text(key);
  if (!HEX.test(found)) throw fields.fault(key, "cannot-be", shown(found));
  return unhex(found);
}

async function fromDrand(announced: Drand, proof: DrandProof): Promise<Uint8Array> {
  if (proof.round !== announced.round) {
    throw new Fault(BEACON, { key: "round" }, "beacon-round", String(proof.round), String(announced.round));
  }
  const number = new DataView(new ArrayBuffer(8));
  number.setBigUint64(0, BigInt(proof.round));
  if (!isSigned(await sha256(new Uint8Array(number.buffer)), proof.signature)) {
    throw new Fault(BEACON, { key: "signature" }, "beacon-signature", shown(hex(proof.signature)));
  }
  return sha256(proof.signature);
}

// Whether quicknet's key made this signature on the message. A point at infinity or outside the subgroup makes the pairing
// mean nothing, and is refused.
function isSigned(message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  const { shortSignatures } = bls12_381;
  try {
    const point = shortSignatures.Signature.fromBytes(signature);
    if (point.is0() || !point.isTorsionFree()) return false;
    return shortSignatures.verify(point, shortSignatures.hash(message, DOMAIN), unhex(PUBLIC_KEY));
  } catch {
    return false; // not a point of the curve
  }
}

async function fromReveals(announced: CommitReveal, proof: Reveals): Promise<Uint8Array> {
  const commitments = new Map(announced.commitments.map(({ by, commitment }) => [by, commitment]));
  const reveals = new Map(proof.reveals);
  const list = { key: "reveals" };
  if (reveals.size < proof.reveals.length) throw new Fault(BEACON, list, "reveal-twice");
  for (const by of [...commitments.keys()].sort(byCodePoint)) {
    if (!reveals.has(by)) throw new Fault(BEACON, list, "reveal-missing", shown(by));
  }
  const ordered = [...reveals].sort(([a], [b]) => byCodePoint(a, b));
  for (const [by, reveal] of ordered) {
    const commitment = commitments.get(by);
    if (commitment === undefined) throw new Fault(BEACON, list, "reveal-unknown", shown(by));
    if (reveal.length < REVEAL_BYTES) throw new Fault(BEACON, list, "reveal-short", shown(by));
    if (hex(await sha256(reveal)) !== commitment) throw new Fault(BEACON, list, "reveal-wrong", shown(by));
  }
  return sha256(joined(...ordered.map(([, reveal]) => reveal)));
}
