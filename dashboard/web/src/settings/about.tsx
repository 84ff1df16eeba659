// The manager itself: versions, and where its data lies. Read only.

import { useEffect, useState } from "preact/hooks";
import { callJson } from "../api";
import { may } from "../me";
import { Needs } from "../needs";
import { Trouble } from "../parts";
import { type About, reason } from "./model";

export function Machine() {
  return (
    <section aria-labelledby="machine">
      <h2 id="machine">This manager</h2>
      {may("operator") ? <Facts /> : <Needs least="operator">Versions and places</Needs>}
    </section>
  );
}

function Facts() {
  const [about, setAbout] = useState<About | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    callJson<About>("/api/about").then(setAbout, (error: unknown) => setTrouble(reason(error)));
  }, []);
  if (about === null) return <Trouble text={trouble} />;
  const facts: [string, string][] = [
    ["Version", `disio ${about.software}, wire protocol ${about.protocol}`],
    ["Database", about.database],
    ["Data directory", about.data_dir],
    ["Cluster", about.cluster],
  ];
  return (
    <>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="mono value">{value}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">
        Set with flags, <code>DISIO_*</code> or <code>disio.toml</code>, and read at the start: see{" "}
        <code>disio config show</code>.
      </p>
    </>
  );
}
