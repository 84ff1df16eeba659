// The connected clients, filtered and counted where they are; what is asked for stands in the address bar.

import { useCallback, useEffect, useState } from "preact/hooks";
import { call, callJson, Problem } from "../api";
import * as format from "../format";
import { may } from "../me";
import type { Client, ClientList, Distributor } from "../model";
import { Trouble } from "../parts";
import { query, setQuery } from "../route";
import { ReasonForm } from "./actions";

const PAGE = 50;
const REREAD_MS = 5_000;

export function Clients({ distributors, onBlocked }: { distributors: Distributor[]; onBlocked: () => void }) {
  const [cursors, setCursors] = useState<string[]>([]);
  const filter = filterOf(query.value);
  const { list, trouble, reread } = useClients(filter, cursors.at(-1) ?? "");
  const [asked, setAsked] = useState<Client | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  function choose(changes: Record<string, string>): void {
    setCursors([]);
    setQuery(changes);
  }

  async function block(client: string, reason: string): Promise<void> {
    try {
      await call(`/api/clients/${encodeURIComponent(client)}/block?reason=${encodeURIComponent(reason)}`, {
        method: "POST",
      });
      setProblem(null);
      reread();
      onBlocked();
    } catch (error) {
      setProblem(error instanceof Problem ? error.message : String(error));
    }
  }

  return (
    <section aria-labelledby="clients">
      <h2 id="clients">Clients</h2>
      <Filters distributors={distributors} onChoose={choose} />
      <Trouble text={trouble ?? problem} />
      {list?.missing.map((id) => (
        <p key={id} class="warning">
          <span aria-hidden="true">▲</span> {nameOf(distributors, id)} could not be asked for its clients.
        </p>
      ))}
      {list !== null && list.items.length > 0 && (
        <Table clients={list.items} distributors={distributors} onBlock={setAsked} />
      )}
      {list?.items.length === 0 && <p class="hint">No client is connected that matches.</p>}
      {list !== null && <Pager list={list} cursors={cursors} onMove={setCursors} />}
      {asked && (
        <ReasonForm
          title={`Block ${asked.id}?`}
          action="Block client"
          readers="operators"
          onAnswer={(reason) => {
            const client = asked.id;
            setAsked(null);
            if (reason !== null) void block(client, reason);
          }}
        >
          It is told, loses its connection and is not let in again by any distributor. What it holds is handed out to
          others at once; what it has voted stays.
        </ReasonForm>
      )}
    </section>
  );
}

function filterOf(asked: URLSearchParams): string {
  const found = new URLSearchParams();
  for (const name of ["distributor", "kind", "state", "q"]) {
    const value = asked.get(name);
    if (value) found.set(name, value);
  }
  return found.toString();
}

function useClients(filter: string, cursor: string) {
  const [list, setList] = useState<ClientList | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  const reread = useCallback(() => setTurn((before) => before + 1), []);
  useEffect(() => {
    let isOver = false;
    const read = () => {
      if (document.hidden) return;
      callJson<ClientList>(`/api/clients?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}&${filter}`).then(
        (told) => {
          if (isOver) return;
          setList(told);
          setTrouble(null);
        },
        (error: unknown) => {
          const isOutage = error instanceof Problem && (error.status === 503 || error.status === 0);
          if (!isOver) setTrouble(isOutage ? null : (error as Error).message);
        },
      );
    };
    read();
    const timer = setInterval(read, REREAD_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [filter, cursor, turn]);
  return { list, trouble, reread };
}

interface FilterProps {
  distributors: Distributor[];
  onChoose: (changes: Record<string, string>) => void;
}

function Filters({ distributors, onChoose }: FilterProps) {
  const asked = query.value;
  return (
    <form class="client-filters" aria-label="Which clients" onSubmit={(event) => event.preventDefault()}>
      <label>
        Distributor
        <select
          value={asked.get("distributor") ?? ""}
          onChange={(event) => onChoose({ distributor: event.currentTarget.value })}
        >
          <option value="">any</option>
          {distributors
            .filter(({ state }) => state !== "offline" && state !== "refused")
            .map(({ id, name }) => (
              <option key={id} value={id}>
                {name || id}
              </option>
            ))}
        </select>
      </label>
      <label>
        Kind
        <select value={asked.get("kind") ?? ""} onChange={(event) => onChoose({ kind: event.currentTarget.value })}>
          <option value="">any</option>
          <option value="web">browser</option>
          <option value="cli">machine</option>
        </select>
      </label>
      <label>
        State
        <select value={asked.get("state") ?? ""} onChange={(event) => onChoose({ state: event.currentTarget.value })}>
          <option value="">any</option>
          <option value="busy">busy</option>
          <option value="idle">idle</option>
        </select>
      </label>
      <label>
        Find
        <input
          type="text"
          maxLength={200}
          placeholder="id, site, version, browser"
          value={asked.get("q") ?? ""}
          onChange={(event) => onChoose({ q: event.currentTarget.value })}
        />
      </label>
    </form>
  );
}

interface TableProps {
  clients: Client[];
  distributors: Distributor[];
  onBlock: (client: Client) => void;
}

function Table({ clients, distributors, onBlock }: TableProps) {
  return (
    <div class="scrolls">
      <table class="tasks clients">
        <thead>
          <tr>
            <th scope="col">Client</th>
            <th scope="col">Kind</th>
            <th scope="col">Distributor</th>
            <th scope="col">State</th>
            <th scope="col" class="right">
              Slots
            </th>
            <th scope="col" class="right">
              Rate
            </th>
            <th scope="col" class="right">
              Units
            </th>
            <th scope="col" class="right">
              Failed
            </th>
            <th scope="col" class="right">
              For
            </th>
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {clients.map((client) => (
            <Row
              key={`${client.distributor} ${client.id}`}
              client={client}
              distributors={distributors}
              onBlock={onBlock}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ client, distributors, onBlock }: { client: Client } & Omit<TableProps, "clients">) {
  const { id, kind, distributor, slots, rate, units, failures, age_s, busy, site, software, platform } = client;
  return (
    <tr data-client={id}>
      <th scope="row" class="mono value">
        {id}
        {site && <span class="hint"> on {site}</span>}
      </th>
      <td>
        {kind === "web" ? "browser" : "machine"}
        <span class="hint"> {[platform, software].filter(Boolean).join(" · ")}</span>
      </td>
      <td class="value" data-label="At">
        {nameOf(distributors, distributor)}
      </td>
      <td>
        <span class={`chip state-${busy > 0 ? "running" : "queued"}`}>
          <span aria-hidden="true">{busy > 0 ? "▶" : "○"}</span> {busy > 0 ? `has ${format.count(busy)}` : "idle"}
        </span>
      </td>
      <td class="mono right" data-label="Slots">
        {format.count(slots)}
      </td>
      <td class="mono right" data-label="Rate">
        {format.rate(rate)}
      </td>
      <td class="mono right" data-label="Units">
        {format.count(units)}
      </td>
      <td class="mono right" data-label="Failed">
        {format.count(failures)}
      </td>
      <td class="mono right" data-label="For">
        {format.duration(age_s)}
      </td>
      <td>
        {may("operator") && (
          <button type="button" aria-label={`Block client ${id}`} onClick={() => onBlock(client)}>
            Block
          </button>
        )}
      </td>
    </tr>
  );
}

interface PagerProps {
  list: ClientList;
  cursors: string[];
  onMove: (cursors: string[]) => void;
}

function Pager({ list, cursors, onMove }: PagerProps) {
  const next = list.next_cursor;
  return (
    <nav class="pager" aria-label="Pages of clients">
      <span class="mono">
        {format.count(list.items.length)} shown of {format.count(list.total)}
      </span>
      <button type="button" disabled={cursors.length === 0} onClick={() => onMove(cursors.slice(0, -1))}>
        Back
      </button>
      <button type="button" disabled={next === null} onClick={() => next !== null && onMove([...cursors, next])}>
        More
      </button>
    </nav>
  );
}

function nameOf(distributors: Distributor[], id: string): string {
  return distributors.find((one) => one.id === id)?.name || id;
}
