/** What main leaves for post. Nothing else is kept; without it post does nothing. */
import * as core from '@actions/core'

export function saveState(journal: string, token: string): void {
  core.setSecret(token)
  core.saveState('journal', journal)
  core.saveState('token', token)
}

export function readState(): { journal: string; token: string } {
  return { journal: core.getState('journal'), token: core.getState('token') }
}

/** The same state as environment, for a post that the agent starts when the runner has died. */
export function stateEnv(journal: string, token: string): Record<string, string> {
  return { STATE_journal: journal, STATE_token: token }
}
