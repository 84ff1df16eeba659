// The strip under the header: who computes right now, and whether something is wrong with it.

import { fleet, stats } from "../feed";
import * as format from "../format";
import { troubled } from "./health";

export function FleetStrip() {
  const now = stats.value;
  const distributors = fleet.value;
  const warnings = troubled(distributors ?? []);
  return (
    <section class="fleet" aria-label="Fleet">
      <Figure label="results" value={now ? format.rate(now.rate) : "–"} />
      <Figure label={now?.clients === 1 ? "client" : "clients"} value={now ? format.count(now.clients) : "–"} />
      <Figure label={now?.slots === 1 ? "slot" : "slots"} value={now ? format.count(now.slots) : "–"} />
      <Figure
        label={now?.distributors === 1 ? "distributor" : "distributors"}
        value={now ? format.count(now.distributors) : "–"}
      />
      {warnings > 0 && (
        <p class="warning">
          <span aria-hidden="true">▲</span>{" "}
          <a href="/fleet">{warnings === 1 ? "1 distributor needs a look" : `${warnings} distributors need a look`}</a>
        </p>
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
