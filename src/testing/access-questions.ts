/**
 * A tracker with one person for each role of `access-table.ts`, and what each of them is to ask, method by method.
 *
 * A question may have a twin: the same about what is not there. Who is refused must not be able to tell the two apart.
 */
import type { Digest, FileId, FileName, Gid, GroupName, UserName } from "../base/ids.ts";
import { listingIdOf } from "../base/listing-id.ts";
import { stateHash } from "../tracker/core/state-rows.ts";
import type { Method, Params } from "../wire/client-tracker.ts";
import type { Role } from "./access-table.ts";
import { manifestOf, ServiceWorld, type TestClient } from "./service-clients.ts";
import { hexId } from "./test-tracker.ts";

const LAB = "lab" as GroupName;
const CUT = "cut.mov" as FileName;
/** What mia shares in lab, and what nobody has shared. */
const KEPT = manifestOf("the cut");
const FRESH = manifestOf("another cut", 52);
const NOWHERE = hexId<FileId>("no such file", 64);

export const NAMES: Readonly<Record<Exclude<Role, "silent" | "nobody">, string>> = {
  outsider: "otto",
  neighbour: "nora",
  requester: "rita",
  rejected: "rolf",
  removed: "remo",
  left: "lena",
  member: "mia",
  former: "fred",
  owner: "olga",
};

export interface AccessWorld {
  readonly world: ServiceWorld;
  readonly gid: Gid;
  readonly clients: Readonly<Record<Role, TestClient>>;
}

/** Fred made lab and gave it to olga; mia shares a file in it, remo did before he was removed. */
export async function accessWorld(): Promise<AccessWorld> {
  const world = new ServiceWorld();
  const people = Object.entries(NAMES).map(async ([role, name]) => [role, await world.user(name)] as const);
  const by = Object.fromEntries(await Promise.all(people)) as Record<keyof typeof NAMES, TestClient>;
  const group = { group: LAB };
  const command = () => ({ id: world.id(), ...group });
  const about = (client: TestClient) => ({ ...command(), user: client.name });
  await world.group(LAB, by.former, by.owner, by.member, by.removed, by.left);
  await by.removed.share(LAB, "old.mov", manifestOf("an old cut"));
  const gid = await by.member.share(LAB, CUT, KEPT);
  await by.former.call("remove_member", about(by.removed));
  await by.left.call("leave_group", command());
  await by.rejected.call("join_group", command());
  await by.former.call("reject_request", about(by.rejected));
  await by.requester.call("join_group", command());
  await by.former.call("transfer_owner", about(by.owner));
  await world.group("art", by.neighbour);
  await by.neighbour.share("art", "own.mov", manifestOf("her own"));
  const silent = await world.connect("silent");
  silent.greeted = false;
  const clients = { ...by, silent, nobody: await world.connect("nobody") };
  for (const client of Object.values(clients)) await client.heard();
  return { world, gid, clients };
}

/** All that a command could have changed at the tracker, as one text. */
export function tracesOf({ world: { service, disk } }: AccessWorld): string {
  const { logs, blobs, meta } = disk;
  const log = [...logs].map(([origin, rows]) => [origin, rows.length]);
  return JSON.stringify([stateHash(service.state), log, [...blobs.keys()], [...meta], service.status()]);
}

/** What somebody in that role has no right to hear of, in whatever answer. Who owns a group is known to all. */
export function secretsFrom(role: Role): readonly string[] {
  const { owner: _, neighbour: __, ...hidden } = NAMES;
  const own = role in NAMES ? NAMES[role as keyof typeof NAMES] : "";
  const { fileId, digest, sha1 } = KEPT.summary;
  const ofFiles = [CUT, "old.mov", fileId, digest, sha1];
  if (role === "owner") return [];
  if (role === "member" || role === "former") return [NAMES.requester, "own.mov"];
  return [...ofFiles, ...Object.values(hidden), "own.mov"].filter(
    (secret) => secret !== own && !(role === "neighbour" && secret === "own.mov"),
  );
}

export interface Question<M extends Method> {
  readonly params: Params<M>;
  readonly tail?: Uint8Array;
  readonly twin?: Params<M>;
}

type Ask<M extends Method> = (access: AccessWorld) => Question<M>;

const nothing = () => ({ params: {} });
const lab = () => ({ params: { group: LAB } });
const onLab = ({ world }: AccessWorld) => ({ params: { id: world.id(), group: LAB } });
const onUser =
  (name: string) =>
  ({ world }: AccessWorld) => {
    const params = { id: world.id(), group: LAB, user: name as UserName };
    return { params, twin: { ...params, user: "nemo" as UserName } };
  };
const listening = { host: "0.0.0.0", port: 7000 };
const put = (digest: Digest) => ({ group: LAB, digest, offset: 0, total: FRESH.rows.length });

/** A method without a question does not compile, and has no row in the table. */
export const QUESTIONS: { readonly [M in Method]: Ask<M> } = {
  hello: () => ({ params: { version: 1, program: "test" } }),
  ping: nothing,
  status: nothing,
  dial_back: () => ({ params: { port: 7000 } }),
  create_user: ({ world }) => ({ params: { id: world.id(), name: "newcomer" as UserName, password: "pw" } }),
  login: () => {
    const params = { name: "olga" as UserName, password: "guess", listening };
    return { params, twin: { ...params, name: "nemo" as UserName } };
  },
  /** A token that another machine has got: by itself it opens nothing. */
  resume: ({ clients }) => ({ params: { token: clients.owner.token, listening } }),
  logout: nothing,
  change_password: ({ world }) => ({ params: { id: world.id(), old: "secret", new: "fresh" } }),
  create_group: ({ world }) => ({ params: { id: world.id(), group: "newgroup" as GroupName } }),
  delete_group: onLab,
  join_group: onLab,
  leave_group: onLab,
  accept_request: onUser("rita"),
  reject_request: onUser("rita"),
  remove_member: onUser("mia"),
  transfer_owner: onUser("mia"),
  list_groups: nothing,
  list_requests: lab,
  list_members: lab,
  list_files: lab,
  search: () => ({ params: { text: "mov" } }),
  own_shares: nothing,
  has_blob: () => {
    const params = { group: LAB, digest: KEPT.summary.digest };
    return { params, twin: { ...params, digest: FRESH.summary.digest } };
  },
  put_blob: () => ({ params: put(FRESH.summary.digest), tail: FRESH.rows, twin: put(KEPT.summary.digest) }),
  get_blob: () => {
    const params = { group: LAB, digest: KEPT.summary.digest, offset: 0 };
    return { params, twin: { ...params, digest: FRESH.summary.digest } };
  },
  share: ({ world }) => {
    const params = { id: world.id(), group: LAB, name: CUT, file: KEPT.summary, counter: 2 };
    return { params, twin: { ...params, name: "new.mov" as FileName, file: FRESH.summary } };
  },
  share_many: ({ world }) => {
    const one = { id: world.id(), name: CUT, file: KEPT.summary, counter: 2 };
    const other = { ...one, name: "new.mov" as FileName, file: FRESH.summary };
    return { params: { group: LAB, shares: [one] }, twin: { group: LAB, shares: [other] } };
  },
  stop_share: ({ world }) => {
    const listingId = listingIdOf(KEPT.summary.fileId, CUT);
    const params = { id: world.id(), group: LAB, listingId, counter: 2 };
    return { params, twin: { ...params, listingId: listingIdOf(NOWHERE, CUT) } };
  },
  find_file: () => {
    const params = { group: LAB, name: CUT };
    return { params, twin: { ...params, name: "nothing.mov" as FileName } };
  },
  follow: ({ gid }) => {
    const params = { gid, fileId: KEPT.summary.fileId };
    return { params, twin: { ...params, fileId: NOWHERE } };
  },
  unfollow: ({ gid }) => ({ params: { gid, fileId: KEPT.summary.fileId } }),
  find_small: ({ gid }) => ({
    params: { gid, fileIds: [KEPT.summary.fileId] },
    twin: { gid, fileIds: [NOWHERE] },
  }),
  grant: ({ gid }) => ({ params: { gid } }),
};
