/**
 * What the machine's disk and SQLite alone would do with the same rows: tables of the tracker's form, the same journal
 * mode and the same durability, nothing around it.
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";

export type PlainRow = Readonly<Record<string, string | number>>;

const TABLES = {
  entry: {
    form: "origin INTEGER NOT NULL, seq INTEGER NOT NULL, stamp TEXT NOT NULL, request TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (origin, seq)",
    columns: ["origin", "seq", "stamp", "request", "body"],
  },
  state_row: { form: "key TEXT PRIMARY KEY, text TEXT NOT NULL", columns: ["key", "text"] },
} as const;
export type PlainTable = keyof typeof TABLES;

export class PlainSqlite implements Disposable {
  readonly #db: Database;
  readonly #insert: (rows: readonly PlainRow[]) => void;

  /** @param folder on the disk that is compared */
  constructor(folder: string, table: PlainTable) {
    const { form, columns } = TABLES[table];
    this.#db = new Database(join(folder, `plain-${table}.sqlite`), { strict: true, create: true });
    this.#db.run("PRAGMA journal_mode = WAL");
    this.#db.run("PRAGMA synchronous = FULL");
    this.#db.run(`DROP TABLE IF EXISTS ${table}`);
    this.#db.run(`CREATE TABLE ${table} (${form}) STRICT, WITHOUT ROWID`);
    const names = columns.map((name) => `$${name}`).join(", ");
    const insert = this.#db.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${names})`);
    this.#insert = this.#db.transaction((rows: readonly PlainRow[]) => {
      for (const row of rows) insert.run(row);
    }).immediate;
  }

  /** One durable transaction. @returns seconds */
  insert(rows: readonly PlainRow[]): number {
    const startedMs = performance.now();
    this.#insert(rows);
    return (performance.now() - startedMs) / 1000;
  }

  [Symbol.dispose](): void {
    this.#db.close(true);
  }
}

/** Durable rows a second when so many share each transaction, each as large as `like`. */
export function plainRowsPerSecond(
  folder: string,
  like: { readonly stamp: string; readonly request: string; readonly body: string },
  { batch, seconds }: { readonly batch: number; readonly seconds: number },
): number {
  using plain = new PlainSqlite(folder, "entry");
  let [seq, spent] = [0, 0];
  // A batch of 3.4 rows is one of 3 or 4.
  for (let owed = batch; spent < seconds; owed += batch) {
    const rows = Array.from({ length: Math.max(1, Math.floor(owed - seq)) }, () => ({
      origin: 1,
      seq: ++seq,
      ...like,
    }));
    spent += plain.insert(rows);
  }
  return seq / spent;
}

/** Puts a table's rows into a table of the same form, so many in each transaction. @returns rows, and seconds of putting */
export function copyPlainly(
  folder: string,
  database: string,
  { table, batch }: { readonly table: PlainTable; readonly batch: number },
): { rows: number; seconds: number } {
  using plain = new PlainSqlite(folder, table);
  using from = new Database(database, { readonly: true });
  const select = from.query<PlainRow, []>(`SELECT ${TABLES[table].columns.join(", ")} FROM ${table}`);
  let [rows, seconds] = [0, 0];
  let page: PlainRow[] = [];
  const flush = () => {
    seconds += plain.insert(page);
    rows += page.length;
    page = [];
  };
  for (const row of select.iterate()) if (page.push(row) === batch) flush();
  if (page.length > 0) flush();
  return { rows, seconds };
}
