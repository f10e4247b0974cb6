import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { MfaError } from '../../src/domain/errors.ts'
import type { FactorPages } from '../../src/factors/factor-pages.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import type { ShownFactor } from '../../src/http/factor-views.ts'
import type { Surroundings } from '../../src/http/pages.ts'
import { createViews, type ViewsOptions } from '../../src/http/views.ts'
import { parse } from '../support/html.ts'

const ENGLISH: Surroundings = { issuerName: 'Acme', locale: 'en' }
const GERMAN: Surroundings = { ...ENGLISH, locale: 'de' }
const FORM = { csrf: 'c', action: '/a', cancelAction: '/c' }
const model = { ...FORM, verification: { colour: 'grey' } }
const enrolModel = { ...FORM, name: '', enrolment: {} }

const page = (content: string) =>
  `{% extends "layouts/page.njk" %}{% set title = t('pigeon.title') %}
   {% block content %}${content}{% endblock %}`

describe('the pages that a factor brings', () => {
  let root: string
  let files: Record<string, string>
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'factor-'))
    files = {
      'pigeon/enrol.njk': page('<p>Feed it.</p>'),
      'pigeon/verify.njk': page('<p>{{ verification.colour }}</p>'),
      'pigeon/messages/en.json':
        '{ "pigeon.title": "Await the pigeon", "factor.pigeon.name": "Pigeon" }',
      'pigeon/messages/de.json':
        '{ "pigeon.title": "Auf die Taube warten", "factor.pigeon.name": "Taube" }',
    }
  })
  afterEach(() => rmSync(root, { recursive: true }))

  function write(): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    }
  }
  const pigeon = (more: Partial<FactorPages> = {}): ShownFactor => ({
    id: 'pigeon',
    enrolment: 'confirmed',
    pages: { views: join(root, 'pigeon'), ...more },
  })
  function views(options: ViewsOptions = {}) {
    write()
    return createViews({ factors: [pigeon()], ...options })
  }
  function refusal(options: ViewsOptions = {}): string {
    try {
      views(options)
    } catch (error) {
      expect(error).to.be.instanceOf(MfaError)
      expect((error as MfaError).code).to.equal('options-invalid')
      return (error as MfaError).message
    }
    throw new Error('The pages were taken')
  }

  it('are shown from its own folder, under names made of its id, in its own words', async () => {
    const { render } = views()
    const verify = await render('pigeon-verify', model, ENGLISH)
    expect(verify)
      .to.include('data-page="pigeon-verify"')
      .and.include('<h1>Await the pigeon</h1>')
      .and.include('<p>grey</p>')
    const enrol = await render('pigeon-enrol', enrolModel, GERMAN)
    expect(enrol)
      .to.include('data-page="pigeon-enrol"')
      .and.include('<h1>Auf die Taube warten</h1>')
      .and.include('Feed it.')
  })

  it('have the names that it gives them', async () => {
    const names = { verify: 'homing-verify' } as const
    const { render } = views({
      factors: [pigeon({ names, views: pathToFileURL(join(root, 'pigeon')) })],
    })
    expect(await render('homing-verify', model, ENGLISH)).to.include('data-page="homing-verify"')
    expect(await render('pigeon-enrol', enrolModel, ENGLISH)).to.include('data-page="pigeon-enrol"')
    expect(() => render('pigeon-verify', model, ENGLISH)).to.throw('pigeon-verify')
  })

  it('have a mail for each event that the owner is told of', () => {
    const mailing = { ...pigeon(), mailedEvents: ['pigeon-copied'] }
    expect(refusal({ factors: [mailing] })).to.include(
      '"pigeon": the mailed event "pigeon-copied" has no mail/pigeon-copied.njk',
    )
    files['pigeon/mail/pigeon-copied.njk'] = "{{ t('mail.pigeon-copied.text') }}"
    files['pigeon/messages/en.json'] = files['pigeon/messages/en.json']!.replace(
      ' }',
      ', "mail.pigeon-copied.subject": "A copy", "mail.pigeon-copied.text": "Look." }',
    )
    const { renderMail } = views({ factors: [mailing] })
    expect(renderMail('pigeon-copied', { issuer: 'Acme' })).to.include({ subject: 'A copy' })
  })

  it('are searched after the application’s own, which can extend them by "default/"', async () => {
    files['own/factors/pigeon/verify.njk'] =
      '{% extends "default/factors/pigeon/verify.njk" %}{% block aside %}<p>Ask.</p>{% endblock %}'
    files['own/messages/en.json'] = '{ "pigeon.title": "Wait" }'
    const { render } = views({ views: join(root, 'own') })
    const verify = await render('pigeon-verify', model, ENGLISH)
    expect(verify).to.include('<p>grey</p>').and.include('<p>Ask.</p>').and.include('<h1>Wait</h1>')
  })

  it('replace ours for a factor that has the id of one of ours', async () => {
    files = { 'totp/verify.njk': page('<p>Mine, {{ verification.digits }}</p>') }
    files['totp/verify.njk'] = files['totp/verify.njk']!.replace(
      'pigeon.title',
      'totp-verify.title',
    )
    const totp: ShownFactor = {
      id: 'totp',
      enrolment: 'issued',
      pages: { views: join(root, 'totp') },
    }
    const { render } = views({ factors: [totp] })
    const verify = await render('totp-verify', { ...model, verification: { digits: 6 } }, ENGLISH)
    expect(verify).to.include('<p>Mine, 6</p>')
  })

  it('speak English in a language that the factor lacks, whatever the default one is', async () => {
    files['own/messages/fr.json'] = '{ "language.direction": "ltr" }'
    delete files['pigeon/messages/de.json']
    const { render } = views({ views: join(root, 'own'), locale: 'de' })
    for (const locale of ['de', 'fr'])
      expect(await render('pigeon-verify', model, { ...ENGLISH, locale }))
        .to.include(`<html lang="${locale}"`)
        .and.include('<h1>Await the pigeon</h1>')
  })

  it('add no language to the product: the pages around them would be in another one', () => {
    files['pigeon/messages/it.json'] = '{ "pigeon.title": "Aspetta" }'
    expect(views().locales).to.have.members(['de', 'en'])
  })

  it('have its drawing where methods are listed', async () => {
    files['pigeon/icon.njk'] = '<svg class="pigeon"></svg>'
    const choose = await views().render(
      'mfa-choose',
      { ...model, mode: 'enrol', reason: 'policy', methods: [{ factor: 'pigeon' }] },
      ENGLISH,
    )
    expect(choose).to.include('<svg class="pigeon">').and.include('<b>Pigeon</b>')
  })

  describe('with a mail', () => {
    const mail = () => {
      files['pigeon/mail/pigeon-sent.njk'] =
        '{% extends "mail/layout." + part + ".njk" %}{% block content %}' +
        `{{ t('mail.pigeon-sent.text', code=code) }}{% endblock %}`
      files['pigeon/messages/en.json'] =
        '{ "mail.pigeon-sent.subject": "It flies", "mail.pigeon-sent.text": "Ring {code}", "pigeon.title": "x" }'
      files['pigeon/messages/de.json'] =
        '{ "mail.pigeon-sent.subject": "Sie fliegt", "mail.pigeon-sent.text": "Ring {code} da" }'
    }

    it('send it in the language of the page', () => {
      mail()
      const { renderMail } = views()
      const values = { issuer: 'Acme', code: '4711' }
      expect(renderMail('pigeon-sent', values, 'de').subject).to.equal('Sie fliegt')
      const { subject, text, html } = renderMail('pigeon-sent', values)
      expect(subject).to.equal('It flies')
      expect(text).to.include('Ring 4711')
      expect(html).to.include('<!doctype html>').and.include('Ring 4711')
    })

    it('are refused where it has another’s name, no subject, or does not compile', () => {
      mail()
      files['pigeon/mail/owl.njk'] = ''
      expect(refusal()).to.include('"pigeon"').and.include('the mail "owl"')
      rmSync(join(root, 'pigeon/mail/owl.njk'))
      delete files['pigeon/mail/owl.njk']
      files['pigeon/mail/pigeon.njk'] = '{% if %}'
      expect(refusal()).to.include('"mail.pigeon.subject"')
      files['pigeon/messages/en.json'] = files['pigeon/messages/en.json']!.replace(
        '{',
        '{ "mail.pigeon.subject": "x", ',
      )
      expect(refusal()).to.include('"pigeon"').and.include('mail/pigeon.njk')
      const taken = { ...pigeon(), id: 'password' }
      files['pigeon/mail/password-suspected.njk'] = ''
      expect(refusal({ factors: [taken] }))
        .to.include('the mail name "password-suspected"')
        .and.include('this product')
    })
  })

  describe('with an offer', () => {
    const offering = (more: Partial<FactorPages> = {}) => {
      files['pigeon/beside.js'] = 'coo()'
      files['pigeon/offer.njk'] = page('<p>Fly.</p>')
      return pigeon({ offer: true, beside: join(root, 'pigeon/beside.js'), ...more })
    }
    const form = { csrf: 'c', action: '/offer/pigeon' }

    it('have its page, by the name of the factor or its own', async () => {
      const { render } = views({ factors: [offering()] })
      expect(await render('pigeon-offer', form, ENGLISH)).to.include('Fly.')
      const names = { offer: 'homing-offer' } as const
      const named = views({ factors: [offering({ names })] })
      expect(await named.render('homing-offer', form, ENGLISH)).to.include('Fly.')
    })

    it('put the script on pages of other factors where the sign-in asks for it, and on no others', async () => {
      const factors = [backupCodes(), offering()]
      const { render, assets } = views({ factors })
      const beside = [
        { factor: 'pigeon', offer: true },
        { factor: 'backup-codes', offer: true },
      ] as const
      const html = await render('backup-code-verify', model, { ...ENGLISH, beside })
      const [, href = ''] = /<script src="([^"]*)" data-offer defer>/.exec(html) ?? []
      expect(assets.get(href)?.bytes.toString()).to.equal('coo()')
      expect(html.match(/data-offer/g)).to.have.length(1)
      const plain = await render('backup-code-verify', model, ENGLISH)
      expect(plain).to.not.include('-beside.').and.not.include('data-offer')
    })

    it('are refused without the script, the page, or a set-up', () => {
      const { beside: _, ...without } = offering().pages ?? { views: '' }
      expect(refusal({ factors: [{ ...pigeon(), pages: without }] })).to.include('an offer needs')
      expect(refusal({ factors: [{ ...offering(), enrolment: 'none' }] })).to.include(
        'an offer needs',
      )
      const factors = [offering()]
      rmSync(join(root, 'pigeon'), { recursive: true })
      delete files['pigeon/offer.njk']
      expect(refusal({ factors })).to.include('factors/pigeon/offer.njk')
    })
  })

  describe('with a script and a style sheet', () => {
    const withFiles = () => {
      files['pigeon/coo.js'] = "'use strict'"
      files['pigeon/coo.css'] = '.pigeon {}'
      const script = pathToFileURL(join(root, 'pigeon/coo.js'))
      return { factors: [pigeon({ script, style: join(root, 'pigeon/coo.css') })] }
    }
    const linked = (html: string) =>
      parse(html)
        .querySelectorAll(':is([src^="/mfa/assets/factor-"], [href^="/mfa/assets/factor-"])')
        .map((each) => each.getAttribute('src') ?? each.getAttribute('href') ?? '')

    it('link them under hashed names, to be kept for a year', async () => {
      const shown = views({ ...withFiles(), assetBase: '/mfa/assets' })
      for (const html of [
        await shown.render('pigeon-verify', model, ENGLISH),
        await shown.render('pigeon-enrol', enrolModel, ENGLISH),
      ]) {
        const [style = '', script = '', ...more] = linked(html)
        expect(more).to.deep.equal([])
        expect(style).to.match(/^\/mfa\/assets\/factor-pigeon\.[0-9a-f]{16}\.css$/)
        expect(script).to.match(/^\/mfa\/assets\/factor-pigeon\.[0-9a-f]{16}\.js$/)
        expect(html.indexOf(style)).to.be.above(html.indexOf('/style.'))
        expect(html.indexOf(script)).to.be.above(html.indexOf('/page.'))
        expect(shown.assets.get(style)?.bytes.toString()).to.equal('.pigeon {}')
        const { type, headers } = shown.assets.get(script) ?? {}
        expect(type).to.equal('text/javascript; charset=utf-8')
        expect(headers?.['Cache-Control']).to.equal('public, max-age=31536000, immutable')
      }
    })

    it('link them on no page of another', async () => {
      const { factors } = withFiles()
      const shown = views({ factors: [...factors, backupCodes()], assetBase: '/mfa/assets' })
      const others = [
        await shown.render('backup-code-verify', model, ENGLISH),
        await shown.render('not-found', {}, ENGLISH),
      ]
      expect(others.flatMap(linked)).to.deep.equal([])
    })

    it('serve the application’s own file of that name instead', () => {
      const options = withFiles()
      files['own/factor-pigeon.css'] = '.own {}'
      const { assets } = views({ ...options, views: join(root, 'own') })
      expect(assets.get(assets.href('factor-pigeon.css'))?.bytes.toString()).to.equal('.own {}')
    })
  })

  describe('are refused, with the id of the factor', () => {
    it('where the folder, a script or a style sheet is missing', () => {
      expect(refusal({ factors: [pigeon({ views: join(root, 'gone') })] }))
        .to.include('"pigeon"')
        .and.include(join(root, 'gone'))
      for (const what of ['script', 'style'])
        for (const path of ['gone.js', 'messages'])
          expect(refusal({ factors: [pigeon({ [what]: join(root, 'pigeon', path) })] }))
            .to.include('"pigeon"')
            .and.include(`${what} ${join(root, 'pigeon', path)}`)
    })

    it('where a template is missing or does not compile', () => {
      delete files['pigeon/verify.njk']
      expect(refusal()).to.include('"pigeon"').and.include('factors/pigeon/verify.njk')
      files['pigeon/verify.njk'] = '{% block %}'
      rmSync(join(root, 'pigeon'), { recursive: true })
      expect(refusal()).to.include('"pigeon"').and.include('factors/pigeon/verify.njk')
      files['pigeon/verify.njk'] = page('')
      files['pigeon/icon.njk'] = '{% if %}'
      expect(refusal()).to.include('"pigeon"').and.include('factors/pigeon/icon.njk')
    })

    it('where it has no pages and the application has no templates, unless it renders itself', async () => {
      const bare: ShownFactor = { id: 'bare', enrolment: 'issued' }
      expect(refusal({ factors: [bare] }))
        .to.include('"bare"')
        .and.include('no `pages`')
        .and.include('factors/bare/verify.njk')
      const { render } = createViews({ factors: [bare], render: () => '<body>' })
      expect(await render('bare-verify', { ...model }, ENGLISH)).to.equal('<body>')
    })

    it('where a page has the name of another one', () => {
      const names = { verify: 'backup-code-verify' } as const
      expect(refusal({ factors: [backupCodes(), pigeon({ names })] }))
        .to.include('"pigeon"')
        .and.include('"backup-code-verify"')
        .and.include('"backup-codes"')
    })

    it('where a message is of this product or of another factor', () => {
      files['pigeon/messages/en.json'] = '{ "login.title": "Coo" }'
      expect(refusal({ factors: [{ ...pigeon(), id: 'login' }] }))
        .to.include('"login"')
        .and.include('"login.title"')
        .and.include('this product')
      files['pigeon/messages/en.json'] = '{ "factor.pigeon.name": "Coo" }'
      files['pigeon/messages/de.json'] = '{ "factor.pigeon.name": "Gurr" }'
      const greedy = { ...pigeon(), id: 'factor' }
      expect(refusal({ factors: [pigeon(), greedy] }))
        .to.include('"factor"')
        .and.include('"factor.pigeon.name"')
        .and.include('the factor "pigeon"')
    })

    it('where a message is outside of its own names, missing in English, or no message', () => {
      files['pigeon/messages/en.json'] = '{ "pigeon.title": "x", "pigeons.title": "x" }'
      files['pigeon/messages/de.json'] = '{ "pigeon.other": "x" }'
      expect(refusal())
        .to.include('"pigeon"')
        .and.include('messages/en.json: the key "pigeons.title"')
        .and.include('messages/de.json: the key "pigeon.other" is missing in messages/en.json')
      files['pigeon/messages/en.json'] = '{ "pigeon.title": 7 }'
      expect(refusal()).to.include('"pigeon"').and.include('"pigeon.title"')
    })

    it('all at once', () => {
      const pages = { views: join(root, 'gone') }
      const gone: ShownFactor = { id: 'gone', enrolment: 'issued', pages }
      files['pigeon/messages/en.json'] = '{ "owl.title": "x" }'
      files['pigeon/messages/de.json'] = '{}'
      expect(refusal({ factors: [gone, pigeon()] }).match(/^- /gm)).to.have.length(2)
    })
  })
})
