import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { DevTools, type ExceptionDetails } from "./devtools.ts";

/** What went wrong on a page: an exception, an error on the console, or an answer that is none. */
export interface Fault {
  readonly url: string;
  readonly text: string;
}

/** An answer that the page got. */
export interface Answered {
  readonly url: string;
  readonly status: number;
}

/** One tab of a browser, driven by the Chrome DevTools protocol. */
export interface Page {
  readonly faults: readonly Fault[];
  readonly answers: readonly Answered[];
  open(url: string): Promise<void>;
  /** The value of an expression in the page as soon as it is truthy: it is looked at whenever the page has changed. */
  until<T>(expression: string): Promise<T>;
}

export interface Browser {
  readonly page: Page;
  stop(): Promise<void>;
}

const PATIENCE_MS = 300_000;
/** Nothing is asked of the internet, whether it is there or not. */
const LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";
const SIZE = "1400,2200";

/** A headless Chromium with one page. */
export async function startChromium(program: string): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-chromium-"));
  const options = ["--headless", "--no-sandbox", "--disable-gpu", `--window-size=${SIZE}`, LOOPBACK_ONLY];
  const child = spawn(program, [...options, "--remote-debugging-pipe", `--user-data-dir=${folder}`, "about:blank"], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const exit = once(child, "exit");
  const seen: Seen = { faults: [], answers: [] };
  const tools = listening(child.stdio[3] as Writable, child.stdio[4] as Readable, seen);
  const { targetInfos } = await tools.call<Targets>("Target.getTargets");
  const targetId = targetInfos.find(({ type }) => type === "page")?.targetId;
  const { sessionId } = await tools.call<Session>("Target.attachToTarget", { targetId, flatten: true });
  for (const domain of ["Page", "Network", "Runtime", "Log"]) await tools.call(`${domain}.enable`, {}, sessionId);
  const stop = async (): Promise<void> => {
    child.kill();
    await exit;
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  return { page: pageOf(tools, sessionId, seen), stop };
}

interface Seen {
  readonly faults: Fault[];
  readonly answers: Answered[];
}

interface Targets {
  readonly targetInfos: readonly { readonly type: string; readonly targetId: string }[];
}

interface Session {
  readonly sessionId: string;
}

function listening(input: Writable, output: Readable, { faults, answers }: Seen): DevTools {
  const addresses = new Map<string, string>();
  return new DevTools(input, output, {
    "Network.requestWillBeSent": ({ requestId, request }) => addresses.set(requestId, request.url),
    "Network.responseReceived": ({ response: { url, status } }) => answers.push({ url, status }),
    "Network.loadingFailed": ({ requestId, errorText, canceled = false }) => {
      if (!canceled) faults.push({ url: addresses.get(requestId) ?? "", text: errorText });
    },
    "Runtime.exceptionThrown": ({ exceptionDetails: { url = "", text, exception } }) =>
      faults.push({ url, text: exception?.description ?? text }),
    "Runtime.consoleAPICalled": ({ type, args }) => {
      const text = args.map(({ value, description }) => description ?? String(value)).join(" ");
      if (type === "error") faults.push({ url: "", text });
    },
    "Log.entryAdded": ({ entry: { level, url = "", text } }) => {
      if (level === "error") faults.push({ url, text });
    },
  });
}

function pageOf(tools: DevTools, sessionId: string, { faults, answers }: Seen): Page {
  const evaluate = async <T>(expression: string): Promise<T> => {
    const asked = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await tools.call<Evaluated<T>>("Runtime.evaluate", asked, sessionId);
    assert.equal(exceptionDetails, undefined, exceptionDetails?.exception?.description);
    return result.value;
  };
  return {
    faults,
    answers,
    async open(url) {
      await tools.call("Page.navigate", { url }, sessionId);
    },
    until: (expression) => evaluate(watched(expression)),
  };
}

interface Evaluated<T> {
  readonly result: { readonly value: T };
  readonly exceptionDetails?: ExceptionDetails;
}

/** Waits in the page, for what makes an expression true is a change of its document. */
function watched(expression: string): string {
  return `new Promise((resolve, reject) => {
    const value = () => ${expression};
    const look = () => {
      const found = value();
      if (!found) return;
      observer.disconnect();
      clearTimeout(late);
      resolve(found);
    };
    const observer = new MutationObserver(look);
    const late = setTimeout(() => reject(new Error("not shown: " + document.body.innerText)), ${PATIENCE_MS});
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    look();
  })`;
}
