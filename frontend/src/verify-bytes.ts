// Bytes as texts, and back.
export const utf8 = new TextEncoder();

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// `text` holds pairs of hexadecimal digits and nothing else.
export function unhex(text: string): Uint8Array {
  const pairs = text.match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

// The bytes of standard base64; null for everything else, also for another way to write the same.
export function unbase64(text: string): Uint8Array | null {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  try {
    const chars = atob(text);
    return btoa(chars) === text ? Uint8Array.from(chars, (char) => char.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, place) => byte === b[place]);
}

export function joined(...parts: Uint8Array[]): Uint8Array {
  const made = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let end = 0;
  for (const part of parts) {
    made.set(part, end);
    end += part.length;
  }
  return made;
}

// The text that these bytes are in UTF-8, to the letter; null when they are none.
export function text(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

// The order of code points, which is that of the bytes in UTF-8 and not that of a script's own strings.
export function byCodePoint(a: string, b: string): number {
  const [one, other] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < one.length && i < other.length; i++) {
    const ahead = one[i]!.codePointAt(0)! - other[i]!.codePointAt(0)!;
    if (ahead) return ahead;
  }
  return one.length - other.length;
}
