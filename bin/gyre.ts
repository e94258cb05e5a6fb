#!/usr/bin/env node
// Plain enough for an old Node to read: it has to be able to say that it is too old.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(`gyre needs Node.js 24 or newer; this is ${process.versions.node}.`);
  process.exit(2);
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}
// Whoever keeps a channel open to this process (the playground) wants it to end with itself, however that ends.
process.once("disconnect", () => stop.abort(new Error("stopped by the end of its parent")));
process.channel?.unref();

const { main } = await import("../src/cli/main.ts");
const { VERSION } = await import("../src/version.ts");
// A reader that closes the pipe (`gyre inspect x | head`) has what it wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
// Nobody is left to be told.
process.stderr.on("error", () => undefined);

process.exitCode = await main(process.argv.slice(2), VERSION, {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  tty: process.stderr.isTTY === true,
  env: process.env,
  signal: stop.signal,
});
