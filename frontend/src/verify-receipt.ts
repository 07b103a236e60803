// A receipt, or a ticket itself, as somebody typed or pasted it. A receipt is "FG1:" and base45 (RFC 9285) of a COSE_Sign1
// (RFC 9052) over a map in CBOR (RFC 8949), signed with Ed25519.
import { equal, hex, joined, text, unbase64, utf8 } from "./verify-bytes";
import { isSignature } from "./verify-note";

const PREFIX = "FG1:";
const TEXT_MOST = 4096;
// A receipt has one form: nothing stands in it beside what is signed, the signature and these.
const SIGN1 = Uint8Array.of(0xd2, 0x84); // tag 18, a list of four
const PROTECTED = Uint8Array.of(0xa2, 0x01, 0x27, 0x04, 0x48); // {1: -8, 4: the key's id, a byte string of 8}
const NO_HEADER = Uint8Array.of(0xa0);
const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const DEPTH_MOST = 8;
const TICKET = /^(?:[0-9a-f]{32})?$/; // or none
const DATE = /^(?:[0-9]{4}-[0-9]{2}-[0-9]{2})?$/;

type Cbor = number | string | boolean | null | Uint8Array | Cbor[] | Map<Cbor, Cbor> | Tagged;
class Tagged {
  constructor(
    readonly tag: number,
    readonly value: Cbor,
  ) {}
}

export interface Asked {
  ticket: string; // empty when the text names none
  round: string; // of a receipt: the date of its round; else empty
  // of a receipt: whether one of the published keys signed it; "none" for a ticket alone
  signature: "right" | "wrong" | "unknown" | "none";
  readable: boolean;
}

const UNREADABLE: Asked = { ticket: "", round: "", signature: "none", readable: false };

export async function readAsked(typed: string, keyList: Uint8Array | null): Promise<Asked> {
  const asked = typed.trim();
  if (/^[0-9a-fA-F\s]+$/.test(asked)) {
    const ticket = asked.replace(/\s/g, "").toLowerCase();
    return ticket.length === 32 ? { ...UNREADABLE, ticket, readable: true } : UNREADABLE;
  }
  const receipt = unwrapped(asked);
  if (!receipt.startsWith(PREFIX) || receipt.length > TEXT_MOST) return UNREADABLE;
  try {
    return await readReceipt(receipt.slice(PREFIX.length), keyList);
  } catch {
    return UNREADABLE;
  }
}

// Mail programs break long lines, and make hard blanks of two in a row; neither is ever in a receipt.
function unwrapped(sent: string): string {
  return sent.replace(/[\r\n]/g, "").replace(/\u00a0/g, " ");
}

async function readReceipt(encoded: string, keyList: Uint8Array | null): Promise<Asked> {
  const data = base45(encoded);
  const envelope = readCbor(data);
  if (!(envelope instanceof Tagged) || envelope.tag !== 18 || !Array.isArray(envelope.value)) return UNREADABLE;
  const [head, , payload, signature] = envelope.value;
  if (!(head instanceof Uint8Array) || !(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) return UNREADABLE;
  const [begin, end] = [joined(SIGN1, bytesAsCbor(head), NO_HEADER), joined(bytesAsCbor(payload), bytesAsCbor(signature))];
  if (!equal(data, joined(begin, end)) || !equal(head.subarray(0, PROTECTED.length), PROTECTED)) return UNREADABLE;
  const said = readCbor(payload);
  if (!(said instanceof Map)) return UNREADABLE;
  const fact = (key: string): string => {
    const value = said.get(key);
    return typeof value === "string" ? value : "";
  };
  const [ticket, round] = [fact("ticket"), fact("round")];
  if (!TICKET.test(ticket) || !DATE.test(round)) return UNREADABLE; // none of ours, and its words are not for this page
  return { ticket, round, signature: await signatureOf(head, payload, signature, publicKeys(keyList)), readable: true };
}

async function signatureOf(
  head: Uint8Array,
  payload: Uint8Array,
  signature: Uint8Array,
  keys: Map<string, Uint8Array>,
): Promise<Asked["signature"]> {
  const kid = (readCbor(head) as Map<Cbor, Cbor>).get(4);
  const key = kid instanceof Uint8Array ? keys.get(hex(kid)) : undefined;
  if (!key) return "unknown";
  const begin = Uint8Array.of(0x84, 0x6a, ...utf8.encode("Signature1"));
  const message = joined(begin, bytesAsCbor(head), Uint8Array.of(0x40), bytesAsCbor(payload));
  return (await isSignature(key, message, signature)) ? "right" : "wrong";
}

// The list at /keys.json, by key number.
function publicKeys(list: Uint8Array | null): Map<string, Uint8Array> {
  try {
    const { keys } = JSON.parse(text(list!)!) as { keys: { kid: string; public: string }[] };
    return new Map(keys.map((key) => [key.kid, unbase64(key.public) ?? new Uint8Array(0)]));
  } catch {
    return new Map();
  }
}

function base45(encoded: string): Uint8Array {
  const bytes: number[] = [];
  for (let place = 0; place < encoded.length; place += 3) {
    const digits = Array.from(encoded.slice(place, place + 3), (char) => BASE45.indexOf(char));
    const number = digits.reduce((sum, digit, i) => sum + digit * 45 ** i, 0);
    const most = digits.length === 3 ? 0xffff : 0xff;
    if (digits.length === 1 || digits.includes(-1) || number > most) throw new RangeError("not base45");
    if (digits.length === 3) bytes.push(number >> 8);
    bytes.push(number & 0xff);
  }
  return Uint8Array.from(bytes);
}

function bytesAsCbor(bytes: Uint8Array): Uint8Array {
  const size = bytes.length;
  if (size < 24) return joined(Uint8Array.of(0x40 + size), bytes);
  return joined(size < 256 ? Uint8Array.of(0x58, size) : Uint8Array.of(0x59, size >> 8, size & 0xff), bytes);
}

// One item of CBOR that fills the bytes; of definite length, as receipts are.
function readCbor(data: Uint8Array): Cbor {
  const reader = new CborReader(data);
  const value = reader.item(0);
  if (!reader.done) throw new RangeError("bytes too many");
  return value;
}

class CborReader {
  private at = 0;

  constructor(private readonly data: Uint8Array) {}

  get done(): boolean {
    return this.at === this.data.length;
  }

  item(depth: number): Cbor {
    if (depth > DEPTH_MOST) throw new RangeError("too deep");
    const first = this.take(1)[0]!;
    const [major, minor] = [first >> 5, first & 31];
    if (major === 7) return this.simple(minor);
    const count = minor < 24 ? minor : this.whole(minor);
    switch (major) {
      case 0:
        return count;
      case 1:
        return -1 - count;
      case 2:
        return this.take(count);
      case 3:
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(count));
      case 4:
        return this.items(count, depth);
      case 5:
        return this.map(count, depth);
      default:
        return new Tagged(count, this.item(depth + 1));
    }
  }

  private take(count: number): Uint8Array {
    if (this.at + count > this.data.length) throw new RangeError("bytes missing");
    return this.data.subarray(this.at, (this.at += count));
  }

  private whole(minor: number): number {
    if (minor > 27) throw new RangeError("of no definite length");
    return this.take(1 << (minor - 24)).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  private simple(minor: number): Cbor {
    if (minor === 20 || minor === 21) return minor === 21;
    if (minor === 22) return null;
    throw new RangeError("not what a receipt has");
  }

  private items(count: number, depth: number): Cbor[] {
    if (count > this.data.length) throw new RangeError("bytes missing");
    return Array.from({ length: count }, () => this.item(depth + 1));
  }

  private map(count: number, depth: number): Map<Cbor, Cbor> {
    const both = this.items(2 * count, depth);
    return new Map(Array.from({ length: count }, (_, i) => [both[2 * i]!, both[2 * i + 1]!]));
  }
}
