// JSON that somebody else wrote, read strictly. The browser's own reader takes the last of two equal keys and cannot tell
// 1 from 1.0; two people could then read two different files out of one.
import { text } from "./verify-bytes";
import { Fault, shown, type Code } from "./verify-fault";

export class Fraction {} // a number that is not a whole one, NaN too; no file of a draw has any
export type Json = string | number | boolean | null | Fraction | Json[] | Map<string, Json>;

const BYTES_MOST = 1 << 20;
const DEPTH_MOST = 100;
const TOKEN = /[ \t\n\r]*(?:([[\]{},:])|(-?(?:0|[1-9][0-9]*))((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)|(true|false|null|NaN|-?Infinity)|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"))/y;
const BLANKS = /[ \t\n\r]*$/y;
const WORDS = new Map<string, Json>([["true", true], ["false", false], ["null", null]]); // else a Fraction

export function readJson(file: string, data: Uint8Array): Json {
  if (data.length > BYTES_MOST) throw new Fault(file, {}, "too-long");
  const read = text(data);
  if (read === null) throw new Fault(file, {}, "not-text");
  return new Reader(file, read).all();
}

class Reader {
  private at = 0;

  constructor(
    private readonly file: string,
    private readonly source: string,
  ) {}

  all(): Json {
    const value = this.value(this.token(), 0);
    BLANKS.lastIndex = this.at;
    if (!BLANKS.test(this.source)) throw this.unreadable();
    return value;
  }

  private unreadable(): Fault {
    return new Fault(this.file, {}, "not-json");
  }

  private token(): RegExpExecArray {
    TOKEN.lastIndex = this.at;
    const found = TOKEN.exec(this.source);
    if (!found) throw this.unreadable();
    this.at = TOKEN.lastIndex;
    return found;
  }

  private value([, mark, whole, rest, word, quoted]: RegExpExecArray, depth: number): Json {
    if (mark === "[" || mark === "{") {
      if (depth === DEPTH_MOST) throw this.unreadable();
      return mark === "[" ? this.list(depth + 1) : this.object(depth + 1);
    }
    if (quoted !== undefined) return JSON.parse(quoted) as string;
    if (whole !== undefined) return rest ? new Fraction() : Number(whole);
    if (word !== undefined) return WORDS.has(word) ? WORDS.get(word)! : new Fraction();
    throw this.unreadable();
  }

  private list(depth: number): Json[] {
    const items: Json[] = [];
    let next = this.token();
    if (next[1] === "]") return items;
    for (;;) {
      items.push(this.value(next, depth));
      const mark = this.token()[1];
      if (mark === "]") return items;
      if (mark !== ",") throw this.unreadable();
      next = this.token();
    }
  }

  private object(depth: number): Map<string, Json> {
    const members = new Map<string, Json>();
    let next = this.token();
    if (next[1] === "}") return members;
    for (;;) {
      if (next[5] === undefined) throw this.unreadable();
      const key = JSON.parse(next[5]) as string;
      if (members.has(key)) throw new Fault(this.file, {}, "key-twice", shown(key));
      if (this.token()[1] !== ":") throw this.unreadable();
      members.set(key, this.value(this.token(), depth));
      const mark = this.token()[1];
      if (mark === "}") return members;
      if (mark !== ",") throw this.unreadable();
      next = this.token();
    }
  }
}

// The members of one object of a file, each read with the type that it must have; `keys` are exactly those it has.
export class Fields {
  private readonly members: Map<string, Json>;

  constructor(
    private readonly file: string,
    private readonly path: string,
    value: Json,
    keys: readonly string[],
  ) {
    if (!(value instanceof Map)) throw this.fault("", "shape");
    this.members = value;
    for (const key of keys) if (!value.has(key)) throw this.fault(key, "missing-key");
    for (const key of value.keys()) if (!keys.includes(key)) throw this.fault("", "unknown-key", shown(key));
  }

  fault(key: string, code: Code, found = "", wanted = ""): Fault {
    const path = [this.path, key].filter((part) => part).join(".");
    return new Fault(this.file, path ? { key: path } : {}, code, found, wanted);
  }

  value(key: string): Json {
    return this.members.get(key)!;
  }

  text(key: string): string {
    const value = this.value(key);
    if (typeof value !== "string") throw this.fault(key, "shape");
    return value;
  }

  whole(key: string): number {
    const value = this.value(key);
    if (typeof value !== "number") throw this.fault(key, "shape");
    return value;
  }

  items(key: string): Json[] {
    const value = this.value(key);
    if (!Array.isArray(value)) throw this.fault(key, "shape");
    return value;
  }

  wholes(key: string): number[] {
    return this.items(key).map((item) => {
      if (typeof item !== "number") throw this.fault(key, "shape");
      return item;
    });
  }

  objects(key: string, keys: readonly string[]): Fields[] {
    const path = [this.path, key].filter((part) => part).join(".");
    return this.items(key).map((item, i) => new Fields(this.file, `${path}[${i}]`, item, keys));
  }
}

// Which of `kinds` the member "kind" of an object names.
export function kindOf(file: string, path: string, value: Json, kinds: readonly string[]): string {
  const kind = value instanceof Map ? value.get("kind") : undefined;
  if (typeof kind === "string" && kinds.includes(kind)) return kind;
  const found = typeof kind === "string" ? shown(kind) : "";
  throw new Fault(file, { key: path ? `${path}.kind` : "kind" }, found ? "cannot-be" : "shape", found);
}
