import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { formatAddress } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import { TRACKER_INFO_BYTES_MAX, TRACKERS_MAX } from "../base/limits.ts";
import { parseTrackerInfo, parseTrackers, readTrackerInfo } from "./tracker-info.ts";

const PIN = "0123456789abcdef".repeat(4);

/** Each tracker as `no=address`, with `+pin` if it has one. */
function read(text: string): string[] | string {
  const entries = parseTrackerInfo(text, "tracker_info.txt");
  if (entries instanceof Failure) return entries.message;
  return entries.map(
    ({ no, address, pin }) => `${no}=${formatAddress(address)}${pin === undefined ? "" : "+pin"}`,
  );
}

const TWO = ["1=127.0.0.1:5000", "2=127.0.0.1:5001"];

describe("every shape of tracker_info.txt", () => {
  const shapes: readonly (readonly [name: string, text: string, trackers: readonly string[]])[] = [
    ["ip:port a line", "127.0.0.1:5000\n127.0.0.1:5001\n", TWO],
    ["ip port a line", "127.0.0.1 5000\n127.0.0.1 5001\n", TWO],
    ["ip and port on alternating lines", "127.0.0.1\n5000\n127.0.0.1\n5001\n", TWO],
    ["no ip port", "1 127.0.0.1 5000\n2 127.0.0.1 5001", TWO],
    ["no ip:port", "1 127.0.0.1:5000\n2 127.0.0.1:5001", TWO],
    ["ip:port no", "127.0.0.1:5000 1\n127.0.0.1:5001 2", TWO],
    ["ip port no", "127.0.0.1 5000 1\n127.0.0.1 5001 2", TWO],
    ["several ip:port on one line", "127.0.0.1:5000 127.0.0.1:5001", TWO],
    ["several ip port on one line", "127.0.0.1 5000 127.0.0.1 5001", TWO],
    ["several no ip port on one line", "1 127.0.0.1 5000 2 127.0.0.1 5001", TWO],
    ["several no ip:port on one line", "1 127.0.0.1:5000 2 127.0.0.1:5001", TWO],
    ["several ip:port no on one line", "127.0.0.1:5000 1 127.0.0.1:5001 2", TWO],
    ["ip;port", "127.0.0.1;5000\n127.0.0.1;5001", TWO],
    ["commas between", "127.0.0.1:5000, 127.0.0.1:5001", TWO],
    ["a sync port after ip port", "127.0.0.1 5000 6000\n127.0.0.1 5001 6001", TWO],
    ["a sync port after no ip port", "1 127.0.0.1 5000 6000\n2 127.0.0.1 5001 6001", TWO],
    ["a low sync port after no ip port", "1 127.0.0.1 5000 6\n2 127.0.0.1 5001 7", TWO],
    ["a sync port after ip:port", "127.0.0.1:5000 6000\n127.0.0.1:5001 6001", TWO],
    ["a sync port after ip;port", "127.0.0.1;5000;6000\n127.0.0.1;5001;6001", TWO],
    ["a sync port in ip:port:sync", "127.0.0.1:5000:6000\n127.0.0.1:5001:6001", TWO],
    ["sync ports, several on one line", "127.0.0.1 5000 6000 127.0.0.1 5001 6001", TWO],
    [
      "JSON",
      '{"trackers":[{"id":1,"ip":"127.0.0.1","port":5000},{"id":2,"ip":"127.0.0.1","port":5001}]}',
      TWO,
    ],
    [
      "JSON, a bare list, numbers as text",
      '[{"ip":"127.0.0.1","port":"5000"},\n{"host":"127.0.0.1","port":5001}]',
      TWO,
    ],
    [
      "JSON with more than is used",
      '{"v":1,"trackers":[{"id":7,"ip":"a.example","port":1,"syncPort":2}]}',
      ["7=a.example:1"],
    ],
    ["JSON without a port", '{"trackers":[{"id":3,"ip":"a.example"}]}', ["3=a.example:8001"]],
    [
      "JSON with a pin",
      `{"trackers":[{"id":1,"ip":"::1","port":5000,"sha256":"${PIN}"}]}`,
      ["1=[::1]:5000+pin"],
    ],
    [
      "JSON, an empty field of another list before",
      '{"notes":["x"],"trackers":[{"ip":"h","port":1}]}',
      ["1=h:1"],
    ],
    [
      "host names",
      "tracker.example.org:5000\nlocalhost 5001",
      ["1=tracker.example.org:5000", "2=localhost:5001"],
    ],
    ["[IPv6]:port", "[::1]:5000\n[fe80::1%eth0]:5001", ["1=[::1]:5000", "2=[fe80::1%eth0]:5001"]],
    ["IPv6 port", "::1 5000", ["1=[::1]:5000"]],
    ["IPv6 and port on alternating lines", "::1\n5000", ["1=[::1]:5000"]],
    ["[IPv6] without a port", "[::1]", ["1=[::1]:8001"]],
    ["CRLF", "127.0.0.1:5000\r\n127.0.0.1:5001\r\n", TWO],
    ["CR alone", "127.0.0.1:5000\r127.0.0.1:5001\r", TWO],
    ["a byte-order mark", "\uFEFF127.0.0.1:5000\n127.0.0.1:5001", TWO],
    ["no-break spaces and zero-width characters", "127.0.0.1\u00A05000\n\u200B127.0.0.1:5001", TWO],
    ["blank lines, blanks, tabs", "\n\n  127.0.0.1:5000  \n\t\n127.0.0.1\t5001\t\n\n", TWO],
    ["blank lines between ip and port", "127.0.0.1\n\n# its port\n5000\n127.0.0.1\n5001", TWO],
    ["# comments", "# trackers\n127.0.0.1:5000 # first\n#127.0.0.1:4000\n127.0.0.1:5001#second", TWO],
    ["a host without a port", "localhost\n192.168.1.7\n", ["1=localhost:8001", "2=192.168.1.7:8001"]],
    [
      "a number and a host without a port",
      "2 localhost\n1 192.168.1.7\n",
      ["2=localhost:8001", "1=192.168.1.7:8001"],
    ],
    [
      "a pin after ip:port",
      `127.0.0.1:5000 sha256:${PIN}\n127.0.0.1:5001`,
      ["1=127.0.0.1:5000+pin", TWO[1] ?? ""],
    ],
    ["a pin after the number", `127.0.0.1:5000 1 sha256:${PIN}`, ["1=127.0.0.1:5000+pin"]],
    ["a pin between port and number", `127.0.0.1:5000 sha256:${PIN} 1`, ["1=127.0.0.1:5000+pin"]],
    ["a pin after a host alone", `localhost sha256:${PIN}`, ["1=localhost:8001+pin"]],
    ["a pin on the next line", `127.0.0.1\n5000\nsha256:${PIN}`, ["1=127.0.0.1:5000+pin"]],
    [
      "a pin in capitals and pairs",
      `h:1 SHA256:${PIN.toUpperCase().replace(/..(?=.)/g, "$&:")}`,
      ["1=h:1+pin"],
    ],
    ["several pinned ones on one line", `h:1 sha256:${PIN} i:1 sha256:${PIN}`, ["1=h:1+pin", "2=i:1+pin"]],
    ["the order of the file kept, numbers as given", "3 a:1\n1 b:1\n2 c:1", ["3=a:1", "1=b:1", "2=c:1"]],
    [
      "different shapes in one file",
      "127.0.0.1:5000\nlocalhost 5001\n10.0.0.1\n5002\n[::1]:5003 6000",
      ["1=127.0.0.1:5000", "2=localhost:5001", "3=10.0.0.1:5002", "4=[::1]:5003"],
    ],
    [
      "numbers on some, the others by position",
      "127.0.0.1:5000\n2 127.0.0.1:5001\n127.0.0.1:5002",
      [...TWO, "3=127.0.0.1:5002"],
    ],
    ["the greatest port", "h:65535", ["1=h:65535"]],
  ];
  for (const [name, text, trackers] of shapes) {
    test(name, () => expect(read(text)).toEqual([...trackers]));
  }

  test("a pin is kept as it is compared: lower case, without colons", () => {
    const entries = parseTrackerInfo(`h:1 sha256:${PIN.toUpperCase()}`, "f");
    expect(entries).toEqual([{ no: 1, address: { host: "h", port: 1 }, pin: PIN as never }]);
  });
});

describe("a broken tracker_info.txt is refused with file, line and text", () => {
  const advice = "write one ip:port per line";
  const broken: readonly (readonly [text: string, message: string])[] = [
    ["h:1\n\n127.0.0.1 99999", `line 3: not a port from 1 to 65535: 99999 in "127.0.0.1 99999"; ${advice}`],
    ["127.0.0.1:0", `line 1: not a port from 1 to 65535: 0 in "127.0.0.1:0"; ${advice}`],
    ["127.0.0.1\n123456", `line 2: not a port from 1 to 65535: 123456 in "123456"; ${advice}`],
    [
      "127.0.0.256:5000",
      `line 1: not a host name or IP address: 127.0.0.256:5000 in "127.0.0.256:5000"; ${advice}`,
    ],
    ["1.2.3 5000", `line 1: not a host name or IP address: 1.2.3 in "1.2.3 5000"; ${advice}`],
    [
      "127.0.0.1:port",
      `line 1: not a host name or IP address: 127.0.0.1:port in "127.0.0.1:port"; ${advice}`,
    ],
    ["127.0.0.1:", `line 1: not a host name or IP address: 127.0.0.1: in "127.0.0.1:"; ${advice}`],
    [":5000", `line 1: not a host name or IP address: :5000 in ":5000"; ${advice}`],
    [
      "[127.0.0.1]:5000",
      `line 1: not a host name or IP address: [127.0.0.1]:5000 in "[127.0.0.1]:5000"; ${advice}`,
    ],
    ["h:1 -5", `line 1: not a host name or IP address: -5 in "h:1 -5"; ${advice}`],
    ["5000", `line 1: no host before it in "5000"; ${advice}`],
    [`sha256:${PIN} h:1`, `line 1: no host before its port or fingerprint in "sha256:${PIN} h:1"; ${advice}`],
    ["1 2 h:1", `line 1: no host before its port or fingerprint in "1 2 h:1"; ${advice}`],
    ["h:1\n5000", `line 2: no host before 5000 in "5000"; ${advice}`],
    ["h 1 2 3", `line 1: one number too many: 3 in "h 1 2 3"; ${advice}`],
    ["0 h:1", `line 1: not a tracker number from 1 to 65535: 0 in "0 h:1"; ${advice}`],
    ["hello world", `line 1: no port after hello in "hello world"; ${advice}`],
    ["a:1 b", `line 1: no port after b in "a:1 b"; ${advice}`],
    ["h:1 sha256:12ab", `line 1: not sha256: and 64 hex digits: sha256:12ab in "h:1 sha256:12ab"; ${advice}`],
    [`h:1\nsha256:${PIN}\nsha256:${PIN}`, `line 3: a second fingerprint in "sha256:${PIN}"; ${advice}`],
    ["h:1 \u001b[31m", `line 1: not a host name or IP address: \\u{1b}[31m in "h:1 \\u{1b}[31m"; ${advice}`],
    ["h:1\n[::1]:2\nH:1", "line 3: the address H:1 is in line 1 already; name each tracker once"],
    ["h 8001\nh", "line 2: the address h:8001 is in line 1 already; name each tracker once"],
    ["1 a:1\n1 b:1", "line 2: the tracker number 1 is in line 1 already; give each tracker its own"],
    ["2 a:1\nb:1", "line 2: the tracker number 2 is in line 1 already; give each tracker its own"],
    ["::1:5000", "line 1: no port after ::1:5000; write [ip]:port for IPv6, for example [::1]:5000"],
    [
      '{"trackers":[\n{"id":1,"ip":"h","port":1},\n{"id":2,"ip":"i","port":70000}\n]}',
      `line 3: not a port from 1 to 65535: 70000 in "{"id":2,"ip":"i","port":70000}"; ${advice}`,
    ],
    [
      '{"trackers":[\n{"id":1,"ip":"h","port":1},\n\n{"id":2,"port":1}]}',
      `line 4: not a tracker of the form id, ip, port in "{"id":2,"port":1}"; ${advice}`,
    ],
    ['{"trackers":[\n5\n]}', `line 2: not a tracker of the form id, ip, port in "5"; ${advice}`],
    [
      '{"trackers":[\n{"id":0,"ip":"h"}]}',
      `line 2: not a tracker number from 1 to 65535: 0 in "{"id":0,"ip":"h"}"; ${advice}`,
    ],
    [
      '{"trackers":[{"ip":"h i","port":1}]}',
      `line 1: not a tracker of the form id, ip, port in "{"ip":"h i","port":1}"; ${advice}`,
    ],
    [
      '{"trackers":[\n{"ip":"h","port":1}\n{"ip":"i","port":1}]}',
      `line 3: not JSON at { in "{"ip":"i","port":1}]}"; ${advice}`,
    ],
    ['{"trackers":[\n{"ip":127.0.0.1}]}', `line 2: not JSON at 127.0.0.1 in "{"ip":127.0.0.1}]}"; ${advice}`],
    ['{"trackers":[\n{"ip":"h"}', `line 2: not JSON at the end in "{"ip":"h"}"; ${advice}`],
    [
      '{"tracker":[]}',
      `line 1: no list of trackers like {"trackers":[{"id":1,"ip":"127.0.0.1","port":5000}]} in "{"tracker":[]}"; ${advice}`,
    ],
  ];
  for (const [text, message] of broken) {
    test(JSON.stringify(text), () => expect(read(text)).toBe(`tracker_info.txt ${message}`));
  }

  test("JSON that is nested too deeply to be shown is one line too", () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const wrong = `tracker_info.txt line 1: not a tracker of the form id, ip, port in "(nested too deeply)"; ${advice}`;
    expect(read(`{"trackers":[${deep}]}`)).toBe(wrong);
    expect(read(`{"trackers":[{"ip":"h","port":1,"more":${deep}}]}`)).toEqual(["1=h:1"]);
  });

  test("nothing but comments is no tracker", () => {
    for (const text of ["", "\n", "# 127.0.0.1:5000\n", '{"trackers":[]}', "[]"])
      expect(read(text)).toBe(`tracker_info.txt names no tracker; ${advice}`);
  });

  test("too many trackers are refused, as many as allowed are not", () => {
    const lines = (count: number) => Array.from({ length: count }, (_, index) => `h${index}:1`).join("\n");
    expect(read(lines(TRACKERS_MAX))).toHaveLength(TRACKERS_MAX);
    expect(read(lines(TRACKERS_MAX + 1))).toBe(`tracker_info.txt names more than ${TRACKERS_MAX} trackers`);
  });

  test("whatever the text, the answer is trackers with valid parts or one line", () => {
    const part = fc.constantFrom(
      "127.0.0.1",
      ":",
      "5000",
      " ",
      "\n",
      "1",
      "{",
      "}",
      "[",
      "]",
      '"ip"',
      ",",
      "x",
      "#",
      "::1",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
        ),
        (text) => {
          const entries = parseTrackerInfo(text, "f");
          if (entries instanceof Failure) expect(entries.message).not.toMatch(/[\n\r\u001b]/);
          else
            for (const { no, address } of entries) expect([no > 0, address.port > 0]).toEqual([true, true]);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("reading the file", () => {
  const folder = mkdtempSync(join(tmpdir(), "p2p-tracker-info-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const messageOf = (path: string) => readTrackerInfo(path).then(String, (error: Failure) => error.message);

  test("gives its trackers", async () => {
    expect(await readTrackerInfo(file("good", "127.0.0.1:5000\n"))).toEqual([
      { no: 1, address: { host: "127.0.0.1", port: 5000 }, pin: undefined },
    ]);
  });

  test("understands UTF-16 behind its mark, as PowerShell writes it", async () => {
    const little = Buffer.from("\uFEFF127.0.0.1:5000\r\n", "utf16le");
    const big = Buffer.from(little).swap16();
    for (const bytes of [little, big]) expect(await readTrackerInfo(file("utf16", bytes))).toHaveLength(1);
  });

  test("says what is wrong with a missing, empty, binary or too large file, and with a folder", async () => {
    const missing = join(folder, "none");
    expect(await messageOf(missing)).toBe(
      `no tracker file at ${missing}; write one ip:port per line into it, for example 127.0.0.1:5000`,
    );
    expect(await messageOf(folder)).toBe(`${folder} is a folder, not a tracker file; name the file in it`);
    const beyond = join(folder, "x".repeat(300));
    expect(await messageOf(beyond)).toMatch(
      /x \(E\w+\); check the path, and who may read it$|^no tracker file at /,
    );
    const empty = file("empty", "");
    expect(await messageOf(empty)).toBe(`${empty} names no tracker; write one ip:port per line`);
    const binary = file("binary", new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0xff]));
    expect(await messageOf(binary)).toBe(`${binary} is not a text file; write one ip:port per line`);
    const large = file("large", "#".repeat(TRACKER_INFO_BYTES_MAX + 1));
    expect(await messageOf(large)).toBe(`${large} is larger than 1048576 bytes: not a tracker file`);
  });
});

test("of each tracker it is known which line it was read from, and as what", () => {
  const shapesOf = (text: string) => {
    const read = parseTrackers(text, "t");
    if (read instanceof Failure) throw read;
    return read.map(({ entry, line, shape }) => `${entry.no} ${line} ${shape}`);
  };
  expect(shapesOf("# two\n127.0.0.1 5000 # first\n\nh\n6000\n")).toEqual([
    "1 2 127.0.0.1 5000 # first",
    "2 4 h / 6000",
  ]);
  expect(shapesOf('{"trackers":[{"id":3,"ip":"a","port":1},{"ip":"b","port":2}]}')).toEqual([
    '3 1 {"id":3,"ip":"a","port":1}',
    '2 1 {"ip":"b","port":2}',
  ]);
});
