/** Patterns of ssh_config(5): `*` is any run of characters, `?` exactly one. */

/** Whether all of `text` matches `pattern`. Linear in memory, no backtracking beyond the last `*`. */
export function matchPattern(text: string, pattern: string): boolean {
  let t = 0
  let p = 0
  let star = -1
  let mark = 0
  while (t < text.length) {
    if (
      p < pattern.length &&
      (pattern[p] === '?' || (pattern[p] !== '*' && pattern[p] === text[t]))
    ) {
      t += 1
      p += 1
    } else if (pattern[p] === '*') {
      star = p
      mark = t
      p += 1
    } else if (star >= 0) {
      mark += 1
      t = mark
      p = star + 1
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p += 1
  return p === pattern.length
}
