/** How the action fails: one clear error, as an annotation and as the step's result. */
import * as core from '@actions/core'
import { explain } from '../errors'

export function fail(error: unknown): void {
  core.setFailed(explain(error))
  if (error instanceof Error) core.debug(error.stack ?? '')
}
