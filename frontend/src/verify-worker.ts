// Checks a draw from its public files, in a thread of its own, so that the page stays awake. All that is ever loaded is
// loaded first; afterwards nothing is asked of anybody, so that a ticket or receipt stays on the device.
import { hex, joined } from "./verify-bytes";
import { BEACON, randomness } from "./verify-beacon";
import { draw, seedOf } from "./verify-draw";
import { ENTRIES, readEntries } from "./verify-entries";
import { Fault } from "./verify-fault";
import { sha256 } from "./verify-hash";
import { MANIFEST, readManifest, type Manifest } from "./verify-manifest";
import { linesRoot } from "./verify-merkle";
import type { Check, Found, Right, Step, ToPage, ToWorker } from "./verify-messages";
import { readAsked } from "./verify-receipt";
import { RESULTS, compareResults } from "./verify-results";
import { CHECKPOINT, PROOF, sealing } from "./verify-sealing";
import { standingOf, type Checked } from "./verify-ticket";

const TOLD_EVERY_MS = 100;
const LOADING = 0.1; // of the whole work
const page = self as unknown as {
  postMessage(message: ToPage): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToWorker>) => void): void;
};

class Unreached extends Error {}

interface Files {
  manifest: Uint8Array;
  entries: Uint8Array;
  beacon: Uint8Array;
  results: Uint8Array;
  checkpoint: Uint8Array | null;
  proof: Uint8Array | null;
  policy: Uint8Array | null;
  keys: Uint8Array | null;
}

let checked: Checked | null = null;
let keys: Uint8Array | null = null;

page.addEventListener("message", ({ data }) => {
  void (data.say === "check" ? answer(data) : find(data.asked));
});

async function answer(asked: Check): Promise<void> {
  const progress = new Progress(asked.bytes);
  try {
    page.postMessage(await check(await load(asked, progress), progress));
  } catch (error) {
    page.postMessage(inWords(error));
  }
}

function inWords(error: unknown): ToPage {
  if (error instanceof Fault) {
    const { file, place, code, found, wanted } = error;
    return { say: "wrong", file, place, code, found, wanted };
  }
  if (error instanceof Unreached) return { say: "unreached", file: error.message };
  return { say: "broken", error: String(error) };
}

// -- loading ------------------------------------------------------------------------------------

async function load({ address, policy, keys: list }: Check, progress: Progress): Promise<Files> {
  const may = (where: string): Promise<Uint8Array | null> => get(where, progress);
  const must = async (name: string): Promise<Uint8Array> => {
    const found = await may(address + name);
    if (!found) throw new Fault(name, {}, "missing");
    return found;
  };
  const files = {
    manifest: await must(MANIFEST),
    beacon: await must(BEACON),
    checkpoint: await may(address + CHECKPOINT),
    proof: await may(address + PROOF),
    policy: await may(policy),
    keys: await may(list),
    results: await must(RESULTS),
    entries: await must(ENTRIES),
  };
  keys = files.keys;
  return files;
}

// The bytes at an address; null when nothing is there.
async function get(address: string, progress: Progress): Promise<Uint8Array | null> {
  try {
    const response = await fetch(address, { credentials: "omit", redirect: "error" });
    if (response.status === 404) return null;
    if (!response.ok || !response.body) throw new Error(String(response.status));
    const parts: Uint8Array[] = [];
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      progress.loaded(part.value.length);
    }
    return joined(...parts);
  } catch {
    throw new Unreached(address.slice(address.lastIndexOf("/") + 1));
  }
}

// -- checking -----------------------------------------------------------------------------------

async function check(files: Files, progress: Progress): Promise<Right> {
  const manifest = readManifest(files.manifest);
  const chance = await randomness(files.beacon, manifest);
  const entries = readEntries(files.entries, manifest);
  progress.expect(entries.count);
  const manifestHash = await sha256(files.manifest);
  const root = await linesRoot(files.entries, entries.starts, (more) => progress.hashed("list", more));
  const seed = await seedOf(manifestHash, root, chance);
  const drawn = await draw(manifest, entries, seed, (more, unforeseen) => progress.hashed("draw", more, unforeseen));
  page.postMessage({ say: "progress", step: "compare", part: 1 });
  const shownSealing = await sealing({ manifest, manifestHash, root }, files.checkpoint, files.proof, files.policy);
  compareResults(files.results, manifest, entries, drawn);
  checked = { manifest, entries, drawn };
  return {
    say: "right",
    round: manifest.round,
    entries: entries.count,
    offers: drawn.offers.length,
    reserve: drawn.reserve.length,
    root: hex(root),
    seed: hex(seed),
    carryOut: Object.fromEntries(manifest.ports.map(({ port }, place) => [port, drawn.carryOut[place]!])),
    beacon: manifest.beacon.kind,
    sources: sources(manifest),
    sealing: shownSealing,
  };
}

function sources({ beacon }: Manifest): string[] {
  return beacon.kind === "drand" ? [String(beacon.round)] : beacon.commitments.map(({ by }) => by);
}

// -- progress -----------------------------------------------------------------------------------

// How much of the work is done: a part of it is loading, by bytes, the rest is hashing, by the number of hashes. The tree
// takes two for each entry and the lots one. Ties come on top; each is counted on when it is done, so that the bar never
// goes back.
class Progress {
  private bytes = 0;
  private hashes = 0;
  private expected = 1;
  private toldAt = 0;

  constructor(private readonly bytesExpected: number) {}

  loaded(bytes: number): void {
    this.bytes += bytes;
    this.tell("load", LOADING * Math.min(1, this.bytes / Math.max(1, this.bytesExpected)));
  }

  expect(entries: number): void {
    this.expected = 1 + 3 * entries;
  }

  hashed(step: Step, more: number, unforeseen = 0): void {
    this.hashes += more;
    this.expected += unforeseen;
    this.tell(step, LOADING + (1 - LOADING) * Math.min(1, this.hashes / this.expected));
  }

  private tell(step: Step, part: number): void {
    if (performance.now() - this.toldAt < TOLD_EVERY_MS) return;
    this.toldAt = performance.now();
    page.postMessage({ say: "progress", step, part });
  }
}

// -- a ticket -----------------------------------------------------------------------------------

async function find(typed: string): Promise<void> {
  if (!checked) return;
  const asked = await readAsked(typed, keys);
  const here = asked.ticket && (!asked.round || asked.round === checked.manifest.round);
  const found: Found = {
    say: "found",
    asked,
    round: checked.manifest.round,
    standing: here ? standingOf(checked, asked.ticket) : null,
  };
  page.postMessage(found);
}
