/**
 * Random JSON, and JSON that is wrong in one place: as values, and as texts, which can say what values cannot (a key
 * twice, -0, a number beyond all numbers, NaN, the key of a prototype).
 */
import type { Draw } from "./draw.ts";
import { mutateText } from "./mutation.ts";

const DEPTH_MAX = 4;
const DEEP_MAX = 20_000;
/** One text in so many is nested deeply. */
const DEEP_ONE_IN = 500;
const MEMBERS_MAX = 4;
const ODD_KEYS = ["__proto__", "constructor", "toString", "kind", "length", "0", "then", ""] as const;
const ODD_NUMBERS = [
  "-0",
  "1e999",
  "-1e999",
  "NaN",
  "Infinity",
  "1e-999",
  "9007199254740993",
  "00",
  "0x1",
  "1.0",
  "1e0",
];

export function randomJson(draw: Draw, depth = 0): unknown {
  switch (draw.below(depth < DEPTH_MAX ? 9 : 6)) {
    case 0:
      return null;
    case 1:
      return draw.once(2);
    case 2:
    case 3:
      return draw.number();
    case 4:
    case 5:
      return draw.text();
    case 6:
      return Array.from({ length: draw.size(MEMBERS_MAX) }, () => randomJson(draw, depth + 1));
    default: {
      const record: Record<string, unknown> = {};
      for (let left = draw.size(MEMBERS_MAX); left > 0; left--)
        setOwn(record, draw.once(3) ? draw.pick(ODD_KEYS) : draw.letters(3), randomJson(draw, depth + 1));
      return record;
    }
  }
}

/** Also for the key of a prototype. */
function setOwn(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** A place of a value where something can be put in place of what is there. */
interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesOf(value: unknown, found: Place[] = []): Place[] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    const holder = value as Record<string, unknown>;
    found.push({ holder, key });
    placesOf(holder[key], found);
  }
  return found;
}

/** Changes the value itself, in one place or a few. @returns it, or what stands in its place */
export function mutateJson(draw: Draw, value: unknown): unknown {
  if (draw.once(20)) return randomJson(draw);
  for (let left = draw.between(1, 2); left > 0; left--) {
    const places = placesOf(value);
    if (places.length === 0) return randomJson(draw);
    mutatePlace(draw, draw.pick(places), places);
  }
  return value;
}

function mutatePlace(draw: Draw, { holder, key }: Place, places: readonly Place[]): void {
  const held = holder[key];
  switch (draw.below(7)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 1:
      if (Array.isArray(holder)) holder.push(...Array.from({ length: draw.size(3) }, () => held));
      else setOwn(holder, draw.once(2) ? draw.pick(ODD_KEYS) : draw.letters(3), randomJson(draw));
      return;
    case 2: {
      const other = draw.pick(places);
      holder[key] = structuredClone(other.holder[other.key]);
      return;
    }
    case 3:
      holder[key] = randomJson(draw, DEPTH_MAX - 1);
      return;
    default:
      holder[key] = typeof held === "object" ? randomJson(draw) : nearTo(draw, held);
  }
}

/** Another value of the same type where there are others. */
function nearTo(draw: Draw, held: unknown): unknown {
  if (typeof held === "string") return mutateText(draw, held);
  if (typeof held === "number")
    return draw.pick([held + 1, held - 1, -held, held / 2, held * 2, draw.number()]);
  if (typeof held === "boolean") return !held;
  return randomJson(draw, DEPTH_MAX - 1);
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** The value as JSON, now and then with what only a text can hold. */
export function jsonText(draw: Draw, value: unknown): string {
  if (draw.once(DEEP_ONE_IN)) return deepText(draw);
  const text = textOf(value);
  switch (draw.below(12)) {
    case 0:
      return mutateText(draw, text);
    case 1:
      return text.replace(/-?\d+(?=[,}\]])/, () => draw.pick(ODD_NUMBERS));
    case 2:
      return text.replace("{", () => `{"${draw.pick(ODD_KEYS)}":${textOf(randomJson(draw, 3))},`);
    case 3:
      return text.replace(/"[^"]*":[^,{}[\]]+/, (member) => `${member},${member}`);
    default:
      return text;
  }
}

/** A text whose places all hold one of these, and far down. */
function deepText(draw: Draw): string {
  const depth = draw.between(100, DEEP_MAX);
  const [open, close] = draw.pick([
    ["[", "]"],
    ['{"a":', "}"],
  ] as const);
  const whole = `${open.repeat(depth)}0${close.repeat(draw.once(4) ? depth - 1 : depth)}`;
  return draw.once(2) ? whole : `{"kind":"deep","trackers":[${whole}],"n":1,"m":"ping","p":${whole}}`;
}
