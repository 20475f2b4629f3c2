import { describeEventStore } from "./event-store.contract.ts";
import { MemoryDisk, MemoryStore } from "./memory-store.ts";

describeEventStore("memory store", () => {
  const disk = new MemoryDisk();
  return { open: () => new MemoryStore(disk), dispose: () => {} };
});
