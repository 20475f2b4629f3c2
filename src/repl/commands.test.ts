/** The promise to users and scripts: each command, what it asks of the client, and its reply letter for letter. */
import { describe, expect, test } from "bun:test";
import { Failure, orThrow } from "../base/failure.ts";
import type { FileName, GroupName, Sha1, UserName } from "../base/ids.ts";
import { FakeClient } from "../testing/fake-client.ts";
import type { CommandContext, PathKind } from "./command.ts";
import { COMMANDS, findCommand, holdsPassword } from "./commands.ts";
import { splitWords } from "./parser.ts";

const parser = { home: "/home/ann", windows: false };
const PATHS: ReadonlyMap<string, PathKind> = new Map([
  ["/tmp/notes.pdf", "file"],
  ["/tmp/a b.pdf", "file"],
  ["math", "file"],
  ["/tmp", "folder"],
  ["/tmp/fifo", "named pipe"],
  ["/dev/null", "device"],
]);

/** Runs a line as the prompt does. Failures come back as their line. */
async function run(
  line: string,
  client = new FakeClient(),
  more: Partial<CommandContext> = {},
): Promise<readonly string[] | string> {
  const context: CommandContext = {
    client,
    clock: { nowMs: () => 1_700_000_000_000 },
    kindOf: async (path) => PATHS.get(path) ?? "nothing",
    note: () => {},
    hint: () => {},
    signal: new AbortController().signal,
    columns: undefined,
    fault: () => {},
    askHidden: undefined,
    progress: () => {},
    lastCopies: async () => {},
    ...more,
  };
  try {
    const { command, args } = orThrow(findCommand(orThrow(splitWords(line, parser))));
    const reply = await command.run(context, args);
    return reply === "leave" ? reply : reply.lines;
  } catch (error) {
    if (error instanceof Failure) return `error: ${error.message}`;
    throw error;
  }
}

test("a password of quotes alone is one too", () => {
  for (const line of ["login ann \\'", 'login ann "\'"', "change_password \\'", "create_user ann '\"'"])
    expect([line, holdsPassword(line)]).toEqual([line, true]);
});

test("a word as long as a line is looked up at once", () => {
  const long = "x".repeat(60_000);
  const startedMs = performance.now();
  for (let times = 0; times < 3; times++) expect(findCommand([long])).toBeInstanceOf(Failure);
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});

describe("each command asks the client for one thing and replies", () => {
  const commands: readonly (readonly [line: string, call: string, reply: string])[] = [
    ["create_user alice secret", "createUser alice secret", "User created successfully"],
    ["login alice secret", "login alice secret", "Login successful"],
    ["logout", "logout", "Logged out successfully"],
    ["change_password old new", "changePassword old new", "Password changed"],
    ["create_group math", "createGroup math", "Group created successfully"],
    ["join_group math", "joinGroup math", "Join request sent"],
    ["leave_group math", "leaveGroup math", "Left group successfully"],
    ["list_requests math", "listRequests math", "No pending requests"],
    ["accept_request math bob", "acceptRequest math bob", "User accepted to group"],
    ["reject_request math bob", "rejectRequest math bob", "Join request rejected"],
    ["remove_member math bob", "removeMember math bob", "Member removed"],
    ["transfer_owner math bob", "transferOwner math bob", "Ownership transferred"],
    ["delete_group math", "deleteGroup math", "Group deleted"],
    ["list_groups", "listGroups", "No groups"],
    ["list_members math", "listMembers math", "No members"],
    ["list_files math", "listFiles math", "No files"],
    ["search lecture one", "search lecture one", "No files"],
    [
      "upload_file /tmp/notes.pdf math",
      "uploadFile /tmp/notes.pdf math undefined",
      "File uploaded successfully",
    ],
    [
      "upload_file '/tmp/a b.pdf' math b.pdf",
      "uploadFile /tmp/a b.pdf math b.pdf",
      "File uploaded successfully",
    ],
    ["upload_file /tmp math", "uploadFolder /tmp undefined math undefined", "2 files uploaded successfully"],
    ["upload_file /tmp math runs", "uploadFolder /tmp undefined math runs", "2 files uploaded successfully"],
    ["upload_file lab /tmp", "uploadFolder /tmp undefined lab undefined", "2 files uploaded successfully"],
    [
      "upload_file 'data/*.csv' math",
      "uploadFolder data *.csv math undefined",
      "2 files uploaded successfully",
    ],
    ["stop_share math notes.pdf", "stopShare math notes.pdf", "File sharing stopped"],
    ["download_file math notes.pdf /tmp/", "downloadFile math notes.pdf /tmp/", "Download started"],
    ["download_file math runs/a.h5 /tmp/", "downloadFile math runs/a.h5 /tmp/", "Download started"],
    ["download_file math runs/ /tmp", "downloadMatching math runs/ /tmp", "Download started"],
    ["download_file math '*.csv' /tmp", "downloadFile math *.csv /tmp", "Download started"],
    ["download_file math 'a b' ~/x", "downloadFile math a b /home/ann/x", "Download started"],
    ["follow math ~/math", "follow math /home/ann/math", "Following math into /home/ann/math"],
    ["unfollow math", "unfollow math", "No longer following math"],
    ["set_limit up 2M", "setLimit up 2097152", "Upload limit set to 2.0 MiB/s"],
    ["set_limit Down 2.5 MiB/s", "setLimit down 2621440", "Download limit set to 2.5 MiB/s"],
    ["set_limit down off", "setLimit down undefined", "Download limit lifted"],
    ["pause_download math notes.pdf", "pauseDownload math notes.pdf", "Download paused"],
    ["resume_download math notes.pdf", "resumeDownload math notes.pdf", "Download resumed"],
    ["cancel_download math notes.pdf", "cancelDownload math notes.pdf", "Download cancelled"],
  ];
  for (const [line, call, reply] of commands) {
    test(line, async () => {
      const client = new FakeClient();
      expect(await run(line, client)).toEqual([reply]);
      expect(client.calls).toEqual([call]);
    });
  }

  test("shares and downloads are ended, paused and the like by several names, folders and patterns", async () => {
    const client = new FakeClient();
    const notes: string[] = [];
    const faults: string[] = [];
    const more = {
      note: (line: string) => void notes.push(line),
      fault: (line: string) => void faults.push(line),
    };
    expect(await run("stop_share math runs/", client, more)).toEqual(["File sharing stopped"]);
    expect(await run("pause_download math a b", client, more)).toEqual(["Download paused"]);
    expect(await run("resume_download math a runs/ '*.csv'", client, more)).toEqual(["Download resumed"]);
    client.ended = {
      done: ["a" as FileName],
      failures: [{ name: "*.csv", failure: new Failure("no-download", "no such download") }],
    };
    client.failNext = new Failure("no-download", "no download of that name");
    expect(await run("cancel_download math '*.csv'", client, more)).toEqual(["Download cancelled"]);
    expect(client.calls).toEqual([
      "stopShares math runs/",
      "pauseDownloads math a b",
      "resumeDownloads math a runs/ *.csv",
      "cancelDownload math *.csv",
      "cancelDownloads math *.csv",
    ]);
    expect(notes).toEqual([
      "2 files are no longer shared",
      "2 downloads paused",
      "2 downloads resumed",
      "1 download cancelled",
    ]);
    expect(faults).toEqual(["*.csv: no such download"]);
    client.failNext = new Failure("not-shared", "not shared");
    expect(await run("stop_share math plain.h5", client)).toBe("error: not shared");
    expect(await run("stop_share math", client)).toBe(
      "error: stop_share takes <group_id> <file_name>...; got 1, needs 2 or more",
    );
    expect(await run("stop_share math a ..", client)).toStartWith("error: file name ");
  });

  test("a pattern is one only where no file is called just so", async () => {
    const client = new FakeClient();
    const notes: string[] = [];
    client.failNext = new Failure("unknown-file", "no such file");
    const note = (line: string) => void notes.push(line);
    expect(await run("download_file math 'runs/**/*.h5' /tmp", client, { note })).toEqual([
      "Download started",
    ]);
    expect(client.calls.at(-1)).toBe("downloadMatching math runs/**/*.h5 /tmp");
    expect(notes).toEqual(["2 files to download; show_downloads shows how far they are"]);
    client.failNext = new Failure("unknown-file", "no such file");
    expect(await run("download_file math plain.h5 /tmp", client)).toBe("error: no such file");
    client.failNext = new Failure("unknown-file", "no such file");
    expect(await run("download_file math 'my runs' /tmp", client)).toBe(
      "error: no such file; if it is a folder, write 'my runs/'",
    );
  });

  test("of many files that are not shared as they were meant, the first are told, and what failed is an error", async () => {
    const client = new FakeClient();
    const notes: string[] = [];
    const faults: string[] = [];
    const failed = (at: number) =>
      ({ kind: "failed", name: `f${at}`, failure: new Failure("name-taken", "the name is taken") }) as const;
    client.uploadedFolder = {
      shared: 3,
      standing: 4,
      leftOut: 1,
      results: [],
      remarks: [
        {
          kind: "kept",
          name: "tmp/b",
          group: "math" as GroupName,
          result: { ...client.uploaded, kept: "name" },
        },
        ...Array.from({ length: 13 }, (_, at) => failed(at)),
      ],
    };
    const more = {
      note: (line: string) => void notes.push(line),
      fault: (line: string) => void faults.push(line),
    };
    expect(await run("upload_file /tmp math", client, more)).toEqual(["7 files uploaded successfully"]);
    expect(notes).toEqual([
      "4 of them were shared already",
      "1 link, socket or device left out",
      "tmp/b: math has this content already, as file: it is shared under that name",
    ]);
    expect(faults).toHaveLength(11);
    expect([faults[0], faults.at(-1)]).toEqual(["f0: the name is taken", "... and 3 more"]);
    notes.length = 0;
    client.uploadedFolder = { shared: 0, standing: 2, leftOut: 0, results: [], remarks: [] };
    await run("upload_file /tmp math", client, more);
    expect(notes).toEqual(["all of them were shared already"]);
    client.uploadedFolder = { shared: 0, standing: 0, leftOut: 0, results: [], remarks: [] };
    expect(await run("upload_file '/tmp/*.x' math", client)).toBe("error: no files to share at /tmp/*.x");
  });

  test("show_downloads without any", async () =>
    expect(await run("show_downloads")).toEqual(["No downloads"]));
  test("list_follows without any, and with some", async () => {
    const client = new FakeClient();
    expect(await run("list_follows", client)).toEqual(["No group is followed"]);
    client.follows = [
      { group: "math" as GroupName, folder: "/home/ann/math" },
      { group: "physics" as GroupName, folder: "/tmp" },
    ];
    expect(await run("list_follows", client)).toEqual(["math     /home/ann/math", "physics  /tmp"]);
  });
  test("exit and quit leave", async () =>
    expect([await run("exit"), await run("quit")]).toEqual(["leave", "leave"]));

  test("wait replies nothing, once the client is idle", async () => {
    const client = new FakeClient();
    const { promise, resolve } = Promise.withResolvers<void>();
    client.idle = promise;
    const reply = run("wait", client);
    expect(await Promise.race([reply, Promise.resolve("still waits")])).toBe("still waits");
    resolve();
    expect(await reply).toEqual([]);
  });

  test("every command of the table is run by some test of this file", async () => {
    const source = await Bun.file(import.meta.path).text();
    const untested = [...COMMANDS.keys()].filter(
      (name) => !new RegExp(`run\\("${name}|\\["${name}`).test(source),
    );
    expect(untested).toEqual([]);
  });
});

describe("lists are shown a row a line, what a command takes first", () => {
  const sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d" as Sha1;
  const file = (name: string, size: number, sources: number) =>
    ({ name: name as FileName, size, sources, sha1, fileId: "f", digest: "d" }) as never;

  test("list_groups", async () => {
    const client = new FakeClient();
    client.groups = [
      { name: "math" as GroupName, owner: "alice" as UserName, members: 1, standing: "owner" },
      { name: "astronomy" as GroupName, owner: "bo" as UserName, members: 12, standing: "none" },
      { name: "数学" as GroupName, owner: "carol" as UserName, members: 3, standing: "requested" },
    ];
    expect(await run("list_groups", client)).toEqual([
      "math       alice  1 member    owner",
      "astronomy  bo     12 members  none",
      "数学       carol  3 members   requested",
    ]);
  });

  test("list_requests", async () => {
    const client = new FakeClient();
    client.requests = ["bob", "carol"] as UserName[];
    expect(await run("list_requests math", client)).toEqual(["bob", "carol"]);
  });

  test("list_members", async () => {
    const client = new FakeClient();
    client.members = [
      { name: "alice" as UserName, owner: true, online: true },
      { name: "bob" as UserName, owner: false, online: false },
    ];
    expect(await run("list_members math", client)).toEqual([
      "alice  owner   online",
      "bob    member  offline",
    ]);
  });

  test("list_files, names from elsewhere being harmless", async () => {
    const client = new FakeClient();
    client.files = [
      file("a.iso", 1_300_000, 2),
      file("evil\u001b[2J\u202Efdp", 0, 0),
      file("my notes", 10, 1),
    ];
    expect(await run("list_files math", client)).toEqual([
      `a.iso                     1.2 MiB  2 sources  ${sha1}`,
      `evil\\u{1b}[2J\\u{202e}fdp  0 B      0 sources  ${sha1}`,
      `my notes                  10 B     1 source   ${sha1}`,
    ]);
  });

  test("list_files and search take what is shown and in which order, anywhere behind their name", async () => {
    const client = new FakeClient();
    const added = (view: object, addedMs: number) => ({ ...view, addedMs }) as never;
    client.files = [
      added(file("a.MP4", 10, 1), 3),
      added(file("b.txt", 30, 3), 1),
      added(file("c.mp4", 20, 2), 2),
    ];
    client.hits = client.files.map((each) => ({ group: "math" as GroupName, file: each }));
    const names = async (line: string) =>
      [...((await run(line, client)) as readonly string[])]
        .map((row) => row.match(/[abc]\.\w+/)?.[0]?.[0])
        .join("");
    expect(await names("list_files math")).toBe("abc");
    expect(await names("list_files math --sort size")).toBe("bca");
    expect(await names("list_files --sort=sources math")).toBe("bca");
    expect(await names("list_files math --SORT Date")).toBe("acb");
    expect(await names("list_files math --sort name --match '*.mp4'")).toBe("ac");
    expect(await names("list_files math --match=[bc].* --sort date")).toBe("cb");
    expect(await names("search lecture --match *.TXT one")).toBe("b");
    expect(client.calls.at(-1)).toBe("search lecture one");
    expect(await run("list_files math --match *.iso", client)).toEqual(["No files"]);
    await run("search -- --sort", client);
    expect(client.calls.at(-1)).toBe("search --sort");
  });

  test("search shows the group too", async () => {
    const client = new FakeClient();
    client.hits = [{ group: "math" as GroupName, file: file("a.iso", 5, 1) }];
    expect(await run("search iso", client)).toEqual([`math  a.iso  5 B  1 source  ${sha1}`]);
  });

  test("whoami", async () => {
    const client = new FakeClient();
    expect(await run("whoami", client)).toEqual([
      "user       not logged in",
      "listening  127.0.0.1:6001",
      "tracker    127.0.0.1:5000",
      "data       /data",
      `key        sha256:${"ab".repeat(32)}`,
    ]);
    const refusals = new Map([["revoked", 3] as const, ["expired", 1] as const]);
    expect(
      (await run("whoami", Object.assign(new FakeClient(), { me: { ...client.me, refusals } })))[4],
    ).toBe("refused    grants: 3 of a member removed, 1 expired");
    const limits = { up: 2 * 1024 * 1024, down: undefined };
    expect((await run("whoami", Object.assign(new FakeClient(), { me: { ...client.me, limits } })))[4]).toBe(
      "limits     up 2.0 MiB/s",
    );
    client.me = { ...client.me, user: "alice" as UserName, tracker: undefined };
    expect((await run("whoami", client)).slice(0, 3)).toEqual([
      "user       alice",
      "listening  127.0.0.1:6001",
      "tracker    none answers",
    ]);
  });
});

describe("wrong usage is one line that says what the command takes", () => {
  const wrong: readonly (readonly [line: string, message: string])[] = [
    [
      "download_file math notes.pdf",
      "download_file takes <group_id> <file_name> <destination_path>; got 2, needs 3",
    ],
    ["download_file", "download_file takes <group_id> <file_name> <destination_path>; got 0, needs 3"],
    [
      "download_file math my notes.pdf /tmp",
      "download_file takes <group_id> <file_name> <destination_path>; got 4, needs 3; put a word that holds blanks between quotes",
    ],
    ["create_user alice", "create_user takes <user_id> <passwd>; got 1, needs 2"],
    ["login", "login takes <user_id> [<passwd>]; got 0, needs 1 or 2"],
    ["login alice", "login takes <user_id> <passwd>; got 1, needs 2"],
    ["logout now", "logout takes no arguments; got 1"],
    ["list_files math --sort age", "--sort takes name, size, sources, date; got age"],
    ["list_files math --sort", "--sort takes a value; write --sort name|size|sources|date"],
    ["list_files math --older 3", "list_files has no option --older; it takes --sort and --match"],
    ["list_files math --match ''", "--match takes a pattern of 1 to 300 characters, as '*.mp4'"],
    ["search", "search takes <text>; got 0, needs 1"],
    ["set_limit fast 1M", "set_limit takes up or down first, then a rate; got fast"],
    [
      "upload_file /tmp/notes.pdf",
      "upload_file takes <file_path> <group_id> [<file_name>]; got 1, needs 2 or 3",
    ],
    [
      "upload_file /tmp/none math",
      "no file at /tmp/none; give the path of an existing file, between quotes if it holds blanks",
    ],
    ["upload_file /tmp/fifo math", "/tmp/fifo is a named pipe; upload_file shares files and folders"],
    ["upload_file /dev/null math", "/dev/null is a device; upload_file shares files and folders"],
    ["upload_file /tmp/notes.pdf a/b", 'group id must not hold / or \\: "a/b"'],
    ["upload_file '' math", "<file_path> is empty"],
    ["create_user 'al ice' x", 'user id must be one word, without spaces: "al ice"'],
    ["create_user alice~abcde x", 'a new name must not hold ~: "alice~abcde"'],
    ["create_group math~abcde", 'a new name must not hold ~: "math~abcde"'],
    ["create_user alice ''", "the password is empty"],
    [`login alice ${"x".repeat(1025)}`, "the password is longer than 1024 bytes (it has 1025)"],
    ["create_group -x", 'group id must not start with -: "-x"'],
    ["download_file math ../x /tmp", 'file name must not hold . or .. between /: "../x"'],
    ["creat_user alice x", "unknown command: creat_user; did you mean create_user?"],
    ["creat user alice x", "unknown command: creat; did you mean create_user?"],
    ["shwo-downloads", "unknown command: shwo-downloads; did you mean show_downloads?"],
    ["upload /tmp/x math", "unknown command: upload; did you mean upload_file?"],
    [
      "list",
      "unknown command: list; did you mean list_groups or list_members or list_requests or list_files or list_follows?",
    ],
    ["'creat_user alice x'", "unknown command: creat_user; help lists all commands"],
    ["login:alice:x", "unknown command: login; help lists all commands"],
    ["frobnicate", "unknown command: frobnicate; help lists all commands"],
    ["''", "unknown command: ; help lists all commands"],
    ["toString", "unknown command: toString; help lists all commands"],
    ["clear", "unknown command: clear; Ctrl-L clears the screen"],
    ["ls photos", "unknown command: ls; list_files <group_id> lists the files of a group"],
    ["help frobnicate", "unknown command: frobnicate; help lists all commands"],
    ["\u202Ex", "unknown command: \\u{202e}x; help lists all commands"],
  ];
  for (const [line, message] of wrong) {
    test(JSON.stringify(line.slice(0, 60)), async () => {
      const client = new FakeClient();
      expect(await run(line, client)).toBe(`error: ${message}`);
      expect(client.calls).toEqual([]);
    });
  }

  test("names that trackers gave may be typed", async () => {
    expect(await run("login alice~abcde x")).toEqual(["Login successful"]);
    expect(await run("join_group math~abcde")).toEqual(["Join request sent"]);
  });
});

describe("a name is found", () => {
  test("in any case, with - or a blank for _", async () => {
    for (const name of ["create_user", "CREATE_USER", "create-user", "Create User", "'create user'"]) {
      const client = new FakeClient();
      expect(await run(`${name} alice x`, client)).toEqual(["User created successfully"]);
      expect(client.calls).toEqual(["createUser alice x"]);
    }
    expect(await run("help show downloads")).toEqual(await run("help show_downloads"));
  });
});

test("a line that holds a password is known, however its command is spelled", () => {
  const secret = [
    "create_user alice x",
    "  LOGIN alice x",
    "create-user alice x",
    "create user alice x",
    "'create user' alice x",
    "\u200blogin\u00a0alice\u00a0x",
    "login alice 'not closed",
    "change_password old new",
    "change_password old",
    "creat_user alice x",
    "logn alice x",
  ];
  for (const line of secret) expect(holdsPassword(line), line).toBe(true);
  const open = [
    "",
    "login",
    "login alice",
    "create_user alice",
    "logout",
    "join_group math",
    "frobnicate a b",
  ];
  for (const line of open) expect(holdsPassword(line), line).toBe(false);
});

describe("upload_file", () => {
  test("understands swapped arguments when only the second is a file, and says so", async () => {
    const client = new FakeClient();
    const notes: string[] = [];
    const note = (line: string) => notes.push(line);
    expect(await run("upload_file physics /tmp/notes.pdf", client, { note })).toEqual([
      "File uploaded successfully",
    ]);
    await run("upload_file physics '/tmp/a b.pdf' b.pdf", client, { note });
    await run("upload_file /tmp/notes.pdf physics", client, { note });
    expect(client.calls[0]).toBe("uploadFile /tmp/notes.pdf physics undefined");
    expect(notes).toEqual([
      "taken as: upload_file /tmp/notes.pdf physics",
      "taken as: upload_file '/tmp/a b.pdf' physics b.pdf",
    ]);
  });

  test("says when the group keeps what it has of this content", async () => {
    const client = new FakeClient();
    const notes: string[] = [];
    const note = (line: string) => notes.push(line);
    client.uploaded = { ...client.uploaded, name: "one.txt" as FileName, kept: "name" };
    expect(await run("upload_file /tmp/notes.pdf dup", client, { note })).toEqual([
      "File uploaded successfully",
    ]);
    client.uploaded = { ...client.uploaded, path: "/home/one.txt", kept: "path" };
    await run("upload_file /tmp/notes.pdf dup", client, { note });
    expect(notes).toEqual([
      "dup has this content already, as one.txt: it is shared under that name",
      "dup has this content from here already: one.txt, from /home/one.txt",
    ]);
  });

  test("takes the first for the path when both are files", async () => {
    const client = new FakeClient();
    await run("upload_file /tmp/notes.pdf math", client);
    await run("upload_file math physics", client);
    expect(client.calls).toEqual([
      "uploadFile /tmp/notes.pdf math undefined",
      "uploadFile math physics undefined",
    ]);
  });

  test("tells how far hashing is", async () => {
    const client = new FakeClient();
    client.hashing = [{ name: "x", doneBytes: 1, total: 2 }];
    const seen: unknown[] = [];
    await run("upload_file math physics", client, { progress: (at) => seen.push(at) });
    expect(seen).toEqual([...client.hashing]);
  });
});

describe("login without a password on a terminal", () => {
  test("asks for it", async () => {
    const client = new FakeClient();
    const asked: string[] = [];
    const askHidden = async (question: string) => {
      asked.push(question);
      return "s e c";
    };
    expect(await run("login alice", client, { askHidden })).toEqual(["Login successful"]);
    expect([asked, client.calls]).toEqual([["Password: "], ["login alice s e c"]]);
  });

  test("is given up when none is given", async () => {
    expect(await run("login alice", undefined, { askHidden: async () => undefined })).toBe(
      "error: no password was given; login again",
    );
    expect(await run("login alice", undefined, { askHidden: async () => "" })).toBe(
      "error: the password is empty",
    );
  });
});

test("who finds nothing there yet is told how to begin, if it is a person", async () => {
  const hints: string[] = [];
  const hint = (line: string) => void hints.push(line);
  expect(await run("list_groups", new FakeClient(), { hint })).toEqual(["No groups"]);
  expect(await run("list_files math", new FakeClient(), { hint })).toEqual(["No files"]);
  expect(hints).toEqual([
    "create_group <group_id> makes the first",
    "upload_file <file_path> math shares the first",
  ]);
});

test("on a screen help breaks no word, however narrow it is", async () => {
  for (const columns of [30, 40, 80, 120, 200]) {
    const rows = (await run("help", new FakeClient(), { columns })) as readonly string[];
    const tooWide = rows.filter((row) => row.length > columns && row.trim().includes(" "));
    expect([columns, tooWide]).toEqual([columns, []]);
    const words = rows.join(" ").split(/\s+/);
    const whole = ((await run("help")) as readonly string[]).join(" ").split(/\s+/);
    expect(words).toEqual(whole);
  }
  const [first, second] = (await run("help upload_file", new FakeClient(), { columns: 40 })) as string[];
  expect([first, second]).toEqual(["upload_file <file_path> <group_id>", "[<file_name>]"]);
});

describe("help", () => {
  test("shows one command with an example", async () => {
    expect(await run("help download_file")).toEqual([
      "download_file <group_id> <file_name> <destination_path>",
      "  Download a file into an existing folder (or a path that ends with /), or under the name given; or all of 'runs/', or '*.csv'.",
      "  Example: download_file math 'lecture 1.mp4' ~/Downloads/",
    ]);
  });

  test("lists every command once, under its topic, in lines that fit", async () => {
    const lines = (await run("help")) as readonly string[];
    expect(lines.filter((line) => !line.startsWith(" "))).toEqual([
      "Account",
      "Groups",
      "Files",
      "Downloads",
      "Program",
    ]);
    const names = lines.filter((line) => line.startsWith(" ")).map((line) => line.trim().split(" ")[0] ?? "");
    expect(names.toSorted()).toEqual([...COMMANDS.keys()].toSorted());
  });

  test("gives examples that have the form of their command", async () => {
    for (const { name, example } of COMMANDS.values()) {
      const kindOf = async () => "file" as const;
      expect(await run(example, undefined, { kindOf }), name).not.toStartWith("error");
    }
  });
});
