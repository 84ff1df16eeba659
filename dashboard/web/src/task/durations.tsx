// How long the units took: a histogram with median and 95th percentile, and the same numbers as a table.

import * as format from "../format";
import type { Task } from "../model";
import { Trouble } from "../parts";
import { usePolled } from "../polling";

interface Bin {
  from_s: number;
  below_s: number;
  count: number;
}

interface Durations {
  done: number;
  counted: number;
  least_s: number | null;
  most_s: number | null;
  mean_s: number | null;
  p50_s: number | null;
  p95_s: number | null;
  bins: Bin[];
}

const EVERY_MS = 10_000;
const [WIDTH, HEIGHT] = [1000, 160];

export function UnitDurations({ task }: { task: Task }) {
  const { found, trouble } = usePolled<Durations>(`/api/tasks/${encodeURIComponent(task.id)}/durations`, EVERY_MS);
  return (
    <section aria-labelledby="durations">
      <h2 id="durations">How long units took</h2>
      <Trouble text={trouble} />
      {found && found.counted === 0 && <p>No unit has a result yet.</p>}
      {found && found.counted > 0 && <Histogram found={found} />}
    </section>
  );
}

function Histogram({ found }: { found: Durations }) {
  const { bins, p50_s, p95_s } = found;
  const most = Math.max(...bins.map(({ count }) => count));
  const step = WIDTH / bins.length;
  const sentence = `Half took at most ${format.runTime(p50_s)} (p50), 95 % at most ${format.runTime(p95_s)} (p95)`;
  return (
    <figure class="bars">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={sentence}>
        {bins.map((bin, at) => {
          const height = (HEIGHT * bin.count) / most;
          return (
            <rect
              key={bin.from_s}
              x={at * step + 1}
              y={HEIGHT - height}
              width={Math.max(1, step - 2)}
              height={bin.count === 0 ? 0 : Math.max(2, height)}
            >
              <title>{`${range(bin)}: ${format.count(bin.count)}`}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption>
        <p>
          {sentence}, within 9.1 %; the shortest {format.runTime(found.least_s)}, the longest{" "}
          {format.runTime(found.most_s)}, {format.runTime(found.mean_s)} on average.
        </p>
        <p class="hint">
          {format.count(found.counted)} of {format.count(found.done)} results counted, in bins a quarter of a doubling
          wide.
        </p>
        <details>
          <summary>As a table</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">From, below</th>
                <th scope="col">Units</th>
              </tr>
            </thead>
            <tbody>
              {bins.map((bin) => (
                <tr key={bin.from_s}>
                  <th scope="row" class="mono">
                    {range(bin)}
                  </th>
                  <td class="mono">{format.count(bin.count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      </figcaption>
    </figure>
  );
}

function range({ from_s, below_s }: Bin): string {
  return `${format.runTime(from_s)} to ${format.runTime(below_s)}`;
}
