import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { EVENT_TYPES } from '../../src/domain/events.ts'
import { backupCodes, importedCodes, totp } from '../../src/index.ts'
import { SERVER_EVENTS } from '../../src/server/observe/audit.ts'
import { MAIL_VALUES } from '../../src/http/mail.ts'
import {
  missingMessages,
  readCatalogues,
  type Catalogue,
  type Message,
} from '../../src/http/messages.ts'
import { builtInViews } from '../../src/http/templates.ts'

const views = builtInViews()
const catalogue = (locale: string) =>
  JSON.parse(readFileSync(join(views, 'messages', `${locale}.json`), 'utf8')) as Catalogue
const english = catalogue('en')
const locales = readdirSync(join(views, 'messages')).map((file) => file.replace('.json', ''))

const LOCKED = ['code', 'password-suspected', 'codes-disabled', 'factor-ended']

/** Events that never happen to an account: nobody sees them as their own. */
const OF_NO_ACCOUNT = [
  'client-added',
  'client-changed',
  'client-secret-rotated',
  'client-removed',
  'storage-restored',
  'signing-key-added',
  'encryption-keys-rotated',
]
const OWN_EVENTS = [
  ...EVENT_TYPES,
  ...SERVER_EVENTS,
  ...[totp(), backupCodes(), importedCodes()].flatMap(({ eventTypes = [] }) => eventTypes),
].filter((type) => !OF_NO_ACCOUNT.includes(type))

const CHOOSE_REASONS = ['policy', 'step-up', 'chosen', 'change', 'replace', 'redundancy']

/** The message keys that a template builds from a member of its model, with all values of that member. */
const COMPOSED: Readonly<Record<string, readonly string[]>> = {
  "'account.said-' + said": [
    'added',
    'app-revoked',
    'signed-out-elsewhere',
    'language',
    'removed',
    'renamed',
    'renewed',
    'replaced',
    'browser-forgotten',
    'trust-revoked',
    'all-trust-revoked',
    'session-ended',
    'sessions-ended',
    'turned-off',
    'password-changed',
    'email-asked',
    'address-asked',
    'address-added',
    'address-removed',
  ],
  // Each page that is added brings its own text.
  "'mail.' + template + '.text'": [
    'account-locked',
    'account-locked-recovery',
    'address-added',
    'address-removed',
    'backup-codes-renewed',
    'email-changed',
    'factor-enrolled',
    'factor-enrolled-silent',
    'factor-removed',
    'factor-renamed',
    'factor-replaced',
    'factors-turned-off',
    'locked',
    'mfa-reset',
    'new-browser',
    'password-changed',
    'recovery-cancelled',
    'recovery-completed',
    'recovery-half-way',
    'recovery-opened',
    'recovery-started',
    'set-up-enrolment',
    'set-up-invitation',
    'set-up-reset',
  ],
  "'mail.' + template + '.link'": ['set-up-enrolment', 'set-up-invitation', 'set-up-reset'],
  "'mail.' + template + '.not-you'": ['set-up-enrolment', 'set-up-invitation', 'set-up-reset'],
  "'mail.' + template + '.until'": ['recovery-half-way', 'recovery-opened', 'recovery-started'],
  "'activity.' + event.type": OWN_EVENTS,
  // Those of factors that bring a catalogue of their own.
  "known + '.activity.' + event.type": [],
  "'account.page-' + name": [
    'activity',
    'addresses',
    'apps',
    'browsers',
    'email',
    'language',
    'password',
    'sessions',
  ],
  "'account.group-' + heading": ['sign-in', 'access', 'more'],
  "'layout.' + name": ['help', 'privacy', 'terms'],
  "'consent.' + name": ['website', 'privacy', 'terms'],
  "'login.error-' + error": ['credentials', 'missing'],
  "'password-forgotten.' + error": ['missing', 'gone'],
  "'shut.' + shut.reason": [
    'frozen',
    'frozen-without-factor',
    'after-recovery',
    'after-mailed-reset',
    'young-factor',
  ],
  "'account-password.' + error": ['wrong', 'too-many'],
  "'address.' + error": ['unfit', 'own', 'full', 'too-many', 'wrong', 'gone'],
  "'password.' + error": ['too-short', 'too-long', 'blocked', 'mismatch', 'contains-name'],
  "'mfa-choose.' + what + '-title'": ['another', 'replace', 'enrol', 'verify'],
  "'mfa-choose.' + mode + '-' + reason": ['enrol', 'verify'].flatMap((mode) =>
    CHOOSE_REASONS.map((reason) => `${mode}|${reason}`),
  ),
  "'mfa-choose.enrol-' + reason": CHOOSE_REASONS,
  "'enrol-later.lead-' + reason": ['policy', 'change', 'redundancy'],
  "'owner-proof.' + error.code": ['refused', 'unreadable', 'over'],
  "'recovery.refused-' + refused": [
    'not-enrolled',
    'no-password',
    'password-suspected',
    'cancelled-before',
    'frozen',
    'after-recovery',
    'after-mailed-reset',
    'young-factor',
    'no-address',
    'young-address',
    'same-mailbox',
  ],
  "'recovery-status.yours-' + state": ['waiting', 'open'],
  "'totp.' + error.code": ['refused', 'unreadable'],
  "'backup-code-verify.' + error.code": ['refused', 'unreadable'],
  "'imported-codes-verify.' + error.code": ['refused', 'unreadable'],
  "'backup-codes.' + error": ['not-confirmed'],
  "'shut.' + reason": ['frozen', 'after-recovery', 'after-mailed-reset', 'young-factor'],
  "'shut.' + refusal": ['frozen', 'after-recovery', 'after-mailed-reset', 'young-factor'],
  "'account-turn-off.' + refusal": ['policy', 'nothing'],
  "'name.' + error": ['nameless', 'too-long'],
  "'name.' + nameError": ['too-long'],
  "'locked.' + reason + '-title'": LOCKED,
  "'locked.' + reason": LOCKED,
  "'verify.lost-' + lost": ['device', 'codes'],
  "'verify.lost-' + lost + '-other-way'": ['device', 'codes'],
  "'device.' + error": ['unknown', 'expired', 'used', 'missing', 'too-many', 'aborted'],
  "known + '.name'": ['factor.totp', 'factor.backup-codes', 'factor.imported-codes'],
  "known + '.list'": ['factor.backup-codes', 'factor.imported-codes'],
  "known + '.' + mode": [
    ...['factor.totp', 'factor.backup-codes'].map((factor) => `${factor}|enrol`),
    ...['factor.totp', 'factor.backup-codes', 'factor.imported-codes'].map(
      (factor) => `${factor}|verify`,
    ),
  ],
  "'factor.' + factor + '.name'": ['totp', 'backup-codes', 'imported-codes'],
  "'factor.' + factor + '.add'": ['totp'],
  "'factor.' + factor + '.renew'": ['backup-codes'],
  // A deployment chooses these names. The page shows a name as it is if the catalogue has no message for it.
  "'scope.' + scope": ['profile', 'email', 'address', 'phone', 'authn'],
  "'claim.' + claim": Object.keys(english)
    .filter((key) => key.startsWith('claim.'))
    .map((key) => key.slice('claim.'.length)),
}

/** Message keys that the code uses, and no template. */
const ASKED_BY_CODE = [
  'duration.about',
  'time.utc',
  'mail.browser-on',
  ...Object.keys(MAIL_VALUES).map((name) => `mail.${name}.subject`),
]

describe('the message catalogues', () => {
  const used = usedKeys()

  it('have every message that a template asks for', () => {
    expect([...used].filter((key) => !Object.hasOwn(english, key))).to.deep.equal([])
  })

  it('have no message that nothing asks for', () => {
    expect(Object.keys(english).filter((key) => !used.has(key))).to.deep.equal([])
  })

  it('are complete in German besides English', () => {
    expect(locales.sort()).to.deep.equal(['de', 'en'])
  })

  it('name the messages that a third language lacks, which is one file more', () => {
    const french: Catalogue = { 'login.title': 'Connexion', 'acme.motto': 'Bonjour' }
    const catalogues = new Map([...readCatalogues(views), ['fr', french]])
    const missing = missingMessages(catalogues, 'fr')
    expect([...missing, 'login.title']).to.have.members(Object.keys(english))
    expect(missingMessages(catalogues, 'de')).to.deep.equal([])
  })

  for (const locale of locales)
    it(`have in "${locale}" a sentence for every event that a person can see`, () => {
      const lacking = OWN_EVENTS.filter(
        (type) => !Object.hasOwn(catalogue(locale), `activity.${type}`),
      )
      expect(lacking).to.deep.equal([])
    })

  for (const locale of locales)
    it(`say in "${locale}" the same things with the same values`, () => {
      const other = catalogue(locale)
      expect(Object.keys(other)).to.deep.equal(Object.keys(english))
      for (const [key, message] of Object.entries(english))
        expect(placeholdersOf(other[key] ?? ''), key).to.deep.equal(placeholdersOf(message))
    })

  for (const locale of locales)
    it(`have in "${locale}" each plural form that the language has`, () => {
      const forms = new Intl.PluralRules(locale).resolvedOptions().pluralCategories
      for (const [key, message] of Object.entries(catalogue(locale)))
        if (typeof message !== 'string') expect(message, key).to.include.all.keys(...forms)
    })

  it('leave no sentence in a template', () => {
    for (const [path, source] of templateSources()) {
      const visible = source
        .replaceAll(
          /\{#[\s\S]*?#\}|<style>[\s\S]*?<\/style>|\{%[\s\S]*?%\}|\{\{[\s\S]*?\}\}|<[^>]*>/g,
          ' ',
        )
        .replaceAll(/ [a-z-]+="[^"]*"/g, ' ')
        .replaceAll(/[\s().,:/–-]+/g, '')
      expect(visible, path).to.equal('')
    }
  })
})

function templateSources(): ReadonlyMap<string, string> {
  const files = readdirSync(views, { recursive: true, encoding: 'utf8' })
  return new Map(
    files
      .filter((file) => file.endsWith('.njk'))
      .map((file) => [file, readFileSync(join(views, file), 'utf8')]),
  )
}

/** The keys in calls of t(), rich() and has() in the templates; each composed key is replaced by all its values. */
function usedKeys(): ReadonlySet<string> {
  const keys = new Set(ASKED_BY_CODE)
  for (const [path, source] of templateSources()) {
    // A factor with a catalogue of its own is shown in each language by the contract suite, which misses no message.
    const [folder = '', factor = ''] = path.split('/')
    if (folder === 'factors' && existsSync(join(views, folder, factor, 'messages'))) continue
    for (const [, written = ''] of source.matchAll(/\b(?:t|rich|has)\(([^,)]*)/g))
      for (const key of keysOf(written.trim(), path)) keys.add(key)
  }
  return keys
}

function keysOf(written: string, path: string): readonly string[] {
  const literal = /^'([^']+)'$/.exec(written)
  if (literal) return [literal[1] ?? '']
  const choice = /^'([^']+)' if \w+ else '([^']+)'$/.exec(written)
  if (choice) return [choice[1] ?? '', choice[2] ?? '']
  const parts = COMPOSED[written]
  if (parts === undefined) throw new Error(`${path} asks for ${written}: add it to COMPOSED`)
  return parts.map((part) => {
    const values = part.split('|')
    return written
      .split(' + ')
      .map((piece) => (piece.startsWith("'") ? piece.slice(1, -1) : (values.shift() ?? '')))
      .join('')
  })
}

function placeholdersOf(message: Message): readonly string[] {
  const forms = typeof message === 'string' ? [message] : Object.values(message)
  const names = forms.flatMap((form) =>
    [...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''),
  )
  return [...new Set(names)].sort()
}
