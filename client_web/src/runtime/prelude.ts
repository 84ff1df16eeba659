/**
 * What a realm loses before unit code is loaded into it.
 *
 * Rule: the walls are the sandboxed frame's policy in browsers and a permissionless worker in Deno. This only takes away what
 * units have no use for, and makes the two look alike: a unit that works in one works in the other.
 */

import { tellLargeBuffers } from "./buffers";
import * as p from "./primordials";

/** What only the runtime may still use, captured before it is taken from units. */
export interface Powers {
  /** Runs source as a sloppy-mode global script; throws SyntaxError before anything runs when it is none. */
  runScript(source: string): void;
  /** Imports source as an ES module. */
  importModule(source: string): Promise<Record<string, unknown>>;
  /** Frees what is not used any more, where the engine offers that; a browser frees it when it sees fit. */
  collect(): void;
}

const TAKEN = [
  // Other workers, windows, processes and units.
  "Worker", "SharedWorker", "BroadcastChannel", "Deno", "process", "global", "Buffer", "importScripts", "postMessage", "close", "onmessage",
  // Network.
  "fetch", "XMLHttpRequest", "WebSocket", "WebSocketStream", "WebTransport", "EventSource", "RTCPeerConnection", "Request", "FontFace",
  // Storage and devices.
  "caches", "Cache", "CacheStorage", "indexedDB", "localStorage", "sessionStorage", "cookieStore", "Notification",
  "fonts", "webkitRequestFileSystem", "webkitRequestFileSystemSync", "webkitResolveLocalFileSystemURL", "webkitResolveLocalFileSystemSyncURL",
  // Code from text: the policy of browsers forbids it; Deno has no such policy.
  "eval", "Function",
  // Timers of Deno alone, which would outlive their unit.
  "setImmediate", "clearImmediate",
  "gc",
] as const;

type GlobalRecord = Record<string, unknown>;
const root = globalThis as unknown as GlobalRecord;

export function takePowers(): Powers {
  const importScripts = (root["importScripts"] as ((url: string) => void) | undefined)?.bind(globalThis);
  const collect = root["gc"] as (() => void) | undefined;
  const indirectEval = globalThis.eval;
  const MakeBlob = Blob;
  const makeUrl = URL.createObjectURL.bind(URL);
  const dropUrl = URL.revokeObjectURL.bind(URL);

  const urlOf = (source: string): string => makeUrl(new MakeBlob([source], { type: "text/javascript" }));
  return {
    collect() {
      collect?.();
    },
    runScript(source) {
      // Deno has module workers only, without importScripts; there an indirect eval has the same meaning. Browsers' policy
      // forbids eval, and their classic workers have importScripts.
      if (importScripts === undefined) return void indirectEval(source);
      const url = urlOf(source);
      try {
        importScripts(url);
      } finally {
        dropUrl(url);
      }
    },
    async importModule(source) {
      const url = urlOf(source);
      try {
        return (await import(url)) as Record<string, unknown>;
      } finally {
        dropUrl(url);
      }
    },
  };
}

/**
 * Take the powers of the realm away. Call once, after everything the runtime needs was captured.
 *
 * @param owner whose timers are being set: the unit that runs now, or null
 */
export function disarm(owner: () => object | null): void {
  const refuse = function (): never {
    throw new EvalError("code from text is not allowed in a work unit");
  };
  for (const sample of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    Object.defineProperty(Object.getPrototypeOf(sample), "constructor", { value: refuse });
  }
  for (const name of [...TAKEN, "navigator"]) take(name);
  pin(Promise.prototype, "constructor");
  pin(Promise, Symbol.species);
  // Deno's events get their data by assignment, which a setter further up would catch, and the port with it.
  if (!("data" in MessageEvent.prototype)) Object.defineProperty(MessageEvent.prototype, "data", { value: null, writable: true });
  const navigator = Object.freeze({ hardwareConcurrency: 1, language: "en", languages: Object.freeze(["en"]), userAgent: "disio" });
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  tieTimer("setTimeout", owner);
  tieTimer("setInterval", owner);
  tellLargeBuffers();
}

/** What `await` in the runtime itself looks up. */
function pin(holder: object, name: PropertyKey): void {
  const found = Object.getOwnPropertyDescriptor(holder, name);
  if (found === undefined) return;
  Object.defineProperty(holder, name, "value" in found ? { ...found, writable: false, configurable: false } : { ...found, configurable: false });
}

function take(name: string): void {
  for (let holder: object | null = globalThis; holder && holder !== Object.prototype; holder = Object.getPrototypeOf(holder) as object | null) {
    if (Object.getOwnPropertyDescriptor(holder, name) === undefined) continue;
    if (!Reflect.deleteProperty(holder, name)) Reflect.defineProperty(holder, name, { value: undefined });
  }
}

/** Timers take functions only: text would be code. One that a unit set ends with it, so that its errors are nobody else's. */
function tieTimer(name: "setTimeout" | "setInterval", owner: () => object | null): void {
  const timer = globalThis[name].bind(globalThis) as (handler: () => void, ms?: number) => number;
  const clear = clearInterval.bind(globalThis);
  root[name] = (handler: unknown, ms?: number, ...rest: unknown[]) => {
    if (typeof handler !== "function") throw new TypeError(`${name} needs a function`);
    const mine = owner();
    const id = timer(() => {
      if (mine === null || owner() === mine) p.apply(handler as (...args: unknown[]) => void, undefined, rest);
      else clear(id);
    }, ms);
    return id;
  };
}
