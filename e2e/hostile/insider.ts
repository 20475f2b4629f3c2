/** Somebody who means harm and is let into the group: with an account, a grant, and a machine that is not the program. */
import type { Client } from "../harness/client.ts";
import { TrackerPerson } from "./tracker-person.ts";

export interface Insider {
  readonly mal: TrackerPerson;
  readonly gid: string;
  /** Of `film.bin`. */
  readonly fileId: string;
}

/** @param owner of the group `lab`, which has a file `film.bin` */
export async function letInsiderIn(owner: Client, trackerPort: number): Promise<Insider> {
  await owner.ok("create_user mal pw");
  const mal = await TrackerPerson.login(trackerPort, "mal");
  await mal.change("join_group", { group: "lab" });
  await owner.ok("accept_request lab mal");
  const { gid, file } = await mal.find("lab", "film.bin");
  return { mal, gid, fileId: file.fileId };
}
