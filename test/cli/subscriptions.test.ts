import assert from "node:assert/strict";
import { test } from "node:test";
import { main } from "../../src/cli/main.ts";
import { newDatabase, someItems, startNode } from "../publication/nodes.ts";

test("gyre subscriptions makes them, reads them and ends them", async (t) => {
  const node = await startNode(t, { name: "east", database: await newDatabase(t) });
  const stop = new AbortController();
  async function run(argv: readonly string[], onLine?: (line: string) => void) {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await main(["subscriptions", ...argv, "--node", node.url.href], "0.0.0", {
      out(line) {
        out.push(line);
        onLine?.(line);
      },
      err: (line) => err.push(line),
      tty: false,
      env: {},
      signal: stop.signal,
    });
    return { code, out, err };
  }

  assert.deepEqual((await run(["list"])).out, ["no subscriptions"]);
  const search = JSON.stringify({ collections: ["CMIP6"] });
  const made = await run(["add", "--search", search]);
  assert.deepEqual([made.code, made.out.length], [0, 1]);
  const [id = ""] = made.out;
  assert.match((await run(["show", id])).out[0] ?? "", new RegExp(`^${id}  live  0 of 0 delivered  sse$`));

  await node.publish(someItems(5));
  const notices: string[] = [];
  const tail = await run(["tail", id], (line) => {
    notices.push(line);
    if (notices.length === 5) stop.abort();
  });
  assert.equal(tail.code, 0);
  assert.equal(notices.filter((line) => line.includes('"CMIP6')).length, 5);
});

test("gyre subscriptions says what it does not take", async (t) => {
  const node = await startNode(t, { name: "east", database: await newDatabase(t) });
  async function failure(...argv: readonly string[]) {
    const err: string[] = [];
    const io = { out: () => undefined, tty: false, env: {}, signal: new AbortController().signal };
    const code = await main(["subscriptions", ...argv, "--node", node.url.href], "0.0.0", {
      ...io,
      err: (line) => err.push(line),
    });
    return { code, said: err.join("\n") };
  }
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["look"], 2, /no action "look"/],
    [["show"], 2, /takes one id/],
    [["list", "x"], 2, /takes no id/],
    [["add", "--search", "[]"], 2, /--search is no JSON object/],
    [["add", "--webhook", "https://a.example", "--topic", "b"], 2, /one target/],
    [["add", "--webhook", "https://a.example/hook"], 1, /answers 400/],
    [["show", "nothing"], 1, /answers 404: there is no subscription nothing/],
    [["remove", "nothing"], 1, /answers 404/],
  ];
  for (const [argv, code, said] of cases) {
    const answer = await failure(...argv);
    assert.equal(answer.code, code, argv.join(" "));
    assert.match(answer.said, said);
  }
});
