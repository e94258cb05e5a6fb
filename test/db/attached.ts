import { startEmbedded } from "../../src/db/embedded.ts";

// `node attached.ts FOLDER`: stays attached to the private server of a folder until it is asked to end. Prints a line of
// JSON when it is attached, or what went wrong.
const told: string[] = [];
const [folder = ""] = process.argv.slice(2);
try {
  const server = await startEmbedded({ folder, tell: (message) => told.push(message) });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void server.close());
  console.log(JSON.stringify({ address: server.address, told }));
} catch (error) {
  const { name, message } = error as Error;
  console.log(JSON.stringify({ failed: `${name}: ${message}`, told }));
}
