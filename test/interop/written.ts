import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

/** Publishes a document, and waits until it can be found: a node that is busy is sent the same write again. */
export async function written(url: URL, document: object): Promise<void> {
  const headers = { "Content-Type": "application/json", Prefer: "wait=30", "Idempotency-Key": randomUUID() };
  for (;;) {
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(document) });
    const said = await answer.text();
    if (answer.status === 202 && said.includes('"pending"')) continue;
    assert.equal(answer.status, 201, said);
    return;
  }
}
