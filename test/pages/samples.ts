import { readFileSync } from 'node:fs'
import QRCode from 'qrcode'
import type { KnownPage, PageModels, Surroundings } from '../../src/http/pages.ts'

/** The pages of a factor that has an entry of its own: the rest of the product does not know them by name. */
type ShownPage = KnownPage | 'passkey-enrol' | 'passkey-verify' | 'passkey-offer'

/** A page in one of its states: its file name and the arguments for the renderer. */
export type Sample = {
  [P in ShownPage]: {
    readonly name: string
    readonly page: P
    readonly model: PageModels[P]
    readonly surroundings: Surroundings
  }
}[ShownPage]

const LINKS = { home: '/', help: 'https://help.example.com', privacy: '/privacy', terms: '/terms' }
const ACCOUNT = { label: 'mira.k@example.com', initials: 'MK' }
const LONG_NAME =
  'Landesarbeitsgemeinschaft für Donaudampfschifffahrtsgesellschaftskapitänswesen e. V.'
const LONG_ACCOUNT = {
  label: 'maximiliane.von-und-zu-hohenlohe-waldenburg-schillingsfuerst@verwaltung.example.com',
  initials: 'MH',
}
const logo = readFileSync(new URL('logo.svg', import.meta.url)).toString('base64')

export const ENGLISH: Surroundings = {
  issuerName: 'Acme',
  locale: 'en',
  client: { name: 'Fieldnotes', logoUri: `data:image/svg+xml;base64,${logo}` },
  account: ACCOUNT,
  links: LINKS,
}
/** The surroundings for a visitor without a sign-in: neither an app nor an account is known. */
const STRANGER: Surroundings = { issuerName: 'Acme', locale: 'en', links: { home: '/' } }
const NOBODY: Surroundings = {
  issuerName: 'Acme',
  locale: 'en',
  client: { name: 'Fieldnotes', logoUri: `data:image/svg+xml;base64,${logo}` },
  links: LINKS,
}
/** An app without a logo, whose own colours do not reach the contrast of WCAG AA. */
const THEMED: Surroundings = {
  ...ENGLISH,
  client: { name: 'Ledger', accent: '#ffb020', accentInk: '#ffffff' },
}
const LONG: Surroundings = {
  issuerName: LONG_NAME,
  locale: 'de',
  client: { name: LONG_NAME, accent: '#0f766e', accentInk: '#ffffff' },
  account: LONG_ACCOUNT,
  links: LINKS,
}

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const uri = `otpauth://totp/Acme:mira.k%40example.com?secret=${SECRET}&issuer=Acme`
const qrSvg = await QRCode.toString(uri, { type: 'svg', errorCorrectionLevel: 'M' })
const CODES = [
  'C7KQ-4MWX-A9RT-DHN3',
  'DHN3-P6GV-CJYK-4TXW',
  'FQD8-TY4G-FWM6-RJHC',
  'GX9R-PK7H-NVC3-GDQT',
  'H4GJ-WYDT-Q8MX-C7RP',
  'JCV6-GRH9-NKP3-WJTD',
  'KMTX-8FWQ-DJ4Y-H9KN',
  'M9YK-PGCV-H7RT-3MXJ',
  'NW4N-XM6D-TQJR-G8CH',
  'P3GH-KF8C-PR9Y-NVTM',
]

const form = { csrf: 'c5rf', action: '/interaction/u1d/answer' }
const pageLink = (name: string) => ({ name, href: `/account/${name}` })
/** The overview of a person who has no factor. */
const withoutFactor = {
  ...form,
  methods: [],
  lacks: [],
  addable: ['totp'],
  renewable: [],
  signIns: [],
  groups: [],
  ownLinks: [],
  lockAction: '/account/lock',
  signOutHref: '/session/end',
}
const answer = { ...form, cancelAction: '/interaction/u1d/cancel' }
const later = {
  ...answer,
  mode: 'enrol' as const,
  laterAction: '/interaction/u1d/later',
  lastDay: 1_800_000_000,
}
const trust = { seconds: 2_592_000 }
const ending = { endsInSeconds: 1_800 }
const host = { xsrf: 'x5rf', action: '/session/end/confirm' }
const verify = { ...answer, otherWayHref: '/interaction/u1d/mfa', verification: {} }
const totpVerify = { ...verify, verification: { digits: 6 } }
/** The form of a passkey on a login page. The test bed makes it, in the language of the page. */
const OFFERED_FORM = 'offered'
export const REFUSED_FORM = 'refused'
const credential = { id: 'rMRPbyTuZMYpBnTgCcGe3g', type: 'public-key' }
/** The options of the browser's calls. */
export const REQUEST = JSON.stringify({
  rpId: 'localhost',
  challenge: 'jwHPcNRc2n3vLhCk5jIbXjJ6bDPCEfHkrRkFrGXhGZs',
  timeout: 300_000,
  userVerification: 'preferred',
  allowCredentials: [{ ...credential, transports: ['internal', 'hybrid'] }],
})
const CREATION = JSON.stringify({
  rp: { id: 'localhost', name: 'Acme' },
  user: { id: 'R2cPVWnJ0VzBvGZ7T1kQyA', name: 'mira.k@example.com', displayName: 'Mira' },
  challenge: 'jwHPcNRc2n3vLhCk5jIbXjJ6bDPCEfHkrRkFrGXhGZs',
  pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
  timeout: 300_000,
  excludeCredentials: [credential],
})
const passkeyEnrol = { ...answer, ...ending, enrolment: { options: CREATION }, name: '' }
const passkeyVerify = { ...verify, verification: { options: REQUEST } }
/** None of the person's passkeys is of a maker that is allowed. */
const passkeyOfOtherMaker = { ...verify, verification: { options: '' } }
const enrolment = {
  secret: SECRET,
  uri,
  qrSvg,
  digits: 6,
  periodSeconds: 30,
  algorithm: 'SHA1',
}

/** Each page in each of its states. The tests of the pages do not cover a state that is missing here. */
const STATES: { readonly [P in ShownPage]: Readonly<Record<string, PageModels[P]>> } = {
  login: {
    empty: { ...form, username: '' },
    passkey: { ...answer, username: '', signInForm: OFFERED_FORM, forgottenHref: '/forgotten' },
    'passkey-refused': { ...form, username: '', signInForm: REFUSED_FORM, refusal: true },
    hinted: {
      ...answer,
      username: 'mira.k@example.com',
      forgottenHref: '/forgotten',
      languages: {
        ...form,
        others: [
          { tag: 'de', name: 'Deutsch' },
          { tag: 'pt-BR', name: 'Português (Brasil)' },
        ],
      },
    },
    credentials: { ...form, username: 'mira.k@example.com', error: 'credentials' },
    missing: { ...form, username: '', error: 'missing' },
  },
  'sign-in-refused': {
    again: { signInForm: REFUSED_FORM, backHref: '/interaction/u1d' },
  },
  'mfa-choose': {
    enrol: { ...answer, mode: 'enrol', reason: 'policy', methods: [{ factor: 'totp' }] },
    'enrol-passkey': {
      ...answer,
      mode: 'enrol',
      reason: 'policy',
      methods: [{ factor: 'passkey' }, { factor: 'totp' }],
    },
    'verify-passkey': {
      ...answer,
      mode: 'verify',
      reason: 'chosen',
      methods: [
        { factor: 'passkey', name: 'iCloud Keychain', lastUsed: true },
        { factor: 'passkey' },
        { factor: 'backup-codes', remaining: 7 },
      ],
    },
    'enrol-step-up': {
      ...answer,
      mode: 'enrol',
      reason: 'step-up',
      methods: [{ factor: 'totp' }, { factor: 'carrier-pigeon' }],
    },
    'enrol-chosen': { ...answer, mode: 'enrol', reason: 'chosen', methods: [{ factor: 'totp' }] },
    verify: {
      ...answer,
      mode: 'verify',
      reason: 'policy',
      methods: [
        { factor: 'totp', name: 'My phone', lastUsed: true },
        { factor: 'totp', name: 'Tablet in the hall' },
        { factor: 'backup-codes', remaining: 7 },
      ],
    },
    'verify-step-up': {
      ...answer,
      mode: 'verify',
      reason: 'step-up',
      methods: [
        { factor: 'totp', name: 'My phone' },
        { factor: 'backup-codes', remaining: 1 },
      ],
    },
    'enrol-change': { ...answer, mode: 'enrol', reason: 'change', methods: [{ factor: 'totp' }] },
    'enrol-replace': {
      ...answer,
      mode: 'enrol',
      reason: 'replace',
      methods: [{ factor: 'totp' }],
    },
    'verify-replace': {
      ...answer,
      mode: 'verify',
      reason: 'replace',
      methods: [{ factor: 'totp' }],
    },
    'verify-change': { ...answer, mode: 'verify', reason: 'change', methods: [{ factor: 'totp' }] },
    'verify-chosen': { ...answer, mode: 'verify', reason: 'chosen', methods: [{ factor: 'totp' }] },
    'enrol-redundancy': {
      ...answer,
      mode: 'enrol',
      reason: 'redundancy',
      methods: [{ factor: 'totp' }],
    },
    'verify-redundancy': {
      ...answer,
      mode: 'verify',
      reason: 'redundancy',
      methods: [{ factor: 'totp' }, { factor: 'backup-codes', remaining: 7 }],
    },
    over: {
      ...answer,
      mode: 'enrol',
      reason: 'policy',
      methods: [{ factor: 'totp' }],
      error: 'over',
    },
  },
  'enrol-later': {
    policy: { ...later, reason: 'policy', methods: [{ factor: 'totp' }] },
    change: {
      ...later,
      reason: 'change',
      methods: [{ factor: 'totp' }, { factor: 'carrier-pigeon' }],
    },
    redundancy: { ...later, reason: 'redundancy', methods: [{ factor: 'totp' }] },
  },
  'owner-proof': {
    offer: { ...answer, address: 'm•••@example.com', delivery: { sendAction: '/send' } },
    sent: {
      ...answer,
      address: 'm•••@example.com',
      delivery: { sendAction: '/send', sentTo: 'm•••@example.com' },
    },
    again: {
      ...answer,
      address: 'm•••@example.com',
      delivery: {
        sendAction: '/send',
        sentTo: 'm•••@example.com',
        waitSeconds: 60,
        notice: 'sent',
      },
    },
    early: {
      ...answer,
      address: 'm•••@example.com',
      delivery: {
        sendAction: '/send',
        sentTo: 'm•••@example.com',
        waitSeconds: 42,
        notice: 'wait',
      },
    },
    elsewhere: {
      ...answer,
      address: 'm•••@example.com',
      delivery: { sendAction: '/send', waitSeconds: 42 },
    },
    'elsewhere-early': {
      ...answer,
      address: 'm•••@example.com',
      delivery: { sendAction: '/send', waitSeconds: 42, notice: 'wait' },
    },
    over: {
      ...answer,
      address: 'm•••@example.com',
      delivery: { sendAction: '/send' },
      error: { code: 'over' },
    },
    failed: {
      ...answer,
      address: 'm•••@example.com',
      delivery: { sendAction: '/send', notice: 'failed' },
    },
    refused: {
      ...answer,
      address: 'm•••@example.com',
      delivery: { sendAction: '/send', sentTo: 'm•••@example.com' },
      error: { code: 'refused' },
    },
    unreadable: {
      ...answer,
      address: 'm•••@example.com',
      delivery: { sendAction: '/send', sentTo: 'm•••@example.com' },
      error: { code: 'unreadable' },
    },
  },
  'mfa-offer': {
    plain: { csrf: 'c5rf', action: '/interaction/u1d/offer', canSetUp: true, repeated: false },
    repeated: { csrf: 'c5rf', action: '/interaction/u1d/offer', canSetUp: true, repeated: true },
    impossible: {
      csrf: 'c5rf',
      action: '/interaction/u1d/offer',
      canSetUp: false,
      repeated: false,
    },
    hopeless: { csrf: 'c5rf', action: '/interaction/u1d/offer', canSetUp: false, repeated: true },
  },
  recovery: {
    start: {
      ...form,
      backHref: '/interaction/u1d',
      addresses: ['m•••@example.com'],
      waitSeconds: 259_200,
      bindSeconds: 604_800,
    },
    'two-addresses': {
      ...form,
      backHref: '/interaction/u1d',
      addresses: ['m•••@example.com', 'm•••@example.org'],
      waitSeconds: 259_200,
      bindSeconds: 604_800,
    },
    'sign-in-again': {
      ...form,
      backHref: '/interaction/u1d',
      addresses: [],
      refused: 'sign-in-again',
    },
    ...Object.fromEntries(
      (
        [
          'not-enrolled',
          'no-password',
          'password-suspected',
          'cancelled-before',
          'frozen',
          'no-address',
          'young-address',
          'same-mailbox',
        ] as const
      ).map((refused) => [
        refused,
        { csrf: 'c5rf', backHref: '/interaction/u1d', addresses: [], refused },
      ]),
    ),
    ...Object.fromEntries(
      (['after-recovery', 'after-mailed-reset', 'young-factor'] as const).map((refused) => [
        refused,
        {
          csrf: 'c5rf',
          backHref: '/interaction/u1d',
          addresses: [],
          refused,
          until: 1_795_900_000,
        },
      ]),
    ),
  },
  'recovery-proof': {
    sent: {
      ...form,
      backHref: '/interaction/u1d',
      delivery: { sendAction: '/send', sentTo: 'm•••@example.com', waitSeconds: 40 },
    },
    refused: {
      ...form,
      backHref: '/interaction/u1d',
      delivery: { sendAction: '/send', sentTo: 'm•••@example.com' },
      error: { code: 'refused' },
    },
    over: {
      ...form,
      backHref: '/interaction/u1d',
      delivery: { sendAction: '/send' },
      error: { code: 'over' },
    },
    closed: {
      ...form,
      backHref: '/interaction/u1d',
      delivery: { sendAction: '/send', sentTo: 'm•••@example.com' },
      error: { code: 'refused' },
      closedSeconds: 1_800,
    },
  },
  'recovery-status': {
    waiting: {
      csrf: 'c5rf',
      backHref: '/interaction/u1d',
      state: 'waiting',
      until: 1_795_900_000,
    },
    'with-a-factor': { ...form, state: 'waiting', until: 1_795_900_000 },
    'open-with-a-factor': { ...form, state: 'open', until: 1_795_900_000 },
    'by-mail': { ...form, byMail: true, state: 'waiting', until: 1_795_900_000 },
  },
  'recovery-bind': {
    send: { ...form, backHref: '/interaction/u1d', addresses: ['m•••@example.com'] },
    choose: {
      ...form,
      backHref: '/interaction/u1d',
      addresses: [],
      methods: [{ factor: 'totp' }, { factor: 'carrier-pigeon', sends: true }],
    },
  },
  'recovery-cancelled': { once: form, 'by-mail': { href: '/account' } },
  'recovery-over': { plain: { href: '/account' } },
  'enrolment-refused': { plain: { csrf: 'c5rf', cancelAction: '/interaction/u1d/cancel' } },
  'totp-enrol': {
    fresh: { ...answer, ...ending, enrolment, name: '' },
    named: { ...answer, ...ending, enrolment, name: 'Work phone' },
    only: { ...answer, ...ending, enrolment, name: '', reason: 'policy' },
    refused: { ...answer, ...ending, enrolment, name: 'Work phone', error: { code: 'refused' } },
    behind: {
      ...answer,
      ...ending,
      enrolment,
      name: 'Work phone',
      error: { code: 'refused', behindSeconds: 90 },
    },
    unreadable: {
      ...answer,
      ...ending,
      enrolment,
      name: 'Work phone',
      error: { code: 'unreadable' },
    },
    long: { ...answer, ...ending, enrolment, name: 'x'.repeat(65), nameError: 'too-long' },
  },
  'totp-verify': {
    fresh: totpVerify,
    named: { ...totpVerify, verification: { digits: 8 }, authenticatorName: 'My phone' },
    only: { ...answer, verification: { digits: 6 } },
    trust: { ...totpVerify, trust },
    'trust-refused': { ...totpVerify, trust, error: { code: 'refused', behindSeconds: 150 } },
    'lost-link': { ...totpVerify, lostHref: '/interaction/u1d/recovery' },
    refused: { ...totpVerify, error: { code: 'refused' } },
    behind: { ...totpVerify, error: { code: 'refused', behindSeconds: 150 } },
    unreadable: { ...totpVerify, error: { code: 'unreadable' } },
  },
  'passkey-enrol': {
    fresh: { ...passkeyEnrol, otherWayHref: '/interaction/u1d/mfa' },
    only: { ...passkeyEnrol, reason: 'policy' },
    second: { ...passkeyEnrol, reason: 'change', nth: 2 },
    replacement: { ...passkeyEnrol, reason: 'replace', nth: 2 },
    refused: {
      ...passkeyEnrol,
      otherWayHref: '/interaction/u1d/mfa',
      error: { code: 'refused' },
    },
    unreadable: { ...passkeyEnrol, reason: 'policy', error: { code: 'unreadable' } },
  },
  'passkey-verify': {
    fresh: passkeyVerify,
    named: { ...passkeyVerify, authenticatorName: 'iCloud Keychain' },
    only: { ...answer, verification: { options: REQUEST } },
    trust: { ...passkeyVerify, trust },
    'trust-refused': { ...passkeyVerify, trust, error: { code: 'refused' } },
    'lost-link': { ...passkeyVerify, lostHref: '/interaction/u1d/recovery' },
    refused: { ...passkeyVerify, error: { code: 'refused' } },
    unreadable: { ...passkeyVerify, error: { code: 'unreadable' } },
    maker: passkeyOfOtherMaker,
    'maker-refused': { ...passkeyOfOtherMaker, error: { code: 'refused' } },
    'maker-lost-link': { ...passkeyOfOtherMaker, lostHref: '/interaction/u1d/recovery' },
    'maker-only': { ...answer, verification: { options: '' } },
    'maker-only-lost-link': {
      ...answer,
      lostHref: '/interaction/u1d/recovery',
      verification: { options: '' },
    },
  },
  'passkey-offer': {
    plain: form,
    silent: { ...form, silent: { options: '{}' } },
    made: { ...form, made: true },
  },
  'backup-code-verify': {
    fresh: verify,
    refused: { ...verify, error: { code: 'refused' } },
    unreadable: { ...verify, error: { code: 'unreadable' } },
  },
  'imported-codes-verify': {
    fresh: verify,
    refused: { ...verify, error: { code: 'refused' } },
    unreadable: { ...verify, error: { code: 'unreadable' } },
  },
  'backup-codes': {
    fresh: {
      ...form,
      codes: CODES,
      downloadHref: '/interaction/u1d/backup-codes.txt',
      downloadName: 'acme-backup-codes-2026-11-28.txt',
    },
    unsaved: {
      ...form,
      codes: CODES,
      downloadHref: '/interaction/u1d/backup-codes.txt',
      downloadName: 'acme-backup-codes-2026-11-28.txt',
      error: 'not-confirmed',
    },
  },
  'backup-codes-low': {
    three: { ...form, remaining: 3 },
    one: { ...form, remaining: 1 },
    none: { ...form, remaining: 0, manageHref: 'https://id.example.com/account' },
    replace: {
      ...form,
      remaining: 2,
      manageHref: 'https://id.example.com/account',
      replaceHref: 'https://id.example.com/account/replace?id=phone',
    },
  },
  'backup-code-used': {
    plain: {
      ...form,
      remaining: 9,
      replaceHref: 'https://id.example.com/account/replace?id=phone',
    },
  },
  'factor-remove': {
    named: { ...answer, factor: 'totp', name: 'My phone' },
    nameless: { ...answer, factor: 'carrier-pigeon', name: '' },
  },
  'factor-remove-refused': {
    named: { csrf: 'c5rf', cancelAction: '/cancel', factor: 'totp', name: 'My phone' },
    nameless: { csrf: 'c5rf', cancelAction: '/cancel', factor: 'totp', name: '' },
  },
  'factor-change-shut': {
    'after-mailed-reset': {
      csrf: 'c5rf',
      cancelAction: '/cancel',
      reason: 'after-mailed-reset',
      until: 1_800_000_000,
    },
    frozen: { csrf: 'c5rf', cancelAction: '/cancel', reason: 'frozen' },
  },
  'factor-rename': {
    named: { ...answer, factor: 'totp', name: 'My phone' },
    settings: { ...form, backHref: '/account', id: 'm1', factor: 'totp', name: 'My phone' },
    nameless: { ...answer, factor: 'totp', name: '', error: 'nameless', typed: '' },
    long: { ...answer, factor: 'totp', name: 'Phone', error: 'too-long', typed: 'x'.repeat(65) },
  },
  'factor-renew': {
    some: { ...answer, factor: 'backup-codes', remaining: 2 },
    none: { ...answer, factor: 'backup-codes', remaining: 0 },
    first: { ...answer, factor: 'backup-codes' },
  },
  'factor-ends': { month: { ...form, endsInSeconds: 2_592_000 } },
  consent: {
    usual: {
      ...form,
      refuseAction: '/refuse',
      scopes: ['openid', 'profile', 'email'],
      claims: [],
      resources: [],
      offline: false,
    },
    documented: {
      ...form,
      refuseAction: '/refuse',
      scopes: ['openid', 'email'],
      claims: [],
      resources: [],
      offline: false,
      about: {
        website: 'https://fieldnotes.example.com/',
        privacy: 'https://fieldnotes.example.com/privacy',
        terms: 'https://fieldnotes.example.com/terms',
      },
    },
    identity: {
      ...form,
      refuseAction: '/refuse',
      scopes: ['openid'],
      claims: [],
      resources: [],
      offline: false,
    },
    away: {
      ...form,
      refuseAction: '/refuse',
      scopes: ['openid', 'offline_access'],
      claims: [],
      resources: [],
      offline: true,
    },
    much: {
      ...form,
      refuseAction: '/refuse',
      scopes: ['openid', 'offline_access', 'address', 'phone', 'urn:example:unknown:scope'],
      claims: ['birthdate', 'zoneinfo', 'shoe_size'],
      resources: [
        {
          indicator: 'https://api.example.com/ledger/v1',
          scopes: ['read:entries', 'write:entries'],
        },
      ],
      offline: true,
    },
  },
  locked: {
    short: {
      reason: 'code',
      retryAfterSeconds: 30,
      retryHref: '/interaction/u1d/mfa',
      csrf: 'c5rf',
      cancelAction: '/cancel',
      lostHref: '/interaction/u1d/recovery',
    },
    long: { reason: 'code', retryAfterSeconds: 1_900, retryHref: '/interaction/u1d/mfa' },
    suspected: { reason: 'password-suspected', csrf: 'c5rf', cancelAction: '/cancel' },
    ended: { reason: 'factor-ended', csrf: 'c5rf', cancelAction: '/cancel' },
    disabled: {
      reason: 'codes-disabled',
      csrf: 'c5rf',
      cancelAction: '/cancel',
      otherWayHref: '/interaction/u1d/mfa/choose',
    },
  },
  account: {
    imported: {
      ...form,
      methods: [
        {
          id: 'm1',
          factor: 'imported-codes',
          name: '',
          own: false,
          only: false,
          addedAt: 1_767_261_600,
          remaining: 2,
          endsAt: 1_798_000_000,
          ended: false,
        },
        {
          id: 'm2',
          factor: 'totp',
          name: 'Old phone',
          own: true,
          only: false,
          addedAt: 1_767_261_600,
          endsAt: 1_789_000_000,
          ended: true,
        },
        {
          id: 'm3',
          factor: 'passkey',
          name: 'iCloud Keychain',
          own: true,
          only: false,
          addedAt: 1_789_000_000,
        },
      ],
      lacks: ['second'],
      addable: ['passkey', 'totp'],
      renewable: ['backup-codes'],
      signIns: [],
      groups: [],
      ownLinks: [],
      lockAction: '/account/lock',
      turnOffHref: '/account/turn-off',
      signOutHref: '/sign-out',
    },
    usual: {
      ...form,
      said: 'added',
      othersGoOn: true,
      methods: [
        {
          id: 'm1',
          factor: 'totp',
          name: 'My phone',
          own: true,
          only: false,
          addedAt: 1_767_261_600,
          lastUsedAt: 1_790_000_000,
        },
        {
          id: 'm2',
          factor: 'totp',
          name: LONG_NAME,
          own: true,
          only: false,
          addedAt: 1_780_000_000,
        },
        {
          id: 'm3',
          factor: 'backup-codes',
          name: '',
          own: false,
          only: false,
          addedAt: 1_767_261_600,
          remaining: 7,
        },
      ],
      lacks: [],
      addable: ['totp'],
      renewable: ['backup-codes'],
      signIns: [
        {
          current: true,
          browser: { browser: 'Firefox', system: 'Linux' },
          network: '203.0.113.0/24',
          at: 1_790_000_600,
        },
        { current: false, network: '2001:db8:1::/48', at: 1_789_999_000 },
        { current: false, browser: { browser: 'Safari', system: 'iPhone' }, at: 1_779_000_000 },
      ],
      groups: [
        { name: 'sign-in', pages: ['password', 'email', 'addresses'].map(pageLink) },
        { name: 'access', pages: ['sessions', 'apps', 'activity'].map(pageLink) },
        { name: 'more', pages: ['language', 'notes'].map(pageLink) },
      ],
      ownLinks: [{ href: '/profile', text: 'Your profile' }],
      lockAction: '/account/lock',
      turnOffHref: '/account/turn-off',
      signOutHref: '/session/end',
    },
    only: {
      ...form,
      methods: [
        {
          id: 'm1',
          factor: 'totp',
          name: '',
          own: true,
          only: true,
          addedAt: 1_767_261_600,
          lastUsedAt: 1_790_000_000,
        },
        {
          id: 'm3',
          factor: 'backup-codes',
          name: '',
          own: false,
          only: false,
          addedAt: 1_767_261_600,
          lastUsedAt: 1_790_000_000,
          remaining: 0,
        },
      ],
      lacks: ['codes', 'second'],
      addable: ['totp', 'carrier-pigeon'],
      renewable: ['backup-codes', 'carrier-pigeon'],
      signIns: [],
      groups: [],
      ownLinks: [],
      lockAction: '/account/lock',
      turnOffHref: '/account/turn-off',
      signOutHref: '/session/end',
    },
    locked: { ...withoutFactor, locked: true },
    none: withoutFactor,
  },
  'account-turn-off': {
    open: { ...form, backHref: '/account' },
    policy: { ...form, backHref: '/account', refusal: 'policy' },
    nothing: { ...form, backHref: '/account', refusal: 'nothing' },
    shut: {
      ...form,
      backHref: '/account',
      refusal: 'after-mailed-reset',
      until: 1_800_000_000,
    },
  },
  'account-closed': { plain: { href: '/account' } },
  'account-sessions': {
    usual: {
      ...form,
      said: 'session-ended',
      sessions: [
        {
          id: 's1',
          current: true,
          browser: { browser: 'Firefox', system: 'Linux' },
          network: '203.0.113.0/24',
          firstAt: 1_790_000_000,
          lastAt: 1_790_000_600,
          apps: ['Fieldnotes', LONG_NAME],
        },
        {
          id: 's2',
          current: false,
          network: '2001:db8:1::/48',
          firstAt: 1_789_990_000,
          lastAt: 1_789_999_000,
          apps: [],
        },
      ],
      accountHref: '/account',
    },
    alone: {
      ...form,
      sessions: [
        {
          id: 's1',
          current: true,
          browser: { browser: 'Safari' },
          firstAt: 1_790_000_000,
          lastAt: 1_790_000_600,
          apps: [],
        },
      ],
      accountHref: '/account',
    },
  },
  'account-browsers': {
    usual: {
      ...form,
      said: 'browser-forgotten',
      browsers: [
        {
          id: 'b1',
          current: true,
          browser: { browser: 'Firefox', system: 'Linux' },
          network: '203.0.113.0/24',
          firstAt: 1_767_261_600,
          lastAt: 1_790_000_600,
        },
        {
          id: 'b2',
          current: false,
          browser: { browser: 'Samsung Internet', system: 'Android' },
          network: '2001:db8:1::/48',
          firstAt: 1_780_000_000,
          lastAt: 1_789_999_000,
        },
        { id: 'b3', current: false, firstAt: 1_779_000_000, lastAt: 1_779_000_000 },
      ],
      trustedOnes: [
        {
          id: 't1',
          current: true,
          browser: { browser: 'Firefox', system: 'Linux' },
          network: '203.0.113.0/24',
          since: 1_790_000_000,
          until: 1_792_592_000,
        },
        { id: 't2', current: false, since: 1_789_000_000, until: 1_791_592_000 },
      ],
      accountHref: '/account',
    },
    none: { ...form, browsers: [], trustedOnes: [], accountHref: '/account' },
  },
  'account-apps': {
    usual: {
      ...form,
      said: 'app-revoked',
      apps: [
        {
          id: 'fieldnotes',
          name: 'Fieldnotes',
          since: 1_767_261_600,
          scopes: ['email', 'offline_access', 'openid', 'profile', 'reports:read'],
        },
        { id: 'lock', name: LONG_NAME, since: 1_780_000_000, scopes: ['openid'] },
      ],
      accountHref: '/account',
    },
    none: { ...form, apps: [], accountHref: '/account' },
  },
  logout: { known: { ...host, signedInAs: 'mira.k@example.com' }, plain: host },
  'signed-out': { plain: {} },
  'still-signed-in': {
    plain: { signedInAs: 'mira.k@example.com' },
    back: { signedInAs: 'mira.k@example.com', href: 'https://fieldnotes.example.com/' },
  },
  home: { plain: { accountHref: '/account' } },
  'switch-account': {
    plain: {
      ...host,
      stayAction: '/mfa/u1d/stay',
      csrf: 'c5rf',
      from: 'mira.k@example.com',
      to: 'ole@example.com',
    },
  },
  'set-up-link': {
    fresh: { ...form, username: 'mira', minimumLength: 8, setsPassword: true },
    'too-short': {
      ...form,
      username: 'mira',
      minimumLength: 8,
      setsPassword: true,
      error: 'too-short',
    },
    'too-long': {
      ...form,
      username: 'mira',
      minimumLength: 8,
      setsPassword: true,
      error: 'too-long',
    },
    blocked: { ...form, username: 'mira', minimumLength: 8, setsPassword: true, error: 'blocked' },
    mismatch: {
      ...form,
      username: 'mira',
      minimumLength: 8,
      setsPassword: true,
      error: 'mismatch',
    },
    'contains-name': {
      ...form,
      username: 'mira',
      minimumLength: 8,
      setsPassword: true,
      error: 'contains-name',
    },
    'password-kept': { ...form, username: 'mira', minimumLength: 8, setsPassword: false },
  },
  'password-forgotten': {
    fresh: { ...form, username: '', href: '/account' },
    missing: { ...form, username: '', href: '/account', error: 'missing' },
    gone: { ...form, username: '', href: '/account', error: 'gone' },
  },
  'password-forgotten-sent': {
    plain: { minutes: 10, againHref: '/password/forgotten', href: '/account' },
  },
  'password-reset': {
    fresh: { ...form, username: 'mira', minimumLength: 8 },
    'too-short': { ...form, username: 'mira', minimumLength: 8, error: 'too-short' },
  },
  'account-password': {
    fresh: { ...form, username: 'mira', minimumLength: 8, href: '/account' },
    wrong: { ...form, username: 'mira', minimumLength: 8, href: '/account', error: 'wrong' },
    blocked: { ...form, username: 'mira', minimumLength: 8, href: '/account', error: 'blocked' },
    shut: {
      ...form,
      username: 'mira',
      minimumLength: 8,
      href: '/account',
      shut: { reason: 'after-mailed-reset', until: 1_767_261_600 },
    },
  },
  'account-email': {
    usual: { ...form, email: 'mira.k@example.com', typed: '', href: '/account' },
    unfit: { ...form, typed: 'mira', href: '/account', error: 'unfit' },
    shut: {
      ...form,
      email: 'mira.k@example.com',
      typed: '',
      href: '/account',
      shut: { reason: 'frozen-without-factor' },
    },
  },
  'account-addresses': {
    one: {
      ...form,
      addresses: [{ address: 'mira.k@example.com', own: true }],
      addable: true,
      typed: '',
      href: '/account',
    },
    waiting: {
      ...form,
      addresses: [{ address: 'mira.k@example.com', own: true }],
      addable: true,
      typed: '',
      waiting: 'mira@landesarbeitsgemeinschaft.example.org',
      href: '/account',
      error: 'wrong',
    },
    full: {
      ...form,
      addresses: [
        { address: 'mira.k@example.com', own: true },
        { address: 'mira@landesarbeitsgemeinschaft.example.org', own: false },
        { address: 'ole@example.com', own: false },
      ],
      addable: false,
      typed: '',
      href: '/account',
      said: 'address-added',
    },
    own: {
      ...form,
      addresses: [{ address: 'mira.k@example.com', own: true }],
      addable: true,
      typed: 'mira.k@example.com',
      href: '/account',
      error: 'own',
    },
    shut: {
      ...form,
      addresses: [{ address: 'mira.k@example.com', own: true }],
      addable: true,
      typed: '',
      href: '/account',
      shut: { reason: 'young-factor', until: 1_767_261_600 },
    },
  },
  'email-confirm': {
    plain: { ...form, username: 'mira', email: 'mira@landesarbeitsgemeinschaft.example.org' },
  },
  'email-confirm-done': { plain: { href: '/account' } },
  'email-confirm-expired': { plain: { href: '/account' } },
  'password-reset-done': { plain: { href: '/account' } },
  'account-activity': {
    usual: {
      ...form,
      days: 90,
      events: [
        {
          type: 'factor-accepted',
          at: 1_795_000_000,
          factor: 'totp',
          name: 'My phone',
          app: 'Fieldnotes',
          browser: { browser: 'Firefox', system: 'Linux' },
          place: '203.0.113.0/24',
        },
        {
          type: 'password-refused',
          at: 1_794_990_000,
          browser: { browser: 'Safari' },
          place: '2001:db8:1::/48',
          count: 12,
        },
        {
          type: 'backup-code-used',
          at: 1_794_980_000,
          factor: 'backup-codes',
        },
        {
          type: 'passkey-cloned',
          at: 1_794_975_000,
          factor: 'passkey',
          name: 'iCloud Keychain',
        },
        {
          type: 'pigeon-flew',
          at: 1_794_970_000,
          factor: 'pigeon',
        },
      ],
      nextHref: '/account/activity?before=1794970001',
      lockHref: '/account/lock',
      overviewHref: '/account',
    },
    none: { ...form, days: 90, events: [], lockHref: '/account/lock', overviewHref: '/account' },
  },
  'account-lock': { plain: { ...form, overviewHref: '/account' } },
  'account-language': {
    plain: {
      ...form,
      languages: [
        { tag: 'de', name: 'Deutsch' },
        { tag: 'en', name: 'English' },
      ],
      overviewHref: '/account',
    },
    chosen: {
      ...form,
      said: 'language',
      chosen: 'de',
      languages: [
        { tag: 'de', name: 'Deutsch' },
        { tag: 'en', name: 'English' },
      ],
      overviewHref: '/account',
    },
  },
  'not-me': { plain: { ...form } },
  'not-me-done': { plain: { href: '/account' }, nowhere: {} },
  'not-me-expired': { plain: { href: '/account' } },
  'set-up-link-expired': { plain: { href: '/account' } },
  'set-up-link-done': {
    plain: { href: '/account', isPasswordSet: true },
    'password-kept': { href: '/account', isPasswordSet: false },
  },
  expired: { back: { href: 'https://fieldnotes.example.com/' }, plain: {} },
  answered: { back: { href: 'https://fieldnotes.example.com/' }, plain: {} },
  busy: {
    plain: { retryAfterSeconds: 1 },
    again: { retryAfterSeconds: 30, retryHref: '/interaction/u1d' },
  },
  forbidden: { plain: {}, again: { retryHref: '/interaction/u1d' } },
  'not-found': { plain: {} },
  unavailable: {
    plain: { retryAfterSeconds: 5 },
    again: { retryAfterSeconds: 5, retryHref: '/interaction/u1d' },
  },
  error: {
    ours: { requestId: '01J9ZK3V7M' },
    theirs: {
      requestId: '01J9ZK3V7M',
      detail: {
        error: 'invalid_redirect_uri',
        description: "redirect_uri did not match any of the client's registered redirect_uris",
      },
    },
    terse: {
      requestId: '01J9ZK3V7M',
      detail: { error: 'invalid_request' },
      href: 'https://fieldnotes.example.com/',
    },
    nameless: { requestId: '', retryHref: '/interaction/u1d' },
  },
  device: {
    empty: { ...host, userCode: '' },
    unknown: { ...host, userCode: 'BCDF-GHJK', error: 'unknown' },
    expired: { ...host, userCode: 'BCDF-GHJK', error: 'expired' },
    used: { ...host, userCode: 'BCDF-GHJK', error: 'used' },
    missing: { ...host, userCode: '', error: 'missing' },
    'too-many': { ...host, userCode: '', error: 'too-many' },
    aborted: { ...host, userCode: '', error: 'aborted' },
  },
  'device-confirm': { plain: { ...host, userCode: 'BCDF-GHJK', refuseName: 'abort' } },
  'device-done': { plain: {} },
}

/** Pages that name no account: pages before the first factor, pages after the end of a session, and errors. */
const WITHOUT_ACCOUNT: ReadonlySet<ShownPage> = new Set([
  'login',
  'sign-in-refused',
  'signed-out',
  'still-signed-in',
  'home',
  'password-forgotten',
  'password-forgotten-sent',
  'password-reset',
  'password-reset-done',
  'email-confirm',
  'email-confirm-done',
  'email-confirm-expired',
  'not-me',
  'not-me-done',
  'not-me-expired',
  'recovery-over',
  'set-up-link',
  'set-up-link-expired',
  'set-up-link-done',
  'account-closed',
  'expired',
  'answered',
  'busy',
  'forbidden',
  'not-found',
  'unavailable',
  'error',
])

/** Pages before the second factor, on which a person can say that the account is not theirs. */
const BEFORE_SECOND_FACTOR: ReadonlySet<ShownPage> = new Set([
  'mfa-choose',
  'owner-proof',
  'totp-enrol',
  'totp-verify',
  'passkey-enrol',
  'passkey-verify',
  'backup-code-verify',
  'imported-codes-verify',
])

function withNotYou(surroundings: Surroundings): Surroundings {
  const { account } = surroundings
  if (account === undefined) return surroundings
  return { ...surroundings, account: { ...account, notYou: { action: '/not-you', csrf: 'c5rf' } } }
}

/** Pages that together have every element to which a theme gives a colour. */
const THEMES_SHOW: ReadonlySet<ShownPage> = new Set([
  'login',
  'mfa-choose',
  'totp-enrol',
  'backup-codes',
  'consent',
])

function withoutAccount({ account: _, ...rest }: Surroundings): Surroundings {
  return rest
}

export const PAGES = Object.keys(STATES) as readonly ShownPage[]

/** Every state in English, and the first state of each page with long German names; some in a client's own colours. */
export const SAMPLES: readonly Sample[] = PAGES.flatMap((page) =>
  Object.entries(STATES[page]).flatMap(([state, model], index) => {
    const sample = (name: string, surroundings: Surroundings) =>
      ({
        name: `${page}-${name}`,
        page,
        model,
        surroundings: BEFORE_SECOND_FACTOR.has(page) ? withNotYou(surroundings) : surroundings,
      }) as Sample
    const nameless = WITHOUT_ACCOUNT.has(page)
    const usual = nameless ? NOBODY : ENGLISH
    return [
      sample(state, nameless && state === 'plain' ? STRANGER : usual),
      ...(index === 0 ? [sample('german', nameless ? withoutAccount(LONG) : LONG)] : []),
      ...(index === 0 && THEMES_SHOW.has(page)
        ? [sample('themed', nameless ? withoutAccount(THEMED) : THEMED)]
        : []),
    ]
  }),
)
