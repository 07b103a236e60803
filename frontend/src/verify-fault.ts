// What a check ends with when something is not as it must be: the first place, and what is the matter there. `code` names
// the page's own words for it, in the person's language; `found` and `wanted` are put into them.
export interface Place {
  line?: number; // from 1, the header included
  key?: string; // as in ports[0].capacity
}

// What can be the matter. Each has its words in templates/draw/verify-faults.html; a test compares the two.
export type Code =
  | "missing"
  | "too-long"
  | "not-text"
  | "not-json"
  | "shape"
  | "key-twice"
  | "missing-key"
  | "unknown-key"
  | "cannot-be"
  | "rules"
  | "not-canonical"
  | "round-not-due"
  | "line-end"
  | "header"
  | "line-form"
  | "ticket"
  | "ticket-twice"
  | "order"
  | "size"
  | "weeks"
  | "ports"
  | "beacon-kind"
  | "beacon-round"
  | "beacon-signature"
  | "reveal-twice"
  | "reveal-missing"
  | "reveal-unknown"
  | "reveal-short"
  | "reveal-wrong"
  | "proof-form"
  | "proof-checkpoint"
  | "checkpoint-form"
  | "not-included"
  | "signature"
  | "policy"
  | "statement"
  | "late"
  | "difference";

export class Fault extends Error {
  constructor(
    readonly file: string,
    readonly place: Place,
    readonly code: Code,
    readonly found: string | null = "",
    readonly wanted: string | null = "",
  ) {
    super(`${file}: ${code}`);
  }
}

const SHOWN_MOST = 120; // characters of what somebody else wrote

// One line of it, without what does not print: no file may say more on this page than what it is.
export function shown(text: string): string {
  const head = Array.from(text.slice(0, 2 * SHOWN_MOST)).slice(0, SHOWN_MOST);
  const clean = head.map((char) => (/^[^\p{C}\p{Z}]$|^ $/u.test(char) ? char : escaped(char))).join("");
  return head.join("").length < text.length ? `${clean}…` : clean;
}

function escaped(char: string): string {
  return `\\u{${char.codePointAt(0)!.toString(16)}}`;
}
