/** A file that is this text over and over, so that any 16 bytes of it are known wherever they turn up. */
const MARKER = Buffer.from("=secret-of-group");

export function markedFile(bytes: number): Buffer {
  return Buffer.alloc(bytes, MARKER);
}

const WINDOWS = Array.from(MARKER, (_, at) => Buffer.concat([MARKER.subarray(at), MARKER.subarray(0, at)]));

/** Whether any 16 bytes that follow each other in the file are in there. */
export function holdsMarker(heard: Buffer): boolean {
  return WINDOWS.some((window) => heard.includes(window));
}
