/** Commands on groups, their requests and members. */
import { command, groupId, newGroupId, offering, userId } from "./command.ts";
import { renderGroups, renderMembers, renderRequests } from "./render.ts";

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
      return ["Group created successfully"];
    },
  }),
  command({
    name: "list_groups",
    topic,
    args: [],
    summary: "List all groups: id, owner, members, what you are there.",
    example: "list_groups",
    async run({ client }) {
      return renderGroups(await client.listGroups());
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
      return ["Join request sent"];
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
      return ["Left group successfully"];
    },
  }),
  command({
    name: "list_members",
    topic,
    args: [groupId],
    summary: "List the members of a group of yours.",
    example: "list_members math",
    async run({ client }, group) {
      return renderMembers(await client.listMembers(group));
    },
  }),
  command({
    name: "list_requests",
    topic,
    args: [ownGroup],
    summary: "List who asks to join a group that you own.",
    example: "list_requests math",
    async run({ client }, group) {
      return renderRequests(await client.listRequests(group));
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
      return ["User accepted to group"];
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
      return ["Join request rejected"];
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
      return ["Member removed"];
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
      return ["Ownership transferred"];
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
      return ["Group deleted"];
    },
  }),
];
