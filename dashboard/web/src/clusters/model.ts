// The clusters that the dashboard knows, as it tells them.

export interface ClusterRow {
  key: string;
  title: string;
  /** Host and port of the manager that is asked. */
  address: string;
  state: "online" | "away";
  is_found: boolean;
  signed_in: boolean;
  chosen: boolean;
  /** Key and address of another manager of the cluster, which answers while this one does not. */
  instead: string;
  instead_address: string;
  managers: number;
}

export interface Clusters {
  items: ClusterRow[];
  total: number;
  left_out: number;
  /** Whether others may appear. */
  changes: boolean;
}

/** Title and address, where they differ: anybody can announce any title. */
export function nameOf({ title, address }: ClusterRow): string {
  return title === address || address === "" ? title : `${title} (${address})`;
}

/** What else is to be known of it, in words. */
export function factsOf({ signed_in, is_found, managers }: ClusterRow): string {
  const found = is_found ? ["found on this network"] : [];
  const many = managers > 1 ? [`${managers} managers`] : [];
  return [signed_in ? "signed in" : "not signed in", ...found, ...many].join(", ");
}

/** Where a cluster is chosen: its pages if one is signed in there, else its sign-in page. */
export function leaveFor(key: string): string {
  return `/login?cluster=${encodeURIComponent(key)}`;
}
