import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendedMarks } from "../../src/catalog/appended-marks.ts";
import { CALL, changeOf, item, post, testNode } from "../contract/catalog/node.ts";
import { testDatabase } from "../services/postgres.ts";

test("events are marked without waiting for those that are being applied", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const node = testNode(pool);
  const accepted = await node.writes.accept(
    ["a", "b"].map((id) => changeOf(post(item(id)))),
    CALL,
  );
  await node.close();
  await pool.query("update pending set appended = null");
  const [applied, other] = accepted.map(({ event_id }) => event_id);
  await pool.transaction(async (tx) => {
    await tx.query("delete from pending where event_id = $1", [applied]);
    const marks = new AppendedMarks(pool);
    marks.add([applied!, other!]);
    await marks.settled();
  });
  const left = await pool.query("select event_id from pending where appended is not null");
  assert.deepEqual(left, [{ event_id: other }]);
});
