import { expect, it } from "vitest";
import { everyDay, type SiteDay, siteName } from "../../src/sites/model";

it("shows every day of a span, those without counts too", () => {
  const numbers = { opened: 5, granted: 2, declined: 0, revoked: 0, opt_in_rate: 0.4, visits: 3 };
  const lengths = { mean_s: 1, median_s: 1, mode_s: 1, units: 9, unit_seconds: 1 };
  const rows: SiteDay[] = [{ at: 20_000 * 86_400, ...numbers, ...lengths }];
  expect(everyDay(rows, "visits", 3, 20_001 * 86_400 + 5)).toEqual([
    { at: 19_999 * 86_400, value: 0 },
    { at: 20_000 * 86_400, value: 3 },
    { at: 20_001 * 86_400, value: 0 },
  ]);
});

it("names what is no site", () => {
  expect(siteName({ site: "others", name: "x" })).toContain("together");
  expect(siteName({ site: "https://a.example", name: "" })).toBe("https://a.example");
});
