/**
 * ssh_config(5): which line of which file sets what. ssh itself says which files it reads and which
 * blocks are for a host (`ssh -vvv -G`); that is read here, beside the lines of the files. No I/O.
 */

/** A line that sets something. */
export interface ConfigLine {
  file: string
  /** From 1. */
  lineNumber: number
  /** In lower case. */
  keyword: string
  /** Without the quotes around the whole of it. */
  value: string
  /** The line, trimmed, for showing. */
  text: string
  /** The `Host` or `Match` that it stands under. */
  block?: { keyword: 'host' | 'match'; value: string; lineNumber: number }
}

/** Longest line: OpenSSH's own limit is far below. */
const MAX_LINE = 16 * 1024

/** The lines of one file, those of Host and Match left out. */
export function parseClientConfig(file: string, text: string): ConfigLine[] {
  const lines: ConfigLine[] = []
  let block: ConfigLine['block']
  for (const [index, raw] of text.split('\n').entries()) {
    if (raw.length > MAX_LINE) continue
    const [, word = '', rest = ''] = /^\s*([^\s=#][^\s=]*)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(raw) ?? []
    if (word === '') continue
    const keyword = word.toLowerCase()
    const value = rest.replace(/^"(.*)"$/, '$1')
    const lineNumber = index + 1
    if (keyword === 'host' || keyword === 'match') block = { keyword, value, lineNumber }
    else {
      const line = { file, lineNumber, keyword, value, text: raw.trim() }
      lines.push(block === undefined ? line : { ...line, block })
    }
  }
  return lines
}

/** Whether a line is for each host there is, as far as its own file says. */
export function isForEveryHost({ block }: ConfigLine): boolean {
  if (block === undefined) return true
  const words = block.value.toLowerCase().split(/[\s,]+/)
  const all = block.keyword === 'host' ? '*' : 'all'
  return words.includes(all) && !words.some((word) => word.startsWith('!'))
}

/** What ssh complains of in its configuration. */
export interface ConfigComplaint {
  /** `gone`: ssh passes over an option that it has no more. `broken`: ssh refuses to run. */
  kind: 'gone' | 'broken'
  /** `file:line`, or the file. */
  at: string
  /** What ssh says. */
  text: string
}

/** What `ssh -vvv -G host` tells on standard error. */
export interface ConfigTrace {
  /** In the order in which they were read. */
  files: string[]
  /** `file:line` of the Host blocks that are for this host. */
  applied: string[]
  complaints: ConfigComplaint[]
}

/** Reads the standard error of `ssh -vvv -G`. */
export function readConfigTrace(stderr: string): ConfigTrace {
  const trace: ConfigTrace = { files: [], applied: [], complaints: [] }
  for (const line of stderr.split(/\r?\n/)) {
    const text = line.replace(/^debug\d: /, '')
    const [, file] = /^Reading configuration data (.+)$/.exec(text) ?? []
    if (file !== undefined && !trace.files.includes(file)) trace.files.push(file)
    const [, where, number, said = ''] = /^(.+?):? line (\d+): (.*)$/.exec(text) ?? []
    const at = `${where ?? ''}:${number ?? ''}`
    if (/^Applying options for /.test(said)) trace.applied.push(at)
    else if (/^(Deprecated|Unsupported) option /.test(said)) {
      trace.complaints.push({ kind: 'gone', at, text })
    } else if (isComplaint(line)) {
      const place = /^(.+?):? line (\d+)\b/.exec(text)
      const [, owner] = /^Bad owner or permissions on (.+)$/.exec(text) ?? []
      const spot = place === null ? (owner ?? '') : `${place[1] ?? ''}:${place[2] ?? ''}`
      trace.complaints.push({ kind: 'broken', at: spot, text })
    }
  }
  return trace
}

/** An error of ssh about its configuration, not one of the lines that are for debugging. */
function isComplaint(line: string): boolean {
  if (/^debug\d: /.test(line)) return false
  return /^Bad owner or permissions on |^.+?:? line \d+\b/.test(line)
}

/**
 * The line that gives `keyword` its value for the host of `trace`: the first that fits, as ssh takes
 * it. A line under Match counts if its value fits, since only ssh can tell whether it is for the host.
 */
export function findSetting(
  lines: readonly ConfigLine[],
  { applied }: Pick<ConfigTrace, 'applied'>,
  keyword: string,
  fits: (value: string) => boolean,
): ConfigLine | undefined {
  return lines.find(
    ({ file, block, ...line }) =>
      line.keyword === keyword &&
      fits(line.value) &&
      (block?.keyword !== 'host' || applied.includes(`${file}:${block.lineNumber}`)),
  )
}
