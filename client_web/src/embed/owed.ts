/**
 * Finished results that no distributor has stored yet, kept in this frame's storage where that is allowed.
 *
 * Rule: written after consent only, for the client that computed them, and gone with "stop and forget". Kept for a week and within a limit;
 * storage that is refused or full is no error: the results are then in memory alone.
 */

import type { Results } from "../protocol/messages";
import type { Identity } from "../session/session";

const NAME = "disio.owed";
const STORE = "results";
const KEPT_MS = 7 * 24 * 3600 * 1000;
const MAX_BYTES = 32 * 1024 * 1024;
/** For the storage to open: the visitor waits for it. */
const OPEN_MS = 1_000;
const MAX_ROWS = 2_000;

interface Row {
  identity: Identity;
  message: Results;
  bytes: number;
  at: number;
}

/** What an earlier frame left: whose it is, and the results. */
export interface Legacy {
  identity: Identity;
  messages: Results[];
}

/** Makes keys of this frame unlike those of any other. */
const FRAME = crypto.getRandomValues(new Uint32Array(2)).join("-");

export class Owed {
  private readonly db: Promise<IDBDatabase | null> = open();
  /** Outbox id to bytes, of what is written. */
  private readonly written = new Map<number, number>();
  /** Ids that were owed the last time: what goes out at once is never written. */
  private before = new Set<number>();
  private bytes = 0;

  /** Take out what earlier frames left, the newest client's; nobody else can deliver the rest, and it is dropped. */
  async takeOver(known: Identity, now: number): Promise<Legacy | null> {
    const rows = (await this.all()).filter((row) => now - row.at < KEPT_MS && row.at <= now).sort((a, b) => b.at - a.at);
    await this.forget();
    const identity = known.client_id === "" ? rows[0]?.identity : known;
    if (identity === undefined) return null;
    const messages = rows.filter((row) => row.identity.client_id === identity.client_id).map((row) => row.message);
    return { identity, messages };
  }

  /** Bring what is written in line with what is owed. Called every now and then. */
  sync(identity: Identity, owed: readonly { id: number; message: Results }[], now: number): void {
    const ids = new Set(owed.map(({ id }) => id));
    const gone = [...this.written.keys()].filter((id) => !ids.has(id));
    const fresh = owed.filter(({ id }) => this.before.has(id) && !this.written.has(id));
    this.before = ids;
    for (const id of gone) this.bytes -= this.drop(id);
    const puts: { id: number; row: Row }[] = [];
    for (const { id, message } of fresh) {
      const bytes = message.values.reduce((sum, value) => sum + value.length, 64 * message.indexes.length);
      if (this.written.size >= MAX_ROWS || this.bytes + bytes > MAX_BYTES) break;
      this.written.set(id, bytes);
      this.bytes += bytes;
      puts.push({ id, row: { identity: { ...identity }, message, bytes, at: now } });
    }
    if (gone.length > 0 || puts.length > 0) void this.write(gone, puts);
  }

  /** Drop everything, of whatever frame. */
  async forget(): Promise<void> {
    this.written.clear();
    this.before.clear();
    this.bytes = 0;
    await this.change((store) => store.clear());
  }

  private drop(id: number): number {
    const bytes = this.written.get(id) ?? 0;
    this.written.delete(id);
    return bytes;
  }

  private write(gone: readonly number[], puts: readonly { id: number; row: Row }[]): Promise<void> {
    return this.change((store) => {
      for (const id of gone) store.delete(keyOf(id));
      for (const { id, row } of puts) store.put(row, keyOf(id));
    });
  }

  private async change(work: (store: IDBObjectStore) => void): Promise<void> {
    const db = await this.db;
    if (db === null) return;
    try {
      const transaction = db.transaction(STORE, "readwrite");
      work(transaction.objectStore(STORE));
      await new Promise<void>((resolve) => {
        transaction.oncomplete = transaction.onabort = () => {
          resolve();
        };
      });
    } catch {
      // The storage was taken away.
    }
  }

  private async all(): Promise<Row[]> {
    const db = await this.db;
    if (db === null) return [];
    try {
      const request = db.transaction(STORE).objectStore(STORE).getAll();
      return await new Promise((resolve) => {
        request.onsuccess = () => {
          resolve((request.result as unknown[]).filter(isRow));
        };
        request.onerror = () => {
          resolve([]);
        };
      });
    } catch {
      return [];
    }
  }
}

const keyOf = (id: number): string => `${FRAME}/${id}`;

function isRow(row: unknown): row is Row {
  const { identity, message, at } = row as Partial<Row>;
  return typeof identity?.client_id === "string" && typeof identity.secret === "string" && message?.type === "results" && typeof at === "number";
}

/** Null where storage is refused, or does not answer in time. */
function open(): Promise<IDBDatabase | null> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(null);
    }, OPEN_MS);
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => {
        resolve(request.result);
      };
      request.onerror = request.onblocked = () => {
        resolve(null);
      };
    } catch {
      resolve(null);
    }
  });
}
