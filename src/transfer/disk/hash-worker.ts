/** Entry of a hash worker: an entry point of the build too, or the compiled program does not find it. */
import { PieceJobs } from "./piece-jobs.ts";
import type { WorkerReply, WorkerRequest } from "./worker-protocol.ts";

interface WorkerScope {
  onmessage: ((event: MessageEvent<WorkerRequest>) => void) | null;
  postMessage(reply: WorkerReply): void;
}

const scope = globalThis as unknown as WorkerScope;
const jobs = new PieceJobs((reply) => scope.postMessage(reply));
scope.onmessage = ({ data }) => jobs.run(data);
