/**
 * The Deno host: engine messages on stdin and stdout for one slot of the CLI client.
 *
 * Rule: a unit is never a module of this process. Its code goes as bytes into a Blob worker that has no permission at all; here it
 * would be imported with this file's powers.
 */

import { decode, encode } from "@msgpack/msgpack";
import type { FromEngine, FromRealm, KitMessage, RealmSpec, ToEngine } from "../protocol/engine";
import { Engine, type Realm, type RealmEvents, type Realms } from "./engine";
import { frame, FrameReader } from "./frames";
import { Workshop } from "./workshop";

/** The parts of Deno that the host uses. */
interface DenoHost {
  /** The first one: how many MiB realms may take that are kept for later. */
  args: string[];
  stdin: { readable: ReadableStream<Uint8Array> };
  stdout: { writeSync(data: Uint8Array): number };
  version: { deno: string };
  exit(code: number): never;
}

declare const Deno: DenoHost;
/** Filled in by the build: the unit runtime's bundle, and the version of this package. */
declare const RUNTIME_SOURCE: string;
declare const VERSION: string;

/** Exit status: the engine is lost, the client starts another one. */
const EXIT_LOST = 70;

const runtimeUrl = URL.createObjectURL(new Blob([RUNTIME_SOURCE], { type: "text/javascript" }));
const permissionless = { type: "module", deno: { permissions: "none" } } as WorkerOptions;

class Workers implements Realms {
  private readonly workshop = new Workshop();

  keep(kit: KitMessage): void {
    this.workshop.keep(kit);
  }

  spawn(spec: RealmSpec, events: RealmEvents): Realm {
    const worker = new Worker(runtimeUrl, permissionless);
    const channel = new MessageChannel();
    channel.port1.onmessage = (event: MessageEvent<FromRealm>) => {
      events.message(event.data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      events.death(event.message);
    };
    this.workshop.prepare(spec).then(
      (start) => {
        worker.postMessage(start, [channel.port2]);
      },
      (error: unknown) => {
        events.message({ type: "broken", error: String(error), kind: "crash" });
      },
    );
    return {
      post: (message) => {
        channel.port1.postMessage(message);
      },
      terminate: () => {
        channel.port1.close();
        worker.terminate();
      },
    };
  }
}

function emit(message: FromEngine): void {
  const bytes = frame(encode(message));
  for (let at = 0; at < bytes.length; ) at += Deno.stdout.writeSync(bytes.subarray(at));
}

function lose(reason: string): never {
  console.error(`engine lost: ${reason}`);
  return Deno.exit(EXIT_LOST);
}

async function serve(): Promise<never> {
  const engine = new Engine(new Workers(), emit, lose, Number(Deno.args[0] ?? 0));
  const reader = new FrameReader();
  emit({ type: "ready", runtime: `disio ${VERSION} on deno ${Deno.version.deno}` });
  for await (const chunk of Deno.stdin.readable) {
    for (const body of reader.push(chunk)) engine.handle(decode(body) as ToEngine);
  }
  return Deno.exit(0);
}

serve().catch((error: unknown) => lose(String(error)));
