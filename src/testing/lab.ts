/** The usual company of client tests: Anna owns the group `lab`, Ben is a member; each has a machine of their own. */
import type { GroupName, UserName } from "../base/ids.ts";
import { ClientWorld, type Machine, type RunningClient } from "./client-world.ts";
import { settle } from "./manual-clock.ts";

export const LAB = "lab" as GroupName;

export interface Lab {
  readonly world: ClientWorld;
  readonly annasMachine: Machine;
  readonly anna: RunningClient;
  readonly ben: RunningClient;
}

export async function openLab(): Promise<Lab> {
  const world = new ClientWorld();
  const annasMachine = world.machine("anna's machine");
  const anna = await (await annasMachine.start()).signUp("anna");
  const ben = await (await world.machine("ben's machine").start()).signUp("ben");
  await anna.app.createGroup(LAB);
  await ben.app.joinGroup(LAB);
  await anna.app.acceptRequest(LAB, "ben" as UserName);
  await settle();
  return { world, annasMachine, anna, ben };
}

/** With those that run on the machines now. */
export async function closeLab({ world, anna, ben }: Omit<Lab, "annasMachine">): Promise<void> {
  await anna.app.close();
  await ben.app.close();
  world.dispose();
}

/** The same machine, with a program that nobody has logged in to yet. */
export async function restart(client: RunningClient): Promise<RunningClient> {
  await client.app.close();
  return client.machine.start();
}
