/**
 * One slot's engine: which realm runs what, and which answers count.
 *
 * Rule: a realm (a worker with the unit runtime) lives for one task and work unit. A unit may forge what its realm says, so an
 * answer counts once, for an index that is open, of the run that is under way; `finished` is decided here, not there.
 */

import type {
  DoneMessage, FailedMessage, FailureKind, FromEngine, FromRealm, KitMessage, LoadMessage, RealmSpec, RunMessage, ToEngine, ToRealm, UnitSpec,
} from "../protocol/engine";
import { Kept, type LiveRealm } from "./kept";
import { SLOW_TO_START, Spare } from "./spare";

/** A worker that the unit runtime was started in. */
export interface Realm {
  post(message: ToRealm): void;
  terminate(): void;
}

export interface RealmEvents {
  message(message: FromRealm): void;
  /** The worker ended by itself, for example by an error outside of every unit. */
  death(reason: string): void;
}

/** Where realms come from. */
export interface Realms {
  keep(kit: KitMessage): void;
  spawn(spec: RealmSpec, events: RealmEvents): Realm;
}

interface OpenRun {
  message: RunMessage;
  open: Set<number>;
  posted: boolean;
}

/** Work units that are kept loaded; the one used longest ago goes first. The client sends `load` again when it needs one back. */
const MAX_WORKUNITS = 16;
const MAX_QUEUED_RUNS = 64;
/** Memory of one unit when the task does not say, in MiB. */
const UNIT_MEMORY_MB = 512;
/** What realms may take that are kept for later, in MiB, when the client does not say. */
const KEEP_MB = 128;
/** A realm that ran last and takes much memory stays so long for more of the same. */
const IDLE_MS = 300_000;

export class Engine {
  private readonly workunits = new Map<string, LoadMessage>();
  private live: LiveRealm | null = null;
  private queue: OpenRun[] = [];
  private readonly spare: Spare;
  private readonly kept: Kept;
  private idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** The languages of its slow realms, as they were told last. */
  private told = "";

  constructor(
    private readonly realms: Realms,
    private readonly emit: (message: FromEngine) => void,
    private readonly onDeath: (reason: string) => void,
    keep_mb = KEEP_MB,
    mayPrepare: () => boolean = () => true,
  ) {
    const tell = (): void => {
      this.tellRealms();
    };
    this.spare = new Spare(realms, tell, mayPrepare);
    this.kept = new Kept(keep_mb * 1024 * 1024, tell);
  }

  handle(message: ToEngine): void {
    if (message.type === "kit") this.realms.keep(message);
    else if (message.type === "load") this.keep(message);
    else this.accept(message);
  }

  /** End its workers and forget every run; nothing is said about them. */
  stop(): void {
    clearTimeout(this.idleTimer);
    this.queue = [];
    this.spare.drop();
    this.kept.drop();
    this.endLive();
  }

  /** Nothing is run for now, so nothing is got ready either. */
  hush(): void {
    this.spare.work();
  }

  /** Whether a spare takes processor time to start. */
  get isStarting(): boolean {
    return this.spare.isStarting;
  }

  private endLive(): void {
    this.live?.realm.terminate();
    this.live = null;
    this.tellRealms();
  }

  /** Tell whoever counts this engine's memory what takes much of it. */
  private tellRealms(): void {
    const live = this.live !== null && SLOW_TO_START.has(this.live.language) ? [this.live.language] : [];
    const languages = [...live, ...this.kept.languages, ...this.spare.languages];
    if (languages.join() === this.told) return;
    this.told = languages.join();
    this.emit({ type: "realms", languages });
  }

  private keep(message: LoadMessage): void {
    this.workunits.delete(message.workunit);
    this.workunits.set(message.workunit, message);
    for (const oldest of this.workunits.keys()) {
      if (this.workunits.size <= MAX_WORKUNITS) break;
      this.workunits.delete(oldest);
    }
  }

  private accept(message: RunMessage): void {
    const run: OpenRun = { message, open: new Set(message.indexes), posted: false };
    if (this.queue.length >= MAX_QUEUED_RUNS) return this.refuse(run, "too many runs are queued in this engine");
    clearTimeout(this.idleTimer);
    this.queue.push(run);
    this.pump();
  }

  /** Post what may be posted: the first run, and those behind it that use the same realm, which then goes on without a pause. */
  private pump(): void {
    for (const [at, run] of [...this.queue].entries()) {
      if (run.posted) continue;
      if (at > 0 && keyOf(run.message) !== this.live?.key) return;
      const code = this.workunits.get(run.message.workunit);
      if (code !== undefined && run.open.size > 0) this.begin(run, code);
      else this.refuse(run, `work unit ${run.message.workunit} was not loaded into this engine`);
    }
  }

  private begin(run: OpenRun, code: LoadMessage): void {
    run.posted = true;
    this.realmFor(run.message, code).post(run.message);
    if (run === this.queue[0]) this.tellLoaded();
  }

  /** A unit's time counts from here: its code is loaded, and no other run is before it. */
  private tellLoaded(): void {
    const run = this.queue[0];
    if (run?.posted === true && this.live?.isLoaded === true) this.emit({ type: "loaded", token: run.message.token });
  }

  private realmFor(message: RunMessage, load: LoadMessage): Realm {
    const key = keyOf(message);
    if (this.live?.key === key) {
      this.spare.work();
      return this.live.realm;
    }
    const kept = this.kept.take(key);
    this.leave();
    if (kept !== null) this.spare.work();
    this.live = kept ?? this.realmOf(key, message, load);
    this.keep(load);
    this.tellRealms();
    return this.live.realm;
  }

  /** Another realm runs from now on: keep this one, if it would be slow to make again. */
  private leave(): void {
    const { live } = this;
    this.live = null;
    if (live?.isLoaded === true && SLOW_TO_START.has(live.language)) this.kept.put(live);
    else live?.realm.terminate();
  }

  private realmOf(key: string, message: RunMessage, { workunit, language, code }: LoadMessage): LiveRealm {
    const unit: UnitSpec = { workunit, code, memory_mb: message.memory_mb || UNIT_MEMORY_MB, terms: message.terms };
    const events = this.eventsOf(() => live);
    const live: LiveRealm = { key, language, realm: this.newRealm(language, unit, events), isLoaded: false };
    return live;
  }

  /** A realm that never had a unit, for this one. */
  private newRealm(language: string, unit: UnitSpec, events: RealmEvents): Realm {
    const spare = this.spare.take(language, events);
    this.spare.follow(language);
    if (spare === null) return this.realms.spawn({ language, unit }, events);
    const { code, memory_mb, terms } = unit;
    spare.post({ type: "unit", unit: { code, memory_mb, terms } });
    return spare;
  }

  /** Events of a realm that was replaced are dropped. */
  private eventsOf(of: () => LiveRealm): RealmEvents {
    return {
      message: (message) => {
        if (of() === this.live) this.fromRealm(message);
        else this.kept.hear(of(), message);
      },
      death: (reason) => {
        if (of() === this.live) this.onDeath(reason);
        else this.kept.lose(of());
      },
    };
  }

  private fromRealm(message: FromRealm): void {
    if (message.type === "prepared" || message.type === "resting") return;
    if (message.type === "loaded") return this.loaded();
    if (message.type === "broken") return this.broken(message.error, message.kind);
    const run = this.queue[0];
    if (run === undefined || run.message.token !== message.token) return;
    if (message.type === "done") this.answer(run, openPart(run, message, ["values", "seconds"]));
    else if (message.type === "failed") this.answer(run, openPart(run, message, ["errors", "kinds"]));
    else if (run.open.has(message.index)) this.emit(message);
  }

  private loaded(): void {
    if (this.live === null || this.live.isLoaded) return;
    this.live.isLoaded = true;
    this.tellLoaded();
  }

  private answer(run: OpenRun, message: DoneMessage | FailedMessage): void {
    if (message.indexes.length === 0) return;
    this.emit(message);
    if (run.open.size > 0) return;
    this.finish(run);
    this.pump();
  }

  private finish(run: OpenRun): void {
    const wasFirst = run === this.queue[0];
    this.queue = this.queue.filter((other) => other !== run);
    this.emit({ type: "finished", token: run.message.token });
    if (this.queue.length === 0) this.rest();
    else if (wasFirst) this.tellLoaded();
  }

  private rest(): void {
    this.spare.rest();
    clearTimeout(this.idleTimer);
    if (this.live === null || !SLOW_TO_START.has(this.live.language)) return;
    this.idleTimer = setTimeout(() => {
      this.endLive();
    }, IDLE_MS);
  }

  /** The code does not load: every run of this realm fails, and the next payload of it gets a fresh try. */
  private broken(error: string, kind: FailureKind): void {
    const key = this.live?.key;
    this.endLive();
    for (const run of this.queue.filter((queued) => keyOf(queued.message) === key)) {
      this.failAll(run, error, kind);
      this.finish(run);
    }
    this.pump();
  }

  private refuse(run: OpenRun, reason: string): void {
    if (run.open.size > 0) this.failAll(run, reason, "crash");
    this.finish(run);
  }

  private failAll(run: OpenRun, error: string, kind: FailureKind): void {
    const indexes = [...run.open];
    this.emit({ type: "failed", token: run.message.token, indexes, errors: indexes.map(() => error), kinds: indexes.map(() => kind) });
  }
}

function keyOf(message: RunMessage): string {
  return `${message.workunit} ${message.task}`;
}

/** The part of an answer that answers open indexes, each once; columns of another length than the indexes count for nothing. */
function openPart<M extends DoneMessage | FailedMessage>(run: OpenRun, message: M, columns: (keyof M & string)[]): M {
  const lists = columns.map((name) => message[name] as unknown[]);
  const whole = lists.every((list) => list.length === message.indexes.length);
  const kept = whole ? message.indexes.map((index, at) => (run.open.delete(index) ? at : -1)).filter((at) => at >= 0) : [];
  if (kept.length === message.indexes.length) return message;
  const part: Record<string, unknown> = { ...message, indexes: kept.map((at) => message.indexes[at]) };
  columns.forEach((name, c) => (part[name] = kept.map((at) => lists[c]?.[at])));
  return part as unknown as M;
}
