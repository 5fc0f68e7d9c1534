/** Tables of text. */

/** Columns of at least 12 characters, 3 of them blank; nothing behind the last one. runc's tables. */
export function textTable(rows: readonly (readonly (string | number)[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(12, ...rows.map((row) => String(row[i]).length + 3)));
  const line = (row: readonly (string | number)[]) =>
    row.map((cell, i) => i === row.length - 1 ? String(cell) : String(cell).padEnd(widths[i]!)).join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}
