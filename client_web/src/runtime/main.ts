/**
 * The unit runtime: what a worker runs before it runs a unit, the same bundle in browsers and in Deno.
 *
 * Rule: the first message brings the code and a MessagePort; from then on the runtime talks through that port alone, which units
 * cannot reach. Built as one self-contained script without imports, so that it works as a classic and as a module worker.
 */

import type { FromRealm, RunMessage, StartRealm } from "../protocol/engine";
import { JavaScript } from "./javascript";
import type { Language } from "./language";
import { disarm, takePowers } from "./prelude";
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
  const runner = new Runner(realm.terms, (message: FromRealm) => {
    send(message);
  });
  captureConsole(runner);
  captureErrors(runner);
  disarm(() => runner.owner);
  runner.load(languages.get(realm.language), realm);
  port.onmessage = (event: MessageEvent<RunMessage>) => {
    runner.run(p.dataOf(event) as RunMessage);
  };
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
