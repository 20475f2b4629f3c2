/**
 * Ports that nothing listens on, for programs whose port stands in a file before they are started, so that it cannot be 0.
 *
 * A program may be started late, or end and come back: meanwhile its port looks free to everybody else. So a world keeps a
 * mark on each of its ports, a listener at an address of this machine that nothing else uses: no two worlds have the same
 * port at the same time, in whatever processes they are. Where a system has no such address, chance has to do.
 */
import type { TCPSocketListener } from "bun";

/** Below what any system gives to outgoing connections: a tracker that is started again finds its port still free. */
const PORT_LEAST = 10_000;
const PORT_MOST = 32_000;
const LOOPBACK = "127.0.0.1";
const MARK_ADDRESS = "127.0.80.1";

export class KeptPorts implements Disposable {
  readonly ports: readonly number[];
  readonly #marks: TCPSocketListener[] = [];

  constructor(amount: number) {
    this.ports = Array.from({ length: amount }, () => this.#keepOne());
  }

  [Symbol.dispose](): void {
    for (const mark of this.#marks) mark.stop(true);
  }

  #keepOne(): number {
    for (;;) {
      const [port = 0] = freePorts(1);
      const mark = listen(MARK_ADDRESS, port);
      if (mark !== undefined) this.#marks.push(mark);
      if (mark !== undefined || !HAS_MARKS) return port;
    }
  }
}

/** Different ports that were free just now, and are nobody's. */
export function freePorts(amount: number): number[] {
  const ports = new Set<number>();
  while (ports.size < amount) {
    const port = PORT_LEAST + Math.floor(Math.random() * (PORT_MOST - PORT_LEAST));
    if (isFree(LOOPBACK, port) && (!HAS_MARKS || isFree(MARK_ADDRESS, port))) ports.add(port);
  }
  return [...ports];
}

function listen(hostname: string, port: number): TCPSocketListener | undefined {
  try {
    return Bun.listen({ hostname, port, exclusive: true, socket: { data() {} } });
  } catch {
    return undefined;
  }
}

function isFree(hostname: string, port: number): boolean {
  const listener = listen(hostname, port);
  listener?.stop(true);
  return listener !== undefined;
}

const HAS_MARKS = isFree(MARK_ADDRESS, 0);
