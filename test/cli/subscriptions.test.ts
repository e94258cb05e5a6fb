import assert from "node:assert/strict";
import { test } from "node:test";
import { main } from "../../src/cli/main.ts";
import { newDatabase, someItems, startNode, until } from "../publication/nodes.ts";
import { freePort } from "../services/services.ts";

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

test("gyre subscriptions tail outlives its node, and tells nothing twice", async (t) => {
  const settings = { name: "east", database: await newDatabase(t), listen: { port: await freePort() } };
  const first = await startNode(t, settings);
  const stop = new AbortController();
  const [out, err]: [string[], string[]] = [[], []];
  const io = { out: (line: string) => out.push(line), err: (line: string) => err.push(line), tty: false, env: {} };
  const gyre = (...argv: readonly string[]): Promise<number> =>
    main(["subscriptions", ...argv, "--node", first.url.href], "0.0.0", { ...io, signal: stop.signal });
  assert.equal(await gyre("add"), 0);
  const id = out.pop()!;
  const code = gyre("tail", id);
  await first.publish(someItems(5));
  await until(async () => out.length === 5);
  await first.close();
  const second = await startNode(t, settings);
  await second.publish(someItems(9).slice(5));
  await until(async () => out.length === 9);
  assert.deepEqual(
    out.map((line) => (JSON.parse(line) as { sequence: number }).sequence),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.match(err.join("\n"), /it is waited for/);
  assert.equal(await gyre("remove", id), 0);
  assert.equal(await code, 1);
  assert.match(err.at(-1)!, /there is no subscription/);
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
