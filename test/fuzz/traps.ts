import { badSource, GyreError } from "../../src/errors.ts";
import { texts } from "./bases.ts";
import type { Target } from "./target.ts";

/** "Parsers" that do what none may, to see that the campaign notices. */
export const traps: readonly Target[] = [
  trap("throws", () => {
    throw new TypeError("x is undefined");
  }),
  trap("nameless", () => {
    throw new GyreError("BadSource", "something is wrong somewhere");
  }),
  trap("hangs", () => {
    for (;;);
  }),
  trap("allocates", () => void keep(new Uint8Array(500 * 1024 * 1024))),
  trap("grows", () => {
    for (;;) keep(new Uint8Array(16 * 1024 * 1024).fill(1));
  }),
  trap("strays", () => void Promise.reject(new Error("nobody waits for this"))),
  trap("refuses", () => {
    throw badSource("memory:///x", 0, "not of this format");
  }),
];

const kept: Uint8Array[] = [];

function keep(bytes: Uint8Array): void {
  kept.push(bytes);
}

function trap(name: string, run: () => void): Target {
  return { name: `trap-${name}`, kind: "text", namesSource: true, bases: () => texts("x"), run: async () => run() };
}
