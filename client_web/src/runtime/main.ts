/**
 * The unit runtime: what a worker runs before it runs a unit, the same bundle in browsers and in Deno.
 *
 * Rule: the first message brings the code and a MessagePort; from then on the runtime talks through that port alone, which units
 * cannot reach. Built as one self-contained script without imports, so that it works as a classic and as a module worker.
 */

import type { FromRealm, StartRealm, ToRealm } from "../protocol/engine";
import { JavaScript } from "./javascript";
import type { Language } from "./language";
import { disarm, takePowers } from "./prelude";
import { describe } from "./places";
import * as p from "./primordials";
import { Python } from "./python";
import { Runner } from "./runner";
import { WebAssemblyUnits } from "./wasm";

function start(port: MessagePort, realm: StartRealm): void {
  const send = port.postMessage.bind(port);
  const powers = takePowers();
  const languages = new Map<string, Language>([
    ["javascript", new JavaScript(powers)],
    ["wasm", new WebAssemblyUnits(powers)],
    ["python", new Python(powers)],
  ]);
  const post = (message: FromRealm): void => {
    send(message);
  };
  const runner = new Runner(post);
  captureConsole(runner);
  captureErrors(runner);
  disarm(() => runner.owner);
  const language = languages.get(realm.language);
  if (realm.unit === null) void prepare(language, realm, post);
  else runner.load(language, realm, realm.unit);
  port.onmessage = (event: MessageEvent<ToRealm>) => {
    const message = p.dataOf(event) as ToRealm;
    if (message.type === "run") runner.run(message);
    else if (message.type === "rest") runner.rest();
    else runner.load(language, realm, message.unit);
  };
}

/** Get the language ready for a unit that is not known yet. */
async function prepare(language: Language | undefined, { kit }: StartRealm, post: (message: FromRealm) => void): Promise<void> {
  try {
    await language?.prepare?.(kit);
    post({ type: "prepared" });
  } catch (error) {
    post({ type: "broken", error: describe(error), kind: "crash" });
  }
}

function captureConsole(runner: Runner): void {
  const log = (...parts: unknown[]): void => {
    runner.log(parts);
  };
  for (const name of ["log", "info", "warn", "error", "debug", "trace", "dir"] as const) console[name] = log;
}

function captureErrors(runner: Runner): void {
  addEventListener("error", (event) => {
    event.preventDefault();
    runner.failCurrent(event.error ?? event.message);
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    runner.rejected(event.reason);
  });
}

addEventListener(
  "message",
  (event: MessageEvent<StartRealm>) => {
    const port = event.ports[0];
    if (port !== undefined) start(port, event.data);
  },
  { once: true },
);
