// results.csv, made anew and compared: where the published file first differs.
import { equal, utf8 } from "./verify-bytes";
import type { Drawn } from "./verify-draw";
import type { Entries } from "./verify-entries";
import { Fault, shown } from "./verify-fault";
import type { Manifest } from "./verify-manifest";

export const RESULTS = "results.csv";
const HEADER = "ticket,outcome,port,order,phase\n";
const LINES = 8192; // compared at once
const LINE_FEED = 10;

// Throws a Fault that names the first line that differs.
export function compareResults(found: Uint8Array, manifest: Manifest, entries: Entries, drawn: Drawn): void {
  const parts = expected(manifest, entries, drawn);
  let [at, linesDone] = [0, 0];
  for (let part = parts.next(); !part.done; part = parts.next()) {
    const bytes = utf8.encode(part.value);
    if (!equal(found.subarray(at, at + bytes.length), bytes)) {
      throw difference(part.value + (parts.next().value ?? ""), found.subarray(at), linesDone);
    }
    at += bytes.length;
    linesDone += part.value.split("\n").length - 1;
  }
  if (at < found.length) throw difference("", found.subarray(at), linesDone);
}

// The text in parts of some thousand whole lines.
function* expected(manifest: Manifest, entries: Entries, drawn: Drawn): Generator<string, undefined> {
  yield HEADER;
  const { offers, reserve } = drawn;
  for (let start = 0; start < offers.length; start += LINES) {
    const some = offers.slice(start, start + LINES);
    yield some.map((offer, i) => {
      const port = manifest.ports[offer.port]!.port;
      return `${entries.ticket(offer.row)},offered,${port},${start + i + 1},${offer.phase}\n`;
    }).join("");
  }
  for (let start = 0; start < reserve.length; start += LINES) {
    const some = reserve.slice(start, start + LINES);
    yield some.map((row, i) => `${entries.ticket(row)},reserve,,${start + i + 1},\n`).join("");
  }
}

// The first line in which the two differ; null stands for no line at all.
function difference(right: string, here: Uint8Array, linesDone: number): Fault {
  const lines = right.split("\n");
  let start = 0;
  for (let place = 0; ; place++) {
    const end = start > here.length ? -1 : here.indexOf(LINE_FEED, start);
    const stop = end < 0 ? here.length : end;
    const found = start > here.length ? null : new TextDecoder("utf-8", { ignoreBOM: true }).decode(here.subarray(start, stop));
    const wanted = lines[place] ?? null;
    if (found !== wanted) {
      const told = found === null ? null : shown(found);
      // behind the last line end stands nothing: where the file goes on there, no line is wanted
      return new Fault(RESULTS, { line: linesDone + place + 1 }, "difference", told, found === null ? wanted : wanted || null);
    }
    start = stop + 1;
  }
}
