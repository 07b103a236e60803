// entries.csv: a line for each group in the round, sorted by ticket. A file of nothing but right lines is read in one go,
// and `refuse` has the words for all others: it goes through them line by line and names the first fault.
import { text } from "./verify-bytes";
import { Fault, shown, type Code } from "./verify-fault";
import type { Manifest } from "./verify-manifest";

export const ENTRIES = "entries.csv";
const HEADER = "ticket,size,weeks,ports";
const DIGITS = 32;
const LINE_MOST = 4096;
const TICKET = /^[0-9a-f]{32}$/;
const WHOLE = /^(?:0|[1-9][0-9]{0,8})$/; // nine digits at most, no sign, no leading zero
const [LINE_FEED, RETURN] = [10, 13];

// What an entry says beside its ticket. Many entries say the same and share one of these; `ports` are places in the
// manifest's list.
export interface Standing {
  size: number;
  weeks: number;
  ports: number[];
}

// The whole list, in the order of the tickets; an entry is a row, counted from 0.
export class Entries {
  constructor(
    readonly data: Uint8Array,
    private readonly lines: string,
    readonly starts: Uint32Array, // where each line begins, and last where a next one would
    readonly standings: Standing[],
  ) {}

  get count(): number {
    return this.standings.length;
  }

  ticket(row: number): string {
    return this.lines.slice(this.starts[row], this.starts[row]! + DIGITS);
  }

  ticketBytes(row: number): Uint8Array {
    return this.data.subarray(this.starts[row], this.starts[row]! + DIGITS);
  }

  // The row of a ticket; -1 when it is not in the list.
  find(ticket: string): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ticket(middle) < ticket) low = middle + 1;
      else high = middle;
    }
    return low < this.count && this.ticket(low) === ticket ? low : -1;
  }
}

export function readEntries(data: Uint8Array, manifest: Manifest): Entries {
  return read(data, manifest) ?? refuse(data, manifest);
}

function read(data: Uint8Array, manifest: Manifest): Entries | null {
  const lines = new TextDecoder("latin1").decode(data); // a character for a byte; what is not ASCII is no right line
  if (!lines.startsWith(`${HEADER}\n`) || !lines.endsWith("\n")) return null;
  const standing = new Standings(manifest);
  const starts: number[] = [];
  const standings: Standing[] = [];
  let last = "";
  let start = HEADER.length + 1;
  while (start < lines.length) {
    const end = lines.indexOf("\n", start);
    const ticket = lines.slice(start, start + DIGITS);
    const said = end - start <= LINE_MOST ? standing.of(lines.slice(start + DIGITS, end)) : null;
    if (ticket <= last || typeof said !== "object" || !said || !TICKET.test(ticket)) return null;
    starts.push(start);
    standings.push(said);
    last = ticket;
    start = end + 1;
  }
  starts.push(start);
  return new Entries(data, lines, Uint32Array.from(starts), standings);
}

type Wrong = [code: Code, found: string, wanted: string];

// Reads what stands behind the ticket in a line, as in ",2,7,SYS|NOG", each distinct text once.
class Standings {
  private readonly known = new Map<string, Standing>();
  private readonly places: Map<string, number>;

  constructor(private readonly manifest: Manifest) {
    this.places = new Map(manifest.ports.map(({ port }, place) => [port, place]));
  }

  of(said: string): Standing | null {
    const known = this.known.get(said);
    if (known) return known;
    const made = this.read(said);
    if (Array.isArray(made)) return null;
    this.known.set(said, made);
    return made;
  }

  // The standing, or what is wrong with it.
  read(said: string): Standing | Wrong {
    const [nothing, size, weeks, ports, more] = said.split(",");
    if (nothing || ports === undefined || more !== undefined) return ["line-form", shown(said), HEADER];
    const most = this.manifest.groupMax;
    if (!WHOLE.test(size!) || Number(size) < 1 || Number(size) > most) return ["size", shown(size!), String(most)];
    if (!WHOLE.test(weeks!)) return ["weeks", shown(weeks!), ""];
    const places = ports.split("|").map((port) => this.places.get(port) ?? -1);
    if (places.includes(-1) || new Set(places).size < places.length) return ["ports", shown(ports), ""];
    return { size: Number(size), weeks: Number(weeks), ports: places };
  }
}

function refuse(data: Uint8Array, manifest: Manifest): never {
  const standing = new Standings(manifest);
  const tickets = new Map<string, number>();
  let [last, start] = ["", 0];
  for (let number = 1; start < data.length || number === 1; number++) {
    const fault = (code: Code, found = "", wanted = ""): Fault => new Fault(ENTRIES, { line: number }, code, found, wanted);
    const end = data.indexOf(LINE_FEED, start);
    const bytes = data.subarray(start, end < 0 ? data.length : end);
    if (bytes.includes(RETURN)) throw fault("line-end");
    const line = text(bytes);
    if (line === null) throw fault("not-text");
    if (number === 1 && line !== HEADER) throw fault("header", shown(line), HEADER);
    if (end < 0) throw fault("line-end");
    start = end + 1;
    if (number === 1) continue;
    if (line.split(",").length !== 4 || line.length > LINE_MOST) throw fault("line-form", shown(line), HEADER);
    const ticket = line.slice(0, line.indexOf(","));
    if (!TICKET.test(ticket)) throw fault("ticket", shown(ticket));
    if (tickets.has(ticket)) throw fault("ticket-twice", "", String(tickets.get(ticket)));
    if (ticket < last) throw fault("order");
    tickets.set(ticket, number);
    last = ticket;
    const said = standing.read(line.slice(DIGITS));
    if (Array.isArray(said)) throw fault(...said);
  }
  throw new Fault(ENTRIES, {}, "line-form"); // not reached: a file that was not taken has a fault
}
