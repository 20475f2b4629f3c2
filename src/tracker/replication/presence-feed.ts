/**
 * Tells one other tracker, over one connection, which clients are online here: each change at once, everything again
 * before its lease ends.
 *
 * One message is under way at a time; what changes meanwhile goes with the next, each device as it is by then.
 */
import { type Failure, toFailure } from "../../base/failure.ts";
import { PRESENCE_DEVICES_MAX, PUSH_CHARS_MAX } from "../../base/limits.ts";
import type { OnlineDevice } from "../../wire/tracker-tracker.ts";
import type { Device, Lease } from "../presence.ts";

export interface PresenceMessage {
  readonly here: OnlineDevice[];
  readonly gone: { uid: Device["uid"]; fingerprint: Device["fingerprint"] }[];
}

export interface PresenceFeedDependencies {
  /** The device if it is online here. */
  readonly here: (device: Device) => Lease | undefined;
  readonly allHere: () => Iterable<Device>;
  readonly send: (message: PresenceMessage) => Promise<unknown>;
  readonly failed: (failure: Failure) => void;
}

/** Characters that one followed file takes in a message. */
const FOLLOW_CHARS = 150;

export class PresenceFeed {
  readonly #dependencies: PresenceFeedDependencies;
  readonly #due = new Map<string, Device>();
  #isSending = false;

  constructor(dependencies: PresenceFeedDependencies) {
    this.#dependencies = dependencies;
  }

  changed(device: Device): void {
    this.#add(device);
    void this.#send();
  }

  /** Tells of all that are here, now or again. */
  renew(): void {
    for (const device of this.#dependencies.allHere()) this.#add(device);
    void this.#send();
  }

  #add(device: Device): void {
    this.#due.set(`${device.uid} ${device.fingerprint}`, device);
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#due.size > 0) await this.#dependencies.send(this.#next());
      this.#isSending = false;
    } catch (error) {
      this.#due.clear();
      this.#dependencies.failed(toFailure(error));
    }
  }

  #next(): PresenceMessage {
    const message: PresenceMessage = { here: [], gone: [] };
    let chars = 0;
    for (const [key, device] of this.#due) {
      this.#due.delete(key);
      const lease = this.#dependencies.here(device);
      if (lease === undefined) message.gone.push({ uid: device.uid, fingerprint: device.fingerprint });
      else message.here.push({ ...lease, follows: [...lease.follows] });
      chars += FOLLOW_CHARS * (2 + (lease?.follows.length ?? 0));
      if (message.here.length + message.gone.length >= PRESENCE_DEVICES_MAX || chars > PUSH_CHARS_MAX) break;
    }
    return message;
  }
}
