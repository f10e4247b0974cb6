import { isDeepStrictEqual } from 'node:util'
import { valueOf } from '../../../config/deciding.ts'
import { ConfigError, inWords, readSettings, type Config } from '../../../config/environment.ts'
import { fileOptionList, type FileValues } from '../../../config/schema.ts'
import type { Mfa } from '../../index.ts'
import { checkPolicy, policyIn } from '../boot/policy.ts'
import type { Logger } from '../observe/log.ts'

/** The policy of a running node, which follows CONFIG_FILE. */
export interface PolicyReload {
  /** The settings of the start, with the policy in force. */
  readonly settings: FileValues
  /** Whether the file is broken, so that older rules are in force. */
  readonly isStale: boolean
  /** Gives the policy in force to a plugin, and later ones as well. */
  follow(mfa: Pick<Mfa, 'setPolicy'>): void
  /** Reads the file and, if its content has changed, replaces the policy. `anew`: also if it has not changed. */
  look(anew?: boolean): Promise<void>
}

export interface ReloadParts {
  readonly config: Pick<Config, 'settings' | 'settingsFile'> & { readonly issuer: string }
  /** Reads a file as text; rejects when it cannot. */
  readonly readFile: (path: string) => Promise<string>
  /** Told after the policy was replaced. */
  readonly onChange?: () => Promise<void>
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

/** A new app is made beside the former one, which finishes its requests. */
const MOST_FOLLOWED = 2

/**
 * The content of the file is compared, and not its time or its identity: a symbolic link that is exchanged, as Kubernetes
 * does, is noticed too. A broken file changes nothing: without rules, people would get in without the factor that an
 * operator has asked for. Only the group `policy` is replaced, because the other settings are parts of what was made of
 * them at the start.
 */
export function policyReload({ config, readFile, onChange, log }: ReloadParts): PolicyReload {
  const { settings: atStart, settingsFile: file, issuer } = config
  let settings = atStart
  let isStale = false
  let seen = file?.text
  let waiting: readonly string[] = []
  const inTurn = oneAfterAnother()
  const followed: Pick<Mfa, 'setPolicy'>[] = []

  const replaceBy = async (read: () => FileValues): Promise<void> => {
    const next = read()
    const changed = { ...atStart, policy: next.policy }
    checkPolicy(changed, issuer)
    tellWaiting(namesOfChanged(atStart, next))
    const isSame = isDeepStrictEqual(settings.policy, next.policy)
    if (isSame && !isStale) return
    for (const mfa of followed) mfa.setPolicy(policyIn(changed))
    settings = changed
    isStale = false
    log.info({ rules: namesOf(next.policy.rules) }, 'the policy was read from CONFIG_FILE again')
    if (!isSame) await onChange?.()
  }
  const tellWaiting = (names: readonly string[]): void => {
    if (names.length > 0 && !isDeepStrictEqual(names, waiting))
      log.warn({ settings: names }, 'changed settings of CONFIG_FILE wait for a restart')
    waiting = names
  }
  const refuse = (error: unknown): void => {
    isStale = true
    if (!(error instanceof ConfigError)) {
      // The file may be in order: the next look reads it again.
      seen = undefined
      throw error
    }
    const faults = error.faults.map(inWords)
    log.error({ faults }, 'CONFIG_FILE cannot be used: the policy in force stays')
  }

  return {
    get settings() {
      return settings
    },
    get isStale() {
      return isStale
    },
    follow(mfa) {
      followed.push(mfa)
      if (followed.length > MOST_FOLLOWED) followed.shift()
      if (settings !== atStart) mfa.setPolicy(policyIn(settings))
    },
    look: (anew = false) => inTurn(() => lookOnce(anew)),
  }

  async function lookOnce(anew: boolean): Promise<void> {
    if (file === undefined) return
    const content = await readFile(file.path).catch(asThrown)
    const mark = typeof content === 'string' ? content : `unreadable: ${String(content.code)}`
    if (mark === seen && !anew) return
    seen = mark
    await replaceBy(() => readSettings(file.path, () => textOf(content))).catch(refuse)
  }
}

/** Begins each work when the one before has ended: a slow look must not bring older rules back. */
function oneAfterAnother(): (work: () => Promise<void>) => Promise<void> {
  let latest: Promise<void> = Promise.resolve()
  return (work) => {
    const next = latest.then(work)
    latest = next.catch(() => undefined)
    return next
  }
}

type Unreadable = NodeJS.ErrnoException

function asThrown(error: unknown): Unreadable {
  return error as Unreadable
}

function textOf(content: string | Unreadable): string {
  if (typeof content !== 'string') throw content
  return content
}

/** The settings outside the policy that differ. */
function namesOfChanged(before: FileValues, after: FileValues): readonly string[] {
  return fileOptionList()
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('policy.'))
    .filter((name) => !isDeepStrictEqual(valueOf(before, name), valueOf(after, name)))
}

function namesOf(rules: readonly unknown[]): readonly unknown[] {
  return rules.map((rule) => (rule as { readonly name?: unknown }).name)
}
