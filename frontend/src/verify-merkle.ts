// The Merkle tree of RFC 6962, section 2.1: one hash that stands for a whole list. A leaf is hashed behind a byte 00, a
// node behind a byte 01, and a last hash without a neighbour moves up a level as it is.
import { equal, joined } from "./verify-bytes";
import { HASH_BYTES, hashes, sha256 } from "./verify-hash";

// The root over the lines of `data` that begin at `starts`; the last of `starts` is where a next line would begin.
export async function linesRoot(
  data: Uint8Array,
  starts: Uint32Array,
  told?: (more: number) => void,
): Promise<Uint8Array> {
  const count = starts.length - 1;
  if (count === 0) return sha256(new Uint8Array(0));
  const leaf = new Uint8Array(1 << 13); // a line has 4096 characters at most
  let level = await hashes(
    count,
    (place) => {
      const line = data.subarray(starts[place], starts[place + 1]! - 1);
      leaf.set(line, 1);
      return leaf.subarray(0, line.length + 1);
    },
    told,
  );
  while (level.length > HASH_BYTES) level = await levelAbove(level, told);
  return level;
}

async function levelAbove(level: Uint8Array, told?: (more: number) => void): Promise<Uint8Array> {
  const pairs = Math.floor(level.length / (2 * HASH_BYTES));
  const node = new Uint8Array(1 + 2 * HASH_BYTES);
  node[0] = 1;
  const made = await hashes(
    pairs,
    (place) => {
      node.set(level.subarray(2 * HASH_BYTES * place, 2 * HASH_BYTES * (place + 1)), 1);
      return node;
    },
    told,
  );
  return joined(made, level.subarray(2 * HASH_BYTES * pairs));
}

export async function leafHash(data: Uint8Array): Promise<Uint8Array> {
  return sha256(joined(Uint8Array.of(0), data));
}

// Whether the leaf hash stands at `index` in the tree of `size` leaves with this root (RFC 9162, section 2.1.3.2).
export async function isIncluded(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  proof: Uint8Array[],
  root: Uint8Array,
): Promise<boolean> {
  if (index >= size) return false;
  let [node, place, last] = [leaf, index, size - 1n];
  for (const neighbour of proof) {
    if (last === 0n) return false;
    if (place & 1n || place === last) {
      node = await sha256(joined(Uint8Array.of(1), neighbour, node));
      while (!(place & 1n) && place) [place, last] = [place >> 1n, last >> 1n]; // levels that it moved up
    } else {
      node = await sha256(joined(Uint8Array.of(1), node, neighbour));
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  return last === 0n && equal(node, root);
}
