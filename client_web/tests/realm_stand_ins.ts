/** Stand-ins for realms: what an engine tells them and whether it lets them live is noted; what they say is up to the test. */

import type { RealmEvents, Realms } from "../src/engine/engine";
import { Engine } from "../src/engine/engine";
import type { FromEngine, FromRealm, RealmSpec, RunMessage, ToRealm } from "../src/protocol/engine";
import { DEFAULT_TERMS } from "../src/protocol/messages";

/** What the engine made of a realm: what it was started with, what it was told, and whether it lives. */
export class StandIn {
  readonly told: ToRealm[] = [];
  isAlive = true;

  constructor(
    readonly spec: RealmSpec,
    private readonly events: RealmEvents,
  ) {}

  say(message: FromRealm): void {
    this.events.message(message);
  }

  die(): void {
    this.events.death("out of memory");
  }
}

export class StandIns implements Realms {
  readonly all: StandIn[] = [];

  keep(): void {
    throw new Error("no files are needed here");
  }

  spawn(spec: RealmSpec, events: RealmEvents): { post(message: ToRealm): void; terminate(): void } {
    const realm = new StandIn(spec, events);
    this.all.push(realm);
    return {
      post: (message) => realm.told.push(message),
      terminate: () => {
        realm.isAlive = false;
      },
    };
  }

  get living(): StandIn[] {
    return this.all.filter((realm) => realm.isAlive);
  }
}

export const DONE = new Uint8Array([48]);

/** An engine with stand-ins for realms, and what it said. */
export class Bench {
  readonly realms = new StandIns();
  readonly said: Exclude<FromEngine, { type: "realms" }>[] = [];
  readonly deaths: string[] = [];
  /** The languages of slow realms, as told last. */
  told: string[] = [];
  readonly engine: Engine;

  constructor(keep_mb?: number, mayPrepare?: () => boolean) {
    const emit = (message: FromEngine): void => {
      if (message.type === "realms") this.told = message.languages;
      else this.said.push(message);
    };
    this.engine = new Engine(this.realms, emit, (reason) => this.deaths.push(reason), keep_mb, mayPrepare);
  }

  begin(workunit: string, language = "python", memory_mb = 0, task = "task"): RunMessage {
    const code = new TextEncoder().encode(workunit);
    const run: RunMessage = {
      type: "run", token: workunit, task, workunit, indexes: [0], payloads: [DONE], states: {}, unit_timeout_s: 1, memory_mb,
      terms: { ...DEFAULT_TERMS, max_log_bytes: memory_mb }, single: false,
    };
    this.engine.handle({ type: "load", workunit, language, code });
    this.engine.handle(run);
    return run;
  }

  /** The living realm that has a run. */
  realmOf(run: RunMessage): StandIn | undefined {
    return this.realms.living.find((one) => one.told.includes(run));
  }

  answer(run: RunMessage): void {
    const realm = this.realmOf(run);
    realm?.say({ type: "loaded" });
    realm?.say({ type: "done", token: run.token, indexes: [0], values: [DONE], seconds: [0] });
  }

  /** Begin and answer; returns the realm that did it. */
  work(workunit: string, language = "python", task = "task"): StandIn {
    const run = this.begin(workunit, language, 0, task);
    const realm = this.realmOf(run) as StandIn;
    this.answer(run);
    return realm;
  }
}
