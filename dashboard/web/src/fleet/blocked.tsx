// The clients that are kept out, with what lets them in again.

import { useCallback, useEffect, useState } from "preact/hooks";
import { call, callJson, Problem } from "../api";
import * as format from "../format";
import { Trouble } from "../parts";

interface Blocked {
  client: string;
  reason: string;
  at: number;
}

interface BlockedList {
  items: Blocked[];
  next_cursor: string | null;
  total: number;
}

export function BlockedClients({ turn }: { turn: number }) {
  const [rows, setRows] = useState<BlockedList | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const read = useCallback((after: BlockedList | null) => {
    callJson<BlockedList>(`/api/blocked?limit=100&cursor=${encodeURIComponent(after?.next_cursor ?? "")}`).then(
      (told) => setRows({ ...told, items: [...(after?.items ?? []), ...told.items] }),
      () => setRows(null), // who may not see it is shown nothing
    );
  }, []);
  useEffect(() => read(null), [read, turn]);

  async function unblock(client: string): Promise<void> {
    try {
      await call(`/api/clients/${encodeURIComponent(client)}/unblock`, { method: "POST" });
      setTrouble(null);
      read(null);
    } catch (error) {
      setTrouble(error instanceof Problem ? error.message : String(error));
    }
  }

  if (rows === null || rows.total === 0) return null;
  return (
    <section aria-labelledby="blocked">
      <h2 id="blocked">Blocked clients</h2>
      <Trouble text={trouble} />
      <ul class="blocked">
        {rows.items.map(({ client, reason, at }) => (
          <li key={client}>
            <span class="mono value">{client}</span>
            <span class="hint">
              since {format.when(at)}
              {reason && `: ${reason}`}
            </span>
            <button type="button" aria-label={`Unblock client ${client}`} onClick={() => void unblock(client)}>
              Unblock
            </button>
          </li>
        ))}
      </ul>
      <p class="pager">
        <span class="mono">
          {format.count(rows.items.length)} of {format.count(rows.total)}
        </span>
        {rows.next_cursor !== null && (
          <button type="button" onClick={() => read(rows)}>
            More
          </button>
        )}
      </p>
    </section>
  );
}
