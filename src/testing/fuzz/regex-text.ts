/**
 * Texts that a regular expression of the schemas matches: one row of literals and classes, each perhaps counted, between
 * `^` and `$`. Anything richer is refused, so that a form nobody thought of here shows as an error and not as bad inputs.
 */
import type { Draw } from "./draw.ts";

const UNBOUNDED = 12;
const UNIT = /\[((?:\\.|[^\]\\])+)\]|\\([dS])|([^\\[\](){}?*+|^$])/y;
const COUNT = /\{(\d+)(?:,(\d+))?\}|([?*+])/y;
const NAMED: Readonly<Record<string, string>> = { d: "0123456789", S: "abcXYZ019._-:/" };

interface Unit {
  readonly chars: string;
  readonly least: number;
  readonly most: number;
}

const known = new Map<string, readonly Unit[]>();

export function matching(draw: Draw, form: RegExp): string {
  const units = known.get(form.source) ?? unitsOf(form.source);
  known.set(form.source, units);
  let text = "";
  for (const { chars, least, most } of units)
    for (let left = draw.between(least, most); left > 0; left--) text += chars[draw.below(chars.length)];
  return text;
}

function unitsOf(source: string): Unit[] {
  const units: Unit[] = [];
  const end = source.length - 1;
  if (source[0] !== "^" || source[end] !== "$") throw new Error(`cannot make texts of ${source}`);
  for (let at = 1; at < end; ) {
    UNIT.lastIndex = at;
    const unit = UNIT.exec(source);
    if (unit === null) throw new Error(`cannot make texts of ${source}, from ${source.slice(at)}`);
    at = UNIT.lastIndex;
    const [, inClass, named, plain] = unit;
    const chars = inClass !== undefined ? charsOf(inClass) : (NAMED[named ?? ""] ?? plain ?? "");
    COUNT.lastIndex = at;
    const count = COUNT.exec(source);
    if (count !== null) at = COUNT.lastIndex;
    units.push({ chars, ...bounds(count) });
  }
  return units;
}

function bounds(count: RegExpExecArray | null): { least: number; most: number } {
  if (count === null) return { least: 1, most: 1 };
  const [, least, most, sign] = count;
  if (least !== undefined) return { least: Number(least), most: Number(most ?? least) };
  return { least: sign === "+" ? 1 : 0, most: sign === "?" ? 1 : UNBOUNDED };
}

function charsOf(inClass: string): string {
  return inClass.replace(/(.)-(.)/g, (_, from: string, to: string) => {
    let chars = "";
    for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) chars += String.fromCharCode(code);
    return chars;
  });
}
