// Events.

import { useTitle } from "../parts";

export function EventsPage() {
  useTitle("Events");
  return <h1>Events</h1>;
}
