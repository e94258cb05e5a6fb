import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { Leases } from "../../../src/flows/sources/lease.ts";
import { ManualClock } from "../../files/clock.ts";

const URL_OF_LEASE = new URL("memory:///sources/a.lease");

test("one holds it at a time, and the next one after the release", async () => {
  const files = createMemoryFiles();
  const [clock, other] = [new ManualClock(), new ManualClock()];
  const held = await new Leases(files, clock).take(URL_OF_LEASE, {});
  const waiting = new Leases(files, other);
  assert.ok(held);
  assert.equal(await waiting.take(URL_OF_LEASE, {}), undefined);
  await held.release();
  const next = await waiting.take(URL_OF_LEASE, {});
  assert.ok(next);
  await next.release();
  assert.equal(await files.head(URL_OF_LEASE), undefined);
});

test("a holder that renews it keeps it; one that was killed loses it, whatever the clocks of others say", async () => {
  const files = createMemoryFiles();
  const [clock, other] = [new ManualClock(), new ManualClock()];
  // Years apart: only what a watcher sees by his own clock counts.
  other.advance(1e12);
  const held = await new Leases(files, clock).take(URL_OF_LEASE, {});
  const waiting = new Leases(files, other);
  assert.equal(await waiting.take(URL_OF_LEASE, {}), undefined);
  const renewed = clock.nextWait((ms) => ms === 10_000);
  clock.advance(10_000);
  await renewed;
  other.advance(44_000);
  assert.equal(await waiting.take(URL_OF_LEASE, {}), undefined);
  other.advance(44_000);
  assert.equal(await waiting.take(URL_OF_LEASE, {}), undefined);
  other.advance(2_000);
  const next = await waiting.take(URL_OF_LEASE, {});
  assert.ok(next, "nobody renewed it for 46 s");
  // The first one comes back: what is another's by now stays.
  await held?.release();
  assert.notEqual(await files.head(URL_OF_LEASE), undefined);
  await next.release();
});
