import { describe, expect, test } from "bun:test";
import { PIECE_BYTES, UPLOADS_ON_LINE_MIN } from "../../base/limits.ts";
import { UploadWindow } from "./upload-window.ts";

interface Line {
  readonly bytesPerSecond: number;
  readonly roundTripMs: number;
}

/** Keeps the line as full as the window says, for so long. @returns the bytes a second that arrived in the last half */
function drive(window: UploadWindow, { bytesPerSecond, roundTripMs }: Line, forMs: number): number {
  const pieceMs = (PIECE_BYTES / bytesPerSecond) * 1_000;
  const onLine: { readonly beganMs: number; readonly arrivesMs: number }[] = [];
  let [now, lineFreeMs, late] = [0, 0, 0];
  window.filled(0);
  while (now < forMs) {
    while (onLine.length < window.turns) {
      lineFreeMs = Math.max(now, lineFreeMs) + pieceMs;
      onLine.push({ beganMs: now, arrivesMs: lineFreeMs + roundTripMs });
    }
    const first = onLine.shift();
    if (first === undefined) break;
    now = first.arrivesMs;
    window.arrived(PIECE_BYTES, now - first.beganMs, now);
    if (now > forMs / 2) late++;
  }
  return (late * PIECE_BYTES) / (forMs / 2_000);
}

describe("the window", () => {
  test("is small before anything has arrived, and on a slow line: one piece goes out after the other", () => {
    const window = new UploadWindow();
    expect(window.turns).toBe(UPLOADS_ON_LINE_MIN);
    drive(window, { bytesPerSecond: 1e6, roundTripMs: 1 }, 20_000);
    expect(window.turns).toBe(UPLOADS_ON_LINE_MIN);
  });

  test("is never what limits a line, near or far, slow or fast", () => {
    for (const bytesPerSecond of [0.1e6, 1e6, 6.25e6, 12.5e6, 125e6, 1_000e6])
      for (const roundTripMs of [0, 1, 20, 100, 300, 800]) {
        const window = new UploadWindow();
        const found = drive(window, { bytesPerSecond, roundTripMs }, 60_000);
        const share = found / bytesPerSecond;
        expect(`${bytesPerSecond} ${roundTripMs}: ${share > 0.9 || share.toFixed(2)}`).toBe(
          `${bytesPerSecond} ${roundTripMs}: true`,
        );
      }
  });

  test("puts little more on the line than it carries: what is begun now arrives soon", () => {
    for (const bytesPerSecond of [6.25e6, 12.5e6, 125e6]) {
      const window = new UploadWindow();
      drive(window, { bytesPerSecond, roundTripMs: 1 }, 30_000);
      const aheadMs = ((window.turns * PIECE_BYTES) / bytesPerSecond) * 1_000;
      expect(aheadMs).toBeLessThan(350);
    }
  });

  test("gives a turn several times as long as it should take before it is late", () => {
    const window = new UploadWindow();
    drive(window, { bytesPerSecond: 0.1e6, roundTripMs: 0 }, 60_000);
    expect(window.lateMs).toBeGreaterThan(3 * 5_000);
    const fast = new UploadWindow();
    drive(fast, { bytesPerSecond: 125e6, roundTripMs: 1 }, 10_000);
    expect(fast.lateMs).toBe(1_000);
  });
});
