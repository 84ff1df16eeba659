// Every distributor with what is wrong with it, and the managers where there is more than one.

import { useEffect, useState } from "preact/hooks";
import { callJson } from "../api";
import { fleet } from "../feed";
import * as format from "../format";
import type { Distributor, Manager } from "../model";
import { StateChip, useTitle } from "../parts";
import { spaceLevel, warningsOf } from "./health";

const REREAD_MS = 5_000;

export function FleetPage() {
  useTitle("Fleet");
  const managers = useManagers();
  const distributors = fleet.value;
  return (
    <>
      <h1>Fleet</h1>
      <h2>Distributors</h2>
      {distributors === null && <p aria-busy="true">Reading the fleet…</p>}
      {distributors?.length === 0 && (
        <p class="hint">
          None has been here. Start one: <code>disio distributor start</code>
        </p>
      )}
      <ul class="distributors">
        {distributors?.map((distributor) => (
          <Card key={distributor.id} distributor={distributor} managers={managers} />
        ))}
      </ul>
      {managers.length > 1 && <Managers managers={managers} />}
    </>
  );
}

function useManagers(): Manager[] {
  const [managers, setManagers] = useState<Manager[]>([]);
  useEffect(() => {
    const read = () => {
      if (document.hidden) return;
      callJson<{ items: Manager[] }>("/api/managers").then(
        (told) => setManagers(told.items),
        () => setManagers([]), // the page says by itself when the manager is away
      );
    };
    read();
    const timer = setInterval(read, REREAD_MS);
    return () => clearInterval(timer);
  }, []);
  return managers;
}

function Card({ distributor, managers }: { distributor: Distributor; managers: Manager[] }) {
  const { name, id, url, state, region, software } = distributor;
  return (
    <li data-distributor={id}>
      <div class="heading">
        <h3>{name || id}</h3>
        <StateChip state={state} />
      </div>
      {warningsOf(distributor).map((sentence) => (
        <p key={sentence} class="warning">
          <span aria-hidden="true">▲</span> {sentence}
        </p>
      ))}
      {state !== "refused" && <Numbers distributor={distributor} managers={managers} />}
      <p class="hint value">{[url, region, software].filter(Boolean).join(" · ")}</p>
    </li>
  );
}

function Numbers({ distributor, managers }: { distributor: Distributor; managers: Manager[] }) {
  const { clients, slots, rate, outbox, turned_away = 0, space, manager } = distributor;
  return (
    <dl class="numbers">
      <dt>Clients</dt>
      <dd>
        {format.count(clients)}, {format.count(slots)} {slots === 1 ? "slot" : "slots"}
      </dd>
      {turned_away > 0 && (
        <>
          <dt>Turned away</dt>
          <dd>{format.count(turned_away)} for want of places</dd>
        </>
      )}
      <dt>Results</dt>
      <dd>
        {format.rate(rate)}, {format.count(outbox)} waiting for a manager
      </dd>
      {space !== undefined && (
        <>
          <dt>Cache</dt>
          <dd>
            <Space space={space} />
          </dd>
        </>
      )}
      {manager && managers.length > 1 && (
        <>
          <dt>Manager</dt>
          <dd class="value">{managers.find(({ id }) => id === manager)?.url ?? manager}</dd>
        </>
      )}
    </dl>
  );
}

function Space({ space }: { space: number }) {
  const share = Math.min(1, Math.max(0, space));
  return (
    <span class="space">
      <svg class="progress" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar-rest" width="1000" height="8" />
        <rect class={`space-${spaceLevel(space)}`} width={1000 * share} height="8" />
      </svg>
      {format.percent(share, 1)} used
    </span>
  );
}

function Managers({ managers }: { managers: Manager[] }) {
  return (
    <section aria-labelledby="managers">
      <h2 id="managers">Managers</h2>
      <ul class="distributors">
        {managers.map((manager) => (
          <li key={manager.id}>
            <div class="heading">
              <h3 class="value">{manager.url}</h3>
              <StateChip state={manager.alive ? "online" : "offline"} />
            </div>
            <p class="hint">
              {manager.this ? "Answers this page." : `Last sign of life ${format.duration(manager.beat_age_s)} ago.`}
            </p>
            <p class="hint mono value">{manager.id}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
