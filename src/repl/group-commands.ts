/** Commands on groups, their requests and members. */
import { command, done, groupId, newGroupId, offering, shown, userId } from "./command.ts";
import { renderGroups, renderMembers, renderRequests } from "./render.ts";
import { groupFields, memberFields } from "./said.ts";

const topic = "Groups";

const ownGroup = offering(groupId, "own group");
const member = offering(userId, "member");
const requester = offering(userId, "requester");

export const groupCommands = [
  command({
    name: "create_group",
    topic,
    args: [newGroupId],
    summary: "Make a group that you own.",
    example: "create_group math",
    async run({ client }, group) {
      await client.createGroup(group);
      return done("Group created successfully", { group });
    },
  }),
  command({
    name: "list_groups",
    topic,
    args: [],
    summary: "List all groups: id, owner, members, what you are there.",
    example: "list_groups",
    async run({ client, hint }) {
      const groups = await client.listGroups();
      if (groups.length === 0) hint("create_group <group_id> makes the first");
      return shown(renderGroups(groups), { groups: groups.map(groupFields) });
    },
  }),
  command({
    name: "join_group",
    topic,
    args: [offering(groupId, "other group")],
    summary: "Ask the owner of a group to let you in.",
    example: "join_group math",
    async run({ client }, group) {
      await client.joinGroup(group);
      return done("Join request sent", { group });
    },
  }),
  command({
    name: "leave_group",
    topic,
    args: [offering(groupId, "left group")],
    summary: "Leave a group, or take back your request.",
    example: "leave_group math",
    async run({ client }, group) {
      await client.leaveGroup(group);
      return done("Left group successfully", { group });
    },
  }),
  command({
    name: "list_members",
    topic,
    args: [groupId],
    summary: "List the members of a group of yours.",
    example: "list_members math",
    async run({ client }, group) {
      const members = await client.listMembers(group);
      return shown(renderMembers(members), { group, members: members.map(memberFields) });
    },
  }),
  command({
    name: "list_requests",
    topic,
    args: [ownGroup],
    summary: "List who asks to join a group that you own.",
    example: "list_requests math",
    async run({ client }, group) {
      const users = await client.listRequests(group);
      return shown(renderRequests(users), { group, users });
    },
  }),
  command({
    name: "accept_request",
    topic,
    args: [ownGroup, requester],
    summary: "Let somebody into a group that you own.",
    example: "accept_request math bob",
    async run({ client }, group, user) {
      await client.acceptRequest(group, user);
      return done("User accepted to group", { group, user });
    },
  }),
  command({
    name: "reject_request",
    topic,
    args: [ownGroup, requester],
    summary: "Turn somebody's request down; they may ask again.",
    example: "reject_request math bob",
    async run({ client }, group, user) {
      await client.rejectRequest(group, user);
      return done("Join request rejected", { group, user });
    },
  }),
  command({
    name: "remove_member",
    topic,
    args: [ownGroup, member],
    summary: "Remove a member from a group that you own; their transfers are cut at once.",
    example: "remove_member math bob",
    async run({ client }, group, user) {
      await client.removeMember(group, user);
      return done("Member removed", { group, user });
    },
  }),
  command({
    name: "transfer_owner",
    topic,
    args: [ownGroup, member],
    summary: "Make another member the owner of your group.",
    example: "transfer_owner math bob",
    async run({ client }, group, user) {
      await client.transferOwner(group, user);
      return done("Ownership transferred", { group, user });
    },
  }),
  command({
    name: "delete_group",
    topic,
    args: [ownGroup],
    summary: "Delete a group that you own.",
    example: "delete_group math",
    async run({ client }, group) {
      await client.deleteGroup(group);
      return done("Group deleted", { group });
    },
  }),
];
