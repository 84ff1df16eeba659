// Who embeds the distributors, how many of those asked help, and how long they stay.

import { useEffect, useState } from "preact/hooks";
import { callJson, Problem } from "../api";
import { useCopy } from "../copying";
import * as format from "../format";
import { Trouble, useTitle } from "../parts";
import { query, setQuery } from "../route";
import { Bars, day } from "./bars";
import { everyDay, MEASURES, type Measure, type SiteItem, type SiteList, type SiteWithDays, siteName } from "./model";

const SPANS = ["7", "30", "90"];
const REREAD_MS = 5_000;
/** An answer of the last seconds will do, so the manager adds up once for all who look. */
const OLDER = { "Cache-Control": "max-age=5" };
const PAGE = 100;

export function SitesPage() {
  useTitle("Sites");
  const days = SPANS.includes(query.value.get("days") ?? "") ? (query.value.get("days") as string) : "30";
  const [cursors, setCursors] = useState<string[]>([]);
  const path = `/api/sites?days=${days}&limit=${PAGE}&cursor=${cursors.at(-1) ?? ""}`;
  const { found: list, trouble } = useRead<SiteList>(path);
  const site = query.value.get("site");
  return (
    <>
      <div class="heading">
        <h1>Sites</h1>
        <label>
          Of the last{" "}
          <select value={days} onChange={(event) => setQuery({ days: event.currentTarget.value })}>
            {SPANS.map((span) => (
              <option key={span} value={span}>
                {span} days
              </option>
            ))}
          </select>
        </label>
      </div>
      <Trouble text={trouble} />
      {list === null && trouble === null && <p aria-busy="true">Reading the sites…</p>}
      {list?.total === 0 && <p class="hint">No page embeds a distributor yet. Put one of the tags below on yours.</p>}
      {list !== null && list.total > 0 && (
        <>
          <Table items={list.items} chosen={site} />
          <p class="pager">
            <span class="mono">
              {format.count(list.items.length)} shown of {format.count(list.total)}
            </span>
            <button type="button" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>
              Back
            </button>
            <button
              type="button"
              disabled={list.next_cursor === null}
              onClick={() => list.next_cursor !== null && setCursors([...cursors, list.next_cursor])}
            >
              More
            </button>
          </p>
          <p class="hint">
            Counted where visitors connect, when their visit ends. Median and mode are right to within{" "}
            {format.percent(list.resolution, 1)}.
          </p>
        </>
      )}
      {site !== null && <OneSite site={site} days={Number(days)} />}
      {list !== null && <Snippets list={list} />}
    </>
  );
}

function useRead<T>(path: string): { found: T | null; trouble: string | null } {
  const [found, setFound] = useState<T | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    let isOver = false;
    const read = () => {
      if (document.hidden) return;
      callJson<T>(path, { headers: OLDER }).then(
        (told) => {
          if (isOver) return;
          setFound(told);
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
  }, [path]);
  return { found, trouble };
}

function Table({ items, chosen }: { items: SiteItem[]; chosen: string | null }) {
  return (
    <table class="tasks sites">
      <thead>
        <tr>
          <th scope="col">Site</th>
          {["Now", "Opened", "Started", "Opt-in", "Visits", "Mean", "Median", "Mode", "Units"].map((name) => (
            <th key={name} scope="col" class="right">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={item.site} data-site={item.site}>
            <th scope="row" class="value">
              <a href={linkTo(item.site)} aria-current={item.site === chosen ? "true" : undefined}>
                {siteName(item)}
              </a>
            </th>
            <Cell label="Now" value={format.count(item.active)} />
            <Cell label="Opened" value={format.count(item.opened)} />
            <Cell label="Started" value={format.count(item.granted)} />
            <Cell label="Opt-in" value={rateOf(item)} />
            <Cell label="Visits" value={format.count(item.visits)} />
            <Cell label="Mean" value={format.duration(item.mean_s)} />
            <Cell label="Median" value={format.duration(item.median_s)} />
            <Cell label="Mode" value={format.duration(item.mode_s)} />
            <Cell label="Units" value={format.count(item.units)} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function linkTo(site: string): string {
  const days = query.value.get("days");
  const asked = new URLSearchParams({ site, ...(days === null ? {} : { days }) });
  return `/sites?${asked.toString()}`;
}

function rateOf({ opened, granted }: SiteItem): string {
  return opened === 0 ? "–" : format.percent(granted, opened);
}

function Cell({ label, value }: { label: string; value: string }) {
  return (
    <td class="mono right" data-label={label}>
      {value}
    </td>
  );
}

function OneSite({ site, days }: { site: string; days: number }) {
  const [measure, setMeasure] = useState<Measure>("visits");
  const { found, trouble } = useRead<SiteWithDays>(`/api/sites/${encodeURIComponent(site)}?days=${days}`);
  if (found === null || found.site !== site) return <Trouble text={trouble} />;
  return (
    <section aria-labelledby="one-site">
      <div class="heading">
        <h2 id="one-site" class="value">
          {siteName(found)}
        </h2>
        <label>
          Show{" "}
          <select value={measure} onChange={(event) => setMeasure(event.currentTarget.value as Measure)}>
            {Object.entries(MEASURES).map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p>
        Average lifespan of its visitors: <strong>{format.duration(found.mean_s)}</strong>. Half of them stay longer
        than {format.duration(found.median_s)}, most often it is {format.duration(found.mode_s)}.{" "}
        {format.count(found.declined)} declined, {format.count(found.revoked)} stopped helping.
      </p>
      <Bars label={MEASURES[measure]} days={everyDay(found.days, measure, days, Date.now() / 1000)} />
      <details>
        <summary>The same as a table</summary>
        <ul>
          {found.days.map((each) => (
            <li key={each.at} class="mono">
              {day(each.at)}: {format.count(each.opened)} opened, {format.count(each.granted)} started,{" "}
              {format.many(each.visits, "visit")}, {format.many(each.units, "unit")}
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

function Snippets({ list: { snippets } }: { list: SiteList }) {
  return (
    <section aria-labelledby="snippets">
      <h2 id="snippets">Embed a distributor</h2>
      {snippets.length === 0 && <p class="hint">No distributor is online that offers its tag.</p>}
      {snippets.map(({ distributor, name, html }) => (
        <Snippet key={distributor} name={name} html={html} />
      ))}
      {snippets.length > 0 && (
        <p class="hint">The tag pins this version of the loader: the browser runs nothing else in its place.</p>
      )}
    </section>
  );
}

function Snippet({ name, html }: { name: string; html: string }) {
  const { ref, told, copy } = useCopy<HTMLElement>(html);
  return (
    <div class="snippet">
      <p class="hint">{name}</p>
      <pre>
        <code ref={ref}>{html}</code>
      </pre>
      <p class="actions">
        <button type="button" aria-label={`Copy the tag of ${name}`} onClick={copy}>
          Copy
        </button>
        <span role="status">{told}</span>
      </p>
    </div>
  );
}
