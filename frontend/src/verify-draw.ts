// The draw, as docs/rules/draw.md has it: the seed binds manifest, list and chance together; a share of the places goes
// to those who have waited longest, the rest by lot. The lot of a ticket is a hash of the seed and the ticket.
import { hex, utf8 } from "./verify-bytes";
import type { Entries } from "./verify-entries";
import { HASH_BYTES, hashes, sha256 } from "./verify-hash";
import { RULES, type Manifest } from "./verify-manifest";

const TICKET_BYTES = 32; // its digits, as text

export interface Offer {
  row: number;
  port: number; // its place in the manifest's list
  phase: "seniority" | "lottery";
}

export interface Drawn {
  seed: Uint8Array;
  offers: Offer[]; // in the order in which they are made
  reserve: number[]; // rows, in the public order
  lots: number[]; // rows of all who were in the lottery, in the order of their lots
  used: number[]; // persons, by place of the port
  carryOut: number[];
}

// Hears how many hashes more are done, and how many of them nobody could count on before: ties.
type Told = (more: number, unforeseen?: number) => void;

export async function seedOf(manifestHash: Uint8Array, root: Uint8Array, chance: Uint8Array): Promise<Uint8Array> {
  return sha256(utf8.encode(`${RULES}|seed|${hex(manifestHash)}|${hex(root)}|${hex(chance)}`));
}

export async function draw(manifest: Manifest, entries: Entries, seed: Uint8Array, told: Told): Promise<Drawn> {
  const [n, d] = manifest.share;
  const cap = manifest.ports.map((port) => Math.max(0, port.capacity - port.carry));
  const reserved = cap.map((persons) => Number((BigInt(persons) * BigInt(n)) / BigInt(d)));
  const used = cap.map(() => 0);

  const seniors = await seniority(entries, seed, used, reserved, told);
  const seated = new Uint8Array(entries.count);
  for (const { row } of seniors) seated[row] = 1;
  const waiting = Array.from(seated.keys()).filter((row) => !seated[row]);
  told(seniors.length); // they need no lot
  const lots = await ordered(waiting, entries, seed, "rank", told);
  const { given, rest } = give(lots, entries, used, cap, "lottery");
  const carryOut = manifest.ports.map(
    ({ capacity, carry }, port) => Math.max(0, carry - capacity) + Math.max(0, used[port]! - cap[port]!),
  );
  return { seed, offers: [...seniors, ...given], reserve: rest, lots, used, carryOut };
}

// Fills the reserved places, week by week. Only those who list a port that still has some when their week comes have to be
// put into order; the others cannot get any more.
async function seniority(entries: Entries, seed: Uint8Array, used: number[], reserved: number[], told: Told): Promise<Offer[]> {
  const byWeeks = new Map<number, number[]>();
  entries.standings.forEach(({ weeks }, row) => {
    const rows = byWeeks.get(weeks);
    if (rows) rows.push(row);
    else byWeeks.set(weeks, [row]);
  });
  const seniors: Offer[] = [];
  for (const weeks of [...byWeeks.keys()].sort((a, b) => b - a)) {
    if (!used.some((persons, port) => persons < reserved[port]!)) break;
    const hoping = byWeeks.get(weeks)!.filter((row) => hasRoom(entries, row, used, reserved));
    const given = give(await ordered(hoping, entries, seed, "tie", told), entries, used, reserved, "seniority").given;
    for (const offer of given) seniors.push(offer);
  }
  return seniors;
}

function hasRoom(entries: Entries, row: number, used: number[], limit: number[]): boolean {
  return entries.standings[row]!.ports.some((port) => used[port]! < limit[port]!);
}

// Gives each the first port of its list with used < limit; `used` is brought up to date.
function give(
  order: number[],
  entries: Entries,
  used: number[],
  limit: number[],
  phase: Offer["phase"],
): { given: Offer[]; rest: number[] } {
  const given: Offer[] = [];
  const rest: number[] = [];
  for (const row of order) {
    const { ports, size } = entries.standings[row]!;
    const port = ports.find((one) => used[one]! < limit[one]!);
    if (port === undefined) {
      rest.push(row);
      continue;
    }
    given.push({ row, port, phase });
    used[port]! += size;
  }
  return { given, rest };
}

// Rows by the hash that the seed gives each ticket for this purpose. They come in the order of their tickets, which
// decides where two hashes were the same.
async function ordered(rows: number[], entries: Entries, seed: Uint8Array, purpose: "rank" | "tie", told: Told): Promise<number[]> {
  const prefix = utf8.encode(`${RULES}|${purpose}|${hex(seed)}|`);
  const input = new Uint8Array(prefix.length + TICKET_BYTES);
  input.set(prefix);
  const made = await hashes(
    rows.length,
    (place) => {
      input.set(entries.ticketBytes(rows[place]!), prefix.length);
      return input;
    },
    (more) => told(more, purpose === "tie" ? more : 0),
  );
  return inOrder(made).map((place) => rows[place]!);
}

// The places of 32-byte values in their order; of equal ones the first comes first.
function inOrder(values: Uint8Array): number[] {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const count = values.length / HASH_BYTES;
  const heads = Float64Array.from({ length: count }, (_, place) => {
    const at = place * HASH_BYTES;
    return view.getUint32(at) * 2 ** 21 + (view.getUint32(at + 4) >>> 11); // the first 53 bits, exact
  });
  const places = Array.from({ length: count }, (_, place) => place);
  return places.sort((a, b) => heads[a]! - heads[b]! || whole(values, a, b) || a - b);
}

function whole(values: Uint8Array, a: number, b: number): number {
  for (let i = 0; i < HASH_BYTES; i++) {
    const ahead = values[a * HASH_BYTES + i]! - values[b * HASH_BYTES + i]!;
    if (ahead) return ahead;
  }
  return 0;
}
