import { expect } from 'chai'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { Provider } from 'oidc-provider'
import {
  backupCodes,
  createMfa,
  totp,
  type AccountVisit,
  type MfaOptions,
} from '../../src/index.ts'
import { deedsOf, press } from '../support/account-forms.ts'
import { secretOf } from '../support/enrolment.ts'
import { textOf } from '../support/html.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { temporaryFolder } from '../adapters/sqlite/temporary-folder.ts'
import { enrol } from './enrol.ts'
import {
  authorizeUrl,
  CLIENT,
  defaultConfiguration,
  PASSWORD,
  startHost,
  type Host,
  type HostOptions,
} from './host.ts'
import { enrolledPerson, nextCode, signIn, type Person } from './sign-in.ts'

describe('the account pages of the plugin', () => {
  let host: Host
  let mira: Person
  let done: { deed: string; form: object; visit: AccountVisit }[]
  afterEach(async () => host.close())

  const open = async (options: HostOptions = {}): Promise<void> => {
    host = await startHost({ ...options, mfa: { account: true, ...options.mfa } })
    done = []
    addNotes()
  }
  const begin = async (options: HostOptions = {}): Promise<void> => {
    await open(options)
    mira = await enrolledPerson(host)
  }
  const account = (path = ''): string => `${host.issuer}/account${path}`
  const to = (page: Page, browser = mira.browser): Promise<Page> =>
    browser.follow(page, ({ origin }) => origin !== new URL(host.issuer).origin)
  const visit = async (path = '', browser = mira.browser): Promise<Page> =>
    to(await browser.get(account(path)), browser)

  /** Adds a page of the application's own, with a deed for each proof that a deed can need. */
  const addNotes = (): void => {
    const deed = (name: string) => async (visit: AccountVisit, form: object) => {
      done.push({ deed: name, form, visit })
      return 'renamed'
    }
    host.mfa.account.page({
      name: 'notes',
      async show({ csrf, said }, ctx) {
        const field = `<input type="hidden" name="csrf" value="${csrf}">`
        const text = '<input name="which" value="3"><input name="secret" value="s">'
        const buttons = ['free', 'careful', 'grave'].map(
          (each) => `<button data-do="${each}"></button>`,
        )
        ctx.type = 'html'
        ctx.body = `<body data-page="account-notes"><p role="status">${said ?? ''}</p><form method="post">${field}${text}${buttons.join('')}</form>`
      },
      deeds: {
        free: { needs: 'session', run: deed('free') },
        careful: { needs: 'recent', keeps: ['which'], run: deed('careful') },
        grave: {
          needs: 'proof',
          keeps: ['which'],
          run: async (visit, form) =>
            (await visit.spendProof()) ? deed('grave')(visit, form) : undefined,
        },
        itself: {
          needs: 'session',
          async run(_visit, _form, ctx) {
            ctx.body = 'answered'
          },
        },
      },
    })
  }
  /** Adds a page that is shown only after a proof, with a deed that spends it. */
  const addVault = (): void =>
    host.mfa.account.page({
      name: 'vault',
      needs: 'proof',
      async show({ csrf }, ctx) {
        ctx.type = 'html'
        ctx.body = `<body data-page="account-vault"><form method="post"><input type="hidden" name="csrf" value="${csrf}"><input name="password" value="new"><button data-do="change"></button></form>`
      },
      deeds: {
        rename: { needs: 'recent', run: async () => void done.push({ deed: 'rename' } as never) },
        change: {
          needs: 'proof',
          async run(visit, form) {
            if (!(await visit.spendProof())) return
            done.push({ deed: 'change', form, visit })
            return 'renamed'
          },
        },
      },
    })
  const saidOn = (page: Page): string | undefined => page.texts('[role=status]')[0]
  const enterCode = async (page: Page): Promise<Page> => {
    expect(page.name).to.equal('totp-verify')
    return to(await mira.browser.submit(page, { code: nextCode(host, mira) }))
  }
  const deeds = (): string[] => done.map(({ deed }) => deed)

  it('sign in with the factors that the policy asks for, without a page of consent', async () => {
    await begin()
    const page = await visit()
    expect([page.status, page.name, page.url.href]).to.deep.equal([200, 'account', account()])
    expect(page.text).to.include('mira@example.com')
    expect(deedsOf(page).map((deed) => deed.split(':')[0])).to.deep.equal([
      'rename',
      'replace',
      'add',
      'renew',
      'lock',
    ])
    const stranger = await visit('', new HttpClient())
    expect(stranger.name).to.equal('host-login')
  })

  it('work where the provider is mounted, and behind an issuer with a path', async () => {
    await open({
      mount: '/op',
      configuration: { interactions: { url: (_ctx, { uid }) => `/op/interaction/${uid}` } },
    })
    const browser = new HttpClient()
    const login = await visit('', browser)
    const setUp = await to(
      await browser.post(login.url, { username: 'mira', password: PASSWORD }),
      browser,
    )
    expect(setUp.url.pathname).to.match(/^\/op\/mfa\//)
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const codes = await to(await browser.submit(setUp, { code }), browser)
    const page = await to(await browser.submit(codes, { saved: 'yes' }), browser)
    expect([page.name, page.url.href]).to.deep.equal(['account', account()])
    expect(page.form().action).to.equal('/op/account')
    expect(host.mfa.manageUrl()).to.equal(account())
    const notes = await to(await press(browser, await visit('/notes', browser), 'free'), browser)
    expect([notes.url.href, saidOn(notes)]).to.deep.equal([account('/notes'), 'renamed'])
  })

  describe('say what is missing', () => {
    const missing = (page: Page): string => page.texts('[aria-labelledby=missing]').join()

    it('with the button that mends it, until nothing is missing', async () => {
      await begin()
      expect(missing(await visit()))
        .to.include('only one device')
        .and.not.include('no backup codes')
      const verify = await to(await press(mira.browser, await visit(), 'add:totp'))
      const setUp = await enterCode(verify)
      const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
      const page = await to(await mira.browser.submit(setUp, { code, name: 'Tablet' }))
      expect([page.name, missing(page)]).to.deep.equal(['account', ''])
      expect(deedsOf(page)).to.include.members(['add:totp', 'renew:backup-codes'])
    })

    it('where there are no backup codes, with one button to make them', async () => {
      await begin()
      await host.mfa.accounts.reset('mira', { factor: 'backup-codes' })
      await signIn(host, mira.browser, mira)
      const page = await visit()
      expect(missing(page)).to.include('no backup codes')
      expect(deedsOf(page).filter((deed) => deed === 'renew:backup-codes')).to.have.length(1)
    })
  })

  it('R44 lock the account from the overview, without a factor and by a POST alone', async () => {
    await begin()
    const page = await visit()
    host.clock.at += 300
    const done = await to(await press(mira.browser, page, 'lock'))
    expect(done.name).to.equal('not-me-done')
    expect((await host.mfa.accounts.status('mira')).frozenAt).to.equal(host.clock.at)
    expect((await visit()).name).to.equal('host-login')
  })

  describe('have of the application', () => {
    const folder = temporaryFolder()
    it('links and links to its pages, each under its heading, and a section', async () => {
      mkdirSync(folder.file('account'))
      writeFileSync(
        folder.file('account/account.njk'),
        `{% extends "default/account/account.njk" %}
       {% block account_sections %}<p id="invoices">Invoices of {{ account.label }}</p>{% endblock %}`,
      )
      const links = [
        { href: '/profile?a=1&b="', text: 'Your <b>profile</b>' },
        { href: 'https://acme.example/help', text: 'Help' },
      ]
      await begin({ mfa: { views: folder.path, account: { links } } })
      host.mfa.account.page({ name: 'plan', group: 'access', show: async () => {} })
      host.mfa.account.page({ name: 'hidden', listed: false, show: async () => {} })
      const page = await visit()
      expect(page.texts('#invoices')).to.deep.equal(['Invoices of mira@example.com'])
      const sections = page.all('.groups section').map((section) => ({
        heading: textOf(section.querySelector('h2')!),
        links: [...section.querySelectorAll('a')].map((link) => [
          textOf(link),
          link.getAttribute('href'),
        ]),
      }))
      expect(sections.at(-1)).to.deep.equal({
        heading: 'More',
        links: [
          ['notes', '/account/notes'],
          ['Your <b>profile</b>', '/profile?a=1&b="'],
          ['Help', 'https://acme.example/help'],
        ],
      })
      expect(sections.at(-2)?.heading).to.equal('Where your account is used')
      expect(sections.at(-2)?.links).to.deep.include(['plan', '/account/plan'])
      expect(page.body).not.to.include('/account/hidden')
    })
  })

  it('add a factor through the provider, and say so once', async () => {
    await begin()
    const verify = await to(await press(mira.browser, await visit(), 'renew:backup-codes'))
    const renew = await enterCode(verify)
    const codes = await to(await mira.browser.submit(renew))
    const page = await to(await mira.browser.submit(codes, { saved: 'yes' }))
    expect(page.name).to.equal('account')
    expect(page.texts('[role=status]')).to.have.length(1)
    expect(saidOn(page)).to.include('new backup codes')
    expect((await visit()).texts('[role=status]')).to.deep.equal([])
  })

  describe('offer to sign out everywhere else', () => {
    const OFFER = 'sign-out-elsewhere'
    /** Adds an authenticator app, in which the browser shows the page that follows. */
    const addTablet = async (): Promise<Page> => {
      const verify = await to(await press(mira.browser, await visit(), 'add:totp'))
      const setUp = await enterCode(verify)
      const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
      return to(await mira.browser.submit(setUp, { code, name: 'Tablet' }))
    }
    const elsewhere = async (): Promise<HttpClient> => {
      const browser = new HttpClient()
      host.clock.at += 30
      await signIn(host, browser, mira)
      expect((await visit('', browser)).name).to.equal('account')
      host.clock.at += 30
      return browser
    }

    it('R20 once a factor was added, and end every session but this one', async () => {
      await begin()
      const other = await elsewhere()
      const page = await addTablet()
      expect(deedsOf(page)).to.include(OFFER)
      expect((await visit('', other)).name).to.equal('account')
      const alone = await to(await press(mira.browser, page, OFFER))
      expect([alone.name, saidOn(alone)]).to.deep.equal([
        'account',
        'You are signed out everywhere else.',
      ])
      expect(deedsOf(alone)).not.to.include(OFFER)
      expect((await visit('', other)).name).to.equal('host-login')
      expect((await visit()).name).to.equal('account')
    })

    it('R20 only after a second factor within five minutes', async () => {
      await begin()
      const page = await addTablet()
      host.clock.at += 300
      const verify = await to(await press(mira.browser, page, OFFER))
      expect(verify.name).to.match(/verify$|choose$/)
    })

    it('R42 do nothing in a session whose account has another epoch now', async () => {
      await begin()
      const page = await addTablet()
      await host.mfa.accounts.endEverything('mira', 'test')
      const before = await host.mfa.accounts.epoch('mira')
      await press(mira.browser, page, OFFER)
      expect(await host.mfa.accounts.epoch('mira')).to.equal(before)
    })

    it('R20 not after a first factor, with which every other session has ended', async () => {
      await open({ mfa: { require: false } })
      const browser = new HttpClient()
      const login = await visit('', browser)
      const page = await to(
        await browser.post(login.url, { username: 'noor', password: PASSWORD }),
        browser,
      )
      expect(page.name).to.equal('account')
      let next = await to(await press(browser, page, 'add:totp'), browser)
      if (next.name === 'host-login')
        next = await to(
          await browser.post(next.url, { username: 'noor', password: PASSWORD }),
          browser,
        )
      expect(next.name).to.equal('totp-enrol')
      const code = totpCode({ secret: secretOf(next) }, host.clock.at)
      const codes = await to(await browser.submit(next, { code }), browser)
      const after = await to(await browser.submit(codes, { saved: 'yes' }), browser)
      expect([after.name, saidOn(after)]).to.deep.equal(['account', 'A second step was added.'])
      expect(deedsOf(after)).not.to.include(OFFER)
    })
  })

  describe('rename an authenticator', () => {
    const renaming = (page: Page): string =>
      deedsOf(page).find((deed) => deed.startsWith('rename:')) ?? ''
    const nameOf = async (): Promise<string | undefined> =>
      (await host.mfa.accounts.status('mira')).factors[0]?.name
    const form = async (): Promise<Page> =>
      to(await press(mira.browser, await visit(), renaming(await visit())))

    it('R11 without a code within five minutes of a second factor, and say so', async () => {
      await begin()
      host.clock.at += 239
      const page = await form()
      expect([page.status, page.name]).to.deep.equal([200, 'factor-rename'])
      for (const [name, alert] of [
        [' ', 'Type a name'],
        ['n'.repeat(65), '64 characters'],
      ] as const) {
        const refused = await mira.browser.submit(page, { name, do: 'rename' })
        expect([refused.status, refused.name]).to.deep.equal([422, 'factor-rename'])
        expect(refused.alert).to.include(alert)
      }
      const after = await to(await mira.browser.submit(page, { name: 'Slate', do: 'rename' }))
      expect([after.name, saidOn(after), await nameOf()]).to.deep.equal([
        'account',
        'The second step has its new name.',
        'Slate',
      ])
      await host.mfa.settled()
      const [event] = host.events.filter(({ type }) => type === 'factor-renamed')
      expect(event?.detail).to.include({ authenticatorName: 'Slate', browser: 'known' })
    })

    it('R11 after a code where five minutes are over, with the name that was typed before', async () => {
      await begin()
      const page = await form()
      host.clock.at += 300
      const verify = await to(await mira.browser.submit(page, { name: 'Slate', do: 'rename' }))
      expect(await nameOf()).not.to.equal('Slate')
      expect((await enterCode(verify)).name).to.equal('account')
      expect(await nameOf()).to.equal('Slate')
      host.clock.at += 300
      expect((await enterCode(await form())).name).to.equal('factor-rename')
    })

    it('R11 R42 do nothing for an authenticator of another account, nor in an ended epoch', async () => {
      await begin()
      await enrolledPerson(host, 'noah')
      const [his] = (await host.mfa.accounts.status('noah')).factors
      const page = await form()
      const other = await to(
        await mira.browser.submit(page, { name: 'Mine', id: his?.id ?? '', do: 'rename' }),
      )
      expect([other.name, saidOn(other)]).to.deep.equal(['account', undefined])
      expect((await visit(`/rename?id=${his?.id}`)).url.href).to.equal(account())
      expect((await host.mfa.accounts.status('noah')).factors[0]?.name).to.equal(his?.name)
      await host.mfa.accounts.endEverything('mira', 'test')
      await mira.browser.submit(page, { name: 'Slate', do: 'rename' })
      expect(await nameOf()).not.to.equal('Slate')
    })
  })

  it('R11 replace the only factor, and say so once', async () => {
    await begin()
    const replace = deedsOf(await visit()).find((deed) => deed.startsWith('replace:'))!
    const verify = await to(await press(mira.browser, await visit(), replace))
    const setUp = await enterCode(verify)
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const page = await to(await mira.browser.submit(setUp, { code }))
    expect([page.name, saidOn(page)]).to.deep.equal([
      'account',
      'The new second step has taken the place of the old one. You are signed out everywhere else.',
    ])
    expect(deedsOf(page)).not.to.include(replace)
  })

  describe('with a page of the application', () => {
    it('show it to the person who is signed in, and link to it', async () => {
      await begin()
      const page = await visit('/notes')
      expect([page.name, page.url.href]).to.deep.equal(['account-notes', account('/notes')])
      expect((await visit()).link('a[href$="/account/notes"]').href).to.equal(account('/notes'))
      expect((await visit('/other')).status).to.equal(404)
    })

    it('do a deed that needs a session at once, and say it on the next page alone', async () => {
      await begin()
      const page = await to(await press(mira.browser, await visit('/notes'), 'free'))
      expect([page.name, saidOn(page)]).to.deep.equal(['account-notes', 'renamed'])
      expect(saidOn(await visit('/notes'))).to.equal('')
      expect(done.map(({ deed, form }) => [deed, form])).to.deep.equal([
        ['free', { which: '3', secret: 's' }],
      ])
      expect(done[0]?.visit).to.include({ accountId: 'mira', name: 'mira@example.com' })
    })

    it('leave a deed its own answer', async () => {
      await begin()
      const { csrf = '' } = (await visit('/notes')).form().fields
      const answer = await mira.browser.post(account('/notes'), { csrf, do: 'itself' })
      expect([answer.status, answer.body]).to.deep.equal([200, 'answered'])
    })

    it('R11 do a deed within five minutes of a second factor, and ask for one after that', async () => {
      await begin()
      const before = await visit('/notes')
      await to(await press(mira.browser, before, 'careful'))
      expect(deeds()).to.deep.equal(['careful'])
      host.clock.at += 300
      const verify = await to(await press(mira.browser, before, 'careful'))
      expect(deeds()).to.deep.equal(['careful'])
      const page = await enterCode(verify)
      expect([page.name, saidOn(page)]).to.deep.equal(['account-notes', 'renamed'])
      // Fields that might be secret did not wait in the browser.
      expect(done.map(({ form }) => form)).to.deep.equal([
        { which: '3', secret: 's' },
        { which: '3' },
      ])
    })

    it('R11 ask for the password where the account has no factor', async () => {
      await open({ mfa: { require: false } })
      const browser = new HttpClient()
      const login = await visit('/notes', browser)
      const page = await to(
        await browser.post(login.url, { username: 'mira', password: PASSWORD }),
        browser,
      )
      await to(await press(browser, page, 'careful'), browser)
      expect(deeds()).to.deep.equal(['careful'])
      host.clock.at += 300
      const again = await to(await press(browser, page, 'careful'), browser)
      expect([again.name, deeds().length]).to.deep.equal(['host-login', 1])
      await to(await browser.post(again.url, { username: 'mira', password: PASSWORD }), browser)
      expect(deeds()).to.deep.equal(['careful', 'careful'])
    })

    it('R11 do nothing for a stolen browser that leaves the factor out of the request', async () => {
      await begin()
      const page = await visit('/notes')
      host.clock.at += 300
      const asked = (await press(mira.browser, page, 'careful')).location!
      expect(asked.searchParams.get('prompt')).to.equal('mfa')
      asked.searchParams.delete('prompt')
      const back = await to(await mira.browser.get(asked))
      expect([back.name, saidOn(back), deeds()]).to.deep.equal(['account-notes', '', []])
    })

    it('R11 do a deed with a proof that was made for it, however fresh the last factor is', async () => {
      await begin()
      const page = await visit('/notes')
      const verify = await to(await press(mira.browser, page, 'grave'))
      expect(deeds()).to.deep.equal([])
      const after = await enterCode(verify)
      expect([saidOn(after), deeds(), done[0]?.form]).to.deep.equal([
        'renamed',
        ['grave'],
        { which: '3' },
      ])
      const asked = (await press(mira.browser, page, 'grave')).location!
      asked.searchParams.delete('mfa_action')
      await to(await mira.browser.get(asked))
      expect(deeds()).to.deep.equal(['grave'])
    })

    it('R11 show a page after a proof for it, which one deed spends', async () => {
      await begin()
      addVault()
      const page = await enterCode(await visit('/vault'))
      expect([page.name, page.url.href]).to.deep.equal(['account-vault', account('/vault')])
      const jar = mira.browser.jar.copy()
      const after = await to(await press(mira.browser, page, 'change'))
      expect([after.name, after.texts('[role=status]').length]).to.deep.equal(['account', 1])
      expect(done.map(({ form }) => form)).to.deep.equal([{ password: 'new' }])
      // The proof is spent: a copy of the browser's cookies does nothing with it.
      await press(new HttpClient({ jar }), page, 'change')
      expect(deeds()).to.deep.equal(['change'])
      expect((await visit('/vault')).name).to.equal('totp-verify')
    })

    it('R11 take the place of no second factor that was shown just now', async () => {
      await begin()
      addVault()
      const { csrf = '' } = (await visit('/notes')).form().fields
      host.clock.at += 300
      const asked = (await mira.browser.get(account('/vault'))).location!
      asked.searchParams.delete('mfa_action')
      expect((await to(await mira.browser.get(asked))).name).to.equal('account-vault')
      await mira.browser.post(account('/vault'), { csrf, do: 'rename' })
      await mira.browser.post(account('/vault'), { csrf, do: 'change' })
      expect(deeds()).to.deep.equal([])
    })

    it('R11 lead to the overview where the proof for a page is refused, and take no form without one', async () => {
      await begin()
      addVault()
      const verify = await visit('/vault')
      const back = await to(await mira.browser.submit(verify, {}, { form: '[action$="/cancel"]' }))
      expect(back.name).to.equal('account')
      const { csrf = '' } = back.form('form[method=post]').fields
      const answer = await mira.browser.post(account('/vault'), { csrf, do: 'change' })
      expect([answer.location?.href, deeds()]).to.deep.equal([account('/vault'), []])
    })

    it('R11 do nothing where the person goes back, or somebody else gives the factor', async () => {
      await begin()
      const noah = await enrolledPerson(host, 'noah')
      host.clock.at += 300
      const verify = await to(await press(mira.browser, await visit('/notes'), 'careful'))
      const back = await to(await mira.browser.submit(verify, {}, { form: '[action$="/cancel"]' }))
      expect([back.name, deeds()]).to.deep.equal(['account-notes', []])
      const asked = (await press(mira.browser, back, 'careful')).location!
      // The thief of a cookie continues in a browser in which somebody else is signed in.
      for (const { key, value } of mira.browser.jar.all())
        if (key === 'mfa_account_sign_in')
          noah.browser.jar.store(new URL(host.issuer), [`${key}=${value}; Path=/account`])
      const other = await to(await noah.browser.get(asked), noah.browser)
      await to(await noah.browser.submit(other, { code: nextCode(host, noah) }), noah.browser)
      expect(deeds()).to.deep.equal([])
    })

    it('R30 take no form without a token, with that of another person, or of an ended session', async () => {
      await begin()
      const noah = await enrolledPerson(host, 'noah')
      const stale = (await visit('/notes')).form().fields.csrf ?? ''
      const foreign = (await visit('/notes', noah.browser)).form().fields.csrf ?? ''
      const post = (csrf: string, headers = {}) =>
        mira.browser.post(account('/notes'), { do: 'free', ...(csrf && { csrf }) }, { headers })
      for (const forged of [
        await post(''),
        await post(foreign),
        await post(stale, { origin: 'https://evil.example' }),
      ])
        expect([forged.status, forged.name]).to.deep.equal([403, 'forbidden'])
      await host.mfa.accounts.passwordChanged('mira')
      await signIn(host, mira.browser, mira)
      await visit('/notes')
      expect(deeds()).to.deep.equal([])
    })

    it('R42 do nothing in a session whose account has another epoch now', async () => {
      await begin()
      const page = await visit('/notes')
      await host.mfa.accounts.passwordChanged('mira')
      const answer = await press(mira.browser, page, 'free')
      expect([answer.status, answer.location?.href]).to.deep.equal([303, account()])
      host.clock.at += 300
      await host.mfa.accounts.endEverything('mira', 'test')
      await press(mira.browser, page, 'careful')
      expect(deeds()).to.deep.equal([])
    })

    it('R42 do nothing after a sign-out, also where the application keeps tokens beyond a session', async () => {
      await begin({ configuration: { expiresWithSession: () => false } })
      const page = await visit('/notes')
      const end = await visit('')
      const logout = await mira.browser.get(end.link('[data-sign-out]'))
      await mira.browser.submit(logout, { logout: 'yes' })
      const answer = await press(mira.browser, page, 'free')
      expect([answer.status, deeds()]).to.deep.equal([303, []])
    })
  })

  it('R11 let no other app ask for a change of factors, nor an app of their name where they are off', async () => {
    const client = { ...CLIENT, client_id: 'account' }
    for (const [options, clientId] of [
      [{ mfa: { account: true } }, 'app'],
      [{ mfa: { account: false }, configuration: { clients: [client] } }, 'account'],
    ] as const) {
      host = await startHost(options)
      const asked = authorizeUrl(host, { client_id: clientId, mfa_action: 'add' })
      const { location } = await new HttpClient().get(asked)
      expect(location?.searchParams.get('error')).to.equal('invalid_request')
      expect(location?.searchParams.get('error_description')).to.contain('mfa_action is not for')
      if (clientId === 'app') await host.close()
    }
  })

  it('answer who is signed in to a route of the application, or lead to the sign-in and back', async () => {
    await begin({
      middleware: (mfa) => async (ctx, next) => {
        if (ctx.path !== '/account/own/route') return next()
        const found = await mfa.account.visit(ctx)
        if (found !== undefined) ctx.body = found.accountId
      },
    })
    const page = await visit('/own/route?a=b')
    expect([page.body, page.url.href]).to.deep.equal(['mira', account('/own/route?a=b')])
    const stranger = await new HttpClient().post(account('/own/route'), {})
    expect([stranger.status, stranger.location?.href]).to.deep.equal([303, account()])
  })

  it('lead back to no other site, whatever path a route of the application answers', async () => {
    await begin({
      middleware: (mfa) => async (ctx, next) => {
        if (!ctx.path.endsWith('/own')) return next()
        const found = await mfa.account.visit(ctx)
        if (found !== undefined) ctx.body = found.accountId
      },
    })
    for (const path of ['//evil.example/own', '///evil.example/own']) {
      const asked = await fetch(host.issuer + path, { redirect: 'manual' })
      mira.browser.jar.store(new URL(host.issuer), asked.headers.getSetCookie())
      const page = await to(await mira.browser.get(asked.headers.get('location') ?? ''))
      expect([page.body, page.url.href], path).to.deep.equal([
        'mira',
        `${host.issuer}/evil.example/own`,
      ])
    }
  })

  describe('in an application whose configuration', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (const [what, configuration] of Object.entries({
      'signs with an elliptic curve alone': {
        jwks: { keys: [privateKey.export({ format: 'jwk' })] },
        clients: [{ ...CLIENT, id_token_signed_response_alg: 'ES256' }],
      },
      'lets clients authenticate by form alone': {
        clientAuthMethods: ['client_secret_post'],
        clients: [{ ...CLIENT, token_endpoint_auth_method: 'client_secret_post' }],
      },
      'has public clients alone': {
        clientAuthMethods: ['none'],
        clients: [{ ...CLIENT, client_secret: undefined, token_endpoint_auth_method: 'none' }],
      },
      'has defaults for clients': {
        clientDefaults: { token_endpoint_auth_method: 'none', grant_types: ['implicit'] },
      },
      'has clients whose tokens are bound to a DPoP key, and short scopes, by default': {
        features: { devInteractions: { enabled: false }, dPoP: { enabled: true } },
        clientDefaults: { dpop_bound_access_tokens: true, scope: 'openid' },
        clients: [{ ...CLIENT, dpop_bound_access_tokens: false, scope: 'openid email' }],
      },
      'has clients whose tokens are bound to a certificate by default': {
        features: {
          devInteractions: { enabled: false },
          mTLS: { enabled: true, certificateBoundAccessTokens: true },
        },
        clientDefaults: { tls_client_certificate_bound_access_tokens: true },
        clients: [{ ...CLIENT, tls_client_certificate_bound_access_tokens: false }],
      },
      'has clients that push and sign their requests, and get signed responses, by default': {
        features: {
          devInteractions: { enabled: false },
          pushedAuthorizationRequests: { enabled: true },
          requestObjects: { enabled: true },
          jwtResponseModes: { enabled: true },
        },
        clientDefaults: {
          require_pushed_authorization_requests: true,
          require_signed_request_object: true,
          response_modes: ['query.jwt'],
        },
        clients: [
          {
            ...CLIENT,
            require_pushed_authorization_requests: false,
            require_signed_request_object: false,
            response_modes: ['query'],
          },
        ],
      },
      'has the FAPI 2.0 profile, PKCE for all, and takes tokens in the address': {
        features: { devInteractions: { enabled: false }, fapi: { enabled: true, profile: '2.0' } },
        pkce: { required: () => true },
        acceptQueryParamAccessTokens: false,
      },
      'has the FAPI 1.0 profile for every client but the app': {
        features: {
          devInteractions: { enabled: false },
          jwtResponseModes: { enabled: true },
          fapi: {
            enabled: true,
            profile: (_ctx: unknown, client?: { clientId: string }) =>
              client?.clientId === 'app' ? undefined : '1.0 Final',
          },
        },
      },
      'gives tokens for an API by default': {
        features: {
          devInteractions: { enabled: false },
          resourceIndicators: {
            enabled: true,
            defaultResource: (_ctx: unknown, client: { clientId: string }) =>
              client.clientId === 'app' ? undefined : 'https://api.example.com',
            getResourceServerInfo: () => ({ scope: 'read', accessTokenFormat: 'jwt' }),
            useGrantedResource: () => true,
          },
        },
      },
    }))
      it(`${what}, they sign in`, async () => {
        await begin({ configuration: configuration as never })
        expect((await visit()).name).to.equal('account')
      })
  })

  describe('by name refuse', () => {
    /** Makes the plugin and a provider without a server, which would outlive the refusal. */
    const refusalOf = (options: HostOptions): string => {
      const storage = host.storage
      try {
        const mfa = createMfa({
          issuerName: 'Acme',
          storage,
          encryptionKeys: [Buffer.alloc(32, 7)],
          factors: [totp(), backupCodes()],
          firstEnrolment: 'password',
          account: true,
          ...options.mfa,
        })
        const configuration = { ...defaultConfiguration(storage), ...options.configuration }
        mfa.attach(new Provider('http://localhost', mfa.configure(configuration)))
      } catch (error) {
        return `${(error as { code?: string }).code}: ${(error as Error).message}`
      }
      return 'nothing'
    }
    beforeEach(async () => open())

    for (const [what, [options, ...words]] of Object.entries({
      'a client with their id': [
        { configuration: { clients: [{ ...CLIENT, client_id: 'account' }] } },
        'configuration-not-composable',
        '`clients`',
      ],
      'an application without userinfo': [
        {
          configuration: {
            features: { devInteractions: { enabled: false }, userinfo: { enabled: false } },
          },
        },
        'configuration-not-composable',
        '`features.userinfo`',
      ],
      'a provider that takes pushed requests alone': [
        {
          configuration: {
            features: {
              devInteractions: { enabled: false },
              pushedAuthorizationRequests: {
                enabled: true,
                requirePushedAuthorizationRequests: true,
              },
            },
          },
        },
        'configuration-not-composable',
        'requirePushedAuthorizationRequests',
      ],
      'a provider that takes signed requests alone': [
        {
          configuration: {
            features: {
              devInteractions: { enabled: false },
              requestObjects: { enabled: true, requireSignedRequestObject: true },
            },
          },
        },
        'configuration-not-composable',
        'requireSignedRequestObject',
      ],
      'clients that can authenticate by keys alone': [
        { configuration: { clientAuthMethods: ['private_key_jwt'] } },
        'configuration-not-composable',
        '`clientAuthMethods`',
      ],
      'a provider without the response type of a code': [
        {
          configuration: {
            responseTypes: ['id_token'],
            clients: [{ ...CLIENT, grant_types: ['implicit'], response_types: ['id_token'] }],
          },
        },
        'configuration-not-composable',
        '`responseTypes`',
      ],
      'clients that by default may not ask who the person is': [
        { configuration: { clientDefaults: { scope: 'read' } } },
        'configuration-not-composable',
        '`clientDefaults.scope`',
      ],
      'clients whose userinfo is signed by default': [
        { configuration: { clientDefaults: { userinfo_signed_response_alg: 'RS256' } } },
        'configuration-not-composable',
        '`clientDefaults.userinfo_signed_response_alg`',
      ],
      'a path of a route of the host': [
        { mfa: { account: { path: '/token' } } },
        'options-invalid',
        'account.path',
      ],
      'a path among those of a sign-in': [
        { mfa: { account: { path: '/mfa/me' } } },
        'options-invalid',
        'account.path',
      ],
      'a link that runs a script': [
        { mfa: { account: { links: [{ href: 'javascript:alert(1)', text: 'x' }] } } },
        'options-invalid',
        'account',
      ],
      'another type': [
        { mfa: { account: 'yes' as unknown as boolean } },
        'options-invalid',
        'account',
      ],
    } satisfies Record<string, [HostOptions, ...string[]]>))
      it(what, () => {
        const refusal = refusalOf(options)
        for (const word of words) expect(refusal).to.include(word)
      })

    it('a stored client with their id, when somebody signs in to them', async () => {
      await host.storage
        .hostRecords('Client')
        .upsert('account', { ...CLIENT, client_id: 'account' }, 0)
      const answer = await visit('', new HttpClient())
      expect(answer.status).to.equal(500)
      expect(host.faults.map(String).join()).to.include('has the id "account"')
    })

    it('a page whose name is taken, or is no name', async () => {
      for (const name of ['notes', 'callback', 'Notes', 'a/b', ''])
        expect(() => host.mfa.account.page({ name, show: async () => undefined }), name).to.throw(
          /mfa\.account\.page/,
        )
    })
  })

  it('are not there without the option', async () => {
    host = await startHost({ mfa: { account: false } satisfies Partial<MfaOptions> })
    const { account: pages } = host.mfa
    expect(() => pages.path).to.throw(/option `account`/)
    expect(() => pages.page({ name: 'own', show: async () => {} })).to.throw(/option `account`/)
    const refused = await pages.visit({} as never).catch((error: unknown) => String(error))
    expect(refused).to.match(/option `account`/)
    expect(host.mfa.manageUrl()).to.equal(undefined)
    expect((await new HttpClient().get(account())).status).to.equal(404)
    await enrol(host, new HttpClient(), 'mira')
  })

  it('stand beside a page of the application, to which manageUrl leads', async () => {
    await open({ mfa: { manage: { clients: ['app'], url: 'https://acme.example/me' } } })
    expect(host.mfa.manageUrl()).to.equal('https://acme.example/me')
  })
})
