// Settings: you, users, API tokens, and the manager itself.

import { useTitle } from "../parts";
import { Machine } from "./about";
import { Account } from "./account";
import { Tokens } from "./tokens";
import { Users } from "./users";

export function SettingsPage() {
  useTitle("Settings");
  return (
    <div class="settings">
      <h1>Settings</h1>
      <Account />
      <Users />
      <Tokens />
      <Machine />
    </div>
  );
}
