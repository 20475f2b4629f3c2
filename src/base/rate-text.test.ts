import { expect, test } from "bun:test";
import { isFailure } from "./failure.ts";
import { formatRate, parseRate } from "./rate-text.ts";

const KIB = 1024;

test("a rate is read in the forms in which people write it", () => {
  const forms: readonly [string, number | undefined][] = [
    ["65536", 64 * KIB],
    ["500K", 500 * KIB],
    ["500k", 500 * KIB],
    ["500 KiB/s", 500 * KIB],
    ["500kb/s", 500 * KIB],
    ["1.5M", 1.5 * KIB * KIB],
    ["1,5 MiB/s", 1.5 * KIB * KIB],
    ["2 MB/s", 2 * KIB * KIB],
    ["1G", KIB ** 3],
    ["20mbit", 2_500_000],
    ["20 Mbit/s", 2_500_000],
    ["800 kbit/s", 100_000],
    ["20Mbps", 2_500_000],
    ["off", undefined],
    ["None", undefined],
    ["unlimited", undefined],
  ];
  expect(forms.map(([text]) => parseRate(text))).toEqual(forms.map(([, bytes]) => bytes));
});

test("what is no rate, too slow to be of use or beyond any line is refused with what to write", () => {
  for (const text of ["", "fast", "-5M", "5Q", "1e9", "0x10", "5 M M", "\u001b[31m"]) {
    const refused = parseRate(text);
    expect(isFailure(refused) && refused.message).toContain("write 500K, 2.5M, 20mbit or off");
  }
  for (const text of ["0", "100", "15K", "9999T"]) {
    const refused = parseRate(text);
    expect(isFailure(refused) && refused.message).toStartWith(
      "a limit is from 16.0 KiB/s to 1.0 TiB/s, or off; got",
    );
  }
});

test("a rate is shown as sizes are", () => {
  expect([16 * KIB, 2_500_000].map(formatRate)).toEqual(["16.0 KiB/s", "2.4 MiB/s"]);
});
