/**
 * R33 by time: whether a person who only measures response times can tell a user name of the service from an unknown
 * name. `node bench/indistinguishable.ts [samples]`, 1,000 of each case by default, interleaved at random, against a
 * server process on SQLite. Prints, for each pair of cases, the probability that a sample of the one took longer than a
 * sample of the other (AUC): 0.5 means no difference. The exit status is 1 if a pair is outside 0.45 to 0.55.
 *
 * Needs a quiet machine: noise hides a difference, and never makes one.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { Agent, request } from 'node:http'
import { readForeignHash } from '../src/adapters/crypto/foreign-hash/index.ts'
import { systemClock } from '../src/adapters/crypto/index.ts'
import { hashKinds } from '../src/server/accounts/hash-kinds.ts'
import { changeAccount } from '../src/server/accounts/people.ts'
import {
  APP,
  relyingParty,
  startServerProcess,
  type Visitor,
  type ServerProcess,
} from '../test/oidc/support.ts'
import { HttpClient, type Page } from '../test/support/http-client.ts'

const BOUNDS = [0.45, 0.55] as const
/** The number of names in each case. It is the same for all, so that no cache of a database causes a difference. */
const NAMES = 20
/** The most failures of one name; only the locked cases may reach it. */
const MOST_FAILURES = 60

/**
 * Password hashes of other products, by kind of name. They are cheap: the less there is to compute, the more clearly a
 * difference shows.
 */
const IMPORTED = {
  bcryp: '$2b$08$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
  pbkdf: `$pbkdf2-sha512$i=20000,l=64$c29tZXNhbHRzb21lc2FsdA$${'A'.repeat(86)}`,
}

const samples = Number(process.argv[2] ?? 1000)
if (samples / NAMES >= MOST_FAILURES)
  throw new RangeError(
    `At most ${NAMES * MOST_FAILURES - NAMES} samples: more would lock the names.`,
  )

interface Case {
  readonly name: string
  readonly names: readonly string[]
  readonly milliseconds: number[]
}

const server = await startServerProcess({
  clients: [APP],
  settings: {
    passwords: {
      failuresPerAddress: 100_000,
      failuresPerName: MOST_FAILURES,
      // The lowest permitted setting: a more expensive hash hides more of the time of the other steps.
      hashMemoryKib: 19_456,
      hashPasses: 2,
    },
  },
  environment: { LOG_LEVEL: 'error' },
})
try {
  const cases = await prepare(server)
  const form = await openForm(server)
  for (const { names } of cases) for (const name of names) await form.attempt(name)
  for (const each of shuffled(cases, samples)) {
    const name = each.names[each.milliseconds.length % NAMES] ?? ''
    each.milliseconds.push(await form.attempt(name))
  }
  form.close()
  process.exitCode = report(cases) ? 0 : 1
} finally {
  await server.stop()
}

/** Makes accounts of each kind, and names without an account. All names have the same length. */
async function prepare(at: ServerProcess): Promise<Case[]> {
  const { accounts } = at.storage
  const made = async (kind: string): Promise<Visitor[]> => {
    const visitors: Visitor[] = []
    for (let i = 0; i < NAMES; i += 1) visitors.push(await at.addPerson(nameOf(kind, i)))
    return visitors
  }
  const change = async (
    kind: string,
    apply: (account: NonNullable<Awaited<ReturnType<typeof accounts.byId>>>['account']) => object,
  ): Promise<void> => {
    for (const { accountId } of await made(kind))
      await changeAccount(accounts, accountId, (account) => ({ ...account, ...apply(account) }))
  }
  await made('wrong')
  const app = await relyingParty(at)
  for (const visitor of await made('enrol')) await visitor.signIn(await app.request())
  await change('disab', () => ({ disabledAt: systemClock.now() }))
  await change('nopwd', () => ({ passwordHash: undefined, passwordOrigin: 'none' }))
  await made('lockd')
  const cases = [
    ['unknown name', 'nobdy'],
    ['wrong password', 'wrong'],
    ['wrong password, second factor enrolled', 'enrol'],
    ['disabled account', 'disab'],
    ['account without a password', 'nopwd'],
    ['imported bcrypt account, wrong password', 'bcryp'],
    ['imported PBKDF2 account, wrong password', 'pbkdf'],
    ['locked account', 'lockd'],
    ['locked name of nobody', 'locku'],
  ] as const
  await lock(at, ['lockd', 'locku'])
  // In the order of an import: the kind is recorded first. It runs after the names are locked, because locking checks
  // many passwords.
  const kinds = hashKinds({ settings: at.storage.settings, clock: systemClock })
  for (const [kind, passwordHash] of Object.entries(IMPORTED)) {
    const reading = readForeignHash(passwordHash)
    if (!('kind' in reading)) throw new Error(reading.fault)
    await kinds.note(reading.kind)
    await change(kind, () => ({ passwordHash, passwordOrigin: 'import' }))
  }
  return cases.map(([name, kind]) => ({
    name,
    names: Array.from({ length: NAMES }, (_, i) => nameOf(kind, i)),
    milliseconds: [],
  }))
}

function nameOf(kind: string, i: number): string {
  return `${kind}-${String(i).padStart(2, '0')}`
}

/** Sends wrong passwords until the names are locked. */
async function lock(at: ServerProcess, kinds: readonly string[]): Promise<void> {
  const form = await openForm(at)
  for (const kind of kinds)
    for (let i = 0; i < NAMES; i += 1)
      for (let j = 0; j < MOST_FAILURES; j += 4)
        await Promise.all([0, 1, 2, 3].map(() => form.attempt(nameOf(kind, i))))
  form.close()
}

interface Form {
  /**
   * The milliseconds from the last byte of the form to the first byte of the response. Throws unless the response is
   * the refusal.
   */
  attempt(name: string): Promise<number>
  close(): void
}

/** One login page, posted many times over one connection, so that only the response is timed. */
async function openForm({ issuer }: ServerProcess): Promise<Form> {
  const browser = new HttpClient()
  const app = await relyingParty({ issuer })
  const page: Page = await browser.visit((await app.request()).url)
  const { action, fields } = page.form()
  const url = new URL(action, page.url)
  const agent = new Agent({ keepAlive: true })
  // The cookie of a browser in which somebody has signed in: the server has to check whether it is a known browser.
  const cookie = `${browser.jar.header(url) ?? ''}; mfa_browser=${randomBytes(16).toString('base64url')}`
  return {
    attempt: (name) =>
      new Promise((resolve, reject) => {
        const body = new URLSearchParams({ ...fields, username: name, password: 'not this one' })
        const sent = request(
          url,
          {
            agent,
            method: 'POST',
            headers: {
              'content-type': 'application/x-www-form-urlencoded',
              origin: url.origin,
              cookie,
            },
          },
          (answer) => {
            const took = performance.now() - began
            answer.resume()
            answer.on('end', () => {
              if (answer.statusCode === 422) resolve(took)
              else reject(new Error(`${name}: ${String(answer.statusCode)}`))
            })
          },
        )
        sent.on('error', reject)
        sent.end(body.toString())
        const began = performance.now()
      }),
    close: () => agent.destroy(),
  }
}

/** Each case `times` times, in random order, so that a drift of the machine affects all cases alike. */
function shuffled(cases: readonly Case[], times: number): Case[] {
  const order = Array.from({ length: times }, () => cases).flat()
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = randomInt(i + 1)
    const [a, b] = [order[i], order[j]]
    if (a !== undefined && b !== undefined) [order[i], order[j]] = [b, a]
  }
  return order
}

/** The share of pairs in which a sample of `ones` is above one of `others` (Mann-Whitney); a tie counts half. */
function auc(ones: readonly number[], others: readonly number[]): number {
  const sorted = [...others].sort((a, b) => a - b)
  const below = (value: number, orEqual: boolean): number => {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const at = sorted[middle] ?? Infinity
      if (at < value || (orEqual && at === value)) low = middle + 1
      else high = middle
    }
    return low
  }
  const wins = ones.map((value) => (below(value, false) + below(value, true)) / 2)
  return wins.reduce((sum, win) => sum + win, 0) / (ones.length * others.length)
}

function report(cases: readonly Case[]): boolean {
  const quantile = (values: readonly number[], part: number): string =>
    ([...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? NaN).toFixed(2)
  // An attacker who measures over a network keeps the fastest responses, because they have the least noise.
  console.log(
    `| Case (${samples} samples) | Fastest tenth below, ms | Median, ms |\n| --- | --- | --- |`,
  )
  for (const { name, milliseconds } of cases)
    console.log(`| ${name} | ${quantile(milliseconds, 0.1)} | ${quantile(milliseconds, 0.5)} |`)
  console.log('\n| Pair | AUC |\n| --- | --- |')
  let holds = true
  for (const [i, one] of cases.entries())
    for (const other of cases.slice(i + 1)) {
      const value = auc(one.milliseconds, other.milliseconds)
      const isWithin = value >= BOUNDS[0] && value <= BOUNDS[1]
      holds &&= isWithin
      console.log(
        `| ${one.name} / ${other.name} | ${value.toFixed(3)}${isWithin ? '' : ' (outside)'} |`,
      )
    }
  console.log(`\nWithin ${BOUNDS.join(' to ')}: ${holds ? 'yes' : 'no'}`)
  return holds
}
