/** Whether something belongs to the group that is meant: by its name, or by its id. */
import { type Gid, type GroupName, sameName } from "../base/ids.ts";

export type GroupTest = (one: { readonly gid: Gid; readonly group: GroupName }) => boolean;

export function groupNamed(group: GroupName): (one: { readonly group: GroupName }) => boolean {
  return (one) => sameName(one.group, group);
}

export function groupOf(gid: Gid): (one: { readonly gid: Gid }) => boolean {
  return (one) => one.gid === gid;
}
