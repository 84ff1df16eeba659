// Overview.

import { useTitle } from "../parts";

export function OverviewPage() {
  useTitle("Overview");
  return <h1>Overview</h1>;
}
