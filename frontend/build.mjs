// Builds the scripts and src/app.scss into the package's static folder. A file's name holds a hash of its content, so that
// browsers may keep it for ever; manifest.json says which name is the current one. The service worker in push.js is the
// exception: browsers know it by its address.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { compile } from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, "..", "src", "fairgate", "web", "static");
const target = "es2020"; // phones of 2020; older ones get the pages without script

async function script(name, format) {
  const made = await build({
    entryPoints: [join(here, "src", name)],
    bundle: true,
    format,
    minify: true,
    target,
    write: false,
  });
  return made.outputFiles[0].text;
}

async function style() {
  const made = compile(join(here, "src", "app.scss"), { loadPaths: [join(here, "node_modules")], quietDeps: true });
  return (await transform(made.css, { loader: "css", minify: true, target: ["chrome80", "firefox78", "safari14"] })).code;
}

function write(name, text) {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const hashed = name.replace(".", `.${hash}.`);
  writeFileSync(join(output, hashed), text);
  console.log(`  ${hashed}: ${Buffer.byteLength(text)} bytes, ${gzipSync(text).length} compressed`);
  return hashed;
}

const files = {
  "app.css": await style(),
  "app.js": await script("app.ts", "esm"),
  "verify.js": await script("verify.ts", "esm"), // the panel on the page of a draw
  "verify-worker.js": await script("verify-worker.ts", "iife"), // loaded when somebody checks a draw, not before
};
mkdirSync(output, { recursive: true });
const manifest = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, write(name, text)]));
writeFileSync(join(output, "push.js"), await script("push-worker.ts", "iife"));
const draft = join(output, "manifest.json.new");
writeFileSync(draft, JSON.stringify(manifest, null, 2) + "\n");
renameSync(draft, join(output, "manifest.json"));
const current = new Set([...Object.values(manifest), "manifest.json", "push.js"]);
for (const name of readdirSync(output)) {
  if (!current.has(name)) rmSync(join(output, name), { recursive: true });
}
