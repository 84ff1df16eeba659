// Events: who did what, when and from where. The filters are in the address.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { callJson } from "../api";
import * as format from "../format";
import { may, me } from "../me";
import { Trouble, useTitle } from "../parts";
import { query, setQuery } from "../route";
import { asked, type Deed, type DeedList, doer, FILTERS, type Filter, KINDS, place, words } from "./model";

const PAGE = 50;
const TYPING_MS = 300;

export function EventsPage() {
  useTitle("Events");
  return (
    <div class="events">
      <h1>Events</h1>
      {me.value === null ? (
        <p aria-busy="true">Asking who you are…</p>
      ) : may("operator") ? (
        <Audit />
      ) : (
        <p>Who did what is shown to operators and admins; your role is {me.value.role}. An admin can change that.</p>
      )}
    </div>
  );
}

function Audit() {
  const { deeds, trouble, isBusy, older, reread } = useDeeds();
  const sent = asked(query.value);
  sent.set("format", "ndjson");
  return (
    <>
      <Filters />
      <Trouble text={trouble} />
      {deeds === null && trouble === null && <p aria-busy="true">Reading…</p>}
      {deeds !== null && (
        <>
          <div class="pager">
            <span class="mono" role="status">
              {format.count(deeds.items.length)} of {format.count(deeds.total)}
            </span>
            <button type="button" onClick={reread}>
              Look again
            </button>
            <a class="button" href={`/api/audit?${sent}`} download="audit.ndjson">
              Export all {format.count(deeds.total)}
            </a>
          </div>
          {deeds.total === 0 ? <p>Nothing that matches.</p> : <Table deeds={deeds.items} />}
          {deeds.next_cursor !== null && (
            <p>
              <button type="button" disabled={isBusy} onClick={older}>
                Load older
              </button>
            </p>
          )}
          <p class="hint">Kept: the latest 100,000 events, at most 400 days. Looking at things is no event.</p>
        </>
      )}
    </>
  );
}

function useDeeds() {
  const [deeds, setDeeds] = useState<DeedList | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const turn = useRef(0);
  const filter = asked(query.value).toString();
  const read = useCallback(
    async (cursor: string) => {
      turn.current += 1;
      const mine = turn.current;
      setBusy(true);
      const [page, problem] = await fetchPage(filter, cursor);
      if (mine !== turn.current) return; // the filter was changed meanwhile
      setBusy(false);
      setTrouble(problem);
      if (page === null) return;
      const isFirst = cursor === "";
      setDeeds((before) => ({ ...page, items: [...(isFirst ? [] : (before?.items ?? [])), ...page.items] }));
    },
    [filter],
  );
  useEffect(() => {
    void read("");
  }, [read]);
  return {
    deeds,
    trouble,
    isBusy,
    older: () => void read(deeds?.next_cursor ?? ""),
    reread: () => void read(""),
  };
}

/** A page, or why there is none. */
async function fetchPage(filter: string, cursor: string): Promise<[DeedList | null, string | null]> {
  const sent = new URLSearchParams(filter);
  sent.set("limit", String(PAGE));
  if (cursor !== "") sent.set("cursor", cursor);
  try {
    return [await callJson<DeedList>(`/api/audit?${sent}`), null];
  } catch (error) {
    return [null, error instanceof Error ? error.message : String(error)];
  }
}

function Filters() {
  const isSet = FILTERS.some((name) => query.value.get(name));
  return (
    <search>
      <form class="event-filters" aria-label="Which events" onSubmit={(event) => event.preventDefault()}>
        <Typed name="who" label="Who" />
        <Typed name="verb" label="What" />
        <Choice name="kind" label="About" values={KINDS} />
        <Typed name="subject" label="Id" />
        <Choice name="outcome" label="Outcome" values={["ok", "refused", "failed"]} />
        <Typed name="since" label="From" type="date" />
        <Typed name="until" label="To" type="date" />
        {isSet && (
          <button type="button" onClick={() => setQuery(Object.fromEntries(FILTERS.map((name) => [name, ""])))}>
            All events
          </button>
        )}
      </form>
    </search>
  );
}

function Typed({ name, label, type = "text" }: { name: Filter; label: string; type?: "text" | "date" }) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label>
      {label}
      <input
        {...({ type } as object)}
        name={name}
        value={query.value.get(name) ?? ""}
        autocomplete="off"
        onInput={(event) => {
          const { value } = event.currentTarget;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => setQuery({ [name]: value.trim() }), TYPING_MS);
        }}
      />
    </label>
  );
}

function Choice({ name, label, values }: { name: Filter; label: string; values: string[] }) {
  const chosen = query.value.get(name) ?? "";
  return (
    <label>
      {label}
      <select name={name} value={chosen} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
        <option value="">any</option>
        {values.map((value) => (
          <option key={value} value={value} selected={value === chosen}>
            {value}
          </option>
        ))}
      </select>
    </label>
  );
}

function Table({ deeds }: { deeds: Deed[] }) {
  return (
    <table class="deeds">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          <th scope="col">About</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      <tbody>
        {deeds.map((deed) => (
          <Row key={deed.id} deed={deed} />
        ))}
      </tbody>
    </table>
  );
}

const OUTCOMES = { ok: ["✓", "done"], refused: ["⊘", "refused"], failed: ["✕", "failed"] } as const;

function Row({ deed }: { deed: Deed }) {
  const [glyph, word] = OUTCOMES[deed.outcome];
  const to = place(deed.kind, deed.subject);
  return (
    <tr data-verb={deed.verb}>
      <td class="mono">
        <time dateTime={new Date(deed.at * 1000).toISOString()}>{format.when(deed.at)}</time>
      </td>
      <td data-label="Who">{doer(deed.who)}</td>
      <td data-label="What">
        <span class={`chip state-${deed.outcome === "ok" ? "done" : deed.outcome === "failed" ? "failed" : "paused"}`}>
          <span aria-hidden="true">{glyph}</span> {word}
        </span>{" "}
        {words(deed.verb)}
        {deed.times > 1 && <span class="mono"> ×{format.count(deed.times)}</span>}
        {deed.detail !== "" && <span class="hint"> {deed.detail}</span>}
      </td>
      <td data-label="About">
        {deed.kind} {to === null ? <span class="mono">{deed.subject}</span> : <a href={to}>{deed.subject}</a>}
      </td>
      <td class="mono" data-label="From">
        {deed.address || "–"}
      </td>
    </tr>
  );
}
