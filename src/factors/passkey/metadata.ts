import { DAY_SECONDS, type Instant } from '../../domain/time.ts'
import { isChained } from './chain.ts'
import { openBlob, type BlobFault } from './metadata-blob.ts'
import { fieldsOf, NO_AAGUID, UUID } from './state.ts'

/** The content of a blob of the FIDO Metadata Service, as far as it is used. Its signature was verified. */
export interface Metadata {
  /** The serial number of the blob: each one that is published has a higher one. */
  readonly number: number
  /** The beginning of the day (UTC) by which a newer blob is published. */
  readonly nextUpdate: Instant
  readonly signer: readonly Uint8Array[]
  readonly roots: readonly string[]
  /** By AAGUID. */
  readonly models: ReadonlyMap<string, Model>
}

/** A model of authenticators, as its entry describes it. */
export interface Model {
  /** Its attestation leads to one of these, or is made with one of them. */
  readonly anchors: readonly Uint8Array[]
  /** The certified level, as in `LEVELS`. 0: it is not certified. */
  readonly level: number
  /** A report says that it is certified, also where a later one says that it is not any more. */
  readonly wasCertified: boolean
  /** A report says that its keys or its attestations are not to be trusted. */
  readonly isUndesired: boolean
  /** Its keys are protected by hardware. */
  readonly isHardware: boolean
}

/** Says that a model is certified, and not at which level. */
const PLAINLY_CERTIFIED = 'FIDO_CERTIFIED'

/** The levels of a certification, from the lowest (FIDO Metadata Service 3.1, 3.1.4.1). */
const LEVELS: ReadonlyMap<unknown, number> = new Map([
  [PLAINLY_CERTIFIED, 1],
  ['FIDO_CERTIFIED_L1', 1],
  ['FIDO_CERTIFIED_L1plus', 2],
  ['FIDO_CERTIFIED_L2', 3],
  ['FIDO_CERTIFIED_L2plus', 4],
  ['FIDO_CERTIFIED_L3', 5],
  ['FIDO_CERTIFIED_L3plus', 6],
])

/** The reports that say whether a model is certified, and at which level. */
const CERTIFICATIONS: ReadonlyMap<unknown, number> = new Map([...LEVELS, ['NOT_FIDO_CERTIFIED', 0]])

/** A model with such a report is not trusted any more (3.1.4.2, and the advice for REVOKED). */
const UNDESIRED: ReadonlySet<unknown> = new Set([
  'REVOKED',
  'USER_VERIFICATION_BYPASS',
  'ATTESTATION_KEY_COMPROMISE',
  'USER_KEY_REMOTE_COMPROMISE',
  'USER_KEY_PHYSICAL_COMPROMISE',
])

/**
 * The protections of keys that are hardware (FIDO Registry of Predefined Values, 3.2). A trusted execution environment
 * (`tee`) is an isolated part of a processor: it counts where the entry names `hardware` beside it.
 */
const HARDWARE: readonly unknown[] = ['hardware', 'secure_element']

const DATE = /^\d{4}-\d{2}-\d{2}$/

/** Whether a text is the name of a level. */
export function isLevel(text: unknown): boolean {
  return LEVELS.has(text)
}

/** Whether a model is certified at this level or at a higher one. False for a name that is no level. */
export function isOfLevel({ level }: Model, name: string): boolean {
  return level >= (LEVELS.get(name) ?? Infinity)
}

/**
 * Reads a blob and verifies its signature, up to one of the roots. It has no clock: `isInForce` says whether the signer's
 * certificates are valid at a time. The last result is kept, because the options are read more than once.
 */
export function readMetadata(text: string, roots: readonly string[]): Metadata | BlobFault {
  if (last?.text === text && last.roots.join() === roots.join()) return last.result
  const result = read(text, roots)
  last = { text, roots, result }
  return result
}

let last: { text: string; roots: readonly string[]; result: Metadata | BlobFault } | undefined

/** Whether the certificates of the signer are valid at this time. */
export function isInForce({ signer, roots }: Metadata, now: Instant): boolean {
  return isChained(signer, roots, now)
}

/** For how long before the end of the signer's certificates an operator is told of it. */
const WARNING_DAYS = 14

/** The advice to an operator whose metadata get old, or will not count much longer, in words. Undefined: they are new. */
export function remarkOn(metadata: Metadata, now: Instant): string | undefined {
  if (!isInForce(metadata, now))
    return 'are signed with certificates that are not valid now, so they attest no passkey and prove no level: download the file again'
  const { number, nextUpdate } = metadata
  if (now >= nextUpdate + DAY_SECONDS) {
    const date = new Date(nextUpdate * 1000).toISOString().slice(0, 10)
    return `are old: number ${number} was to be replaced by ${date}; download the file again`
  }
  return isInForce(metadata, now + WARNING_DAYS * DAY_SECONDS)
    ? undefined
    : `are signed with certificates that end within ${WARNING_DAYS} days, and then attest no passkey and prove no level: download the file again before`
}

function read(text: string, roots: readonly string[]): Metadata | BlobFault {
  const opened = openBlob(text, roots)
  if ('fault' in opened) return opened
  const { no: number, nextUpdate, entries } = fieldsOf(opened.content)
  if (!Number.isSafeInteger(number)) return unreadable('no must be a whole number')
  const due = instantOf(nextUpdate)
  if (due === undefined) return unreadable('nextUpdate must be a date such as 2026-12-01')
  if (!Array.isArray(entries)) return unreadable('entries must be a list')
  const models = new Map<string, Model>()
  for (const [place, entry] of entries.entries()) {
    const fields = fieldsOf(entry)
    // Authenticators of older protocols are known by other numbers.
    const aaguid = idOf(fields['aaguid'])
    if (aaguid === undefined) continue
    const model = modelOf(fields)
    if (typeof model === 'string') return unreadable(`entries[${place}].${model}`)
    const other = models.get(aaguid)
    models.set(aaguid, other === undefined ? model : contradicted(model, other))
  }
  const { signer } = opened
  return { number: number as number, nextUpdate: due, signer, roots, models }
}

function unreadable(problem: string): BlobFault {
  return { fault: `has a content that cannot be read: ${problem}` }
}

function idOf(value: unknown): string | undefined {
  const id = typeof value === 'string' ? value.toLowerCase() : ''
  return UUID.test(id) && id !== NO_AAGUID ? id : undefined
}

/**
 * The fault of an entry in words, or its model. Reports that cannot be read are a fault, because one may be a warning. A
 * statement that cannot be read attests nothing: the entries are written by their makers, and a mistake of one of them
 * must not keep a server from starting.
 */
function modelOf({
  statusReports,
  metadataStatement,
}: Readonly<Record<string, unknown>>): Model | string {
  if (!Array.isArray(statusReports)) return 'statusReports must be a list'
  const reports = statusReports.map(fieldsOf)
  if (reports.some(({ status }) => typeof status !== 'string'))
    return 'statusReports must have a status each'
  const statement = fieldsOf(metadataStatement)
  const protections = textsIn(statement['keyProtection'])
  return {
    anchors: textsIn(statement['attestationRootCertificates']).map((der) =>
      Buffer.from(der, 'base64'),
    ),
    level: levelOf(reports),
    wasCertified: reports.some(({ status }) => LEVELS.has(status)),
    // Later reports do not end it: a passkey does not say whether its authenticator has the mended software.
    isUndesired: reports.some(({ status }) => UNDESIRED.has(status)),
    isHardware:
      protections.some((each) => HARDWARE.includes(each)) && !protections.includes('software'),
  }
}

/** Two entries of one model: nobody can tell which is right. A warning of either stands. */
function contradicted(one: Model, other: Model): Model {
  const isUndesired = one.isUndesired || other.isUndesired
  return { anchors: [], level: 0, wasCertified: false, isUndesired, isHardware: false }
}

/**
 * The latest report about the certification decides. One without a date counts as of the date of the one before it. A
 * plain FIDO_CERTIFIED lowers no level: files have it beside the report that names the level, with the same date.
 */
function levelOf(reports: readonly Readonly<Record<string, unknown>>[]): number {
  const dated: { readonly date: string; readonly status: unknown; readonly level: number }[] = []
  let date = ''
  for (const { status, effectiveDate } of reports) {
    if (isDate(effectiveDate)) date = effectiveDate
    const level = CERTIFICATIONS.get(status)
    if (level !== undefined) dated.push({ date, status, level })
  }
  return dated
    .toSorted((one, other) => one.date.localeCompare(other.date))
    .reduce(
      (before, { status, level }) =>
        status === PLAINLY_CERTIFIED ? Math.max(before, level) : level,
      0,
    )
}

/** Undefined: it is no date. */
function instantOf(value: unknown): Instant | undefined {
  if (!isDate(value)) return undefined
  const milliseconds = Date.parse(`${value}T00:00:00Z`)
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000
}

function isDate(value: unknown): value is string {
  return typeof value === 'string' && DATE.test(value)
}

/** The texts of a list. None: it is no list of texts. */
function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : []
}
