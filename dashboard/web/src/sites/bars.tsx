// One bar a day, with a table of the same numbers for who cannot see it.

import * as format from "../format";

const WIDTH = 1000;
const HEIGHT = 160;

interface Props {
  label: string;
  days: { at: number; value: number }[];
}

export function Bars({ label, days }: Props) {
  const most = Math.max(1, ...days.map(({ value }) => value));
  const step = WIDTH / Math.max(1, days.length);
  return (
    <figure class="bars">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${label} a day`}>
        {days.map(({ at, value }, number) => {
          const height = (HEIGHT * value) / most;
          return (
            <rect key={at} x={number * step + 1} y={HEIGHT - height} width={Math.max(1, step - 2)} height={height}>
              <title>{`${day(at)}: ${format.count(value)}`}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption class="hint">
        {label} a day, at most {format.count(most)}: {day(days[0]?.at ?? 0)} to {day(days.at(-1)?.at ?? 0)}, UTC
      </figcaption>
    </figure>
  );
}

export function day(at: number): string {
  return new Date(at * 1000).toISOString().slice(0, 10);
}
