import { describe, expect, test } from "bun:test";
import type { FileName, GroupName, UserName } from "../base/ids.ts";
import { COMPLETION_FRESH_MS, COMPLETION_MS_MAX } from "../base/limits.ts";
import type { DownloadView, FileView, GroupView, MemberView, ShareView } from "../client/views.ts";
import { FakeClient, refusal } from "../testing/fake-client.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { Completer, type FolderEntry } from "./completer.ts";

const FOLDERS: Readonly<Record<string, readonly FolderEntry[]>> = {
  ".": [
    { name: "notes.pdf", isFolder: false },
    { name: "night", isFolder: true },
    { name: ".secret", isFolder: false },
    { name: "odd\u001b[2J", isFolder: false },
  ],
  "/home/ann/": [
    { name: "My videos", isFolder: true },
    { name: "my.txt", isFolder: false },
  ],
  "/home/ann/My videos/": [{ name: "lecture 1.mp4", isFolder: false }],
};

function open(client = new FakeClient()) {
  client.me = { ...client.me, user: "ann" as UserName };
  client.groups = [
    ["math", "owner"],
    ["music", "member"],
    ["my lab", "requested"],
    ["open", "none"],
  ].map(([name, standing]) => ({ name, standing }) as GroupView);
  client.members = [
    { name: "ann" as UserName, owner: true, online: true },
    { name: "bob" as UserName, owner: false, online: true },
  ] as MemberView[];
  client.requests = ["carol", "carl"] as UserName[];
  client.files = [{ name: "lecture 1.mp4" as FileName }, { name: "Lab" as FileName }] as FileView[];
  client.shares = [
    { group: "math" as GroupName, name: "mine.txt" as FileName },
    { group: "music" as GroupName, name: "other.txt" as FileName },
  ] as ShareView[];
  client.downloads = [{ group: "math" as GroupName, name: "film" as FileName }] as DownloadView[];
  const clock = new ManualClock();
  const listFolder = async (path: string) => {
    const entries = FOLDERS[path];
    if (entries === undefined) throw new Error("ENOENT");
    return entries;
  };
  const completer = new Completer({ client, clock, listFolder }, { home: "/home/ann", windows: false });
  /** The line after Tab, and what is shown. */
  const tab = async (line: string) => {
    const found = await completer.complete(line);
    if (found === undefined) return undefined;
    const whole = line.slice(0, found.start) + found.text;
    return found.choices.length === 0 ? whole : [whole, ...found.choices];
  };
  return { client, clock, completer, tab };
}

describe("Tab completes", () => {
  test("commands, however they are written", async () => {
    const { tab } = open();
    expect(await tab("upl")).toBe("upload_file ");
    expect(await tab("UPL")).toBe("upload_file ");
    expect(await tab("create us")).toBe("create_user ");
    expect(await tab("create-us")).toBe("create_user ");
    expect(await tab("cr")).toEqual(["create_", "create_group", "create_user"]);
    expect(await tab("create_")).toEqual(["create_", "create_group", "create_user"]);
    expect(await tab("help upl")).toBe("help upload_file ");
    expect(await tab("set_limit ")).toEqual(["set_limit ", "down", "up"]);
    expect(await tab("set_limit d")).toBe("set_limit down ");
    expect(await tab("xyz")).toBeUndefined();
  });

  test("groups that fit the command", async () => {
    const { tab } = open();
    expect(await tab("list_files m")).toEqual(["list_files m", "math", "music"]);
    expect(await tab("list files ma")).toBe("list files math ");
    expect(await tab("list_requests ")).toBe("list_requests math ");
    expect(await tab("join_group ")).toBe("join_group open ");
    expect(await tab("leave_group my")).toBe("leave_group my\\ lab ");
    expect(await tab("leave_group 'my")).toBe("leave_group 'my lab' ");
  });

  test("users whom the command is for", async () => {
    const { tab, client } = open();
    expect(await tab("remove_member math ")).toBe("remove_member math bob ");
    expect(await tab("accept_request math ")).toEqual(["accept_request math car", "carl", "carol"]);
    expect(client.calls).toEqual(["listMembers math", "listRequests math"]);
  });

  test("names that lead through folders a step at a time, as a path", async () => {
    const { tab, client } = open();
    client.files = ["runs/a.h5", "runs/may/b.h5", "runs/may/c.csv", "read me"].map(
      (name) => ({ name: name as FileName }) as FileView,
    );
    client.shares = [{ group: "math" as GroupName, name: "data/x" as FileName }] as ShareView[];
    expect(await tab("download_file math r")).toEqual(["download_file math r", "read me", "runs/"]);
    expect(await tab("download_file math ru")).toBe("download_file math runs/");
    expect(await tab("download_file math RUNS/")).toEqual(["download_file math RUNS/", "a.h5", "may/"]);
    expect(await tab("download_file math runs/m")).toBe("download_file math runs/may/");
    expect(await tab("download_file math runs/may/b")).toBe("download_file math runs/may/b.h5 ");
    expect(await tab("stop_share math d")).toBe("stop_share math data/");
  });

  test("options of a command and their values, and what else it takes around them", async () => {
    const { tab } = open();
    expect(await tab("list_files math ")).toEqual(["list_files math --", "--match", "--sort"]);
    expect(await tab("list_files --s")).toBe("list_files --sort ");
    expect(await tab("list_files math --sort s")).toEqual(["list_files math --sort s", "size", "sources"]);
    expect(await tab("list_files math --SORT=d")).toBe("list_files math --SORT=date ");
    expect(await tab("list_files --sort size mu")).toBe("list_files --sort size music ");
    expect(await tab("list_files math --match ")).toBeUndefined();
    expect(await tab("search x -- --s")).toBeUndefined();
    expect(await tab("list_members --s")).toBeUndefined();
    expect(await tab("list_members math ")).toBeUndefined();
  });

  test("files of the group, shares of this machine, downloads", async () => {
    const { tab } = open();
    expect(await tab("download_file math le")).toBe("download_file math lecture\\ 1.mp4 ");
    expect(await tab("download_file math LEC")).toBe("download_file math lecture\\ 1.mp4 ");
    expect(await tab("download_file math l")).toBe("download_file math lecture\\ 1.mp4 ");
    expect(await tab("stop_share MATH ")).toBe("stop_share MATH mine.txt ");
    expect(await tab("pause_download math ")).toBe("pause_download math film ");
  });

  test("paths: folders with a slash, blanks escaped, the home folder, hidden files when asked for", async () => {
    const { tab } = open();
    expect(await tab("upload_file n")).toEqual(["upload_file n", "night/", "notes.pdf"]);
    expect(await tab("upload_file no")).toBe("upload_file notes.pdf ");
    expect(await tab("upload_file o")).toBeUndefined();
    expect(await tab("upload_file .")).toBe("upload_file .secret ");
    expect(await tab("upload_file ~/My")).toBe("upload_file ~/My\\ videos/");
    expect(await tab("upload_file ~/My\\ videos/")).toBe("upload_file ~/My\\ videos/lecture\\ 1.mp4 ");
    expect(await tab("upload_file '/home/ann/My")).toBe("upload_file '/home/ann/My videos/");
    expect(await tab("upload_file '/home/ann/My videos/l")).toBe(
      "upload_file '/home/ann/My videos/lecture 1.mp4' ",
    );
    expect(await tab("download_file math film n")).toBe("download_file math film night/");
    expect(await tab("upload_file /nowhere/")).toBeUndefined();
  });

  test("nothing where anything may stand, and never a password", async () => {
    const { tab, client } = open();
    expect(await tab("create_group ")).toBeUndefined();
    expect(await tab("login ")).toBeUndefined();
    expect(await tab("login ann ")).toBeUndefined();
    expect(await tab("whoami ")).toBeUndefined();
    expect(client.calls).toEqual([]);
  });
});

describe("the tracker", () => {
  test("is asked once for many Tabs, and again after a while", async () => {
    const { tab, client, clock } = open();
    await tab("list_files m");
    await tab("list_requests m");
    expect(client.calls).toEqual(["listGroups"]);
    clock.advance(COMPLETION_FRESH_MS);
    await tab("list_files m");
    expect(client.calls).toEqual(["listGroups", "listGroups"]);
  });

  test("is asked for whoever is logged in now", async () => {
    const { tab, client } = open();
    await tab("list_files m");
    client.me = { ...client.me, user: "bob" as UserName };
    await tab("list_files m");
    expect(client.calls).toEqual(["listGroups", "listGroups"]);
  });

  test("is not waited for, but a late answer serves the next Tab", async () => {
    const { tab, client, clock } = open();
    const { promise, resolve } = Promise.withResolvers<void>();
    client.gate = promise;
    const first = tab("list_files ma");
    await settle();
    clock.advance(COMPLETION_MS_MAX);
    expect(await first).toBeUndefined();
    resolve();
    await settle();
    expect(await tab("list_files ma")).toBe("list_files math ");
    expect(client.calls).toEqual(["listGroups"]);
    expect(clock.pending).toBe(0);
  });

  test("that refuses is no trouble, and is asked again", async () => {
    const { tab, client } = open();
    client.failNext = refusal("log in first");
    expect(await tab("list_files ma")).toBeUndefined();
    await settle();
    expect(await tab("list_files ma")).toBe("list_files math ");
  });
});
