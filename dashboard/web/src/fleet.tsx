// The strip under the header: who computes right now.

import { fleet, stats } from "./feed";
import * as format from "./format";
import type { Distributor } from "./model";
import { StateChip } from "./parts";

export function FleetStrip() {
  const now = stats.value;
  const distributors = fleet.value;
  return (
    <section class="fleet" aria-label="Fleet">
      <Figure label="results" value={now ? format.rate(now.rate) : "–"} />
      <Figure label={now?.clients === 1 ? "client" : "clients"} value={now ? format.count(now.clients) : "–"} />
      <Figure label={now?.slots === 1 ? "slot" : "slots"} value={now ? format.count(now.slots) : "–"} />
      <Figure
        label={now?.distributors === 1 ? "distributor" : "distributors"}
        value={now ? format.count(now.distributors) : "–"}
      />
      {distributors && distributors.length > 0 && (
        <details>
          <summary>Distributors</summary>
          <ul class="distributors">
            {distributors.map((distributor) => (
              <Card key={distributor.id} distributor={distributor} />
            ))}
          </ul>
        </details>
      )}
      {distributors?.length === 0 && (
        <p class="hint">
          No distributor is connected. Start one: <code>disio distributor start</code>
        </p>
      )}
    </section>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <p class="number">
      <strong>{value}</strong> <span>{label}</span>
    </p>
  );
}

function Card({ distributor }: { distributor: Distributor }) {
  return (
    <li>
      <p>
        <strong>{distributor.name || distributor.id}</strong> <StateChip state={distributor.state} />
      </p>
      <p class="mono">
        {format.count(distributor.clients)} {distributor.clients === 1 ? "client" : "clients"} ·{" "}
        {format.rate(distributor.rate)} · {format.count(distributor.outbox)} results waiting for the manager
      </p>
      <p class="hint">{distributor.url}</p>
    </li>
  );
}
