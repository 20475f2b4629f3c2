/**
 * A client of a simulated cluster: the real session with its real links, and a person at the prompt who follows the
 * script.
 *
 * What is answered is told to the world with the number of the tracker that answered. A command without a clear answer
 * is often given again, with the id that it had.
 */
import { Failure, toFailure } from "../base/failure.ts";
import type { Fingerprint, Gid, RequestId, Uid, UserName } from "../base/ids.ts";
import { listingIdOf } from "../base/listing-id.ts";
import type { Prng } from "../base/prng.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import { trackerDialler } from "../client/dial-tracker.ts";
import type { Answer, DialTracker } from "../client/tracker-link.ts";
import { TrackerSession } from "../client/tracker-session.ts";
import type { State } from "../tracker/core/state.ts";
import type { Method, Params, Result } from "../wire/client-tracker.ts";
import { MetTrackers } from "./met-trackers.ts";
import { manifestOf } from "./service-clients.ts";
import { type SimGround, SimProcess } from "./sim-process.ts";
import { type Intention, intentionOf, pickFrom, userNameFrom } from "./sim-script.ts";
import { deviceOf, hexId } from "./test-tracker.ts";

/** An account as its user knows it: the passwords that it has or may have, the likeliest last. */
export interface SimPerson {
  readonly name: UserName;
  readonly passwords: string[];
}

/** Something that changes something. */
export interface SimCommand<M extends Method = Method> {
  readonly method: M;
  readonly params: Params<M>;
}

/** Something asked of whichever tracker answers. */
export interface SimCall {
  readonly client: SimClient;
  readonly method: Method;
  /** Who was logged in. */
  readonly uid: Uid | undefined;
  /** Indexes of the trackers that knew the account then. */
  readonly knownAt: readonly number[];
  readonly startedMs: number;
}

export interface SimClientWorld extends SimGround {
  readonly prng: Prng;
  /** Of all clients. */
  readonly people: SimPerson[];
  tell(line: string): void;
  broken(error: unknown): void;
  /** What some tracker knows, to choose by. */
  stateAt(index: number | undefined): State | undefined;
  /** Indexes of the trackers that know the account; all for nobody. */
  knowing(uid: Uid | undefined): number[];
  /** A command was answered with yes by that tracker. */
  acknowledged(client: SimClient, command: SimCommand, answer: AnswerFrom, copies: SimCopies): void;
  /** That tracker has greeted a client. */
  served(index: number): void;
  granted(client: SimClient, grant: Result<"grant">, from: number, gid: Gid): void;
  /** A call has ended. */
  ended(call: SimCall, outcome: AnswerFrom | Failure): void;
  nextRequest(): RequestId;
}

/** What a client was told last, on its connection, of how many trackers have its commands. */
export type SimCopies = "alone" | "together" | undefined;

export interface AnswerFrom extends Answer<Method> {
  /** Index of the tracker. */
  readonly from: number;
}

/** Answers that leave open whether the command was done. */
const OPEN_CODES: ReadonlySet<string> = new Set([
  "tracker-unreachable",
  "peer-unreachable",
  "timeout",
  "disk-error",
  "try-later",
  "internal",
]);

const THINK_MS_MAX = 1_500;

export class SimClient {
  readonly no: number;
  /** The trackers that it has found, by their numbers, in order. */
  readonly arrivals: { readonly tracker: number; readonly atMs: number }[] = [];
  readonly fingerprint: Fingerprint;
  skewMs = 0;
  readonly #world: SimClientWorld;
  readonly #random: Prng;
  readonly #process: SimProcess;
  readonly #session: TrackerSession;
  readonly #known = new MetTrackers();
  /** Commands that may be given again. */
  readonly #given: SimCommand[] = [];
  #loggedIn: { readonly uid: Uid; readonly person: SimPerson } | undefined;
  #isLeaving = false;
  #passwords = 0;
  /** Of all its shares: no two changes have one number. */
  #changes = 0;

  constructor(world: SimClientWorld, no: number, trackers: readonly TrackerEntry[]) {
    this.#world = world;
    this.#random = world.prng;
    this.no = no;
    this.fingerprint = deviceOf(`client ${no}`);
    this.#process = new SimProcess(world, this.fingerprint, () => this.skewMs);
    const { clock, transport } = this.#process;
    const log = { info: () => {}, warn: (message: string) => world.broken(new Error(message)) };
    const dial = trackerDialler({ transport, known: this.#known, clock, log }, trackers);
    this.#session = new TrackerSession(
      {
        dial: this.#watched(dial),
        clock,
        listening: () => ({ host: "0.0.0.0", port: 7000 }),
        events: {
          up: ({ no: tracker }) => {
            world.tell(`client ${no} is at tracker ${tracker}`);
            this.arrivals.push({ tracker, atMs: world.nowMs() });
          },
          down: () => {},
          distrusted: (failure) => world.broken(failure),
          notice: () => {},
          ended: () => {
            this.#loggedIn = undefined;
          },
        },
      },
      { trackers, program: "simulation" },
    );
  }

  /** Who is logged in. */
  get uid(): Uid | undefined {
    return this.#loggedIn?.uid;
  }

  start(): void {
    this.#session.start();
    void this.#live();
  }

  /** Once what it is doing is done. */
  leave(): void {
    this.#isLeaving = true;
  }

  async #live(): Promise<void> {
    try {
      while (!this.#isLeaving) {
        await this.#passes(this.#random.float() * THINK_MS_MAX);
        await this.#act();
      }
      this.#session.close();
      this.#process.kill("sent");
    } catch (error) {
      this.#world.broken(error);
    }
  }

  #passes(ms: number): Promise<void> {
    return new Promise((resolve) => this.#process.clock.after(ms, resolve));
  }

  async #act(): Promise<void> {
    const known = this.#loggedIn;
    if (known === undefined) return this.#enter();
    const again = this.#random.below(8) === 0 ? pickFrom(this.#random, this.#given) : undefined;
    if (again !== undefined) return void (await this.#give(again));
    const index = this.#trackerIndex;
    const state = this.#world.stateAt(index);
    const intention = state && intentionOf(state, known.uid, this.#random);
    if (intention !== undefined) await this.#want(intention, known.person);
  }

  get #trackerIndex(): number | undefined {
    const tracker = this.#session.tracker;
    return tracker && tracker.no - 1;
  }

  // --- who one is ---

  async #enter(): Promise<void> {
    const { people } = this.#world;
    const person = pickFrom(this.#random, people);
    if (person === undefined || (people.length < 6 && this.#random.below(3) === 0)) return this.#signUp();
    await this.#logIn(person);
  }

  async #signUp(): Promise<void> {
    const name = userNameFrom(this.#random);
    const password = this.#newPassword();
    const person: SimPerson = { name, passwords: [password] };
    const params = { id: this.#world.nextRequest(), name, password };
    if ((await this.#give({ method: "create_user", params })) === undefined) return;
    this.#world.people.push(person);
    await this.#logIn(person);
  }

  async #logIn(person: SimPerson): Promise<void> {
    const password =
      this.#random.below(4) > 0 ? person.passwords.at(-1) : pickFrom(this.#random, person.passwords);
    const begun = this.#begin("login");
    try {
      const { uid } = await this.#session.login(person.name, password ?? "");
      this.#loggedIn = { uid, person };
      this.#world.tell(`client ${this.no} is ${person.name} (${uid.slice(0, 4)})`);
    } catch (error) {
      this.#failed(begun, error);
    }
  }

  #newPassword(): string {
    return `password ${this.no} ${++this.#passwords}`;
  }

  // --- commands ---

  async #want(intention: Intention, person: SimPerson): Promise<void> {
    const id = this.#world.nextRequest();
    switch (intention.kind) {
      case "create_group":
      case "delete_group":
      case "join_group":
      case "leave_group":
        await this.#give({ method: intention.kind, params: { id, group: intention.group } });
        break;
      case "accept_request":
      case "reject_request":
      case "remove_member":
      case "transfer_owner":
        await this.#give({
          method: intention.kind,
          params: { id, group: intention.group, user: intention.user },
        });
        break;
      case "share":
        await this.#share(intention, id);
        break;
      case "stop_share":
        await this.#stopShare(intention, id);
        break;
      case "grant":
        await this.#call("grant", { gid: intention.gid });
        break;
      case "change_password":
        await this.#changePassword(person, id);
    }
  }

  async #share(
    { group, name, content }: Extract<Intention, { kind: "share" }>,
    id: RequestId,
  ): Promise<void> {
    const manifest = contentOf(content);
    const { summary: file, rows } = manifest;
    const list = { group, digest: file.digest, offset: 0, total: rows.length };
    if ((await this.#call("put_blob", list, rows)) === undefined) return;
    const counter = ++this.#changes;
    const attributes = { modifiedMs: counter, executable: counter % 2 === 0 };
    await this.#give({ method: "share", params: { id, group, name, file, counter, attributes } });
  }

  async #stopShare(
    { group, name, content }: Extract<Intention, { kind: "stop_share" }>,
    id: RequestId,
  ): Promise<void> {
    const listingId = listingIdOf(contentOf(content).summary.fileId, name);
    await this.#give({ method: "stop_share", params: { id, group, listingId, counter: ++this.#changes } });
  }

  async #changePassword(person: SimPerson, id: RequestId): Promise<void> {
    const [old = "", next] = [person.passwords.at(-1), this.#newPassword()];
    // From now on it may be the one, whatever is heard of it.
    person.passwords.push(next);
    const params = { id, old, new: next };
    const begun = this.#begin("change_password");
    try {
      await this.#session.changePassword(params);
      this.#world.tell(`client ${this.no}: change_password: yes`);
    } catch (error) {
      const failure = this.#failed(begun, error);
      if (!OPEN_CODES.has(failure.code)) person.passwords.splice(person.passwords.indexOf(next), 1);
    }
  }

  async #give(command: SimCommand): Promise<AnswerFrom | undefined> {
    const answer = await this.#call(command.method, command.params);
    if (answer === undefined || this.#random.below(4) === 0) this.#given.push(command);
    if (this.#given.length > 4) this.#given.shift();
    return answer;
  }

  /** @returns undefined if it was not answered with yes */
  async #call(method: Method, params: Params<Method>, tail?: Uint8Array): Promise<AnswerFrom | undefined> {
    const begun = this.#begin(method);
    try {
      const answer = (await this.#session.call(method, params, tail)) as AnswerFrom;
      this.#world.tell(`client ${this.no}: ${method} ${briefly(params)}: yes from ${answer.from + 1}`);
      this.#world.ended(begun, answer);
      return answer;
    } catch (error) {
      this.#failed(begun, error);
      return undefined;
    }
  }

  #begin(method: Method): SimCall {
    const { uid } = this;
    const knownAt = this.#world.knowing(uid);
    return { client: this, method, uid, knownAt, startedMs: this.#world.nowMs() };
  }

  #failed(call: SimCall, error: unknown): Failure {
    if (!(error instanceof Failure)) this.#world.broken(error);
    const failure = toFailure(error);
    this.#world.tell(`client ${this.no}: ${call.method}: ${failure.code}`);
    this.#world.ended(call, failure);
    return failure;
  }

  // --- links ---

  /** The same, and each answer says who gave it. */
  #watched(dial: DialTracker): DialTracker {
    return async (index, handler) => {
      this.#world.tell(`client ${this.no} dials tracker ${index + 1}`);
      let copies: SimCopies;
      const link = await dial(index, {
        notice: (notice) => {
          if (notice.kind === "alone" || notice.kind === "together") copies = notice.kind;
          handler.notice(notice);
        },
        closed: (reason) => handler.closed(reason),
      });
      this.#world.served(index);
      return {
        get isOpen() {
          return link.isOpen;
        },
        close: (reason) => link.close(reason),
        call: async (method, params, tail) => {
          const answer = await link.call(method, params, tail);
          const from = { ...answer, from: index };
          if (isCommand(params))
            this.#world.acknowledged(this, { method, params }, from as AnswerFrom, copies);
          if (method === "grant")
            this.#world.granted(
              this,
              answer.result as Result<"grant">,
              index,
              (params as Params<"grant">).gid,
            );
          if (method === "resume")
            this.#checkResumed(params as Params<"resume">, answer.result as Result<"resume">);
          return from;
        },
      };
    };
  }

  #checkResumed({ token }: Params<"resume">, session: Result<"resume">): void {
    const [shown, given] = [stampIn(token), stampIn(session.token)];
    if (shown !== given)
      this.#world.broken(
        new Error(`a session under the password of ${shown} was resumed under that of ${given}`),
      );
  }
}

function isCommand(params: object): params is { id: RequestId } {
  return "id" in params;
}

export function stampIn(token: string): string {
  const [payload = ""] = token.split(".");
  return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")).passwordStamp;
}

function briefly(params: object): string {
  return Object.entries(params)
    .filter(([key]) => key !== "file" && key !== "digest")
    .map(([, value]) => (typeof value === "string" && value.length > 30 ? value.slice(0, 6) : String(value)))
    .join(" ");
}

const contents = new Map<string, ReturnType<typeof manifestOf>>();

function contentOf(content: string): ReturnType<typeof manifestOf> {
  const known = contents.get(content) ?? manifestOf(content, 1_000);
  contents.set(content, known);
  return known;
}

/** For requests of a run: each its own. */
export function simRequest(seed: number, number: number): RequestId {
  return hexId(`simulated request ${seed} ${number}`);
}
