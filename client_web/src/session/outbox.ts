/**
 * What must reach the distributor: kept until it said that it is stored.
 *
 * Rule: results are gathered for up to GATHER_S or GATHER_UNITS; at most MAX_UNDER_WAY messages wait for their acknowledgement at a time;
 * after a lost connection everything unacknowledged goes out again, oldest first. It is bounded by the units the client holds.
 */

import type { Checkpoint, Failed, Release, Results } from "../protocol/messages";

const GATHER_S = 1;
const GATHER_UNITS = 500;
const GATHER_BYTES = 4 * 1024 * 1024;
const MAX_UNDER_WAY = 4;

export type Kept = Results | Failed | Checkpoint | Release;

interface Letter {
  id: number;
  message: Kept;
  isUnderWay: boolean;
}

interface Gathering {
  results: Results;
  since: number;
  bytes: number;
}

export class Outbox {
  private readonly gathering = new Map<string, Gathering>();
  private letters: Letter[] = [];
  private nextId = 1;

  get isEmpty(): boolean {
    return this.letters.length === 0 && this.gathering.size === 0;
  }

  addResult(token: string, index: number, value: Uint8Array, seconds: number, now: number): void {
    let open = this.gathering.get(token);
    if (open === undefined) {
      open = { results: { type: "results", token, indexes: [], values: [], seconds: [] }, since: now, bytes: 0 };
      this.gathering.set(token, open);
    }
    open.results.indexes.push(index);
    open.results.values.push(value);
    open.results.seconds.push(seconds);
    open.bytes += value.length;
    if (open.results.indexes.length >= GATHER_UNITS || open.bytes >= GATHER_BYTES) this.seal(token);
  }

  /** Add a message that is not gathered. A checkpoint replaces an unsent one of the same unit. */
  add(message: Kept): void {
    const same = (letter: Letter): boolean =>
      message.type === "checkpoint" && letter.message.type === "checkpoint" && !letter.isUnderWay &&
      letter.message.token === message.token && letter.message.index === message.index;
    this.letters = this.letters.filter((letter) => !same(letter));
    this.letters.push({ id: this.nextId++, message, isUnderWay: false });
  }

  /** Close what is gathered of a token (of all without one), so that it goes out now. */
  seal(token?: string): void {
    for (const [key, open] of [...this.gathering]) {
      if (token !== undefined && key !== token) continue;
      this.gathering.delete(key);
      this.add(open.results);
    }
  }

  /** What may go out now: all of it when there is no later. */
  pump(now: number, isLast = false): { id: number; message: Kept }[] {
    for (const [token, open] of [...this.gathering]) if (now - open.since >= GATHER_S) this.seal(token);
    const room = isLast ? Infinity : MAX_UNDER_WAY - this.letters.filter((letter) => letter.isUnderWay).length;
    const going = this.letters.filter((letter) => !letter.isUnderWay).slice(0, Math.max(0, room));
    for (const letter of going) letter.isUnderWay = true;
    return going.map(({ id, message }) => ({ id, message }));
  }

  /** The acknowledgement came: forget the message, and return it. */
  settle(id: number): Kept | null {
    const letter = this.letters.find((one) => one.id === id);
    this.letters = this.letters.filter((one) => one.id !== id);
    return letter?.message ?? null;
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
}
