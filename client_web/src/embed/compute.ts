/**
 * The boot script of the compute frame: the one inline script that its policy allows.
 *
 * Rule: it starts and ends workers, and touches nothing that is said between them and the consent frame. No unit code ever
 * runs on this page itself: a page could leave to another address and carry data there, a worker cannot.
 */

import { Workshop } from "../engine/workshop";
import type { FromBoot, ToBoot } from "../protocol/boot";
import type { FromRealm, RealmSpec } from "../protocol/engine";

/** Filled in by the build. */
declare const RUNTIME_SOURCE: string;

const runtimeUrl = URL.createObjectURL(new Blob([RUNTIME_SOURCE], { type: "text/javascript" }));
const workers = new Map<number, Worker>();
const workshop = new Workshop();

function serve(port: MessagePort): void {
  const say = (message: FromBoot): void => {
    port.postMessage(message);
  };
  port.onmessage = (event: MessageEvent<ToBoot>) => {
    const message = event.data;
    if (message.type === "spawn") spawn(message.worker, message.spec, event.ports[0], say);
    else if (message.type === "kit") workshop.keep(message);
    else if (message.type === "end") end(message.worker);
    else say({ type: "pong" });
  };
  say({ type: "ready" });
}

function spawn(id: number, spec: RealmSpec, port: MessagePort | undefined, say: (message: FromBoot) => void): void {
  if (port === undefined) return;
  // Classic: module workers from blobs fail silently in an opaque origin.
  const worker = new Worker(runtimeUrl);
  worker.onerror = (event) => {
    event.preventDefault();
    say({ type: "died", worker: id, reason: event.message });
  };
  workers.set(id, worker);
  workshop.prepare(spec).then(
    (start) => {
      worker.postMessage(start, [port]);
    },
    (error: unknown) => {
      port.postMessage({ type: "broken", error: String(error), kind: "crash" } satisfies FromRealm);
    },
  );
}

function end(id: number): void {
  workers.get(id)?.terminate();
  workers.delete(id);
}

// An empty frame: the page around counts the frames in here, and finds none when this process is gone.
document.documentElement.append(document.createElement("iframe"));

addEventListener(
  "message",
  (event: MessageEvent) => {
    const port = event.ports[0];
    // The first message comes from the page that made the frame: no other has a handle on it before it loaded.
    if (event.source === window.parent && event.data === "init" && port !== undefined) serve(port);
  },
  { once: true },
);
