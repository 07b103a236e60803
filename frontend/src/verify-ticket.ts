// Where a ticket stands in a draw that was checked, with its neighbours in the order of the results.
import type { Drawn } from "./verify-draw";
import type { Entries } from "./verify-entries";
import type { Manifest } from "./verify-manifest";
import type { Found, ResultLine } from "./verify-messages";

const NEIGHBOURS = 3; // on each side

export interface Checked {
  manifest: Manifest;
  entries: Entries;
  drawn: Drawn;
}

export function standingOf({ manifest, entries, drawn }: Checked, ticket: string): Found["standing"] {
  const row = entries.find(ticket);
  if (row < 0) return null;
  const { size, weeks, ports } = entries.standings[row]!;
  const lines = drawn.offers.length + drawn.reserve.length;
  const offer = drawn.offers.findIndex((each) => each.row === row);
  const at = offer >= 0 ? offer : drawn.offers.length + drawn.reserve.indexOf(row);
  const lineAt = (place: number): ResultLine => resultLine({ manifest, entries, drawn }, place, row);
  const mine = lineAt(at);
  const first = Math.max(0, at - NEIGHBOURS);
  return {
    line: row + 2,
    size,
    weeks,
    ports: ports.map((port) => manifest.ports[port]!.port),
    outcome: offer >= 0 ? drawn.offers[offer]!.phase : "reserve",
    port: mine.port,
    order: mine.order,
    lot: drawn.lots.indexOf(row) + 1,
    lots: drawn.lots.length,
    neighbours: Array.from({ length: Math.min(lines, at + NEIGHBOURS + 1) - first }, (_, i) => lineAt(first + i)),
  };
}

// The line at a place of results.csv, counted from 0 without the header.
function resultLine({ manifest, entries, drawn }: Checked, place: number, mine: number): ResultLine {
  const offer = drawn.offers[place];
  const row = offer ? offer.row : drawn.reserve[place - drawn.offers.length]!;
  const { size, weeks } = entries.standings[row]!;
  return {
    line: place + 2,
    ticket: entries.ticket(row),
    outcome: offer ? "offered" : "reserve",
    port: offer ? manifest.ports[offer.port]!.port : "",
    order: offer ? place + 1 : place - drawn.offers.length + 1,
    size,
    weeks,
    mine: row === mine,
  };
}
