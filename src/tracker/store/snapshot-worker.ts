/** Entry of the worker that copies the database: an entry point of the build too, or the compiled program does not find it. */
import { type SnapshotOrder, takeSnapshot } from "./snapshot.ts";

interface WorkerScope {
  onmessage: ((event: MessageEvent<SnapshotOrder>) => void) | null;
  /** What went wrong; empty if the copy is there. */
  postMessage(problem: string): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = ({ data }) => {
  try {
    takeSnapshot(data);
    scope.postMessage("");
  } catch (error) {
    scope.postMessage(error instanceof Error ? error.message : String(error));
  }
};
