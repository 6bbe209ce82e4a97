/**
 * A plan carried out: keys are made, then all lines of each account are written in one edit, then what
 * was made is proven. What is taken away goes after that, since it does not come back.
 */
import { createHash } from 'node:crypto'
import { TrustError } from '../../errors'
import {
  addAuthorizedKey,
  formatAuthorizedKey,
  removeKeys,
  type Addition,
} from '../../ssh/authorized-keys'
import { formatKnownHostsLine, knownHostsName } from '../../ssh/known-hosts'
import { fingerprint } from '../../ssh/public-key'
import { expiryFor, type Expiry } from '../expiry'
import { opened, pathOf, type OpenAccount } from './accounts'
import { measureTrusted, prove, proveRefused } from './logins'
import { forAll, LOGINS } from './queue'
import type { HostTrustEffect } from './undo'
import { inAccount, publicKeyOf, type Work } from './work'
import type { HostKey, Plan, RelationFacts, Step } from './plan'
import { formatAccount, formatRelation, type Account, type Relation } from './relations'
import type { Granted } from '../revocation'

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

/** @throws TrustError that tells which relation failed; nothing is under way any more then */
export async function carryOut(plan: Plan, facts: RelationFacts, work: Work): Promise<void> {
  const { accounts } = work
  const stepsOf = <Kind extends Step['kind']>(...kinds: Kind[]): StepOf<Kind>[] =>
    plan.steps.filter((step): step is StepOf<Kind> => kinds.some((kind) => kind === step.kind))
  const sourceOf = ({ source }: Step): Account => source
  const targetOf = ({ target }: Step): Account => target
  const each = async <One extends Step>(
    steps: readonly One[],
    accountOf: (step: One) => Account,
    take: (steps: readonly One[], account: OpenAccount, work: Work) => Promise<void>,
  ): Promise<void> => {
    await forAll([...byAccount(steps, accountOf)], async ([account, its]) => {
      await take(its, opened(accounts, account), work)
    })
  }

  await each(stepsOf('generate-key'), sourceOf, makeKeys)
  await each(stepsOf('authorize'), targetOf, authorize)
  await each(stepsOf('add-known-host', 'replace-known-host'), sourceOf, knowHosts)
  const standing = plan.relations
    .filter(({ relation, steps }) => !relation.remove && steps.length === 0)
    .map(({ relation }) => relation)
  await forAll(
    [...stepsOf('prove'), ...standing],
    async (one) => {
      await about(one, async () =>
        'kind' in one ? prove(one, one.key.path, work) : measureTrusted(one, facts, work),
      )
    },
    { ...LOGINS, with: accountsOf },
  )
  await each(stepsOf('deauthorize'), targetOf, deauthorize)
  await forAll(
    stepsOf('prove-refused'),
    async (step) => {
      const { host, port } = opened(accounts, step.target).line
      const line = knownHostLine(step.hostKey, knownHostsName(host, port))
      await about(step, async () => proveRefused(step, line, work))
    },
    { ...LOGINS, with: accountsOf },
  )
  // No line of known_hosts is removed without being asked for, which no input does.
  if (stepsOf('remove-known-host').length > 0) throw new Error('a step that was not asked for')
}

function accountsOf({ source, target }: Pick<Relation, 'source' | 'target'>): string[] {
  return [`from ${formatAccount(source)}`, `to ${target.name}`]
}

function byAccount<One>(
  steps: readonly One[],
  accountOf: (step: One) => Account,
): Map<Account, One[]> {
  const groups = new Map<string, { account: Account; steps: One[] }>()
  for (const step of steps) {
    const account = accountOf(step)
    const group = groups.get(formatAccount(account)) ?? { account, steps: [] }
    groups.set(formatAccount(account), group)
    group.steps.push(step)
  }
  return new Map([...groups.values()].map((group) => [group.account, group.steps]))
}

/** What goes wrong is told of the relation, where it stands. */
async function about<Result>(
  one: Pick<Relation, 'source' | 'target' | 'position'>,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    const { code, message, hint } = error
    throw new TrustError(code, `${formatRelation(one)}: ${message}`, {
      input: one.position,
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

/** The same for the steps of one account: it is told of the first. */
async function aboutFirst(
  steps: readonly Pick<Relation, 'source' | 'target' | 'position'>[],
  work: () => Promise<void>,
): Promise<void> {
  const [first] = steps
  if (first !== undefined) await about(first, work)
}

async function makeKeys(
  steps: readonly StepOf<'generate-key'>[],
  source: OpenAccount,
  work: Work,
): Promise<void> {
  for (const step of steps) await about(step, async () => makeKey(step, source, work))
}

async function makeKey(
  step: StepOf<'generate-key'>,
  source: OpenAccount,
  work: Work,
): Promise<void> {
  const { missingFiles } = await import('../../remote/account')
  const { generateKey } = await import('../../remote/account-keys')
  const missing = await missingFiles(source.client, 'known_hosts')
  const comment = `ssh-trust:${work.job.journal.id}:${source.label}`
  const effect: HostTrustEffect = {
    ...inAccount(source),
    kind: 'remote-file',
    path: step.path,
    comment,
    madeDirectory: missing.some((one) => one.endsWith('/.ssh')),
  }
  work.job.journal.append(effect)
  work.made.push(effect)
  const publicKey = await generateKey(source.client, step.path, step.keyType, comment)
  work.keys.set(`${source.label} ${step.path}`, publicKey)
}

/** A line for authorized_keys of a target, and the key in it. */
interface Line {
  step: StepOf<'authorize'>
  blob: Buffer
  text: string
}

function lineFor(step: StepOf<'authorize'>, { option }: Expiry, work: Work): Line {
  const blob = publicKeyOf(step.key, step.source, work)
  const from = step.from === undefined ? [] : [{ name: 'from', value: step.from.join(',') }]
  const options = [...from, ...(option === undefined ? [] : [option])]
  const text = formatAuthorizedKey({ options, blob, comment: formatAccount(step.source) })
  return { step, blob, text }
}

async function authorize(
  steps: readonly StepOf<'authorize'>[],
  target: OpenAccount,
  work: Work,
): Promise<void> {
  await aboutFirst(steps, async () => {
    const { editAuthorizedKeys } = await import('../../remote/authorized-keys')
    const { missingFiles } = await import('../../remote/account')
    const { config, journal } = work.job
    const expiry = await expiryFor(target.client, target.account.name, config)
    const lines = steps.map((step) => lineFor(step, expiry, work))
    const path = pathOf(target)
    const place = { user: target.destination.user, ...(path === undefined ? {} : { path }) }
    const missing = path === undefined ? await missingFiles(target.client, 'authorized_keys') : []
    let added = new Map<Line, Granted>()
    const edited = await editAuthorizedKeys(target.client, place, (found) => {
      added = new Map()
      let content = found
      for (const line of lines) {
        const { step, text } = line
        const addition =
          step.beside === undefined ? addAuthorizedKey(content, text) : appendLine(content, text)
        if (addition.status === 'present') continue
        content = addition.content
        const { newlineMended } = addition
        added.set(line, {
          ...inAccount(target),
          kind: 'authorized-key',
          line: text,
          generated: step.key.publicKey === undefined,
          created: missing,
          ...(path === undefined ? {} : { path }),
          ...(newlineMended === undefined ? {} : { newlineMended }),
          ...(expiry.at === undefined ? {} : { expires: expiry.at.toISOString() }),
        })
      }
      for (const effect of added.values()) journal.append(effect)
      return added.size === 0 ? undefined : content
    })
    recordCreated([...added.values()], missing, edited.created, work)
    const notes = [...edited.mends, ...edited.warnings, ...expiry.notes]
    for (const line of lines) {
      const effect = added.get(line)
      work.grants.push({
        host: target.account.name,
        user: target.destination.user,
        key: fingerprint(line.blob),
        status: effect === undefined ? 'present' : 'added',
        file: edited.path,
        ...(effect === undefined ? {} : { expires: effect.expires ?? 'never' }),
        notes,
      })
    }
  })
}

/**
 * As `addAuthorizedKey`, where the key is there already, in a line that does not let it in: sshd goes
 * on to the next line with the key then.
 */
function appendLine(content: Buffer, line: string): Addition {
  const end = content.lastIndexOf('\n')
  const newline = end > 0 && content[end - 1] === 0x0d ? '\r\n' : '\n'
  if (content.length === 0 || end === content.length - 1) {
    return { status: 'added', content: Buffer.concat([content, Buffer.from(line + newline)]) }
  }
  return {
    status: 'added',
    content: Buffer.concat([content, Buffer.from(newline + line + newline)]),
    newlineMended: createHash('sha256').update(content).digest('hex'),
  }
}

/** What an edit has made is known for sure only after it: the line that goes last takes it away. */
function recordCreated(
  effects: readonly (Granted | Extract<HostTrustEffect, { kind: 'known-host' }>)[],
  expected: readonly string[],
  created: string[],
  work: Work,
): void {
  const isAsExpected = created.join('\n') === expected.join('\n')
  for (const effect of effects) {
    work.made.push(effect)
    effect.created = created
    if (!isAsExpected) work.job.journal.append(effect)
  }
}

async function knowHosts(
  steps: readonly StepOf<'add-known-host' | 'replace-known-host'>[],
  source: OpenAccount,
  work: Work,
): Promise<void> {
  await aboutFirst(steps, async () => {
    const { KNOWN_HOSTS, missingFiles } = await import('../../remote/account')
    const { addKnownHost, markOf } = await import('../../remote/account-known-hosts')
    const { editAuthorizedKeys } = await import('../../remote/authorized-keys')
    const { journal } = work.job
    const missing = await missingFiles(source.client, 'known_hosts')
    let effects: Extract<HostTrustEffect, { kind: 'known-host' }>[] = []
    const edited = await editAuthorizedKeys(
      source.client,
      { user: source.destination.user, path: KNOWN_HOSTS, mend: false },
      (found) => {
        effects = []
        let content = found
        for (const step of steps) {
          const { host, port } = opened(work.accounts, step.target).line
          const name = knownHostsName(host, port)
          const line = `${knownHostLine(step.hostKey, name)} ${markOf(journal.id)}`
          const stale =
            step.kind === 'add-known-host' ? [] : step.stale.map((key) => key.fingerprint)
          const { content: next, ...change } = addKnownHost(content, name, line, stale)
          content = next
          effects.push({
            ...inAccount(source),
            kind: 'known-host',
            line,
            created: missing,
            ...change,
          })
        }
        for (const effect of effects) journal.append(effect)
        return content
      },
    )
    recordCreated(effects, missing, edited.created, work)
  })
}

function knownHostLine({ key, marker }: HostKey, name: string): string {
  return formatKnownHostsLine([name], key, marker).trimEnd()
}

/** What is taken away stays away, also where a later step fails: no record is for putting it back. */
async function deauthorize(
  steps: readonly StepOf<'deauthorize'>[],
  target: OpenAccount,
): Promise<void> {
  await aboutFirst(steps, async () => {
    const { editAuthorizedKeys } = await import('../../remote/authorized-keys')
    const path = pathOf(target)
    const place = {
      user: target.destination.user,
      mend: false,
      ...(path === undefined ? {} : { path }),
    }
    const matches = steps.map(({ publicKey }) => ({ kind: 'key' as const, blob: publicKey }))
    await editAuthorizedKeys(target.client, place, (content) => {
      const { content: rest, removed } = removeKeys(content, matches)
      return removed.length === 0 ? undefined : rest
    })
  })
}
