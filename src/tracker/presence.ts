/**
 * Who is online, from which machine, where it listens, and what it downloads. In memory only: never in the log.
 *
 * A *device* is a user on a machine: (uid, fingerprint). It is here, held by one connection and online as long as that
 * lives; or elsewhere, told by another tracker as a lease that ends unless it is renewed. A device is never both: what
 * this tracker sees itself wins. Invariant: a device follows files only while it is here or leased, and the index by
 * file holds exactly what the devices follow.
 */
import { type Address, formatAddress } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import type { FileId, Fingerprint, Gid, Uid } from "../base/ids.ts";
import { FOLLOWS_PER_DEVICE_MAX, LAST_SEEN_DEVICES_MAX } from "../base/limits.ts";

export interface Device {
  readonly uid: Uid;
  readonly fingerprint: Fingerprint;
}

/** A file in a group. */
export interface FileRef {
  readonly gid: Gid;
  readonly fileId: FileId;
}

/** A device that is online; `link` is its connection, undefined when another tracker told of it. */
export interface Online<Link> extends Device {
  readonly address: Address;
  readonly link: Link | undefined;
}

/** What another tracker says of a device that is online there. */
export interface Lease extends Device {
  readonly address: Address;
  readonly follows: readonly FileRef[];
}

/** What is new about a leased device: whoever waits for it wants to know. */
export interface Arrival {
  /** It was not known to be online, or somewhere else. */
  readonly isNew: boolean;
  /** What it did not follow before. */
  readonly follows: readonly FileRef[];
}

interface Row<Link> extends Online<Link> {
  /** Who told of it; undefined for a device held by a connection. */
  readonly teller: Fingerprint | undefined;
  /** Monotonic; infinite for a device held by a connection. */
  readonly untilMs: number;
  readonly follows: Map<string, FileRef>;
}

export class Presence<Link extends object> {
  readonly #rows = new Map<string, Row<Link>>();
  readonly #byUser = new Map<Uid, Map<string, Row<Link>>>();
  readonly #followers = new Map<string, Map<string, Row<Link>>>();
  /** Wall clock, of devices that were here; the one that was told of longest ago first. */
  readonly #lastSeenMs = new Map<string, number>();
  readonly #changed: (device: Device) => void;

  /** @param changed told of each device here that comes, goes, or follows something else */
  constructor(changed: (device: Device) => void = () => {}) {
    this.#changed = changed;
  }

  /**
   * The device is here, on this connection, following nothing yet.
   * @returns the connection that held it before: of a client that came back before its old connection was seen to end
   */
  arrive(device: Device, address: Address, link: Link): Link | undefined {
    const before = this.#rows.get(deviceKey(device));
    this.#put(device, address, link, { teller: undefined, untilMs: Number.POSITIVE_INFINITY });
    this.#changed(device);
    return before?.link === link ? undefined : before?.link;
  }

  /**
   * Ends what this connection held; nothing if another connection holds the device by now.
   * @param nowMs wall clock, to tell others later when the device was seen last
   */
  leave(device: Device, link: Link, nowMs: number): void {
    const key = deviceKey(device);
    const row = this.#rows.get(key);
    if (row?.link !== link) return;
    this.#remove(row);
    this.seen(device, nowMs);
    this.#changed(device);
  }

  /** The device was online then (wall clock), as far as is known for the last time. */
  seen(device: Device, atMs: number): void {
    const key = deviceKey(device);
    const latestMs = Math.max(atMs, this.#lastSeenMs.get(key) ?? 0);
    this.#lastSeenMs.delete(key);
    this.#lastSeenMs.set(key, latestMs);
    if (this.#lastSeenMs.size <= LAST_SEEN_DEVICES_MAX) return;
    const [oldest = key] = this.#lastSeenMs.keys();
    this.#lastSeenMs.delete(oldest);
  }

  /**
   * Another tracker says that the device is there, until then (monotonic); it replaces what was said before.
   * @returns undefined if the device is here, which counts more
   */
  lease(
    teller: Fingerprint,
    { uid, fingerprint, address, follows }: Lease,
    untilMs: number,
  ): Arrival | undefined {
    const before = this.#rows.get(deviceKey({ uid, fingerprint }));
    if (before?.link !== undefined) return undefined;
    const known = new Set(before?.follows.keys());
    const row = this.#put({ uid, fingerprint }, address, undefined, { teller, untilMs });
    for (const file of follows) this.#index(row, file);
    const isNew = before === undefined || formatAddress(before.address) !== formatAddress(address);
    return { isNew, follows: isNew ? follows : follows.filter((file) => !known.has(fileKey(file))) };
  }

  /** Another tracker says that the device has left it; nothing if somebody else has told of it since. */
  unlease(teller: Fingerprint, device: Device, nowMs: number): void {
    const row = this.#rows.get(deviceKey(device));
    if (row?.teller !== teller) return;
    this.#remove(row);
    this.seen(device, nowMs);
  }

  /** Forgets the leases that have ended. */
  expire(monotonicMs: number): void {
    for (const row of this.#rows.values()) if (row.untilMs <= monotonicMs) this.#remove(row);
  }

  follow(device: Device, file: FileRef): undefined | Failure {
    const row = this.#rows.get(deviceKey(device));
    if (row === undefined) return new Failure("not-logged-in", "log in first");
    if (row.follows.size >= FOLLOWS_PER_DEVICE_MAX && !row.follows.has(fileKey(file)))
      return new Failure("too-many", `more than ${FOLLOWS_PER_DEVICE_MAX} downloads at once`);
    this.#index(row, file);
    this.#changed(device);
    return undefined;
  }

  unfollow(device: Device, file: FileRef): void {
    const row = this.#rows.get(deviceKey(device));
    if (row === undefined) return;
    this.#unindex(row, file);
    this.#changed(device);
  }

  /** A user who may no longer see the group follows nothing of it. */
  unfollowGroup(uid: Uid, gid: Gid): void {
    for (const row of this.#byUser.get(uid)?.values() ?? [])
      for (const file of row.follows.values()) if (file.gid === gid) this.#unindex(row, file);
  }

  find(device: Device): Online<Link> | undefined {
    return this.#rows.get(deviceKey(device));
  }

  /** When the device, now gone, was online last (wall clock), as far as is known; 0 if nothing is. */
  lastSeenMs(device: Device): number {
    return this.#lastSeenMs.get(deviceKey(device)) ?? 0;
  }

  /** The device if a connection holds it here, as another tracker is told of it. */
  here(device: Device): Lease | undefined {
    const row = this.#rows.get(deviceKey(device));
    if (row?.link === undefined) return undefined;
    const { uid, fingerprint, address } = row;
    return { uid, fingerprint, address, follows: [...row.follows.values()] };
  }

  /** All devices that connections hold here. */
  *allHere(): Generator<Device> {
    for (const { uid, fingerprint, link } of this.#rows.values())
      if (link !== undefined) yield { uid, fingerprint };
  }

  isOnline(uid: Uid): boolean {
    return this.#byUser.has(uid);
  }

  /** Machines on which the user is online, here or elsewhere. */
  deviceCount(uid: Uid): number {
    return this.#byUser.get(uid)?.size ?? 0;
  }

  devicesOf(uid: Uid): Iterable<Online<Link>> {
    return [...(this.#byUser.get(uid)?.values() ?? [])];
  }

  /** Devices that download the file. */
  followersOf(file: FileRef): Iterable<Online<Link>> {
    return [...(this.#followers.get(fileKey(file))?.values() ?? [])];
  }

  /** The files that somebody downloads. */
  *followed(): Generator<FileRef> {
    for (const [key, rows] of this.#followers) {
      const [row] = rows.values();
      const file = row?.follows.get(key);
      if (file !== undefined) yield file;
    }
  }

  onlineUsers(): Uid[] {
    return [...this.#byUser.keys()];
  }

  get users(): number {
    return this.#byUser.size;
  }

  get devices(): number {
    return this.#rows.size;
  }

  #put(
    device: Device,
    address: Address,
    link: Link | undefined,
    { teller, untilMs }: Pick<Row<Link>, "teller" | "untilMs">,
  ): Row<Link> {
    const { uid, fingerprint } = device;
    const key = deviceKey(device);
    const before = this.#rows.get(key);
    if (before !== undefined) this.#remove(before);
    const row: Row<Link> = { uid, fingerprint, address, link, teller, untilMs, follows: new Map() };
    this.#rows.set(key, row);
    within(this.#byUser, uid).set(key, row);
    return row;
  }

  #remove(row: Row<Link>): void {
    const key = deviceKey(row);
    for (const file of row.follows.values()) this.#unindex(row, file);
    this.#rows.delete(key);
    without(this.#byUser, row.uid, key);
  }

  #index(row: Row<Link>, { gid, fileId }: FileRef): void {
    const key = fileKey({ gid, fileId });
    row.follows.set(key, { gid, fileId });
    within(this.#followers, key).set(deviceKey(row), row);
  }

  #unindex(row: Row<Link>, file: FileRef): void {
    const key = fileKey(file);
    row.follows.delete(key);
    without(this.#followers, key, deviceKey(row));
  }
}

function deviceKey({ uid, fingerprint }: Device): string {
  return `${uid} ${fingerprint}`;
}

function fileKey({ gid, fileId }: FileRef): string {
  return `${gid} ${fileId}`;
}

function within<K, V>(index: Map<K, Map<string, V>>, key: K): Map<string, V> {
  let inner = index.get(key);
  if (inner === undefined) {
    inner = new Map();
    index.set(key, inner);
  }
  return inner;
}

/** An inner map is never left empty, so that its being there says something. */
function without<K, V>(index: Map<K, Map<string, V>>, key: K, innerKey: string): void {
  const inner = index.get(key);
  inner?.delete(innerKey);
  if (inner?.size === 0) index.delete(key);
}

/** Where others reach a client: its own word, with the address that the tracker sees in place of "every interface". */
export function reachableAddress(listening: Address, remote: Address): Address {
  const wildcard = listening.host === "0.0.0.0" || /^\[?(?:[0:]+)\]?$/.test(listening.host);
  return wildcard ? { host: plainHost(remote.host), port: listening.port } : listening;
}

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
function plainHost(host: string): string {
  return host.toLowerCase().startsWith("::ffff:") && host.includes(".") ? host.slice(7) : host;
}
