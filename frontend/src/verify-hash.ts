// SHA-256 by the browser itself (WebCrypto). A call costs far more than the hash of a short line, most of it spent on the
// way to another thread and back. So thousands are under way at a time, and the next thousands are sent before the last
// have come back.
export const HASH_BYTES = 32;
const BATCH = 2048; // calls

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
}

// Hashes of `count` inputs, 32 bytes each, one after the other. `input` may give the same bytes of memory each time with
// something else in them: a call to the browser takes a copy. `told` hears how many more are done, now and then.
export async function hashes(
  count: number,
  input: (place: number) => Uint8Array,
  told: (more: number) => void = () => undefined,
): Promise<Uint8Array> {
  const made = new Uint8Array(count * HASH_BYTES);
  let before: Promise<unknown> = Promise.resolve();
  let sent = 0;
  for (let start = 0; start < count; start += BATCH) {
    const end = Math.min(start + BATCH, count);
    const batch: Promise<void>[] = [];
    for (let place = start; place < end; place++) {
      const at = place * HASH_BYTES;
      const digest = crypto.subtle.digest("SHA-256", input(place) as BufferSource);
      batch.push(digest.then((hash) => made.set(new Uint8Array(hash), at)));
    }
    await before;
    told(sent);
    sent = end - start;
    before = Promise.all(batch);
  }
  await before;
  told(sent);
  return made;
}
