/** A Markdown table whose columns line up as text too. Pure. */

/** @param rows each as long as `head` */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const isFirst = (column: number) => column === 0;
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => padded(cells[column] ?? "", width, isFirst(column))).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    isFirst(column) ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`,
  );
  return [line(head), `|${rule.join("|")}|`, ...rows.map(line)];
}

function padded(cell: string, width: number, isLeft: boolean): string {
  return isLeft ? cell.padEnd(width) : cell.padStart(width);
}

/** Three digits that say something, thousands apart: `12,345`, `0.41`. */
export function shownNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value
    .toPrecision(3)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}
