/**
 * What must reach the distributor: kept until it said that it is stored.
 *
 * Rule: results are gathered for up to GATHER_S or GATHER_UNITS; at most MAX_UNDER_WAY messages wait for their acknowledgement at a time;
 * after a lost connection everything unacknowledged goes out again, oldest first. When it is full no unit is started.
 */

import type { Checkpoint, Failed, Release, Results } from "../protocol/messages";
import { MAX_MESSAGE_CHARS, NO_ROOM } from "./unit_logs";

const GATHER_S = 1;
const GATHER_UNITS = 500;
const GATHER_BYTES = 4 * 1024 * 1024;
const MAX_UNDER_WAY = 4;
/** Results kept for a distributor that is away or takes none; what runs when they are reached is kept too. */
const MAX_UNSENT_BYTES = 32 * 1024 * 1024;
const MAX_UNSENT_UNITS = 20_000;

export type Kept = Results | Failed | Checkpoint | Release;

interface Letter {
  id: number;
  message: Kept;
  isUnderWay: boolean;
  /** The distributor had no room for it the last time. */
  isRefused: boolean;
  bytes: number;
  units: number;
}

interface Gathering {
  results: Results;
  since: number;
  bytes: number;
  /** Of logs. */
  chars: number;
}

export class Outbox {
  private readonly gathering = new Map<string, Gathering>();
  private letters: Letter[] = [];
  private nextId = 1;

  get isEmpty(): boolean {
    return this.letters.length === 0 && this.gathering.size === 0;
  }

  /** Whether no unit may be started, lest its result finds no place. */
  get isFull(): boolean {
    let [bytes, units] = [0, 0];
    for (const open of this.gathering.values()) [bytes, units] = [bytes + open.bytes, units + open.results.indexes.length];
    for (const letter of this.letters) [bytes, units] = [bytes + letter.bytes, units + letter.units];
    return bytes >= MAX_UNSENT_BYTES || units >= MAX_UNSENT_UNITS;
  }

  addResult(token: string, index: number, value: Uint8Array, seconds: number, now: number, log = ""): void {
    let open = this.gathering.get(token);
    if (open === undefined) {
      open = { results: { type: "results", token, indexes: [], values: [], seconds: [], logged: [], logs: [] }, since: now, bytes: 0, chars: 0 };
      this.gathering.set(token, open);
    }
    open.results.indexes.push(index);
    open.results.values.push(value);
    open.results.seconds.push(seconds);
    open.bytes += value.length;
    if (log !== "") {
      open.results.logged.push(index);
      open.results.logs.push(open.chars + log.length <= MAX_MESSAGE_CHARS ? log : NO_ROOM);
      open.chars += log.length;
    }
    if (open.results.indexes.length >= GATHER_UNITS || open.bytes >= GATHER_BYTES) this.seal(token);
  }

  /** Add a message that is not gathered. A checkpoint replaces an unsent one of the same unit. */
  add(message: Kept): void {
    const same = (letter: Letter): boolean =>
      message.type === "checkpoint" && letter.message.type === "checkpoint" && !letter.isUnderWay &&
      letter.message.token === message.token && letter.message.index === message.index;
    this.letters = this.letters.filter((letter) => !same(letter));
    this.letters.push({ id: this.nextId++, message, isUnderWay: false, isRefused: false, ...weightOf(message) });
  }

  /** Close what is gathered of a token (of all without one), so that it goes out now. */
  seal(token?: string): void {
    for (const [key, open] of [...this.gathering]) {
      if (token !== undefined && key !== token) continue;
      this.gathering.delete(key);
      this.add(open.results);
    }
  }

  /** What may go out now: all of it when there is no later. While results are held back, they and what was refused wait. */
  pump(now: number, isLast = false, isHeld = false): { id: number; message: Kept }[] {
    for (const [token, open] of [...this.gathering]) if (now - open.since >= GATHER_S) this.seal(token);
    const room = isLast ? Infinity : MAX_UNDER_WAY - this.letters.filter((letter) => letter.isUnderWay).length;
    const going = this.letters.filter((letter) => !letter.isUnderWay && !(isHeld && mustWait(letter))).slice(0, Math.max(0, room));
    for (const letter of going) letter.isUnderWay = true;
    return going.map(({ id, message }) => ({ id, message }));
  }

  /** The acknowledgement came: forget the message, and return it. */
  settle(id: number): Kept | null {
    const letter = this.letters.find((one) => one.id === id);
    this.letters = this.letters.filter((one) => one.id !== id);
    return letter?.message ?? null;
  }

  /** There is no room for it: keep it, and tell whether it is still owed. A checkpoint is let go; the next one takes its place. */
  refuse(id: number): boolean {
    const letter = this.letters.find((one) => one.id === id);
    if (letter === undefined) return false;
    if (letter.message.type === "checkpoint") return this.settle(id) === null;
    letter.isUnderWay = false;
    letter.isRefused = true;
    return true;
  }

  get owed(): { id: number; message: Results }[] {
    return this.letters.flatMap(({ id, message }) => (message.type === "results" ? [{ id, message }] : []));
  }

  /** Another distributor comes next: of results alone it can make something. */
  moved(): void {
    this.seal();
    this.letters = this.letters.filter(({ message }) => message.type === "results");
    for (const letter of this.letters) letter.isRefused = false;
    this.retry();
  }

  /** No acknowledgement can come any more: send it again. */
  retry(id?: number): void {
    for (const letter of this.letters) if (id === undefined || letter.id === id) letter.isUnderWay = false;
  }

  /** Forget all about tokens that nobody wants. */
  drop(token: string): void {
    this.gathering.delete(token);
    this.letters = this.letters.filter(({ message }) => message.type === "release" || message.token !== token);
  }

  /** Forget units of a token that nobody wants; what is under way of them is not sent again. */
  dropUnits(token: string, indexes: ReadonlySet<number>): void {
    const open = this.gathering.get(token);
    if (open !== undefined) {
      const rest = without(open.results, token, indexes) as Results | null;
      if (rest === null) this.gathering.delete(token);
      else Object.assign(open, { results: rest, bytes: weightOf(rest).bytes });
    }
    this.letters = this.letters.flatMap((letter) => {
      const message = without(letter.message, token, indexes);
      return message === null ? [] : [{ ...letter, message, ...weightOf(message) }];
    });
  }
}

const mustWait = (letter: Letter): boolean => letter.isRefused || letter.message.type === "results" || letter.message.type === "failed";

function weightOf(message: Kept): { bytes: number; units: number } {
  if (message.type === "results") return { bytes: message.values.reduce((sum, value) => sum + value.length, 0), units: message.indexes.length };
  if (message.type === "failed") return { bytes: message.errors.reduce((sum, error) => sum + error.length, 0), units: message.indexes.length };
  return message.type === "checkpoint" ? { bytes: message.state.length, units: 1 } : { bytes: 0, units: 0 };
}

/** The message without these units; null when nothing is left of it. */
function without(message: Kept, token: string, indexes: ReadonlySet<number>): Kept | null {
  if (message.type === "release") return releaseWithout(message, token, indexes);
  if (message.token !== token) return message;
  if (message.type === "checkpoint") return indexes.has(message.index) ? null : message;
  const kept = message.indexes.map((_, at) => at).filter((at) => !indexes.has(message.indexes[at] as number));
  const pick = <T>(column: readonly T[]): T[] => kept.map((at) => column[at] as T);
  if (kept.length === 0) return null;
  if (message.type === "results") return { ...message, indexes: pick(message.indexes), values: pick(message.values), seconds: pick(message.seconds) };
  return { ...message, indexes: pick(message.indexes), errors: pick(message.errors), kinds: pick(message.kinds) };
}

/** An empty list of indexes means all of a token: one that would become empty goes as a whole. */
function releaseWithout(message: Release, token: string, indexes: ReadonlySet<number>): Release | null {
  const rest = message.tokens.map((name, at) => ({ name, was: message.indexes[at] as number[] })).map(({ name, was }) => ({
    name,
    was,
    now: name === token ? was.filter((index) => !indexes.has(index)) : was,
  }));
  const kept = rest.filter(({ was, now }) => now.length > 0 || was.length === 0);
  return kept.length === 0 ? null : { type: "release", tokens: kept.map(({ name }) => name), indexes: kept.map(({ now }) => now) };
}
