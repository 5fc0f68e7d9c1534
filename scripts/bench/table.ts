/** Tables of results, as Markdown. */

/** A table: the first column to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) => {
    const padded = widths.map((width, i) =>
      i === 0 ? (cells[i] ?? "").padEnd(width) : (cells[i] ?? "").padStart(width)
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = `|${widths.map((width, i) => i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** Milliseconds for people. */
export function ms(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(value < 100 ? 1 : 0);
}

/** How many times as long. */
export function ratio(value: number | undefined, base: number | undefined): string {
  return value === undefined || base === undefined ? "" : (value / base).toFixed(2);
}
