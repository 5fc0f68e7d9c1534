/** Lists of numbers as the kernel writes them: "0-3,7". */

/** The numbers of a list; what is not a number is left out. */
export function cpuList(text: string): number[] {
  const numbers: number[] = [];
  for (const range of text.split(",")) {
    const [first, last = first] = range.trim().split("-").map(Number);
    if (range.trim() === "" || first === undefined || last === undefined) continue;
    for (let n = first; n <= last; n++) numbers.push(n);
  }
  return numbers;
}
