/**
 * What a share costs in power, roughly. Rule: pure, and told before anything of the machine is read: a range that holds for most
 * computers (docs/visitors.md tells where it comes from).
 */

/** What a processor takes more at full load than at rest, in watts: a light laptop's, a large desktop's. */
const LEAST_W = 12;
const MOST_W = 120;

/** Watts from and to. */
export function extraPower(percent: number): [number, number] {
  return [(LEAST_W * percent) / 100, (MOST_W * percent) / 100];
}
