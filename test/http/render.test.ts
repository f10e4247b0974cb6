import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { totp } from '../../src/factors/totp/index.ts'
import type { PageModels, Surroundings } from '../../src/http/pages.ts'
import { builtInViews, viewFolders } from '../../src/http/templates.ts'
import { createViews, type ViewsOptions } from '../../src/http/views.ts'
import { parse } from '../support/html.ts'

const surroundings: Surroundings = {
  issuerName: 'Acme',
  locale: 'en',
  client: { name: 'Fieldnotes' },
}
const login: PageModels['login'] = { action: '/login', csrf: 'c5rf', username: '' }

describe('a page', () => {
  const { render } = createViews({ factors: [totp()] })

  it('R30 shows every value as text, wherever it stands', async () => {
    const hostile = '"><script>alert(1)</script>\'&'
    const html = await render(
      'login',
      { ...login, action: `/login?${hostile}`, csrf: hostile, username: hostile },
      {
        issuerName: hostile,
        locale: 'en',
        client: { name: hostile },
        account: { label: hostile, initials: hostile },
      },
    )
    expect(html).to.not.include('<script>')
    expect(html.split('&quot;&gt;&lt;script&gt;')).to.have.length.above(8)
  })

  it('links only to paths and web addresses', async () => {
    const back = async (href: string) => {
      const html = await render('expired', { href }, surroundings)
      return parse(html).querySelector('a.button')?.getAttribute('href')
    }
    const address = 'https://app.example.com/?a=1&b'
    expect(await render('expired', { href: address }, surroundings)).to.include('?a=1&amp;b"')
    expect(await back(address)).to.equal(address)
    expect(await back('/auth?client_id=x')).to.equal('/auth?client_id=x')
    for (const href of ['javascript:alert(1)', '//evil.example', '/\\evil.example', 'data:,x', ''])
      expect(await back(href), href).to.equal(undefined)
  })

  it('shows a logo only from where the content security policy lets it come', async () => {
    const logo = async (logoUri: string) => {
      const client = { name: 'Fieldnotes', logoUri }
      const html = await render('login', login, { ...surroundings, client })
      return parse(html).querySelector('img')?.getAttribute('src')
    }
    for (const uri of ['https://app.example.com/logo.png', '/logo.png', 'data:image/png;base64,AA'])
      expect(await logo(uri)).to.equal(uri)
    for (const uri of [
      'http://app.example.com/logo.png',
      'javascript:alert(1)',
      'data:text/html,x',
    ])
      expect(await logo(uri), uri).to.equal(undefined)
  })

  it('has the initial of an app without a logo', async () => {
    const initial = async (name: string) =>
      parse(await render('login', login, { ...surroundings, client: { name } })).querySelector(
        'i[aria-hidden=true]',
      )?.textContent
    expect(await initial(' ledger')).to.equal('L')
    expect(await initial('👩‍💻 lab')).to.equal('👩‍💻')
    expect(await initial('')).to.equal('')
  })

  it('that follows a change of the application’s own says that it is done, also without a sentence for it', async () => {
    const said = async (key: string, messages: ViewsOptions['messages'] = {}) => {
      const model: PageModels['account'] = {
        csrf: 'c5rf',
        action: '/account',
        methods: [],
        addable: ['totp'],
        renewable: [],
        lacks: [],
        signIns: [],
        groups: [],
        ownLinks: [],
        lockAction: '/account/lock',
        said: key,
      }
      const page = createViews({ factors: [totp()], messages })
      return parse(await page.render('account', model, surroundings)).querySelector('[role=status]')
        ?.textContent
    }
    expect(await said('cat-fed')).to.include('It is done.')
    const messages = { en: { 'account.said-cat-fed': 'The cat is fed.' } }
    expect(await said('cat-fed', messages)).to.include('The cat is fed.')
  })

  it("has its client's colours as a sheet of their own, and none where they are no colours", async () => {
    const sheets = async (accent: string) => {
      const client = { name: 'Fieldnotes', accent, accentInk: '#fff' }
      const html = await render('login', login, { ...surroundings, client })
      return parse(html)
        .querySelectorAll('link[rel=stylesheet]')
        .map((link) => link.getAttribute('href'))
    }
    const [style, theme] = await sheets('#0f766e')
    expect(style).to.match(/^\/assets\/style\./)
    expect(theme).to.match(/^\/assets\/theme-0f766e-ffffff\.[0-9a-f]{16}\.css$/)
    expect(await sheets('red')).to.have.length(1)
  })

  it('is in the default language where its own is not there', async () => {
    const html = await render('login', login, { ...surroundings, locale: 'xx' })
    expect(html).to.include('<html lang="en"').and.include('Sign in')
  })

  it('does not show an authenticator address or a drawing that is none', async () => {
    const enrolment = {
      secret: 'ABCD',
      digits: 6,
      periodSeconds: 30,
      algorithm: 'SHA1',
      uri: 'otpauth://totp/x?secret=ABCD',
      qrSvg: '<svg></svg>',
    }
    const enrol = async (changed: object) =>
      render(
        'totp-enrol',
        {
          csrf: 'c',
          action: '/a',
          cancelAction: '/c',
          name: '',
          enrolment: { ...enrolment, ...changed },
        },
        surroundings,
      )
    expect(await enrol({})).to.include('<svg></svg>')
    await refused(enrol({ uri: 'javascript:alert(1)' }), 'otpauth://')
    await refused(enrol({ qrSvg: '<svg><script></script></svg>' }), '<script>')
  })

  it('that lacks a value is an error that names the template, not a page with a hole', async () => {
    const model = { ...login, action: undefined } as unknown as PageModels['login']
    await refused(
      Promise.resolve().then(() => render('login', model, surroundings)),
      'views/interaction/login.njk',
    )
  })

  it('that does not exist is an error', async () => {
    const unknown = 'no-such-page' as 'login'
    await refused(
      Promise.resolve().then(() => render(unknown, login, surroundings)),
      'no-such-page',
    )
    await refused(
      Promise.resolve().then(() => render('toString' as 'login', login, surroundings)),
      'toString',
    )
  })
})

describe("an application's own views", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'views-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function write(path: string, content: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  const renderLogin = async (options: ViewsOptions = {}) =>
    createViews({ views: folder, ...options }).render('login', login, surroundings)

  it('come before ours, and can build on the one that they replace', async () => {
    write(
      'interaction/login.njk',
      '{% extends "default/interaction/login.njk" %}{% block aside %}<p>Ask the desk.</p>{% endblock %}',
    )
    const html = await renderLogin()
    expect(html).to.include('<p>Ask the desk.</p>').and.include('name="password"')
  })

  it('change every page by changing the frame, with a sheet of their own', async () => {
    write(
      'layouts/page.njk',
      `{% extends "default/layouts/page.njk" %}
       {% block styles %}{{ super() }}<link rel="stylesheet" href="{{ asset('own.css') }}">{% endblock %}`,
    )
    write('own.css', ':root { --accent: #0f766e }')
    const views = createViews({ views: folder, assetBase: '/mfa/assets' })
    const html = await views.render('not-found', {}, surroundings)
    const href = parse(html).querySelector('[href^="/mfa/assets/own."]')?.getAttribute('href') ?? ''
    expect(views.assets.get(href)?.bytes.toString()).to.include('#0f766e')
    expect(html.indexOf('style.')).to.be.below(html.indexOf('own.'))
  })

  it('change a single sentence, by file or in code', async () => {
    write('messages/en.json', '{ "login.title": "Welcome", "login.submit": "Enter" }')
    const html = await renderLogin({ messages: { en: { 'login.submit': 'Go in' } } })
    expect(html).to.include('<h1>Welcome</h1>').and.include('<button>Go in</button>')
  })

  it('add a language by adding a file', async () => {
    write('messages/fr.json', '{ "login.title": "Connexion" }')
    const views = createViews({ views: folder })
    expect([...views.locales].sort()).to.deep.equal(['de', 'en', 'fr'])
    expect(views.localeFor({ acceptLanguage: 'fr-CA' })).to.equal('fr')
    const html = await views.render('login', login, { ...surroundings, locale: 'fr' })
    expect(html).to.include('<h1>Connexion</h1>').and.include('<html lang="fr"')
  })

  it('hold the pages of a factor that brings none, with its words and its drawing', async () => {
    write(
      'factors/pigeon/verify.njk',
      `{% extends "layouts/page.njk" %}{% set title = t('pigeon.title') %}
       {% block content %}<p>{{ verification.colour }}</p>{% endblock %}`,
    )
    write('factors/pigeon/icon.njk', '<svg class="pigeon"></svg>')
    write(
      'messages/en.json',
      '{ "pigeon.title": "Await the pigeon", "factor.pigeon.name": "Pigeon" }',
    )
    const { render } = createViews({
      views: [folder],
      factors: [{ id: 'pigeon', enrolment: 'issued' }],
    })
    const answer = { csrf: 'c', action: '/a', cancelAction: '/c' }
    const verify = await render(
      'pigeon-verify',
      { ...answer, verification: { colour: 'grey' } },
      surroundings,
    )
    expect(verify).to.include('data-page="pigeon-verify"').and.include('<p>grey</p>')
    const choose = await render(
      'mfa-choose',
      { ...answer, mode: 'enrol', reason: 'policy', methods: [{ factor: 'pigeon' }] },
      surroundings,
    )
    expect(choose).to.include('<svg class="pigeon">').and.include('<b>Pigeon</b>')
  })

  it('that are not there, or do not compile, are an error at the start', () => {
    expect(() => createViews({ views: join(folder, 'gone') })).to.throw('gone')
    write('error/busy.njk', '{% block %}')
    expect(() => createViews({ views: folder })).to.throw('busy.njk')
  })
})

describe('our views folder', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'package-'))
    mkdirSync(join(root, 'dist', 'src', 'http'), { recursive: true })
    writeFileSync(join(root, 'package.json'), '{}')
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('is found from the source tree and from what is published', () => {
    mkdirSync(join(root, 'views', 'messages'), { recursive: true })
    writeFileSync(join(root, 'views', 'messages', 'en.json'), '{}')
    for (const from of [join(root, 'src', 'http'), join(root, 'dist', 'src', 'http')])
      expect(builtInViews(join(from, 'templates.js'))).to.equal(join(root, 'views'))
    expect(viewFolders().at(-1)).to.equal(builtInViews())
  })

  it('is looked for no further than the package reaches', () => {
    mkdirSync(join(root, 'node_modules', 'ours', 'dist'), { recursive: true })
    mkdirSync(join(root, 'views', 'messages'), { recursive: true })
    writeFileSync(join(root, 'views', 'messages', 'en.json'), '{}')
    writeFileSync(join(root, 'node_modules', 'ours', 'package.json'), '{}')
    const from = join(root, 'node_modules', 'ours', 'dist', 'templates.js')
    expect(() => builtInViews(from)).to.throw('views folder')
  })
})

async function refused(answer: Promise<unknown>, message: string): Promise<void> {
  const error: unknown = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).to.be.instanceOf(Error)
  expect((error as Error).message).to.include(message)
}
