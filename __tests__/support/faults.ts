/**
 * Tells how many faults a test tried, and after how many nothing was left, to whoever makes the table in
 * docs/SECURITY.md of it (`npm run faults`).
 */
import { appendFileSync } from 'node:fs'

export interface FaultRow {
  /** What is done to a job. */
  fault: string
  /** Who takes back what it did. */
  recovery: string
  tried: number
  survived: number
}

export function tellFaults(row: FaultRow): void {
  const file = process.env['SSH_TRUST_FAULTS']
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`)
}
