// Every distributor with what is wrong with it, and the managers where there is more than one.

import { useEffect, useRef, useState } from "preact/hooks";
import { callJson } from "../api";
import { fleet } from "../feed";
import * as format from "../format";
import { may } from "../me";
import type { Distributor, Manager } from "../model";
import { Needs } from "../needs";
import { StateChip, useTitle } from "../parts";
import { BlockedClients } from "./blocked";
import { Card } from "./card";
import { Clients } from "./clients";
import { versionsOf } from "./orders";

const REREAD_MS = 5_000;

export function FleetPage() {
  useTitle("Fleet");
  const managers = useManagers();
  const distributors = fleet.value;
  const isNew = useNewcomers(distributors);
  const [blocked, setBlocked] = useState(0);
  return (
    <>
      <h1>Fleet</h1>
      {!may("operator") && <Needs least="operator">Orders to distributors, and blocking clients,</Needs>}
      <h2>Distributors</h2>
      {distributors === null && <p aria-busy="true">Reading the fleet…</p>}
      {distributors?.length === 0 && (
        <p class="hint">
          None has been here. Start one: <code>disio distributor start</code>
        </p>
      )}
      <ul class="distributors">
        {distributors?.map((distributor) => (
          <Card key={distributor.id} distributor={distributor} managers={managers} isNew={isNew(distributor.id)} />
        ))}
      </ul>
      {distributors !== null && distributors.length > 0 && (
        <>
          <Clients distributors={distributors} onBlocked={() => setBlocked((before) => before + 1)} />
          {may("operator") && <BlockedClients turn={blocked} />}
          <Versions distributors={distributors} />
        </>
      )}
      {managers.length > 1 && <Managers managers={managers} />}
    </>
  );
}

/** Tells which distributors came while this page was open. */
function useNewcomers(distributors: Distributor[] | null): (id: string) => boolean {
  const first = useRef<ReadonlySet<string> | null>(null);
  if (first.current === null && distributors !== null) first.current = new Set(distributors.map(({ id }) => id));
  return (id) => first.current?.has(id) === false;
}

function Versions({ distributors }: { distributors: Distributor[] }) {
  const rows = versionsOf(distributors.filter(({ state }) => state !== "offline"));
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby="versions">
      <h2 id="versions">Versions in use</h2>
      <ul>
        {rows.map(({ version, distributors: many, clients }) => (
          <li key={version}>
            <span class="mono">{version}</span>: {format.count(many)} {many === 1 ? "distributor" : "distributors"},{" "}
            {format.count(clients)} {clients === 1 ? "client" : "clients"}
          </li>
        ))}
      </ul>
    </section>
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
