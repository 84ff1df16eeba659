import { expect, test } from "vitest";
import { Problem } from "../../src/api";
import { programName, reason } from "../../src/settings/model";

test.each([
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "Chrome 156 on Linux",
  ],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:148.0) Gecko/20100101 Firefox/148.0", "Firefox 148 on Windows"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 20_0 like Mac OS X) Version/20.0 Mobile/1 Safari/604.1", "Safari 20 on iOS"],
  ["Mozilla/5.0 Chrome/156.0 Safari/537.36 Edg/156.0", "Edge 156"],
  ["disio 0.1", "disio 0.1"],
  ["", "A program"],
])("%s is called %s", (told, name) => {
  expect(programName(told)).toBe(name);
});

test("what went wrong names the fields, in words", () => {
  const errors = [
    { path: "old_password", message: "is wrong" },
    { path: "", message: "must be an object" },
  ];
  expect(reason(new Problem(422, "invalid", "all of it", errors))).toBe("old password is wrong; must be an object");
  expect(reason(new Problem(409, "last-admin", "ada is the last admin"))).toBe("ada is the last admin");
});
