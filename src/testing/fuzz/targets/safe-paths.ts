/** From a foreign name to a name on this disk: what comes out is one harmless component on every system. */
import { basename, join, posix, win32 } from "node:path";
import { Failure } from "../../../base/failure.ts";
import { FILE_PATH_COMPONENTS_MAX } from "../../../base/limits.ts";
import { WINDOWS } from "../../../base/platform.ts";
import { utf8Length } from "../../../base/text.ts";
import { refuseTypedName, safeFileName, safeFilePath } from "../../../transfer/disk/safe-path.ts";
import type { Draw } from "../draw.ts";
import { type FuzzCase, type FuzzTarget, must, mustEqual } from "../fuzz-target.ts";
import { mutateText } from "../mutation.ts";

const COMPONENT_BYTES_MAX = 255;
/** Names of devices, as Microsoft lists them. */
const DEVICES = new Set(
  ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"].concat(
    ...["com", "lpt"].map((port) => [..."0123456789\u00b9\u00b2\u00b3"].map((digit) => port + digit)),
  ),
);

function nameCase(draw: Draw): FuzzCase<string> {
  const device = draw.pick([...DEVICES]);
  switch (draw.below(5)) {
    case 0:
      return { input: draw.text(80) };
    case 1:
      return {
        input:
          mutateText(draw, draw.once(2) ? device.toUpperCase() : device) +
          draw.pick(["", ".txt", " .x", ":s", "."]),
      };
    case 2:
      return { input: mutateText(draw, mutateText(draw, "../folder/lecture 1.mp4")) };
    default:
      return { input: mutateText(draw, "lecture 1.mp4") };
  }
}

function checkName(text: string): boolean {
  const name = safeFileName(text);
  if (name instanceof Failure) {
    mustEqual(name.code, "invalid-name", "a name that is refused is an invalid name");
    must(!/[\p{Cc}\p{Bidi_Control}]/u.test(name.message), "a refusal can be shown");
    return false;
  }
  for (const { basename, resolve, sep, normalize } of [posix, win32]) {
    const folder = resolve(sep, "folder");
    mustEqual(basename(name), name, "a name is one component");
    mustEqual(resolve(folder, name), `${folder}${sep}${name}`, "a name leads nowhere else");
    mustEqual(normalize(name), name, "a name is the same on every system");
  }
  must(!/[<>:"|?*/\\\p{Cc}\p{Bidi_Control}\p{Cs}]/u.test(name), "no system refuses a character of it");
  must(!/[. ]$/.test(name), "Windows drops nothing at its end");
  must(!DEVICES.has((name.toLowerCase().split(".")[0] ?? "").replace(/ +$/, "")), "a name is no device");
  must(utf8Length(`${name}.part`) <= COMPONENT_BYTES_MAX, "every file system takes it, .part appended too");
  mustEqual(safeFileName(name), name, "a name that is safe stays as it is");
  mustEqual(
    safeFileName(text.normalize("NFD")),
    safeFileName(text.normalize("NFC")),
    "spellings of one name are one file",
  );
  must(refuseTypedName(name, WINDOWS) === undefined, "a name that is safe may be typed everywhere");
  mustEqual(basename(join("/folder", name)), name, "a name is found again in its folder");
  return true;
}

function pathCase(draw: Draw): FuzzCase<string> {
  const part = () =>
    draw.pick([nameCase(draw).input, "folder", "..", ".", "", "C:", "a\\..", draw.letters(4)]);
  return { input: Array.from({ length: draw.between(1, draw.once(8) ? 40 : 4) }, part).join("/") };
}

function checkPath(text: string): boolean {
  const parts = safeFilePath(text);
  if (parts instanceof Failure) {
    mustEqual(parts.code, "invalid-name", "a path that is refused is an invalid name");
    must(!/[\p{Cc}\p{Bidi_Control}]/u.test(parts.message), "a refusal can be shown");
    return false;
  }
  must(parts.length <= FILE_PATH_COMPONENTS_MAX, "a path is not deeper than its limit");
  for (const part of parts) checkName(part);
  for (const { resolve, sep } of [posix, win32]) {
    const folder = resolve(sep, "folder");
    mustEqual(resolve(folder, ...parts), [folder, ...parts].join(sep), "a path leads down, part by part");
  }
  return parts.length > 1;
}

export const safePathFuzzTargets: readonly FuzzTarget<string>[] = [
  { name: "safe file paths", generate: pathCase, check: checkPath },
  { name: "safe file names", generate: nameCase, check: checkName },
];
