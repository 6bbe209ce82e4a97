/**
 * How many connections without a login a server may see from us. sshd counts them against the address
 * that they come from (sshd_config(5), PerSourcePenalties, since OpenSSH 9.8) and then refuses it
 * altogether: the runner, with all that it is still to do there, and to take back.
 */

/** Milliseconds of penalty: a login that failed, and a connection that tried none. */
const FAILED_LOGIN = 5000
const NO_LOGIN = 1000

/**
 * Sum of penalties up to which a login is tried; proofs, one for a server as a rule, don't wait. sshd
 * refuses above 15 s; it counts each from when its own process has ended, which is a little later than
 * we know of it.
 */
const MOST = 14_000

/** Most logins under way at one server: MaxStartups counts them, too. */
const LOGINS_AT_ONCE = 2

interface Standing {
  /** When all penalties are over, as Date.now() counts. */
  until: number
  /** Logins under way, each of which may fail. */
  underWay: number
  waiting: (() => void)[]
}

const standings = new Map<string, Standing>()

function standingOf({ host, port }: { host: string; port: number }): Standing {
  const server = `[${host.toLowerCase()}]:${port}`
  const known = standings.get(server)
  if (known !== undefined) return known
  const standing: Standing = { until: 0, underWay: 0, waiting: [] }
  standings.set(server, standing)
  return standing
}

/** Whether a server of that software penalises: `OpenSSH_9.8p1`, with or without `SSH-2.0-` before it. */
function penalises(software: string): boolean {
  const [, major, minor] = /^(?:SSH-[\d.]+-)?OpenSSH_(\d+)\.(\d+)/.exec(software) ?? []
  return major !== undefined && Number(major) * 1000 + Number(minor) >= 9008
}

function add(standing: Standing, penalty: number): void {
  standing.until = Math.max(standing.until, Date.now()) + penalty
}

/** Notes a connection that ended without a login being tried. */
export function noteNoLogin(server: { host: string; port: number }, software: string): void {
  if (penalises(software)) add(standingOf(server), NO_LOGIN)
}

/**
 * Does `login` when there is room for it to fail; the others wait their turn.
 *
 * @param software what the server calls itself, asked when the login has failed
 * @throws what `login` throws
 */
export async function withRoomToFail<Result>(
  server: { host: string; port: number },
  software: () => string,
  login: () => Promise<Result>,
): Promise<Result> {
  const standing = standingOf(server)
  await room(standing)
  try {
    return await login()
  } catch (error) {
    if (penalises(software())) add(standing, FAILED_LOGIN)
    throw error
  } finally {
    standing.underWay -= 1
    standing.waiting.shift()?.()
  }
}

/** Waits for a place among the logins that are under way, and takes it. */
async function room(standing: Standing): Promise<void> {
  for (;;) {
    if (standing.underWay >= LOGINS_AT_ONCE) {
      await new Promise<void>((resolve) => standing.waiting.push(resolve))
      continue
    }
    const reserved = (standing.underWay + 1) * FAILED_LOGIN
    const excess = Math.max(0, standing.until - Date.now()) + reserved - MOST
    if (excess <= 0) break
    await new Promise((resolve) => setTimeout(resolve, excess))
  }
  standing.underWay += 1
}
