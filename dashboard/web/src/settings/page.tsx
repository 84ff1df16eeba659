// Settings.

import { useTitle } from "../parts";

export function SettingsPage() {
  useTitle("Settings");
  return <h1>Settings</h1>;
}
