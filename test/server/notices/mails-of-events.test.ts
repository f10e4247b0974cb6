import { expect } from 'chai'
import type { Mail } from '../../../src/adapters/mail/index.ts'
import { EVENT_TYPES, type EventDetail } from '../../../src/domain/events.ts'
import { BACKUP_CODE_EVENTS } from '../../../src/factors/backup-codes/index.ts'
import { createViews } from '../../../src/http/views.ts'
import type { MfaEvent } from '../../../src/index.ts'
import { noticeOf } from '../../../src/plugin/notices.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import { passEventsOn, type NoticeServices } from '../../../src/server/notices/notices.ts'
import { letterSender } from '../../../src/server/notices/sender.ts'
import { SERVER_EVENTS } from '../../../src/server/observe/audit.ts'
import { OUR_FACTORS } from '../../pages/stage.ts'
import { world } from '../accounts/support.ts'

/** The subject of the mail that tells of an event, or why there is none. */
type Told = { readonly subject: string } | { readonly none: string }

const none = (why: string): Told => ({ none: why })
const mail = (subject: string): Told => ({ subject })

const OF_RECORD: Readonly<Record<string, Told>> = {
  'factor-accepted': none('of a known browser'),
  'factor-accepted, unknown': mail('Anmeldung bei Ihrem Konto bei Acme in einem neuen Browser'),
  'factor-refused': none('a lockout follows'),
  'refused-while-locked': none('the lockout was told'),
  locked: mail('Für Ihr Konto bei Acme wurden falsche Codes eingegeben'),
  'codes-disabled': mail('Für Ihr Konto bei Acme sind Codes abgeschaltet'),
  'password-suspected': mail('Jemand kennt vielleicht Ihr Passwort bei Acme'),
  'enrolment-started': none('nothing has changed'),
  'enrolment-refused': none('nothing has changed'),
  'owner-proved': none('nothing has changed'),
  'factor-enrolled': mail('Ihr Konto bei Acme hat einen zweiten Schritt erhalten'),
  'factor-enrolled, recovered': none('recovery-completed'),
  'factor-enrolled, silent': mail(
    'Ihr Browser hat Ihrem Konto bei Acme einen zweiten Schritt hinzugefügt',
  ),
  'factor-imported': none('an administrator has imported the account'),
  'factor-replaced': mail('Ein zweiter Schritt Ihres Kontos bei Acme wurde ersetzt'),
  'factor-removed': mail('Ein zweiter Schritt wurde aus Ihrem Konto bei Acme entfernt'),
  'factor-removed, turned-off': none('factors-turned-off'),
  'factor-removed, recovered': none('recovery-completed'),
  'factor-renamed': mail('Ein zweiter Schritt Ihres Kontos bei Acme heißt jetzt anders'),
  'factors-turned-off': mail('Der zweite Schritt Ihres Kontos bei Acme wurde abgeschaltet'),
  'signed-in': none('of a known browser'),
  'signed-in, unknown': mail('Anmeldung bei Ihrem Konto bei Acme in einem neuen Browser'),
  'enrolment-postponed': none('it is a choice of the person, who cannot be harmed by it'),
  'browser-trusted': none('it is a choice of the person, and a factor was shown for it'),
  'browser-trust-revoked': none('the next sign-in there asks for the factor again'),
  'browser-trust-reused': none('the next sign-in there asks for the factor again'),
  'policy-decided': none('the sign-in itself is told'),
  'browser-forgotten': none('the next sign-in there is one of a new browser'),
  'epoch-raised': none('its cause is told'),
  'recovery-started': mail(
    'Für Ihr Konto bei Acme soll ein neuer zweiter Schritt eingerichtet werden',
  ),
  'recovery-half-way': mail(
    'Ein neuer zweiter Schritt für Ihr Konto bei Acme: Die Hälfte der Wartezeit ist vorbei',
  ),
  'recovery-opened': mail(
    'Für Ihr Konto bei Acme kann jetzt ein neuer zweiter Schritt eingerichtet werden',
  ),
  'recovery-cancelled': mail('Der neue zweite Schritt für Ihr Konto bei Acme wurde abgebrochen'),
  'recovery-ended': none('nothing has changed, or the change is told'),
  'recovery-refused': none('nothing has changed'),
  'recovery-completed': mail('Der zweite Schritt Ihres Kontos bei Acme wurde ersetzt'),
  'recovery-cancelled, locked': none('account-locked-by-owner stands beside it'),
  'account-locked-by-owner': mail('Änderungen an Ihrem Konto bei Acme sind gesperrt'),
  'account-locked-by-owner, recovery-cancelled': mail(
    'Änderungen an Ihrem Konto bei Acme sind gesperrt, der neue zweite Schritt ist abgebrochen',
  ),
  restored: none('an administrator has put a backup back'),
  reset: mail('Der zweite Schritt Ihres Kontos bei Acme wurde zurückgesetzt'),
  'backup-codes-created': none('the factor that they come with is told'),
  'backup-codes-created, renewed': mail('Für Ihr Konto bei Acme wurden neue Ersatzcodes erzeugt'),
  'backup-code-used': mail('Für Ihr Konto bei Acme wurde ein Ersatzcode benutzt'),
}

const OF_SERVER: Readonly<Record<string, Told>> = {
  'password-accepted': none('the second factor decides'),
  'password-refused': none('nothing has changed'),
  'passkey-refused': none('nothing has changed'),
  'password-set': none('it is the first password, of an invitation'),
  'password-set, reset': mail('Das Passwort Ihres Kontos bei Acme wurde geändert'),
  'password-reset-asked': none('its mail has the link'),
  'password-reset-used': none('password-changed stands beside it'),
  'password-changed': mail('Das Passwort Ihres Kontos bei Acme wurde geändert'),
  'email-changed': mail('Die Adresse Ihres Kontos bei Acme wurde geändert'),
  'address-added': mail('Zu Ihrem Konto bei Acme wurde eine Adresse hinzugefügt'),
  'address-removed': mail('Aus Ihrem Konto bei Acme wurde eine Adresse entfernt'),
  'set-up-link-refused': none('nothing has changed'),
  'user-code-refused': none('nothing has changed'),
  'set-up-link-made': none('the administrator hands it out'),
  'user-added': none('the administrator hands out the invitation'),
  'user-imported': none('an administrator has imported the account'),
  'user-disabled': none('an administrator has done it'),
  'user-changed': none('a change of the address is told by email-changed'),
  'user-enabled': none('an administrator has done it'),
  'user-removed': none('the account has no address any more'),
  'user-unlocked': none('an administrator has done it'),
  'storage-restored': none('it is of no account'),
  'signing-key-added': none('it is of no account'),
  'encryption-keys-rotated': none('it is of no account'),
  'client-added': none('it is of no account'),
  'client-changed': none('it is of no account'),
  'client-secret-rotated': none('it is of no account'),
  'client-removed': none('it is of no account'),
  'consent-granted': none('it changes no security'),
  'consent-refused': none('nothing has changed'),
  'sign-out-not-delivered': none('it is for the operator'),
  'session-ended': none('it opens nothing'),
  'grant-revoked': none('it opens nothing'),
  'mail-not-delivered': none('no mail arrives'),
  'mail-dropped': none('an administrator has removed a mail'),
}

const ADDRESSES = ['mira@example.com', 'second@example.com', 'third@example.com'] as const
const MIRA: Account = {
  id: 'mira-id',
  username: 'mira',
  email: ADDRESSES[0],
  emailVerified: true,
  addresses: ADDRESSES.slice(1).map((address) => ({ address, verifiedAt: 1 })),
  groups: [],
  claims: { locale: 'de' },
  createdAt: 1,
  updatedAt: 1,
  passwordOrigin: 'none',
}
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const REQUEST = { ip: '203.0.113.77', userAgent: AGENT, locale: 'en' } as const

/** The detail of an event as its page makes it; a reset of an administrator belongs to no page. */
function detailOf(row: string): EventDetail {
  const [type = '', of] = row.split(', ')
  if (type === 'reset') return {}
  return {
    ...REQUEST,
    factor: 'totp',
    authenticatorName: 'Phone',
    remaining: 7,
    since: 1_767_000_000,
    until: 1_767_600_000,
    ...(of === 'unknown' ? { browser: of } : { browser: 'known' }),
    ...(of === undefined || of === 'unknown' ? {} : { reason: of }),
  }
}

/** Tells of the event as a node does, and returns the mails that leave. */
async function mailsOf(row: string, isOfRecord: boolean): Promise<readonly Mail[]> {
  const { storage, letters, accountEvents, clock, record } = world()
  await storage.accounts.insert(MIRA, { username: MIRA.username })
  const [type = ''] = row.split(', ')
  const detail = detailOf(row)
  if (isOfRecord) {
    let pass: (event: MfaEvent) => Promise<void> = () => Promise.reject(new Error('not listening'))
    passEventsOn({
      mfa: {
        on: (_type: string, listener: typeof pass) => (pass = listener),
        noticeOf: (event: MfaEvent) => noticeOf(event, async () => undefined),
      },
      ...storage,
      letters,
    } as unknown as NoticeServices)
    await pass({ id: 'e1', accountId: MIRA.id, at: clock.now(), type, detail } as MfaEvent)
  } else {
    await accountEvents.change(MIRA.id, (same) => ({ ...same }), [{ type, detail }])
    await accountEvents.settled()
  }
  const mails: Mail[] = []
  const sender = letterSender({
    outbox: storage.outbox,
    letters,
    post: { lanes: 1, send: async (one) => void mails.push(one) },
    mfa: {
      views: createViews({ factors: OUR_FACTORS }),
      notMeUrl: () => 'https://id.example.com/not-me/t0ken',
      cancelRecoveryUrl: () => 'https://id.example.com/cancel-recovery/t0ken',
    },
    clock,
    record,
    issuer: 'https://id.example.com',
    values: { issuer: 'Acme', manageUrl: 'https://id.example.com/account' },
  })
  await sender.sendDue()
  return mails
}

describe('the mail of each event', () => {
  it('was decided for every event of the product', () => {
    const typesOf = (table: object) => [
      ...new Set(Object.keys(table).map((row) => row.split(', ')[0])),
    ]
    expect(typesOf(OF_RECORD)).to.have.members([...EVENT_TYPES, ...BACKUP_CODE_EVENTS])
    expect(typesOf(OF_SERVER)).to.have.members(SERVER_EVENTS)
  })

  for (const [table, isOfRecord] of [
    [OF_RECORD, true],
    [OF_SERVER, false],
  ] as const)
    for (const [row, told] of Object.entries(table))
      if ('none' in told)
        it(`is none for ${row}: ${told.none}`, async () => {
          expect(await mailsOf(row, isOfRecord)).to.deep.equal([])
        })
      else
        it(`goes to each address for ${row}, in the language of the person`, async () => {
          const mails = await mailsOf(row, isOfRecord)
          expect(mails.map(({ to }) => to)).to.have.members(ADDRESSES)
          const [{ html, text, subject } = { html: '', text: '', subject: '' }] = mails
          expect(subject).to.equal(told.subject)
          expect(new Set(mails.map(({ messageId }) => messageId)).size).to.equal(3)
          const said = ['mira', '14. November 2023', 'https://id.example.com/not-me/t0ken']
          if (row !== 'reset') said.push('Firefox auf Linux', '203.0.113.0/24')
          for (const part of [text, html]) for (const words of said) expect(part).to.include(words)
          expect(text).to.include('(UTC)')
        })
})
