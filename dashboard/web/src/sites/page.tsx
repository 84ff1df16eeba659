// Sites.

import { useTitle } from "../parts";

export function SitesPage() {
  useTitle("Sites");
  return <h1>Sites</h1>;
}
