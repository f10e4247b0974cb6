import { Option, type Command } from 'commander'
import { HOUR_SECONDS } from '../../domain/time.ts'
import { encryptionKeysInUse } from '../keys/encryption-keys.ts'
import type { Foundation } from '../boot/foundation.ts'
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../keys/jwks.ts'
import { rotateEncryption, type Progress, type Rotation } from '../keys/rotation.ts'
import {
  addSigningKey,
  keptSeconds,
  rotateSigningKeys,
  signingKeyStates,
  type ChangeTimes,
  type KeyServices,
  type Rotated,
} from '../keys/signing-keys.ts'
import { progress } from './progress.ts'
import { withSession, type Session } from './session.ts'
import {
  answer,
  command,
  readingCommand,
  moment,
  Refusal,
  table,
  type Output,
  type Terminal,
} from './terminal.ts'

const LONGEST_OVERLAP_HOURS = 720

/** `keys ...`: the keys that sign tokens, and the keys that seal secrets at rest. */
export function addKeyCommands(program: Command, terminal: Terminal): void {
  const keys = program.command('keys').description('keys that sign tokens and seal secrets')
  answer(
    terminal,
    readingCommand(keys, 'list', 'show which key does what, and since when'),
    async () => withSession(terminal, list),
  )
  answer(
    terminal,
    command(keys, 'add', 'make a signing key that signs at once, without an overlap').addOption(
      algorithmOption().default('RS256'),
    ),
    async (_args, { algorithm }) =>
      withSession(terminal, (session) => add(session, algorithm as SigningAlgorithm)),
  )
  const rotate = keys.command('rotate').description('take new keys into use and retire old ones')
  addRotateEncryptionCommand(rotate, terminal)
  addRotateSigningCommand(rotate, terminal)
}

function addRotateEncryptionCommand(rotate: Command, terminal: Terminal): void {
  const made = command(
    rotate,
    'encryption',
    'seal everything with the newest key and retire the others',
  ).option('--dry-run', 'change nothing; count what is sealed with which key')
  answer(terminal, made, async (_args, options) =>
    withSession(terminal, async ({ foundation, mfa }) => {
      const dryRun = options['dryRun'] === true
      const services = { foundation, accounts: mfa.accounts }
      const tell = rotationProgress(terminal, options['json'] === true)
      const rotation = await rotateEncryption(services, { dryRun, progress: tell })
      const detail = { count: rotation.resealed }
      if (!dryRun) await foundation.record('encryption-keys-rotated', { detail })
      return rotationOutput(rotation, dryRun)
    }),
  )
}

function addRotateSigningCommand(rotate: Command, terminal: Terminal): void {
  const made = command(rotate, 'signing', 'publish new signing keys, which sign after an overlap')
    .addOption(algorithmOption())
    .option('--overlap <hours>', 'how long they are only published', '24')
  answer(terminal, made, async (_args, { algorithm, overlap }) =>
    withSession(terminal, async ({ foundation }) => {
      const rotated = await rotateSigningKeys(
        changeable(foundation),
        algorithm === undefined ? SIGNING_ALGORITHMS : [algorithm as SigningAlgorithm],
        { ...timesOf(foundation), overlapSeconds: hoursOf(overlap) * HOUR_SECONDS },
      )
      for (const { kid, result } of rotated)
        if (result === 'made') await recordAdded(foundation, kid)
      return {
        json: rotated.map(({ signsFrom, ...rest }) => ({ ...rest, signs_from: signsFrom })),
        text: rotated.map(lineAboutRotated).join(''),
      }
    }),
  )
}

function lineAboutRotated({ algorithm, kid, result, signsFrom }: Rotated): string {
  return result === 'made'
    ? `${algorithm}: ${kid} was made. It is published within a minute and signs from ${moment(signsFrom)} on.\n`
    : `${algorithm}: ${kid} waits already and signs from ${moment(signsFrom)} on. Nothing was made.\n`
}

async function add({ foundation }: Session, algorithm: SigningAlgorithm): Promise<Output> {
  const { kid } = await addSigningKey(changeable(foundation), algorithm, timesOf(foundation))
  await recordAdded(foundation, kid)
  return {
    json: { kid, algorithm },
    text: `Key ${kid} (${algorithm}) was made. Each node signs with it within a minute.\n`,
  }
}

function recordAdded({ record }: Foundation, kid: string): Promise<void> {
  return record('signing-key-added', { detail: { reason: kid } })
}

function algorithmOption(): Option {
  return new Option('--algorithm <name>', 'what it signs by').choices(SIGNING_ALGORITHMS)
}

/** Throws Refusal if the keys are in a file, which only its owner changes. */
function changeable({ config, storage, box }: Foundation): KeyServices {
  if (config.jwks !== undefined)
    throw new Refusal('keys-read-only', 'The keys are in JWKS_FILE: change them there.')
  return { settings: storage.settings, box }
}

function timesOf({ clock, settings }: Foundation): ChangeTimes {
  return { now: clock.now(), keptSeconds: keptSeconds(settings) }
}

function hoursOf(text: unknown): number {
  const hours = Number(text)
  if (!Number.isSafeInteger(hours) || hours < 1 || hours > LONGEST_OVERLAP_HOURS)
    throw new Refusal('overlap', `--overlap takes hours, from 1 to ${LONGEST_OVERLAP_HOURS}.`)
  return hours
}

async function list({ foundation }: Session): Promise<Output> {
  const { config, storage, box, clock } = foundation
  const signing =
    config.jwks === undefined
      ? await signingKeyStates({ settings: storage.settings, box }, clock.now())
      : undefined
  const inUse = await encryptionKeysInUse(storage.settings)
  const encryption = box.keyIds.map((id, at) => ({
    id,
    state: at === 0 ? 'newest' : inUse.includes(id) ? 'in-use' : 'unused',
  }))
  return {
    json: {
      signing:
        signing?.map(({ kid, algorithm, state, addedAt, signsFrom, until }) => ({
          kid,
          algorithm,
          state,
          ...(addedAt === undefined ? {} : { added_at: addedAt }),
          ...(signsFrom === undefined ? {} : { signs_from: signsFrom }),
          ...(until === undefined ? {} : { until }),
        })) ?? null,
      encryption,
    },
    text: [
      signing === undefined
        ? 'The signing keys are in JWKS_FILE.\n'
        : table(
            ['SIGNING KEY', 'ALGORITHM', 'STATE', 'ADDED', 'SIGNS FROM', 'UNTIL'],
            signing.map(({ kid, algorithm, state, addedAt, signsFrom, until }) => [
              kid,
              algorithm,
              state,
              ...[addedAt, signsFrom, until].map(moment),
            ]),
          ),
      table(
        ['ENCRYPTION KEY', 'STATE'],
        encryption.map(({ id, state }) => [id, state]),
      ),
    ].join('\n'),
  }
}

/** Each of the two passes has a progress of its own. */
function rotationProgress(terminal: Terminal, json: boolean): (done: Progress) => void {
  const passes = new Map<Progress['pass'], (done: number) => void>()
  let latest: Progress | undefined
  const soFar = () => {
    const { pass, resealed = 0 } = latest ?? {}
    return { json: { pass, resealed }, text: PASSES[pass ?? 'counting'](resealed) }
  }
  return (done) => {
    latest = done
    const { pass, total, records } = done
    const tell = passes.get(pass) ?? progress(terminal, { json, items: 'records', total, soFar })
    passes.set(pass, tell)
    tell(records)
  }
}

const PASSES: Readonly<Record<Progress['pass'], (resealed: number) => string>> = {
  sealing: (resealed) => `${resealed} sealed anew`,
  counting: () => 'what each key seals is counted',
}

function rotationOutput(
  { records, resealed, keys, faults, moreFaults }: Rotation,
  dryRun: boolean,
): Output {
  const about = keys.map(({ id, state, values }) => `${id}  ${state}  ${values} values\n`)
  const advice = keys.some(({ state }) => state === 'retired' || state === 'unused')
    ? 'A retired or unused key can be taken out of ENCRYPTION_KEYS once what is under way is over: docs/guides/operating.md.\n'
    : ''
  return {
    json: { dry_run: dryRun, records, resealed, keys, faults, more_faults: moreFaults },
    text: [
      dryRun
        ? `${records} records were counted. Nothing was changed.\n`
        : `${records} records looked at; ${resealed} records, clients and settings sealed anew.\n`,
      ...about,
      ...faults.map(({ where, id, code }) => `${where} ${id}: ${code}\n`),
      moreFaults ? 'There are more values that cannot be read. They are not listed.\n' : '',
      dryRun ? '' : advice,
    ].join(''),
    ...(faults.length > 0 ? { failed: true as const } : {}),
  }
}
