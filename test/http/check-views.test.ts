import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { MfaError } from '../../src/domain/errors.ts'
import type { Render } from '../../src/http/pages.ts'
import { builtInViews } from '../../src/http/templates.ts'
import { createViews, type ViewsOptions } from '../../src/http/views.ts'
import { OUR_FACTORS } from '../pages/stage.ts'

const FRAME = '{% extends "default/layouts/page.njk" %}'
const LOGIN = '{% extends "default/interaction/login.njk" %}'

describe("the names in an application's views", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'views-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function write(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), content)
    }
  }

  /** The lines of the refusal, with paths below the folder. */
  function faultsIn(
    files: Readonly<Record<string, string>>,
    options: ViewsOptions = {},
  ): readonly string[] {
    write(files)
    try {
      createViews({ views: folder, factors: OUR_FACTORS, ...options })
    } catch (error) {
      expect(error).to.be.instanceOf(MfaError)
      expect((error as MfaError).code).to.equal('views-invalid')
      return (error as MfaError).message.replaceAll(`${folder}/`, '').split('\n- ').slice(1)
    }
    return []
  }

  it('are all known in our own views', () => {
    cpSync(builtInViews(), folder, { recursive: true })
    expect(faultsIn({})).to.deep.equal([])
  })

  it('of variables, members, filters and tests', () => {
    const content = [
      LOGIN,
      '{% block content %}',
      '{{ usernmae }}{% if erorr %}{% endif %}',
      '{{ client.nmae }}{{ account.notYou.acton }}',
      '{{ username | uper }}',
      '{% if username is definde %}{% endif %}',
      '{{ delivery.sentTo }}',
      '{% macro field(id) %}{{ id }}{{ idd }}{% endmacro %}',
      '{% endblock %}',
    ].join('\n')
    const list =
      '{% for method in methods %}{{ method.factr }}{% endfor %}{{ method }}{{ methods[0].nam }}'
    expect(
      faultsIn({ 'interaction/login.njk': content, 'interaction/mfa-choose.njk': list }),
    ).to.deep.equal([
      'interaction/login.njk:3: there is no value "usernmae" (did you mean "username"?)',
      'interaction/login.njk:3: there is no value "erorr" (did you mean "error"?)',
      'interaction/login.njk:4: there is no value "client.nmae" (did you mean "name"?)',
      'interaction/login.njk:4: there is no value "account.notYou.acton" (did you mean "action"?)',
      'interaction/login.njk:5: there is no filter "uper"',
      'interaction/login.njk:6: there is no test "definde"',
      'interaction/login.njk:7: there is no value "delivery"',
      'interaction/login.njk:8: there is no value "idd" (did you mean "id"?)',
      'interaction/mfa-choose.njk:1: there is no value "method.factr" (did you mean "factor"?)',
      'interaction/mfa-choose.njk:1: there is no value "method" (did you mean "methods"?)',
      'interaction/mfa-choose.njk:1: there is no value "methods[].nam" (did you mean "name"?)',
    ])
  })

  it('of files, blocks, templates and macros', () => {
    const frame = [
      FRAME,
      `{% block styles %}{{ super() }}{{ asset('owm.css') }}{{ asset('a' + page) }}{% endblock %}`,
      '{% block asied %}{% endblock %}',
      '{% block footer %}{% include "layouts/brnad.njk" %}{% endblock %}',
    ].join('\n')
    const login = [
      LOGIN,
      '{% import "layouts/parts.njk" as parts with context %}',
      '{% from "layouts/parts.njk" import tokn %}',
      '{% block content %}{{ parts.tokne() }}{% endblock %}',
    ].join('\n')
    const files = {
      'layouts/page.njk': frame,
      'interaction/login.njk': login,
      'interaction/cosent.njk': '',
      'error/busy.njk': '\n{% block %}',
      'own.css': '',
    }
    expect(faultsIn(files)).to.have.members([
      'error/busy.njk:2: unexpected token: %}',
      'layouts/page.njk:2: there is no file "owm.css" for asset(...) (did you mean "own.css"?)',
      'layouts/page.njk:3: no template above has a block "asied" (did you mean "aside"?)',
      'layouts/page.njk:4: there is no template "layouts/brnad.njk" (did you mean "layouts/brand.njk"?)',
      'interaction/login.njk:3: the imported template has no "tokn" (did you mean "token"?)',
      'interaction/login.njk:4: there is no value "parts.tokne" (did you mean "token"?)',
      'interaction/cosent.njk: no page shows this template (did you mean "interaction/consent.njk"?)',
    ])
  })

  it('of messages and the values in them', () => {
    const login = [
      LOGIN,
      `{% block content %}{{ t('login.titel') }}{{ rich('layout.continue-to', name=app) }}`,
      `{{ t('logni.' + username) }}{{ t('mfa-choose.remaining') }}{{ t('acme.other') }}{% endblock %}`,
    ].join('\n')
    const en = {
      'login.submti': 'Go',
      'login.title': 'Hello {nmae}',
      'totp-verify.headline': 'Now',
      'mail.enrolment-code.subject': '{code} for {issur}',
    }
    const files = {
      'interaction/login.njk': login,
      'messages/en.json': JSON.stringify(en),
      'messages/de.json': '{ "acme.other": "Anderes" }',
    }
    const messages = { en: { 'consent.titl': 'x', 'login.lead': 3 as unknown as string } }
    expect(faultsIn(files, { messages })).to.have.members([
      'interaction/login.njk:2: there is no message "login.titel" (did you mean "login.title"?)',
      'interaction/login.njk:2: the message "layout.continue-to" needs the value "app"',
      'interaction/login.njk:3: there is no message "logni...."',
      'interaction/login.njk:3: the message "mfa-choose.remaining" needs the value "count"',
      'interaction/login.njk:3: the message "acme.other" is in no language that replaces it in "en": add it to messages/en.json',
      'messages/en.json: no page and no mail shows a message "login.submti" (did you mean "login.submit"?)',
      'messages/en.json: "login.title" gets no value "nmae"',
      'messages/en.json: no page and no mail shows a message "totp-verify.headline" (did you mean "totp-verify.lead"?)',
      'messages/en.json: "mail.enrolment-code.subject" gets no value "issur" (did you mean "issuer"?)',
      'messages.en: no page and no mail shows a message "consent.titl" (did you mean "consent.title"?)',
      'messages.en: "login.lead" is no message',
    ])
  })

  it('of mails, and of the pages of a factor without pages of its own', () => {
    const files = {
      'mail/enrolment-code.njk': '{{ cod }}{{ code }}{{ number(minutes) }}{{ app }}',
      'factors/pigeon/verify.njk': '{{ verification.anything }}{{ acton }}',
      'factors/pigeon/icon.njk': '<svg></svg>',
      'mail/pigeon-sent.njk': '{{ colour }}',
      'messages/en.json': '{ "mail.pigeon-sent.subject": "A {colour} pigeon" }',
    }
    const pigeon = { id: 'pigeon', enrolment: 'issued' } as const
    expect(faultsIn(files, { factors: [pigeon] })).to.have.members([
      'mail/enrolment-code.njk:1: there is no value "cod" (did you mean "code"?)',
      'factors/pigeon/verify.njk:1: there is no value "acton" (did you mean "action"?)',
    ])
  })

  it('are not refused where the template, or one around it, makes them', () => {
    const login = [
      '{% extends "layouts/own.njk" %}',
      '{% import "parts/own.njk" as own with context %}{% from "parts/own.njk" import mark as tick %}',
      '{% set one, two = 1 %}{% set three %}{{ one }}{% endset %}',
      `{% set key = 'login.' + ('title' if username else 'submit') %}`,
      `{% block content %}{{ two }}{{ three }}{{ motto }}{{ own.mark('x') }}{{ tick('y', z=1) }}`,
      '{% for name, value in { a: 1, b: two } %}{{ loop.index }}{{ name }}{{ value }}{% else %}-{% endfor %}',
      '{% macro row(id, text="") %}{{ id }}{{ text }}{{ caller() }}{{ csrf }}{% endmacro %}',
      '{% call(item) row(1) %}{{ item }}{% endcall %}{% filter upper %}a{% endfilter %}',
      '{{ t(key) }}{{ t(key) | safe }}{{ range(3) | join(",") }}{{ links.status }}',
      '{{ client[page] }}{{ nowhere is defined }}{{ nowhere | default("") }}{{ client.nowhere | default("") }}',
      `{% set known = 'factor.' + username %}{{ t(known + '.name') if has(known + '.name') else known }}`,
      `{{ t('acme.motto') }}{{ t('acme.for', { who: username }) }}{% include "gone.njk" ignore missing %}`,
      '{% switch username %}{% case "a" %}{{ page }}{% default %}{{ wrong }}{% endswitch %}',
      '{% block within %}{{ username.length }}{{ "a" in username }}{{ one == 1 and not two }}{% endblock %}',
      '{% include "parts/row.njk" %}{% endblock %}',
    ].join('\n')
    const files = {
      'layouts/own.njk': '{% extends "layouts/page.njk" %}{% set motto = "Slowly" %}',
      'parts/own.njk': '{% macro mark(x, z=0) %}{{ x }}{{ z }}{{ username }}{% endmacro %}',
      'parts/row.njk': '{{ one }}{{ name }}{{ enrolment.secret }}',
      'interaction/login.njk': login,
      'messages/en.json': JSON.stringify({
        'acme.motto': 'Slowly',
        'acme.for': 'For {who}',
        'acme.elsewhere': 'For a page of {yours}',
        'scope.orders': 'Your orders',
        'factor.pigeon.name': 'Pigeon',
      }),
    }
    expect(faultsIn(files)).to.deep.equal([])
  })

  it('of the logo of a theme', () => {
    write({ 'logo.svg': '<svg/>' })
    expect(faultsIn({}, { theme: { logo: 'logo.svg' } })).to.deep.equal([])
    expect(faultsIn({}, { theme: { logo: 'lgoo.svg' } })).to.deep.equal([
      'theme.logo: there is no file "lgoo.svg" in a views folder (did you mean "logo.svg"?)',
    ])
  })

  it('of a folder that is missing, and of a catalogue that is none', () => {
    const refusal = (views: string): string => {
      const faults = faultsIn({}, { views })
      expect(faults).to.have.length(1)
      return faults[0] ?? ''
    }
    expect(refusal(join(folder, 'gone'))).to.include('gone')
    write({ 'messages/en.json': '{ "login.title": "x", }' })
    expect(refusal(folder)).to.include('messages/en.json')
    write({ 'messages/en.json': '{ "login.title": 7 }' })
    expect(refusal(folder)).to.include('messages/en.json').and.include('login.title')
  })
})

describe('an error page', () => {
  const surroundings = { issuerName: 'Acme', locale: 'de' }
  const fails: Render = () => {
    throw new Error('no engine')
  }

  it("is ours where the application's cannot be shown, and the fault is reported", async () => {
    const reported: unknown[] = []
    const { render } = createViews({ render: fails, report: (error) => reported.push(error) })
    const html = await render('error', { requestId: 'r-1' }, surroundings)
    expect(html).to.include('data-page="error"').and.include('r-1').and.include('lang="de"')
    expect(reported.map(String)).to.deep.equal(['Error: no engine'])
    expect(await render('busy', { retryAfterSeconds: 1 }, surroundings)).to.include('"busy"')
  })

  it('is the only page that is replaced: another one has failed, and is explained', () => {
    const { render } = createViews({ render: fails })
    expect(() => render('signed-out', {}, surroundings)).to.throw('no engine')
  })
})
