/** Lists of the tracker, which come in pages, put together; bounded, whatever the tracker says. */
import { Failure } from "../base/failure.ts";
import { LIST_PAGES_MAX } from "../base/limits.ts";

interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next?: string | undefined;
}

/** @param after absent for the first page */
export async function allPages<Row>(
  ask: (page: { after?: string }) => Promise<{ readonly result: Page<Row> }>,
): Promise<Row[]> {
  const all: Row[] = [];
  let page: { after?: string } = {};
  for (let pages = 0; pages < LIST_PAGES_MAX; pages++) {
    const { result } = await ask(page);
    for (const row of result.rows) all.push(row);
    if (result.next === undefined) return all;
    page = { after: result.next };
  }
  throw new Failure("too-many", `the list has more than ${LIST_PAGES_MAX} pages`);
}
