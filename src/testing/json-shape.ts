/**
 * The shapes of JSON as a page writes them, and whether a value has one: `{ name: string, size: bytes, left: ms | null }`.
 *
 * `x?` may be missing, `[x]` is a list of x, `...x` takes the fields of x in; `bytes`, `ms` and `count` are whole numbers.
 * A field that the shape does not name is a fault: the page would not be the whole truth.
 */
export type Shapes = ReadonlyMap<string, string>;

type Shape =
  | { readonly kind: "word"; readonly word: string }
  | { readonly kind: "literal"; readonly value: unknown }
  | { readonly kind: "list"; readonly of: Shape }
  | { readonly kind: "either"; readonly of: readonly Shape[] }
  | { readonly kind: "fields"; readonly of: readonly Field[] };

interface Field {
  readonly name: string;
  readonly isOptional: boolean;
  readonly shape: Shape;
}

const WHOLE = new Set(["bytes", "ms", "count"]);
const LITERALS = new Map<string, unknown>([
  ["null", null],
  ["true", true],
  ["false", false],
]);

/** @param shapes those that a shape may name. @returns what is wrong, with the path to it; nothing if the value has the shape */
export function faultsOf(value: unknown, text: string, shapes: Shapes): readonly string[] {
  return faultsIn(value, new Reader(text, shapes).whole(), { at: "", shapes });
}

interface Place {
  readonly at: string;
  readonly shapes: Shapes;
}

function faultsIn(value: unknown, shape: Shape, place: Place): readonly string[] {
  const { at, shapes } = place;
  const wrong = (wanted: string) => [`${at || "it"} is ${JSON.stringify(value)}, not ${wanted}`];
  switch (shape.kind) {
    case "literal":
      return value === shape.value ? [] : wrong(JSON.stringify(shape.value));
    case "either":
      return shape.of.some((each) => faultsIn(value, each, place).length === 0) ? [] : wrong("of its kinds");
    case "list":
      if (!Array.isArray(value)) return wrong("a list");
      return value.flatMap((each, index) => faultsIn(each, shape.of, { at: `${at}[${index}]`, shapes }));
    case "fields":
      return isObject(value) ? faultsOfFields(value, shape.of, place) : wrong("an object");
    case "word":
      return faultsOfWord(value, shape.word, place) ? [] : wrong(shape.word);
  }
}

function faultsOfWord(value: unknown, word: string, { shapes }: Place): boolean {
  if (WHOLE.has(word)) return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  if (word === "object") return isObject(value);
  if (word === "string" || word === "boolean") return typeof value === word;
  const named = shapes.get(word);
  if (named === undefined) throw new Error(`the page has no shape ${word}`);
  return faultsOf(value, named, shapes).length === 0;
}

function faultsOfFields(value: object, fields: readonly Field[], { at, shapes }: Place): readonly string[] {
  const given = new Map(Object.entries(value));
  const faults = fields.flatMap(({ name, isOptional, shape }) => {
    if (given.has(name)) return faultsIn(given.get(name), shape, { at: `${at}.${name}`, shapes });
    return isOptional ? [] : [`${at}.${name} is missing`];
  });
  const names = new Set(fields.map(({ name }) => name));
  return [
    ...faults,
    ...[...given.keys()].filter((name) => !names.has(name)).map((name) => `${at}.${name} is not on the page`),
  ];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A shape's text, from left to right. */
class Reader {
  readonly #tokens: string[];
  readonly #shapes: Shapes;

  constructor(text: string, shapes: Shapes) {
    this.#tokens = text.match(/"[^"]*"|\.\.\.|[\w-]+|[{}[\]|:,?]/g) ?? [];
    this.#shapes = shapes;
  }

  whole(): Shape {
    const shape = this.#either();
    if (this.#tokens.length > 0) throw new Error(`a shape goes on with ${this.#tokens.join(" ")}`);
    return shape;
  }

  #either(): Shape {
    const first = this.#one();
    const of = [first];
    while (this.#takes("|")) of.push(this.#one());
    return of.length === 1 ? first : { kind: "either", of };
  }

  #one(): Shape {
    const token = this.#tokens.shift() ?? "";
    if (token === "{") return { kind: "fields", of: this.#fields() };
    if (token === "[") {
      const of = this.#either();
      this.#needs("]");
      return { kind: "list", of };
    }
    if (token.startsWith('"')) return { kind: "literal", value: token.slice(1, -1) };
    if (LITERALS.has(token)) return { kind: "literal", value: LITERALS.get(token) };
    return { kind: "word", word: token };
  }

  #fields(): Field[] {
    const fields: Field[] = [];
    while (!this.#takes("}")) {
      if (this.#takes("...")) fields.push(...this.#fieldsOf(this.#tokens.shift() ?? ""));
      else fields.push(this.#field());
      this.#takes(",");
    }
    return fields;
  }

  #field(): Field {
    const name = this.#tokens.shift() ?? "";
    const isOptional = this.#takes("?");
    this.#needs(":");
    return { name, isOptional, shape: this.#either() };
  }

  #fieldsOf(word: string): readonly Field[] {
    const named = new Reader(this.#shapes.get(word) ?? "", this.#shapes).whole();
    if (named.kind !== "fields") throw new Error(`${word} has no fields`);
    return named.of;
  }

  #takes(token: string): boolean {
    if (this.#tokens[0] !== token) return false;
    this.#tokens.shift();
    return true;
  }

  #needs(token: string): void {
    if (!this.#takes(token)) throw new Error(`a shape lacks ${token} before ${this.#tokens.join(" ")}`);
  }
}
