// What the page and its worker thread say to each other.
import type { Code, Place } from "./verify-fault";
import type { Asked } from "./verify-receipt";
import type { Sealing } from "./verify-sealing";

// From the page: check the draw whose files are below `address`, or say where a ticket stands in the draw just checked.
export interface Check {
  say: "check";
  address: string;
  policy: string; // whom to trust with the ledger: an address too
  keys: string; // the list of the receipt keys
  bytes: number; // all files together, about
}

export type ToWorker = Check | { say: "find"; asked: string };

export type Step = "load" | "list" | "draw" | "compare";

export interface Right {
  say: "right";
  round: string;
  entries: number;
  offers: number;
  reserve: number;
  root: string;
  seed: string;
  carryOut: Record<string, number>; // persons by port
  beacon: "drand" | "commit-reveal";
  sources: string[]; // the chain's round, or who revealed
  sealing: Sealing;
}

export interface Wrong {
  say: "wrong";
  file: string;
  place: Place;
  code: Code;
  found: string | null;
  wanted: string | null;
}

// A line of results.csv, with what entries.csv says of the same ticket.
export interface ResultLine {
  line: number; // of results.csv
  ticket: string;
  outcome: "offered" | "reserve";
  port: string;
  order: number;
  size: number;
  weeks: number;
  mine: boolean;
}

export interface Found {
  say: "found";
  asked: Asked;
  round: string; // that was checked
  // null when the ticket is not in the list
  standing: {
    line: number; // of entries.csv
    size: number;
    weeks: number;
    ports: string[];
    outcome: "seniority" | "lottery" | "reserve";
    port: string;
    order: number;
    lot: number; // its place among all lots; 0 when it needed none
    lots: number;
    neighbours: ResultLine[];
  } | null;
}

export type ToPage =
  | { say: "progress"; step: Step; part: number } // part of the whole, 0 to 1
  | Right
  | Wrong
  | { say: "unreached"; file: string } // could not be loaded
  | { say: "broken"; error: string }
  | Found;
